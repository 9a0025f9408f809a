package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/lab/cases"
)

// Namespaces with a policy of their own. Every other one has the range's shared policy.
const (
	plainNamespace  = "shop"   // the shared policy
	trialNamespace  = "trial"  // the same in audit mode
	strictNamespace = "strict" // demands a bill of materials as well
)

// memory is how long the server remembers what it has found.
const memory = time.Second

// releases are images of our own, beside those of the range.
type releases struct {
	good, other release // two releases as they should be
	bad         release // nobody signed it
	private     release // good, where a password is needed
	stray       release // good, in a registry of this machine that nobody allowed
}

// release is a published image.
type release struct{ repository, digest string }

// tagged is NAME:TAG, and pinned NAME:TAG@DIGEST.
func (r release) tagged() string { return r.repository + ":" + lab.DefaultTag }
func (r release) pinned() string { return r.tagged() + "@" + r.digest }

// left are the cases that a cluster cannot be asked about, with the reason: the attack is in a policy that no server
// starts with, or in what only a command line can say.
func left(q cases.Question) string {
	for _, a := range q.Acts {
		for _, arg := range a.Args {
			if strings.HasPrefix(arg, "-") && arg != "--output" {
				return "its question needs the command line's " + arg
			}
		}
	}
	switch {
	case len(q.Env) > 0:
		return "it needs an environment of its own"
	case q.Case.Want.Exit != 0 && q.Policy != cases.PolicyFile:
		return "its policy is refused where it is read"
	}
	return ""
}

// rangeName is what the scenario of a case is called.
func rangeName(id string) string { return "range/" + id }

// chosen are the cases of the range that are asked about.
func (w *world) chosen() []cases.Case {
	out := []cases.Case{}
	for _, c := range cases.All() {
		if strings.Contains(rangeName(c.ID), w.match) {
			out = append(out, c)
		}
	}
	return out
}

// publish opens the attack range, publishes releases beside it, and writes policies and settings.
func (w *world) publish(ctx context.Context) error {
	began := time.Now()
	var err error
	if w.site, err = cases.Open(ctx, cases.SiteOptions{Now: began, Clock: time.Now, Cases: w.chosen()}); err != nil {
		return err
	}
	if err := w.site.Write(w.file("range"), ""); err != nil {
		return err
	}
	w.private = lab.NewRegistry(lab.RegistryOptions{Behaviour: lab.Behaviour{Auth: lab.TokenAuth, Private: true}})
	if err := w.private.Start(); err != nil {
		return err
	}
	if err := w.publishReleases(ctx); err != nil {
		return err
	}
	w.say("range of %d cases published after %.1f s", len(w.site.Questions), time.Since(began).Seconds())
	if err := w.describe(); err != nil {
		return err
	}
	// A server looks at TUF repositories when it starts, and must not see then what comes later.
	for _, q := range w.site.Questions {
		if err := w.site.Turn(ctx, q.Case.ID, 0); err != nil {
			return err
		}
	}
	w.stray = lab.NewRegistry(lab.RegistryOptions{})
	if err := w.stray.Start(); err != nil {
		return err
	}
	return w.publishRelease(ctx, &w.releases.stray, w.stray, "e2e/stray", lab.GoodRelease)
}

// maker makes a release of the laboratory.
type maker func(*lab.Sigstore, lab.ReleaseOptions) (*lab.Release, error)

func (w *world) publishReleases(ctx context.Context) error {
	return errors.Join(
		w.publishRelease(ctx, &w.releases.good, w.site.Registry, "e2e/good", lab.GoodRelease),
		w.publishRelease(ctx, &w.releases.other, w.site.Registry, "e2e/other", lab.GoodRelease),
		w.publishRelease(ctx, &w.releases.bad, w.site.Registry, "e2e/bad", lab.NewRelease),
		w.publishRelease(ctx, &w.releases.private, w.private, "e2e/private", lab.GoodRelease),
	)
}

func (w *world) publishRelease(ctx context.Context, to *release, in *lab.Registry, name string, make maker) error {
	repo, err := in.Repository(name)
	if err != nil {
		return err
	}
	r, err := make(w.site.Sigstore, lab.ReleaseOptions{Repository: repo.Name(), Seed: name})
	if err != nil {
		return err
	}
	*to = release{r.Repository, r.Image.Digest()}
	return lab.Push(ctx, repo, r.Publication, in.Direct())
}

