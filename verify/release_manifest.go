package verify

import (
	"fmt"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// manifest is what a release manifest says.
type manifest struct {
	// evidence is the digest of its bytes.
	evidence                       string
	digest, version, image, commit string
}

// parseManifest reads the members that the policy names, each text at the top level.
func parseManifest(b []byte, fields policy.Fields, limits Limits) (manifest, error) {
	m := manifest{evidence: digestOf(b)}
	if err := checkSmallJSON(b, limits.Depth, maxValues); err != nil {
		return m, fmt.Errorf("read the manifest: %w", err)
	}
	o, err := parseObject(b, "the manifest")
	if err != nil {
		return m, err
	}
	for _, f := range []struct {
		name string
		to   *string
	}{{fields.Digest, &m.digest}, {fields.Version, &m.version}, {fields.Image, &m.image}, {fields.Commit, &m.commit}} {
		if f.name == "" && f.to == &m.commit {
			continue
		}
		if err := o.exact(f.name); err != nil {
			return m, fmt.Errorf("read the manifest: %w", err)
		}
		if *f.to, err = o.text(f.name); err != nil {
			return m, fmt.Errorf("read the manifest: %w", err)
		}
	}
	switch {
	case !IsDigest(m.digest):
		return m, fmt.Errorf("the manifest's %q is %.200q; wanted sha256: and 64 lower-case hexadecimal digits", fields.Digest, m.digest)
	case fields.Commit != "" && !isCommit(m.commit):
		return m, fmt.Errorf("the manifest's %q is %.200q; wanted the whole hexadecimal commit", fields.Commit, m.commit)
	}
	return m, nil
}

// isCommit reports whether s is a whole commit, by SHA-1 or SHA-256.
func isCommit(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// names reports whether the manifest names an image of this canonical name: as that
// name, or as Docker would write it ("alpine" is docker.io/library/alpine). A tag or a
// digest beside it must be the manifest's own.
func (m manifest) names(canonical string, tags policy.Tags) bool {
	ref, err := ParseReference(m.image)
	if err != nil || ref.Name() != canonical {
		return false
	}
	if ref.Digest() != "" && ref.Digest() != m.digest {
		return false
	}
	name, _, _ := strings.Cut(m.image, "@")
	if i := strings.LastIndexByte(name, ':'); i <= strings.LastIndexByte(name, '/') {
		return true // the tag is one that nobody wrote
	}
	version, ok := tags.VersionOf(ref.Tag())
	return ok && version == m.version
}
