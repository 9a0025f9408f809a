// Package inspect gathers what an image and the evidence beside it say of themselves,
// for a person to read.
//
// It trusts nothing and decides nothing: no signature, no certificate and no log entry
// is verified, and a [Tree] has no way to say that one is. Who wants to know whether
// an image may run asks package verify.
//
// Start with [Look]; write its answer with [Text] or [JSON].
package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/releaseassay/assay/verify"
)

// Schema names the shape of a [Tree] as JSON: docs/schema/inspect.v1.json.
const Schema = "assay.inspect/v1"

// Tree is an image with everything that was found beside it, all by its own word.
type Tree struct {
	Schema string `json:"schema"`
	// Verified is false, always: it is there so that nobody has to ask.
	Verified bool  `json:"verified"`
	Image    Image `json:"image"`
	// Platforms are the entries of an index, in its order.
	Platforms []Platform `json:"platforms"`
	// Evidence lies on the image itself, or inside its index; what lies on a platform
	// is with that.
	Evidence []Evidence `json:"evidence"`
	// Failures are what could not be fetched or read. While there are any, what is
	// not in the tree may still exist.
	Failures []Failure `json:"failures"`
	// Places are all the places that were looked into.
	Places []string `json:"places"`
	// Cost is nil where the image could not be resolved, and was then not counted.
	Cost *Cost `json:"cost,omitempty"`
}

// Image is what was asked about.
type Image struct {
	// Requested is the reference as it was given, Name canonical without tag and digest.
	Requested string `json:"requested"`
	Name      string `json:"name"`
	Tag       string `json:"tag,omitempty"`
	// Digest, Pinned, MediaType and Size are of the manifest's bytes, empty where it
	// could not be resolved. The digest was computed from them.
	Digest    string `json:"digest,omitempty"`
	Pinned    string `json:"pinned,omitempty"`
	MediaType string `json:"media_type,omitempty"`
	Size      int    `json:"size,omitempty"`
}

// Evidence is one piece of evidence about an image.
type Evidence struct {
	verify.Description
	// NamesImage is true if a subject claims exactly the digest on which it lies.
	NamesImage bool `json:"names_image"`
}

// Failure is something that could not be fetched or read.
type Failure struct {
	Code   verify.Code  `json:"code"`
	Class  verify.Class `json:"class"`
	Place  string       `json:"place"`
	Detail string       `json:"detail"`
}

// Cost is what the network was asked for; zero for a layout on disk.
type Cost struct {
	Requests int   `json:"requests"`
	Bytes    int64 `json:"bytes"`
}

// Options say how far to look. The zero value looks at the image alone.
type Options struct {
	// Platforms also looks for evidence on the images of an index, which costs a few
	// requests for each; at most MaxChildren of them.
	Platforms bool
	Limits    verify.Limits
}

// MaxChildren is how many images of an index are looked at for evidence of their own.
// The largest official images have about twenty platforms.
const MaxChildren = 32

// atOnce is how many of them are looked at together. The source bounds what each
// has in flight.
const atOnce = 4

// Look resolves ref and gathers everything beside it. It never returns an error: what
// could not be read is among the tree's failures. The source must be safe for
// concurrent use.
func Look(ctx context.Context, source verify.Source, ref verify.Reference, o Options) Tree {
	image, err := source.Resolve(ctx, ref)
	if err != nil {
		failure := &verify.Failure{}
		if !errors.As(err, &failure) {
			failure = &verify.Failure{Code: verify.RegistryServerError, Class: verify.Transient, Place: ref.Name(), Detail: err.Error()}
		}
		return Unresolved(ref, failure)
	}
	t := newTree(ref)
	t.Image.Digest, t.Image.Pinned = image.Digest, ref.Pinned(image.Digest)
	t.Image.MediaType, t.Image.Size = image.MediaType, len(image.Manifest)
	t.platforms(image)
	g := &gatherer{tree: &t, limits: o.Limits, met: map[key]bool{}, failed: map[Failure]bool{}, looked: map[string]bool{}}
	t.Cost = &Cost{}
	t.Evidence = g.take(image.Digest, source.Collect(ctx, image, everything()))
	if o.Platforms {
		g.children(ctx, source, image)
	}
	return t
}

// Unresolved is the tree of an image that could not be resolved.
func Unresolved(ref verify.Reference, failure *verify.Failure) Tree {
	t := newTree(ref)
	t.Failures = append(t.Failures, failureOf(*failure))
	return t
}

