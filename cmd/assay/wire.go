package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// policyFile reads a policy with what it includes.
func policyFile(w world, file string) (*policy.Policy, error) {
	text, err := policyText(w, file)
	if err != nil {
		return nil, err
	}
	return text.Policy, nil
}

// policyText is policyFile, with the files that were read.
func policyText(w world, file string) (*load.Text, error) {
	text, err := load.ReadText(file, version)
	if err != nil {
		return nil, usagef("%w", err)
	}
	warn(w, text.Warnings)
	return text, nil
}

// policyOptions says by what the policy's trust is read. A question about another time
// is answered from the embedded root.
func policyOptions(c *cli.Context, w world) load.PolicyOptions {
	o := load.PolicyOptions{Version: version, TrustedRoot: c.String("trusted-root")}
	if !c.IsSet("at") {
		o.CacheDir = w.cacheDir()
	}
	return o
}

// loadTrust reads the trusted roots, the keys and the TUF roots that a policy in the
// folder dir names.
func loadTrust(c *cli.Context, w world, p *policy.Policy, dir string) (verify.Trust, error) {
	t, err := readTrust(c, w, p, dir)
	if err != nil {
		return verify.Trust{}, err
	}
	return t.Trust, nil
}

// readTrust is loadTrust, with the files that were read.
func readTrust(c *cli.Context, w world, p *policy.Policy, dir string) (*load.Trust, error) {
	t, err := load.ReadTrust(p, dir, policyOptions(c, w))
	if err != nil {
		return nil, usagef("%w", err)
	}
	warn(w, t.Warnings)
	return t, nil
}

// defaultRoot is the root that verification takes where no policy says otherwise.
func defaultRoot(c *cli.Context, w world) (trust.Root, error) {
	root, warning, err := load.DefaultRoot(policyOptions(c, w))
	if warning != "" {
		warn(w, []string{warning})
	}
	return root, err
}

func warn(w world, warnings []string) {
	for _, line := range warnings {
		fmt.Fprintf(w.stderr, "assay: warning: %s\n", line)
	}
}
