package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// ExceptionsKind is the kind of a file of exceptions.
const ExceptionsKind = "Exceptions"

// maxExceptions bounds the exceptions of one file.
const maxExceptions = 1000

// Exceptions are failures that somebody has answered for. They are no part of a policy.
type Exceptions struct {
	// Digest is "sha256:<hex>" of the file.
	Digest string
	List   []Exception
}

// Exception excuses the failure of checks of one image for a while.
type Exception struct {
	// Digest is "sha256:<hex>" of the image, exactly.
	Digest string
	// Checks are the ids of the checks that may fail.
	Checks   []string
	Reason   string
	Approver string
	// Expires is when it ends.
	Expires time.Time
}

// ParseExceptions reads a file of exceptions. Errors are as [Parse]'s.
func ParseExceptions(file string, b []byte) (*Exceptions, error) {
	r := &reader{file: file}
	root, err := r.document(b)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	e := &Exceptions{Digest: "sha256:" + hex.EncodeToString(sum[:])}
	seen := r.mapping(root, "the file", map[string]func(*yaml.Node){
		"apiVersion": func(n *yaml.Node) { r.choice(n, "apiVersion", APIVersion) },
		"kind":       func(n *yaml.Node) { r.choice(n, "kind", ExceptionsKind) },
		"exceptions": func(n *yaml.Node) { e.List = r.exceptions(n) },
	})
	for _, key := range []string{"apiVersion", "kind", "exceptions"} {
		if seen != nil && !seen[key] {
			r.fail(root, "the file has no %q", key)
		}
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return e, nil
}

// exceptions reads the list, which may be empty: the last one ends, and the file stays.
func (r *reader) exceptions(n *yaml.Node) []Exception {
	var all []Exception
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0 && r.plain(n):
		return nil
	case len(n.Content) > maxExceptions:
		r.fail(n, "exceptions has %d entries; wanted at most %d", len(n.Content), maxExceptions)
		return nil
	}
	r.list(n, "exceptions", func(n *yaml.Node) { all = append(all, r.exception(n)) })
	return all
}

func (r *reader) exception(n *yaml.Node) Exception {
	var e Exception
	seen := r.mapping(n, "exceptions", map[string]func(*yaml.Node){
		"digest":   func(n *yaml.Node) { e.Digest = r.digest(n, "exceptions.digest") },
		"checks":   func(n *yaml.Node) { e.Checks = r.checks(n) },
		"reason":   func(n *yaml.Node) { e.Reason = r.text(n, "exceptions.reason") },
		"approver": func(n *yaml.Node) { e.Approver = r.text(n, "exceptions.approver") },
		"expires":  func(n *yaml.Node) { e.Expires = r.time(n, "exceptions.expires") },
	})
	for _, key := range []string{"digest", "checks", "reason", "approver", "expires"} {
		if seen != nil && !seen[key] {
			r.fail(n, "an exception has no %q; wanted {digest, checks, reason, approver, expires}", key)
		}
	}
	return e
}

// checks reads ids of checks.
func (r *reader) checks(n *yaml.Node) []string {
	const what = "exceptions.checks"
	known := []string{"signature", "provenance", "sbom", "release", "platforms", "consistency", "freshness"}
	var ids []string
	r.list(n, what, func(n *yaml.Node) {
		s := r.text(n, what)
		name, attestation := strings.CutPrefix(s, "attestations.")
		switch {
		case s == "":
		case s == "policy":
			r.fail(n, "%s is %q, which nothing excuses", what, s)
		case !slices.Contains(known, s) && !(attestation && name != ""):
			r.fail(n, "%s is %q; wanted one of %s, attestations.NAME", what, s, strings.Join(known, ", "))
		case slices.Contains(ids, s):
			r.fail(n, "%s has %q twice", what, s)
		default:
			ids = append(ids, s)
		}
	})
	return ids
}
