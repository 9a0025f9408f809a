package main

import (
	"fmt"
	"path/filepath"

	"github.com/releaseassay/assay/policy"
)

// policyFile reads a policy with what it includes. One that requires a newer assay is
// refused, and that is said before its unknown keys are.
func policyFile(w world, file string) (*policy.Policy, error) {
	var own []byte
	p, err := policy.Load(file, func(path string) ([]byte, error) {
		b, err := readFile(path, policy.MaxSize)
		if path == file {
			own = b
		}
		return b, err
	})
	doubt, tooOld := policy.CheckVersion(policy.RequiredVersion(own), version)
	switch {
	case tooOld != nil:
		return nil, usagef("%s: %w", file, tooOld)
	case own == nil && err != nil:
		return nil, usagef("%w", err)
	case err != nil:
		return nil, usagef("the policy is not valid:\n%w", err)
	case doubt != "":
		fmt.Fprintf(w.stderr, "assay: warning: %s\n", doubt)
	}
	return p, nil
}

// folderOf is where the paths in a policy file start from, "" for no file.
func folderOf(file string) string {
	if file == "" {
		return ""
	}
	return filepath.Dir(file)
}
