package load

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/releaseassay/assay/internal/files"
	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// Trust is what a policy's trust rests on.
type Trust struct {
	verify.Trust
	// Files are trusted roots, keys and TUF roots, in this order.
	Files    []File
	Warnings []string
}

// TUFRoot are the bytes of the pinned TUF root with a SHA-256 in hexadecimal.
func (t *Trust) TUFRoot(sha256Hex string) []byte {
	for _, f := range t.Files {
		if f.Kind == KindTUFRoot && f.Name == sha256Hex {
			return f.Bytes
		}
	}
	return nil
}

// ReadTrust reads the trusted roots, the keys and the TUF roots that a policy in the
// folder dir names.
func ReadTrust(p *policy.Policy, dir string, o PolicyOptions) (*Trust, error) {
	if o.TrustedRoot != "" && !p.Trust[policy.PublicGood].Builtin {
		return nil, fmt.Errorf("--trusted-root stands in for the builtin root, and the policy's public-good is a file; wanted one of them")
	}
	t := &Trust{}
	for _, name := range slices.Sorted(maps.Keys(p.Trust)) {
		if err := t.root(name, p.Trust[name], dir, o); err != nil {
			return nil, err
		}
	}
	for _, k := range p.Keys() {
		if err := t.key(k, dir); err != nil {
			return nil, err
		}
	}
	for _, pinned := range p.PinnedRoots() {
		if err := t.pinned(pinned, dir); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *Trust) root(name string, entry policy.Trust, dir string, o PolicyOptions) error {
	var root trust.Root
	var err error
	f := File{Kind: KindRoot, Name: name}
	if entry.Builtin {
		var warning string
		f.Path = o.TrustedRoot
		if root, warning, err = DefaultRoot(o); warning != "" {
			t.Warnings = append(t.Warnings, warning)
		}
	} else {
		f.Path = Beside(dir, entry.File)
		root, err = trust.Load(f.Path, entry.SHA256)
	}
	if err != nil {
		return fmt.Errorf("trust.%s: %w", name, err)
	}
	f.Source, f.Bytes = root.Source, root.JSON
	r, err := verify.NewTrustedRoot(name, root.Source, root.JSON, entry.Thresholds)
	if err != nil {
		return err
	}
	t.Roots, t.Files = append(t.Roots, r), append(t.Files, f)
	return nil
}

// DefaultRoot is the root that verification takes where no policy says otherwise: the
// file that stands in for it, or the newer of the embedded and the updated one. The
// warning is "" where there is nothing to say.
func DefaultRoot(o PolicyOptions) (root trust.Root, warning string, err error) {
	if o.TrustedRoot != "" {
		root, err = trust.Load(o.TrustedRoot, "")
		return root, "", err
	}
	root, warning = trust.Builtin(o.CacheDir)
	return root, warning, nil
}

func (t *Trust) key(k policy.Key, dir string) error {
	f := File{Kind: KindKey, Name: k.SHA256, Path: Beside(dir, k.File), Source: k.File}
	var err error
	if f.Bytes, err = files.Read(f.Path, maxKey); err != nil {
		return fmt.Errorf("read the public key: %w", err)
	}
	key, err := verify.NewKey(f.Bytes, k.SHA256)
	if err != nil {
		return fmt.Errorf("%s: %w", k.File, err)
	}
	t.Keys, t.Files = append(t.Keys, key), append(t.Files, f)
	return nil
}

func (t *Trust) pinned(pinned policy.PinnedRoot, dir string) error {
	if t.TUFRoot(pinned.SHA256) != nil {
		return nil
	}
	f := File{Kind: KindTUFRoot, Name: pinned.SHA256, Source: "the policy", Bytes: []byte(pinned.Inline)}
	if pinned.Inline == "" {
		f.Path, f.Source = Beside(dir, pinned.File), pinned.File
		var err error
		if f.Bytes, err = files.Read(f.Path, MaxTUFRoot); err != nil {
			return fmt.Errorf("release.tuf.root: read the TUF root: %w", err)
		}
		if got := hexSHA256(f.Bytes); got != pinned.SHA256 {
			return fmt.Errorf("release.tuf.root: %s has the SHA-256 %s; wanted %s, as the policy pins it", pinned.File, got, pinned.SHA256)
		}
	}
	root, err := verify.NewPinnedRoot(f.Bytes, pinned.SHA256)
	if err != nil {
		return err
	}
	t.Pinned, t.Files = append(t.Pinned, root), append(t.Files, f)
	return nil
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
