package doctor

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// AdmissionFile is the file that kube-apiserver reads as --admission-control-config-file,
// with the files that it names, by the names that it gives them.
type AdmissionFile struct {
	Name string
	Text []byte
	// Read returns a file that this one names.
	Read func(name string) ([]byte, error)
}

type imagePolicyPlugin struct {
	ImagePolicy *struct {
		KubeConfig   string `yaml:"kubeConfigFile"`
		AllowTTL     int    `yaml:"allowTTL"`
		DenyTTL      int    `yaml:"denyTTL"`
		DefaultAllow bool   `yaml:"defaultAllow"`
	} `yaml:"imagePolicy"`
}

// longTTL is how long an API server may remember an answer before it is worth a word, in
// seconds: what was withdrawn since is admitted until then.
const longTTL = 300

func (e *examiner) imagePolicy(f AdmissionFile) {
	var file struct {
		Kind    string `yaml:"kind"`
		Plugins []struct {
			Name          string            `yaml:"name"`
			Path          string            `yaml:"path"`
			Configuration imagePolicyPlugin `yaml:"configuration"`
		} `yaml:"plugins"`
	}
	if err := yaml.Unmarshal(f.Text, &file); err != nil {
		e.unread = append(e.unread, fmt.Sprintf("%s: %v", f.Name, err))
		return
	}
	if file.Kind != "AdmissionConfiguration" {
		e.unread = append(e.unread, fmt.Sprintf("%s: found the kind %q; wanted AdmissionConfiguration", f.Name, file.Kind))
		return
	}
	for _, p := range file.Plugins {
		if p.Name != "ImagePolicyWebhook" {
			continue
		}
		plugin := p.Configuration
		if p.Path != "" {
			text, err := f.Read(p.Path)
			if err == nil {
				err = yaml.Unmarshal(text, &plugin)
			}
			if err != nil {
				e.unread = append(e.unread, fmt.Sprintf("%s: %v", p.Path, err))
				return
			}
		}
		e.imagePolicyPlugin(f, plugin)
		return
	}
	e.open("imagepolicy.absent", f.Name, "no plugin ImagePolicyWebhook", "add it, and ImagePolicyWebhook to --enable-admission-plugins (deploy/imagepolicywebhook)")
}

func (e *examiner) imagePolicyPlugin(f AdmissionFile, plugin imagePolicyPlugin) {
	p := plugin.ImagePolicy
	if p == nil {
		e.open("imagepolicy.absent", f.Name, "the plugin has no imagePolicy", "configure it as deploy/imagepolicywebhook does")
		return
	}
	e.gate("imagepolicy")
	if p.DefaultAllow {
		e.open("imagepolicy.default_allow", f.Name+" imagePolicy.defaultAllow", "true", "set false: a server that is silent or broken admits everything")
	}
	if p.AllowTTL > longTTL {
		e.weak("imagepolicy.long_memory", f.Name+" imagePolicy.allowTTL", fmt.Sprintf("%d s", p.AllowTTL), fmt.Sprintf("set %d or less: what was withdrawn is admitted until then", longTTL))
	}
	if p.KubeConfig == "" {
		e.weak("imagepolicy.no_kubeconfig", f.Name+" imagePolicy.kubeConfigFile", "nothing", "name the kubeconfig of the server")
		return
	}
	text, err := f.Read(p.KubeConfig)
	if err != nil {
		e.unread = append(e.unread, fmt.Sprintf("%s: %v", p.KubeConfig, err))
		return
	}
	e.imagePolicyServer(p.KubeConfig, text)
}

func (e *examiner) imagePolicyServer(name string, text []byte) {
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server   string `yaml:"server"`
				CA       string `yaml:"certificate-authority"`
				CAData   string `yaml:"certificate-authority-data"`
				Insecure bool   `yaml:"insecure-skip-tls-verify"`
			} `yaml:"cluster"`
		} `yaml:"clusters"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		e.unread = append(e.unread, fmt.Sprintf("%s: %v", name, err))
		return
	}
	for _, c := range config.Clusters {
		switch {
		case c.Cluster.Insecure || !strings.HasPrefix(c.Cluster.Server, "https://"):
			e.open("imagepolicy.not_tls", name+" cluster", c.Cluster.Server, "use https and certificate-authority: whoever stands between answers for assay")
		case c.Cluster.CA == "" && c.Cluster.CAData == "":
			e.weak("imagepolicy.no_ca", name+" cluster", "no certificate-authority", "set the CA of the server's certificate")
		}
	}
}
