package registry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/releaseassay/assay/verify"
)

// Collect implements verify.Source. All places are asked at once, each on its own:
// what goes wrong in one neither hides nor delays what lies in another. The result
// does not depend on the order in which answers come. Requests and Bytes are what
// the budget has spent up to now, Resolve included.
func (r *Registry) Collect(ctx context.Context, image verify.Image, want verify.Want) verify.Evidence {
	names := want.Repositories
	switch {
	case len(wantedLayouts(want)) == 0:
		names = nil // nothing is wanted of registries
	case len(names) == 0:
		names = []string{image.Reference.Name()}
	}
	collectors := make([]*collector, len(names))
	var repositories sync.WaitGroup
	for i, name := range names {
		collectors[i] = newCollector(name, image, want, r.options.Limits)
		c := collectors[i]
		repositories.Go(func() { c.safely(wantedLayouts(want), func() { r.collect(ctx, c) }) })
	}
	all := newCollector(image.Reference.Name(), image, want, r.options.Limits)
	var config []byte
	if want.Config {
		repositories.Go(func() {
			all.safely([]verify.Layout{verify.Config}, func() { config = r.config(ctx, all) })
		})
	}
	repositories.Wait()
	for _, c := range collectors {
		all.pieces = append(all.pieces, c.pieces...)
		all.failures = append(all.failures, c.failures...)
		all.places = append(all.places, c.places...)
	}
	all.places = append(all.places, r.notes.all()...)
	evidence := all.evidence()
	evidence.Config = config
	evidence.Requests = r.options.Budget.Requests()
	evidence.Bytes = r.options.Budget.Bytes()
	return evidence
}

// collect gathers what one repository holds.
func (r *Registry) collect(ctx context.Context, c *collector) {
	if !verify.IsDigest(c.image.Digest) {
		c.fail(definitive(verify.RegistryMalformed, "the image's digest %q is not sha256", c.image.Digest), c.name, wantedLayouts(c.want))
		return
	}
	repository := c.image.Reference.Repository()
	if c.name != c.image.Reference.Name() {
		ref, err := verify.ParseReference(c.name)
		if err != nil {
			c.fail(definitive(verify.RegistryMalformed, "%v", err), c.name, wantedLayouts(c.want))
			return
		}
		repository = ref.Repository()
	}
	s, bad := r.session(ctx, repository)
	if bad != nil {
		c.fail(bad, c.name, wantedLayouts(c.want))
		return
	}
	c.session = s
	c.collect(ctx)
}

func newCollector(name string, image verify.Image, want verify.Want, limits verify.Limits) *collector {
	return &collector{
		name: name, image: image, want: want, limits: limits, seen: map[string]bool{},
		legacy: make(chan struct{}, lane), bundles: make(chan struct{}, lane),
	}
}

// collector gathers the evidence about one image from one repository.
type collector struct {
	// name is the repository's canonical name, where the evidence lies.
	name            string
	session         *session
	image           verify.Image
	want            verify.Want
	limits          verify.Limits
	legacy, bundles chan struct{}

	wg       sync.WaitGroup
	mu       sync.Mutex
	seen     map[string]bool
	pieces   []verify.Piece
	failures []verify.Failure
	places   []string
}

// collect asks every wanted place and returns when all have answered.
func (c *collector) collect(ctx context.Context) {
	if c.want.Signatures {
		c.spawn(func() { c.tag(ctx, ".sig", fromSig, verify.LegacySignature) })
	}
	if c.want.Attestations {
		c.spawn(func() { c.tag(ctx, ".att", fromAtt, verify.LegacyAttestation) })
	}
	if c.want.Bundles {
		c.spawn(func() { c.referrers(ctx) })
		c.spawn(func() { c.fallback(ctx) })
	}
	if c.want.BuildKit && c.name == c.image.Reference.Name() {
		c.buildKit(ctx)
	}
	c.wg.Wait()
}

