package verify

import (
	"cmp"
	"fmt"
	"slices"
)

// ClaimedSigner is somebody who signed evidence about an image, by the
// certificate's own word. It is for telling a person whom an image claims to be
// from; nothing may be decided on it.
type ClaimedSigner struct {
	Claims Claims
	// Types are the predicate types that were signed, sorted.
	Types []string
	// Authenticated is true if all of it was verified under a trusted root.
	Authenticated bool
}

// Signers lists who signed the evidence that names the image's digest, each once,
// sorted by identity.
func (f Facts) Signers() []ClaimedSigner {
	found := map[Claims]*ClaimedSigner{}
	note := func(c *Claims, predicateType string, authenticated bool) {
		if c == nil || predicateType == "" {
			return
		}
		s, ok := found[*c]
		if !ok {
			s = &ClaimedSigner{Claims: *c, Authenticated: true}
			found[*c] = s
		}
		s.Authenticated = s.Authenticated && authenticated
		if !slices.Contains(s.Types, predicateType) {
			s.Types = append(s.Types, predicateType)
		}
	}
	for _, s := range f.statements {
		note(s.claims, s.predicateType, true)
	}
	for _, r := range f.rejected {
		if r.problem != problemSubject {
			note(r.claims, r.predicateType, false)
		}
	}
	var signers []ClaimedSigner
	for _, s := range found {
		slices.Sort(s.Types)
		signers = append(signers, *s)
	}
	slices.SortFunc(signers, func(a, b ClaimedSigner) int {
		return cmp.Or(cmp.Compare(a.Claims.Identity, b.Claims.Identity), cmp.Compare(a.Claims.RunURI, b.Claims.RunURI),
			cmp.Compare(a.Claims.Commit, b.Claims.Commit), cmp.Compare(fmt.Sprint(a.Claims), fmt.Sprint(b.Claims)))
	})
	return signers
}

// Failures lists what could not be collected.
func (f Facts) Failures() []Failure { return slices.Clone(f.failures) }
