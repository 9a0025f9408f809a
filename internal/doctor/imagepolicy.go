package doctor

import (
	"encoding/json"
	"fmt"
	"net/url"
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
		KubeConfig   string `json:"kubeConfigFile"`
		AllowTTL     int    `json:"allowTTL"`
		DenyTTL      int    `json:"denyTTL"`
		DefaultAllow bool   `json:"defaultAllow"`
	} `json:"imagePolicy"`
}

// longTTL is how long an API server may remember an answer before it is worth a word, in
// seconds: what was withdrawn since is admitted until then.
const longTTL = 300

// readYAML reads YAML as an API server reads the plugin's settings, to which names of
// fields are the same in capitals: defaultallow is defaultAllow.
func readYAML(text []byte, into any) error {
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return err
	}
	b, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func (e *examiner) imagePolicy(f AdmissionFile) {
	var file struct {
		Kind    string `json:"kind"`
		Plugins []struct {
			Name          string            `json:"name"`
			Path          string            `json:"path"`
			Configuration imagePolicyPlugin `json:"configuration"`
		} `json:"plugins"`
	}
	if err := readYAML(f.Text, &file); err != nil {
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
				err = readYAML(text, &plugin)
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
	if p.DefaultAllow {
		e.open("imagepolicy.default_allow", f.Name+" imagePolicy.defaultAllow", "true", "set false: a server that is silent or broken admits everything")
	}
	if p.AllowTTL > longTTL {
		e.weak("imagepolicy.long_memory", f.Name+" imagePolicy.allowTTL", fmt.Sprintf("%d s", p.AllowTTL), fmt.Sprintf("set %d or less: what was withdrawn is admitted until then", longTTL))
	}
	if p.KubeConfig == "" {
		e.gate("imagepolicy")
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
	type cluster struct {
		Server   string `json:"server"`
		CA       string `json:"certificate-authority"`
		CAData   string `json:"certificate-authority-data"`
		Insecure bool   `json:"insecure-skip-tls-verify"`
	}
	var config struct {
		Clusters []struct {
			Cluster cluster `json:"cluster"`
		} `json:"clusters"`
	}
	if err := readYAML(text, &config); err != nil {
		e.unread = append(e.unread, fmt.Sprintf("%s: %v", name, err))
		return
	}
	for _, c := range config.Clusters {
		u, err := url.Parse(c.Cluster.Server)
		if err != nil || !strings.HasSuffix(u.Path, "/imagereview") {
			e.open("imagepolicy.another", name+" cluster", c.Cluster.Server, "ask assay, at /imagereview: whoever answers there decides in its place")
			continue
		}
		e.gate("imagepolicy")
		switch {
		case c.Cluster.Insecure || u.Scheme != "https":
			e.open("imagepolicy.not_tls", name+" cluster", c.Cluster.Server, "use https and certificate-authority: whoever stands between answers for assay")
		case c.Cluster.CA == "" && c.Cluster.CAData == "":
			e.weak("imagepolicy.no_ca", name+" cluster", "no certificate-authority", "set the CA of the server's certificate")
		}
	}
	if len(config.Clusters) == 0 {
		e.unread = append(e.unread, name+": found no cluster; wanted the kubeconfig of assay's /imagereview")
	}
}