// describe writes the policies beside those of the range, and the configuration of registries.
func (w *world) describe() error {
	shared, err := os.ReadFile(w.file("range", cases.PolicyFile))
	if err != nil {
		return fmt.Errorf("read the shared policy: %w", err)
	}
	audit := "mode: {audit: {until: " + time.Now().Add(30*24*time.Hour).Format(time.DateOnly) + "}}\nimages:"
	trial := strings.Replace(string(shared), "images:", audit, 1)
	strict := string(shared) + "    sbom: {format: cyclonedx, signer: {issuer: " + lab.GitHubIssuer + ", workflow: " + lab.DefaultWorkflow + "}}\n"
	registries, err := w.registries()
	if err != nil {
		return err
	}
	for name, content := range map[string]string{"trial.yaml": trial, "strict.yaml": strict, "registries.yaml": registries} {
		if err := writeWhole(w.file("range", name), []byte(content)); err != nil {
			return err
		}
	}
	return nil
}

// registries allows what a server does not do by itself: to reach its own machine. All that listens by now are servers
// of the range, under either of the names that it gives them.
func (w *world) registries() (string, error) {
	ports, err := listening("/proc/self/net/tcp")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("registries:\n")
	for _, port := range ports {
		for _, host := range []string{"127.0.0.1", "localhost"} {
			fmt.Fprintf(&b, "  - {host: \"%s:%d\", network: loopback}\n", host, port)
		}
	}
	return b.String(), nil
}

// listening reads from a table of the kernel (proc(5)) which TCP ports have a server.
func listening(file string) ([]uint64, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("look for the servers of the range: %w", err)
	}
	const listens = "0A"
	var ports []uint64
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != listens {
			continue
		}
		_, port, _ := strings.Cut(fields[1], ":")
		n, err := strconv.ParseUint(port, 16, 16)
		if err != nil {
			return nil, fmt.Errorf("look for the servers of the range: found the address %q", fields[1])
		}
		ports = append(ports, n)
	}
	slices.Sort(ports)
	return slices.Compact(ports), nil
}

// namespaceOf is the namespace whose policy is that of an act.
func namespaceOf(q cases.Question, a cases.Act) string {
	file := orElse(a.Policy, q.Policy)
	if file == cases.PolicyFile {
		return "range"
	}
	return fmt.Sprintf("range-%x", sha256.Sum256([]byte(file)))[:len("range-")+12]
}

// policies are the entries of the settings: file to namespace.
func (w *world) policies() []object {
	out := []object{
		{"file": w.file("range", "trial.yaml"), "namespaces": []string{trialNamespace}},
		{"file": w.file("range", "strict.yaml"), "namespaces": []string{strictNamespace}},
	}
	seen := map[string]bool{cases.PolicyFile: true}
	for _, q := range w.site.Questions {
		if left(q) != "" {
			continue
		}
		for _, a := range q.Acts {
			file := orElse(a.Policy, q.Policy)
			if !seen[file] {
				seen[file] = true
				out = append(out, object{"file": w.file("range", file), "namespaces": []string{namespaceOf(q, a)}})
			}
		}
	}
	return append(out, object{"file": w.file("range", cases.PolicyFile)})
}

// settings is the file that `assay serve` reads; JSON is YAML.
func (w *world) settings() ([]byte, error) {
	raw, err := json.MarshalIndent(object{
		"listen": doorsAddress, "probes": probesAddress,
		"certificate": w.file("pki", "assay.crt"), "key": w.file("pki", "assay.key"),
		"auth": "mtls", "client_ca": w.file("pki", "asking-ca.crt"),
		"policies": w.policies(), "registries": w.file("range", "registries.yaml"),
		"state": w.file("state"), "audit_log": w.file("decisions.jsonl"), "pull_secrets": true,
		"kinds": []object{{"group": "example.com", "version": "v1", "kind": "Worker", "paths": []string{"$.spec.workers[*].image"}}},
		// Cases change the world from one question to the next, and wait that long in between.
		"cache_pass": memory.String(), "cache_fail": memory.String(), "cache_error": memory.String(), "cache_tag": memory.String(),
		// Most of the range is one registry on one machine.
		"registry_rate": 0, "verification": "2m",
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the settings: %w", err)
	}
	return raw, nil
}
