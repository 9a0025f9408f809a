package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/releaseassay/assay/policy"
)

// childLane is how many manifests of an index are asked for at once.
const childLane = 8

// further is what judging needs beyond the evidence about the image itself.
type further struct {
	// children are the checks that need evidence about the manifests of the image's index,
	// index those that need evidence about the index that the caller named.
	children, index []statements
	// platforms is true where it has to be known which platforms the index is for, nested
	// where it has to be known what the indexes inside it list.
	platforms, nested bool
}

// needs says what judging needs beyond the facts about the image itself: a pure
// function, so that evidence that was saved once is enough to judge again.
func needs(facts Facts, p *policy.Policy, o Options) further {
	rule, ok := p.Rule(facts.image.Reference.Name())
	if !ok {
		return further{}
	}
	q := newQuestion(facts, p, rule, o)
	q.versionFrom = q.resolveVersion(o.Version)
	f := further{platforms: rule.Platforms != nil, nested: len(rule.Deny.Digests) > 0}
	index := isIndex(facts.image)
	for _, c := range q.statementChecks() {
		d, here := c.demand(rule), q.here(c, &q.facts)
		// What could not be decided stays so: a registry that fails is not asked for more. Nor
		// is it where what is there settles it.
		on, lacking := d.On, here.finding.Result == Failed && !here.settles(d) || here.unread
		f.platforms = f.platforms || here.unread
		if index && (on == policy.OnPlatforms || on == policy.OnEither && lacking) {
			f.children = append(f.children, c)
		}
		if on == policy.OnIndex && (!index || lacking) || on == policy.OnEither && lacking {
			f.index = append(f.index, c)
		}
	}
	return f
}

// statementChecks lists the required checks over statements.
func (q *question) statementChecks() []statements {
	var list []statements
	for _, c := range checks(q.rule) {
		if s, ok := c.(statements); ok && s.required(q.rule) {
			list = append(list, s)
		}
	}
	return list
}

// extent is how much is collected about the manifests of an index.
type extent int

const (
	// nestedIndexes is the bytes of nested indexes alone.
	nestedIndexes extent = iota
	// whatTheyAre is also the bytes of what says that it is an attestation manifest.
	whatTheyAre
	// theirEvidence is also the evidence about what could be run.
	theirEvidence
)

// gathering collects the manifests of one index, each once.
type gathering struct {
	source Source
	name   string
	want   Want
	extent extent
	limits Limits

	lane     chan struct{}
	met      map[string]bool
	children []*Child
	running  sync.WaitGroup
}

// gatherChildren collects the manifests of an index and of those inside it, to an extent.
// What is bounded or could not be fetched is a failure of that child.
func gatherChildren(ctx context.Context, source Source, index Image, want Want, extent extent, limits Limits) []Child {
	g := &gathering{
		source: source, name: index.Reference.Name(), want: want, extent: extent, limits: limits,
		lane: make(chan struct{}, childLane), met: map[string]bool{index.Digest: true},
	}
	level := []*Child{{Image: index}}
	for depth := 0; depth <= maxNesting && len(level) > 0; depth++ {
		var next []*Child
		var opening sync.WaitGroup
		for _, parent := range level {
			next = append(next, g.list(ctx, parent, depth, &opening)...)
		}
		opening.Wait()
		level = slices.DeleteFunc(next, func(c *Child) bool { return c.Image.Manifest == nil || !isIndex(c.Image) })
	}
	g.running.Wait()
	children := make([]Child, 0, len(g.children))
	for _, c := range g.children {
		children = append(children, *c)
	}
	return children
}

