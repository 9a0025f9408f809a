package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/releaseassay/assay/policy"
)

// policyFile reads a policy with what it includes. One that requires a newer assay is
// refused, and that is said before its unknown keys are.
func policyFile(w world, file string) (*policy.Policy, error) {
	return policyFiles(w, file, func(string, []byte) {})
}

// policyFiles is policyFile, and shows each file that was read.
func policyFiles(w world, file string, show func(path string, b []byte)) (*policy.Policy, error) {
	var own []byte
	p, err := policy.Load(file, func(path string) (b []byte, err error) {
		if path == file {
			own, err = readFile(path, policy.MaxSize)
			b = own
		} else {
			b, err = readFragment(path)
		}
		show(path, b)
		return b, err
	})
	doubt, tooOld := policy.CheckVersion(policy.RequiredVersion(own), version)
	switch {
	case tooOld != nil:
		return nil, usagef("%s: %w", file, tooOld)
	case own == nil && err != nil:
		return nil, usagef("%w", err)
	case err != nil && doubt != "":
		return nil, usagef("the policy is not valid (%s):\n%w", doubt, err)
	case err != nil:
		return nil, usagef("the policy is not valid:\n%w", err)
	case doubt != "":
		fmt.Fprintf(w.stderr, "assay: warning: %s\n", doubt)
	}
	return p, nil
}

// readFragment reads a file that a policy includes. The policy itself may be a pipe; what
// it names has to be a file, so that nothing is waited for.
func readFragment(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return readFile(path, policy.MaxSize)
}

// folderOf is where the paths in a policy file start from, "" for no file.
func folderOf(file string) string {
	if file == "" {
		return ""
	}
	return filepath.Dir(file)
}
