package verify

import (
	"cmp"
	"context"
	"slices"

	"github.com/slsa-framework/slsa-verifier/v2/verifiers/utils"
)

// Exhibit is one piece of evidence with what authentication made of it, for showing
// people and for drafting a policy. Nothing may be decided on it.
type Exhibit struct {
	// Statement is nil where the piece was not authenticated; Reason says why.
	Statement *Statement
	Reason    string
	Layout    Layout
	// Place says where it lay, Digest is "sha256:<hex>" of its bytes.
	Place, Digest string
	PredicateType string
	// Claims are the certificate's; of a piece that was not authenticated its own word.
	// They are nil where there is no certificate.
	Claims *Claims
	// About is the digest of the image, or of the platform of an index, that it lay beside.
	About string
}

// Authenticated reports whether somebody's signature was verified. What BuildKit keeps
// in an index is signed by nobody.
func (e Exhibit) Authenticated() bool { return e.Statement != nil && e.Layout != BuildKit }

// Exhibits lists all evidence about the image, and about the manifests of its index,
// in an order that does not depend on that of its collection.
func (f Facts) Exhibits() []Exhibit {
	all := f.exhibits()
	for _, c := range f.children {
		all = append(all, c.facts.exhibits()...)
	}
	return all
}

func (f Facts) exhibits() []Exhibit {
	var list []Exhibit
	for _, s := range f.statements {
		e := Exhibit{
			Statement: s, Layout: s.layout, Place: s.place, Digest: s.evidence, PredicateType: s.predicateType, About: f.image.Digest,
		}
		if c, ok := s.Claims(); ok {
			e.Claims = &c
		}
		list = append(list, e)
	}
	for _, r := range f.rejected {
		list = append(list, Exhibit{
			Reason: r.reason, Layout: r.layout, Place: r.place, Digest: r.evidence, PredicateType: r.predicateType, Claims: r.claims, About: f.image.Digest,
		})
	}
	slices.SortStableFunc(list, func(a, b Exhibit) int {
		return cmp.Or(cmp.Compare(a.PredicateType, b.PredicateType), cmp.Compare(identityOf(a), identityOf(b)),
			cmp.Compare(a.Layout, b.Layout), cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Place, b.Place))
	})
	return list
}

func identityOf(e Exhibit) string {
	if e.Claims == nil {
		return ""
	}
	return e.Claims.Identity
}

// Troubles lists what could not be collected about the image and what its index lists.
func (f Facts) Troubles() []Failure {
	all := f.Failures()
	for _, o := range f.others() {
		all = append(all, o.failures...)
	}
	return all
}

// Workflow takes a workflow's name apart, in the grammar of its issuer. It is false for
// a name that is none, such as an e-mail address.
func (c Claims) Workflow() (repository, path, ref string, ok bool) {
	id, ok := parseIdentity(&c)
	return id.repository, id.path, id.ref, ok
}

// Built says who built an image, as its provenance and the builder's certificate say.
type Built struct {
	// Builder is the builder's path, Version what follows "@", "" where there is none.
	Builder, Version string
	// Level is what the table of builders grants, 0 for one that it does not list.
	Level int
	// Released is true if the version is a full semantic version tag, or there is none.
	Released bool
}

// Built reads who built the image, by the rules of the check "provenance". It is false
// where that check could not tell either.
func (s *Statement) Built() (Built, bool) {
	if s.claims == nil {
		return Built{}, false
	}
	b, err := parseBuild(s.predicateType, s.predicate)
	if err != nil {
		return Built{}, false
	}
	found, diff := identifyBuilder(s.claims, s.predicateType, b, nil)
	if diff != nil {
		return Built{}, false
	}
	released := found.version == "" || utils.IsValidBuilderTag(found.version, false) == nil
	return Built{Builder: found.path, Version: found.version, Level: found.level, Released: released}, true
}

// Gather resolves ref and collects what want names about the image and, where that is
// an index and platforms is true, about what it lists. The error is a *Failure.
func Gather(ctx context.Context, source Source, ref Reference, want Want, platforms bool, limits Limits) (Image, Evidence, error) {
	image, err := source.Resolve(ctx, ref)
	if err != nil {
		return Image{}, Evidence{}, failureOf(err, ref)
	}
	evidence := source.Collect(ctx, image, want)
	evidence.Want = want
	if platforms {
		evidence.Children = GatherPlatforms(ctx, source, image, want, limits)
	}
	return image, evidence, nil
}

// GatherPlatforms collects what want names about everything that an index lists, nothing
// for an image that is no index.
func GatherPlatforms(ctx context.Context, source Source, image Image, want Want, limits Limits) []Child {
	if !isIndex(image) {
		return nil
	}
	want.BuildKit, want.Config, want.Release = false, false, nil
	return gatherChildren(ctx, source, image, want, theirEvidence, limits)
}