// list starts to collect what one index lists, and returns the nested indexes, whose
// bytes are there once opening is done.
func (g *gathering) list(ctx context.Context, parent *Child, depth int, opening *sync.WaitGroup) []*Child {
	entries, err := parseIndex(parent.Image.Manifest, g.limits)
	if err != nil {
		return nil // judging meets it again and says so
	}
	parents := slices.Clone(parent.Parents)
	if depth > 0 {
		parents = append(parents, Image{Reference: parent.Image.Reference, Digest: parent.Image.Digest, MediaType: parent.Image.MediaType})
	}
	var nested []*Child
	for _, e := range entries {
		open := isIndexType(e.mediaType) || g.extent > nestedIndexes && e.candidate(entries)
		if g.met[e.digest] || !open && g.extent < theirEvidence {
			continue
		}
		g.met[e.digest] = true
		c := &Child{Image: Image{Digest: e.digest, MediaType: e.mediaType}, Platform: e.platform.String(), Parents: parents}
		c.Image.Reference, err = ParseReference(g.name + "@" + e.digest)
		switch {
		case err != nil:
			c.fail(RegistryMalformed, err.Error())
		case len(g.children) >= maxChildren:
			c.fail(LimitExceeded, fmt.Sprintf("of the manifests of an index, %d are looked at", maxChildren))
		case isIndexType(e.mediaType) && depth >= maxNesting:
			c.fail(LimitExceeded, fmt.Sprintf("indexes lie one in the other more than %d deep", maxNesting))
		case open:
			if isIndexType(e.mediaType) {
				nested = append(nested, c)
			}
			opening.Add(1)
			g.run(c, opening.Done, func() {
				if g.resolve(ctx, c) && !isIndex(c.Image) && onlyInToto(c.Image.Manifest, g.limits) != nil {
					g.collect(ctx, c)
				}
			})
		default:
			g.run(c, func() {}, func() { g.collect(ctx, c) })
		}
		g.children = append(g.children, c)
	}
	return nested
}

// run does something for one child beside the others. A panic in it is a fault of ours
// or of the source, and leaves the child undecided.
func (g *gathering) run(c *Child, done func(), f func()) {
	g.running.Go(func() {
		defer done()
		g.lane <- struct{}{}
		defer func() { <-g.lane }()
		defer func() {
			if r := recover(); r != nil {
				c.fail(InternalPanic, fmt.Sprintf("reading it ended in a panic: %v", r))
			}
		}()
		f()
	})
}

// resolve reads the bytes of a manifest.
func (g *gathering) resolve(ctx context.Context, c *Child) bool {
	image, err := g.source.Resolve(ctx, c.Image.Reference)
	if err != nil {
		bad := failureOf(err, c.Image.Reference)
		bad.Layouts = nil // whatever it is, all evidence about it is unknown
		c.Evidence.Failures = append(c.Evidence.Failures, *bad)
		return false
	}
	c.Image = image
	return true
}

// collect gathers the evidence about a manifest, if any is wanted.
func (g *gathering) collect(ctx context.Context, c *Child) {
	if g.extent < theirEvidence {
		return
	}
	c.Evidence = g.source.Collect(ctx, c.Image, g.want)
	c.Evidence.Want = g.want
}

func (c *Child) fail(code Code, detail string) {
	c.Evidence.Failures = append(slices.Clip(c.Evidence.Failures), Failure{Code: code, Class: Definitive, Place: c.Image.Reference.Name() + "@" + c.Image.Digest, Detail: detail})
}

// failureOf returns the failure that a source's error is.
func failureOf(err error, ref Reference) *Failure {
	failure := &Failure{}
	if !errors.As(err, &failure) {
		return &Failure{Code: RegistryServerError, Class: Transient, Place: ref.Name(), Detail: err.Error()}
	}
	known := *failure
	return &known
}

// gatherIndex resolves the index that the caller named, and, where the image is not
// among what it lists itself or the whole is wanted, the indexes inside it.
func gatherIndex(ctx context.Context, source Source, ref Reference, digest string, whole bool, limits Limits) *Child {
	index := &Child{Image: Image{Reference: ref, Digest: ref.Digest()}}
	image, err := source.Resolve(ctx, ref)
	if err != nil {
		bad := failureOf(err, ref)
		bad.Layouts = nil
		index.Evidence.Failures = []Failure{*bad}
		return index
	}
	index.Image = image
	entries, err := parseIndex(image.Manifest, limits)
	if err == nil && (whole || !slices.ContainsFunc(entries, func(e entry) bool { return e.digest == digest })) {
		index.Evidence.Children = gatherChildren(ctx, source, image, Want{}, whatTheyAre, limits)
	}
	return index
}