// Complete reports whether everything could be read.
func (t Tree) Complete() bool { return len(t.Failures) == 0 }

func newTree(ref verify.Reference) Tree {
	return Tree{
		Schema: Schema, Image: Image{Requested: ref.String(), Name: ref.Name(), Tag: ref.Tag()},
		Platforms: []Platform{}, Evidence: []Evidence{}, Failures: []Failure{}, Places: []string{},
	}
}

// everything wants every kind of evidence that the image's own repository may hold.
func everything() verify.Want {
	return verify.Want{Signatures: true, Attestations: true, Bundles: true, BuildKit: true}
}

func failureOf(f verify.Failure) Failure {
	return Failure{Code: f.Code, Class: f.Class, Place: f.Place, Detail: f.Detail}
}

// gatherer puts what was collected into a tree, each thing once.
type gatherer struct {
	tree   *Tree
	limits verify.Limits
	met    map[key]bool
	failed map[Failure]bool
	looked map[string]bool
}

// key is one piece where it lies.
type key struct{ layout, place, digest string }

// take describes what was collected about digest. What was met before stays where it
// was first: a layout as cosign save writes it does not say which image of an index
// its evidence is on.
func (g *gatherer) take(digest string, e verify.Evidence) []Evidence {
	found := []Evidence{}
	for _, p := range e.Pieces {
		k := key{string(p.Layout), p.Place, p.Digest}
		if g.met[k] {
			continue
		}
		g.met[k] = true
		d := verify.Describe(p, g.limits)
		found = append(found, Evidence{Description: d, NamesImage: d.Names(digest)})
	}
	slices.SortStableFunc(found, compare)
	for _, f := range e.Failures {
		g.fail(failureOf(f))
	}
	for _, p := range e.Places {
		if !g.looked[p] {
			g.looked[p] = true
			g.tree.Places = append(g.tree.Places, p)
		}
	}
	// The source counts all that it has spent up to now.
	g.tree.Cost.Requests = max(g.tree.Cost.Requests, e.Requests)
	g.tree.Cost.Bytes = max(g.tree.Cost.Bytes, e.Bytes)
	return found
}

func (g *gatherer) fail(f Failure) {
	if !g.failed[f] {
		g.failed[f] = true
		g.tree.Failures = append(g.tree.Failures, f)
	}
}

// compare puts signatures before attestations and bundles, like beside like, and of
// these the one first that was logged first.
func compare(a, b Evidence) int {
	return cmp.Or(cmp.Compare(rank(a.Layout), rank(b.Layout)), cmp.Compare(a.PredicateType, b.PredicateType),
		cmp.Compare(identity(a), identity(b)), cmp.Compare(index(a), index(b)))
}

func index(e Evidence) int64 {
	if len(e.Log) == 0 {
		return -1
	}
	return e.Log[0].Index
}

var layouts = []verify.Layout{verify.LegacySignature, verify.LegacyAttestation, verify.Bundle, verify.BuildKit}

func rank(l verify.Layout) int {
	if i := slices.Index(layouts, l); i >= 0 {
		return i
	}
	return len(layouts)
}

func identity(e Evidence) string {
	if e.Claims == nil {
		return ""
	}
	return e.Claims.Identity
}

// children looks for evidence on the images of an index.
func (g *gatherer) children(ctx context.Context, source verify.Source, image verify.Image) {
	var wanted []*Platform
	seen := map[string]bool{image.Digest: true}
	for i := range g.tree.Platforms {
		p := &g.tree.Platforms[i]
		if p.Kind == KindAttestation || !verify.IsDigest(p.Digest) || seen[p.Digest] {
			continue
		}
		seen[p.Digest] = true
		wanted = append(wanted, p)
	}
	if n := len(wanted); n > MaxChildren {
		wanted = wanted[:MaxChildren]
		g.fail(Failure{
			Code: verify.LimitExceeded, Class: verify.Definitive, Place: g.tree.Image.Pinned,
			Detail: fmt.Sprintf("the index lists %d images; evidence on the first %d was looked for", n, MaxChildren),
		})
	}
	collected := make([]verify.Evidence, len(wanted))
	room := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, p := range wanted {
		child := verify.Image{Reference: image.Reference, Digest: p.Digest, MediaType: p.MediaType}
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			collected[i] = source.Collect(ctx, child, everything())
		})
	}
	wg.Wait()
	for i, p := range wanted {
		p.Looked, p.Evidence = true, g.take(p.Digest, collected[i])
	}
}