// tag reads the manifest that cosign's legacy layout keeps under a tag.
func (c *collector) tag(ctx context.Context, suffix string, from origin, layout verify.Layout) {
	tag := fallbackTag(c.image.Digest) + suffix
	place := c.name + ":" + tag
	c.look(place)
	layouts := []verify.Layout{layout}
	got, bad := c.session.manifest(ctx, c.legacy, tag, []string{typeOCIManifest, typeDockerManifest})
	switch {
	case bad == nil:
	case bad.absent():
		return
	default:
		c.fail(bad, place, layouts)
		return
	}
	m, bad := parseManifest(got.body)
	if bad == nil && m.hasManifests {
		bad = definitive(verify.RegistryMalformed, "it is an index where a manifest was expected")
	}
	if bad != nil {
		c.fail(bad, place, layouts)
		return
	}
	c.layers(ctx, c.legacy, m, from, place, nil)
}

// layers fetches the layers of a manifest that are evidence. What listing is given goes
// with each of them.
func (c *collector) layers(ctx context.Context, in chan struct{}, m manifest, from origin, place string, listing []byte) {
	layers, failures := plan(m, from, place, c.want, c.limits)
	c.mu.Lock()
	c.failures = append(c.failures, failures...)
	c.mu.Unlock()
	for _, layer := range layers {
		c.spawn(func() {
			body, bad := c.session.blob(ctx, in, layer.descriptor)
			if bad != nil {
				c.fail(bad, layer.place, []verify.Layout{layer.layout})
				return
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.pieces = append(c.pieces, layer.piece(body, listing))
		})
	}
}

// spawn runs f beside the others.
func (c *collector) spawn(f func()) {
	c.wg.Go(func() { c.safely(wantedLayouts(c.want), f) })
}

// safely runs f. A panic in it is a fault of ours: whatever f would have read of these
// layouts is unread, and nothing is decided on it.
func (c *collector) safely(layouts []verify.Layout, f func()) {
	defer func() {
		if r := recover(); r != nil {
			c.fail(definitive(verify.InternalPanic, "reading ended in a panic: %v", r), c.name, layouts)
		}
	}()
	f()
}

func (c *collector) look(place string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.places = append(c.places, place)
}

func (c *collector) fail(bad *trouble, place string, layouts []verify.Layout) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = append(c.failures, *bad.at(place, layouts))
}

// first reports whether the layers of a referrer are met for the first time: the API and the
// fallback tag list the same ones.
func (c *collector) first(digest string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	met := c.seen[digest]
	c.seen[digest] = true
	return !met
}

// evidence puts what was gathered into an order that only depends on what it is.
func (c *collector) evidence() verify.Evidence {
	slices.SortFunc(c.pieces, func(a, b verify.Piece) int {
		return cmp.Or(strings.Compare(string(a.Layout), string(b.Layout)),
			comparePlaces(a.Place, b.Place), strings.Compare(a.Digest, b.Digest))
	})
	slices.SortFunc(c.failures, func(a, b verify.Failure) int {
		return cmp.Or(comparePlaces(a.Place, b.Place), strings.Compare(string(a.Code), string(b.Code)),
			strings.Compare(a.Detail, b.Detail))
	})
	c.failures = slices.CompactFunc(c.failures, func(a, b verify.Failure) bool {
		return a.Place == b.Place && a.Code == b.Code && a.Detail == b.Detail
	})
	slices.Sort(c.places)
	c.bound()
	return verify.Evidence{Pieces: c.pieces, Failures: c.failures, Places: slices.Compact(c.places)}
}

// bound keeps of each layout as many pieces as are read: what somebody puts into
// one layout must not crowd out what lies in another.
func (c *collector) bound() {
	kept := map[verify.Layout]int{}
	c.pieces = slices.DeleteFunc(c.pieces, func(p verify.Piece) bool {
		kept[p.Layout]++
		return kept[p.Layout] > c.limits.Pieces
	})
	for _, layout := range slices.Sorted(maps.Keys(kept)) {
		if kept[layout] > c.limits.Pieces {
			bad := definitive(verify.LimitExceeded, "there are %d pieces of evidence of the layout %s, of which %d are read", kept[layout], layout, c.limits.Pieces)
			c.failures = append(c.failures, *bad.at(c.image.Reference.Name()+"@"+c.image.Digest, []verify.Layout{layout}))
		}
	}
}

// comparePlaces compares as people count: layer 9 comes before layer 10.
func comparePlaces(a, b string) int {
	return cmp.Or(strings.Compare(padded(a), padded(b)), strings.Compare(a, b))
}

func padded(place string) string {
	before, number, ok := strings.Cut(place, " layer ")
	if !ok {
		return place
	}
	return fmt.Sprintf("%s layer %8s", before, number)
}