// costs returns what was spent up to the end of all of it.
func (e Evidence) costs() (requests int, spent int64) {
	requests, spent = e.Requests, e.Bytes
	parts := make([]Evidence, 0, len(e.Children)+1)
	for _, c := range e.Children {
		parts = append(parts, c.Evidence)
	}
	if e.Index != nil {
		parts = append(parts, e.Index.Evidence)
	}
	for _, p := range parts {
		requests, spent = max(requests, p.Requests), max(spent, p.Bytes)
	}
	return requests, spent
}

// below reports whether anything is needed that the image lists, where it is an index.
func (f further) below() bool { return len(f.children) > 0 || f.platforms || f.nested }

// extent is how much is needed of it.
func (f further) extent() extent {
	switch {
	case len(f.children) > 0:
		return theirEvidence
	case f.platforms:
		return whatTheyAre
	default:
		return nestedIndexes
	}
}

// any reports whether anything has to be collected.
func (f further) any(facts Facts) bool {
	return isIndex(facts.image) && f.below() || len(f.index) > 0 && facts.index != nil
}

// collect adds to the evidence about an image what judging needs beyond it.
func (f further) collect(ctx context.Context, source Source, image Image, rule policy.Rule, evidence *Evidence, limits Limits) {
	name := image.Reference.Name()
	var both sync.WaitGroup
	if index := evidence.Index; index != nil && index.Image.Manifest != nil && len(f.index) > 0 && index.holds(image.Digest, limits) {
		both.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					index.fail(InternalPanic, fmt.Sprintf("reading it ended in a panic: %v", r))
				}
			}()
			list, contained := f.index, false
			if rule.SBOM != nil && rule.SBOM.BuildKit && rule.Signature != nil && f.needs("sbom") {
				list, contained = append(slices.Clone(list), statements{signatureCheck{}}), true // which vouches for it
			}
			want := wantOf(rule, name, list)
			want.BuildKit = contained
			children := index.Evidence.Children
			index.Evidence = source.Collect(ctx, index.Image, want)
			index.Evidence.Want = want
			if contained && len(children) == 0 && index.keepsUnread(limits) {
				children = gatherChildren(ctx, source, index.Image, Want{}, whatTheyAre, limits)
			}
			index.Evidence.Children = children
		})
	}
	if isIndex(image) && f.below() { // here, where a panic is the caller's to recover from
		evidence.Children = gatherChildren(ctx, source, image, wantOf(rule, name, f.children), f.extent(), limits)
	}
	both.Wait()
}

// needs reports whether a check needs evidence about the index that was named.
func (f further) needs(check string) bool {
	return slices.ContainsFunc(f.index, func(c statements) bool { return c.id() == check })
}

// keepsUnread reports whether something that an index lists says that it attests one of
// the images beside it, and its bytes did not come with the evidence.
func (c Child) keepsUnread(limits Limits) bool {
	entries, _ := parseIndex(c.Image.Manifest, limits)
	shown := attesting(c.Evidence.Pieces, limits)
	return len(shown) > 0 && slices.ContainsFunc(entries, func(e entry) bool { return !shown[e.digest] && e.candidate(entries) })
}

// holds reports whether an index, or one inside it, lists a digest.
func (c Child) holds(digest string, limits Limits) bool {
	bare := Facts{image: c.Image}.extend(Evidence{Children: c.Evidence.Children}, Trust{}, limits)
	held, _ := treeOf(&bare, limits).holds(digest)
	return held
}

// askIndex starts to resolve the index that the caller named; nil is sent where nobody
// named one.
func askIndex(ctx context.Context, source Source, image Image, o Options, whole bool) <-chan *Child {
	found := make(chan *Child, 1)
	if (o.Index == Reference{}) {
		found <- nil
		return found
	}
	go func() {
		index := &Child{Image: Image{Reference: o.Index, Digest: o.Index.Digest()}}
		defer func() {
			if r := recover(); r != nil {
				index.fail(InternalPanic, fmt.Sprintf("reading it ended in a panic: %v", r))
			}
			found <- index
		}()
		if o.Index.Name() != image.Reference.Name() {
			index.fail(PlaceUnavailable, "the index has to be in the image's own repository, "+image.Reference.Name())
			return
		}
		index = gatherIndex(ctx, source, o.Index, image.Digest, whole, o.Limits)
	}()
	return found
}
