package load

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/releaseassay/assay/internal/files"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// PolicyOptions says by what a policy is read. Its zero value reads for a development
// build, and takes the public-good root that is built in.
type PolicyOptions struct {
	// Version is assay's own, for policies that require one; "" is a development build.
	Version string
	// TrustedRoot is a trusted_root.json that stands in for the builtin root.
	TrustedRoot string
	// CacheDir is where `assay trust update` keeps a newer builtin root; "" is nowhere.
	CacheDir string
}

// Policy is a policy and all that it rests on.
type Policy struct {
	*policy.Policy
	// Trust are the trusted roots, the keys and the pinned TUF roots.
	Trust verify.Trust
	// Digest is "sha256:<hex>" over every byte that was read: the policy, its fragments,
	// the trusted roots (a built in one's content too), keys and TUF roots. The digest of
	// the policy's text alone, which verdicts show, is Policy.Policy.Digest.
	Digest string
	// Files are the paths of what was read, each once. A newer builtin root may appear
	// beside them, so that whoever watches files reads again from time to time too.
	Files []string
	// Warnings are what a person should know, one line each.
	Warnings []string
}

// ReadPolicy reads a policy file and all that it rests on.
func ReadPolicy(file string, o PolicyOptions) (*Policy, error) {
	text, err := ReadText(file, o.Version)
	if err != nil {
		return nil, err
	}
	rests, err := ReadTrust(text.Policy, Folder(file), o)
	if err != nil {
		return nil, err
	}
	p := &Policy{
		Policy: text.Policy, Trust: rests.Trust, Digest: digest(text.Files, rests.Files),
		Warnings: append(text.Warnings, rests.Warnings...),
	}
	seen := map[string]bool{"": true}
	for _, f := range append(text.Files, rests.Files...) {
		if !seen[f.Path] {
			seen[f.Path] = true
			p.Files = append(p.Files, f.Path)
		}
	}
	return p, nil
}

// Text is a policy with its fragments, and nothing that they name.
type Text struct {
	*policy.Policy
	// Files are the policy's own first, and then the fragments as they are included.
	Files    []File
	Warnings []string
}

// ReadText reads a policy file and the fragments that it includes. One that requires a
// newer assay than version is refused for that alone, whatever else is wrong with it.
func ReadText(file, version string) (*Text, error) {
	t := &Text{}
	p, err := policy.Load(file, func(path string) ([]byte, error) { return t.read(file, path) })
	var own []byte
	if len(t.Files) > 0 {
		own = t.Files[0].Bytes
	}
	doubt, tooOld := policy.CheckVersion(policy.RequiredVersion(own), version)
	switch {
	case tooOld != nil:
		return nil, fmt.Errorf("%s: %w", file, tooOld)
	case own == nil && err != nil:
		return nil, err
	case err != nil && doubt != "":
		return nil, fmt.Errorf("the policy is not valid (%s):\n%w", doubt, err)
	case err != nil:
		return nil, fmt.Errorf("the policy is not valid:\n%w", err)
	case doubt != "":
		t.Warnings = append(t.Warnings, doubt)
	}
	t.Policy = p
	return t, nil
}

// read reads the policy or a fragment.
func (t *Text) read(own, path string) ([]byte, error) {
	f := File{Kind: KindPolicy, Name: ".", Path: path, Source: path}
	var err error
	if path == own {
		f.Bytes, err = files.Read(path, policy.MaxSize)
	} else {
		f.Kind, f.Name = KindFragment, path
		if local, err := filepath.Rel(filepath.Dir(own), path); err == nil {
			f.Name = filepath.ToSlash(local)
		}
		f.Bytes, err = ReadFragment(path)
	}
	if err != nil {
		return nil, err
	}
	t.Files = append(t.Files, f)
	return f.Bytes, nil
}

// ReadFragment reads a file that a policy includes. The policy itself may be a pipe; what
// it names is opened by its own word, and a pipe there would never end.
func ReadFragment(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return files.Read(path, policy.MaxSize)
}

// ReadExceptions reads a file of exceptions.
func ReadExceptions(file string) (*policy.Exceptions, error) {
	text, err := files.Read(file, policy.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("read the exceptions: %w", err)
	}
	e, err := policy.ParseExceptions(file, text)
	if err != nil {
		return nil, fmt.Errorf("the exceptions are not valid:\n%w", err)
	}
	return e, nil
}
