package github

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/releaseassay/assay/verify"
)

const (
	// perPage is how many attestations one request asks for, the most that the API gives.
	perPage = 100
	// maxPages is how many pages are read of one list, however empty.
	maxPages = 32
	// pageRoom is the size of a page beyond that of the one bundle it may hold inline.
	pageRoom = 4 << 20
	// lane is how many bundles are fetched side by side.
	lane = 8
)

// Collect gathers the attestations that GitHub stores about one digest ("sha256:<hex>")
// for a repository, which is "owner/name" or "https://HOST/owner/name". What is not
// there is not returned; what could not be fetched is a Failure. The result does not
// depend on the order in which answers come, and the same bundle is returned once.
// Requests and Bytes are what the budget has spent up to now.
func (a *Attestations) Collect(ctx context.Context, repository, digest string) verify.Evidence {
	c := &collector{Attestations: a, digest: digest, lane: make(chan struct{}, lane), place: printable(repository) + " attestations"}
	if bad := c.prepare(repository); bad != nil {
		c.failures = append(c.failures, bad.at(c.place))
	} else {
		c.list(ctx)
		c.fetches.Wait()
		c.gather()
	}
	evidence := c.evidence()
	evidence.Requests, evidence.Bytes = a.options.Budget.Requests(), a.options.Budget.Bytes()
	return evidence
}

// collector gathers the attestations about one digest.
type collector struct {
	*Attestations
	repository    Repository
	digest, place string
	api           *url.URL
	token         string

	lane    chan struct{}
	fetches sync.WaitGroup

	items    []*item
	pieces   []verify.Piece
	failures []verify.Failure
}

// item is one attestation of the list.
type item struct {
	number int
	bundle []byte
	bad    *trouble
}

// page is what the API answers.
type page struct {
	Attestations *[]entry `json:"attestations"`
}

// entry is one attestation: since July 2026 github.com leaves bundle null and gives the
// address alone. Whether GitHub or a user made it ("initiator") says nothing that the
// certificate does not.
type entry struct {
	Bundle    json.RawMessage `json:"bundle"`
	BundleURL string          `json:"bundle_url"`
}

// prepare finds out whom to ask.
func (c *collector) prepare(repository string) *trouble {
	r, err := ParseRepository(repository)
	if err != nil {
		return definitive(UnusableName, "%v", err)
	}
	c.repository, c.place = r, r.String()+" attestations"
	if !verify.IsDigest(c.digest) {
		return definitive(UnusableName, "%q is not a sha256 digest", c.digest)
	}
	if c.api, err = parseBase(cmp.Or(c.options.BaseURL, r.API())); err != nil {
		return definitive(UnusableName, "%v", err)
	}
	if c.options.BaseURL != "" || strings.EqualFold(r.Host, c.options.TokenHost) {
		c.token = c.options.Token
	}
	return nil
}

// list reads the list of attestations page by page, and starts to fetch bundles.
func (c *collector) list(ctx context.Context) {
	at := c.api.JoinPath("repos", c.repository.Owner, c.repository.Name, "attestations", c.digest)
	at.RawQuery = url.Values{"per_page": {fmt.Sprint(perPage)}}.Encode()
	seen := map[string]bool{}
	for number := 1; at != nil; number++ {
		switch {
		case seen[at.String()]:
			c.fail(definitive(RedirectLoop, "the pages of the list lead back to one that was read"))
			return
		case number > maxPages:
			c.fail(definitive(RedirectLoop, "the list has more than %d pages", maxPages))
			return
		}
		seen[at.String()] = true
		next, bad := c.page(ctx, at)
		if bad != nil && bad.code == NotFound && number == 1 {
			bad = c.visible(ctx, bad)
		}
		if bad != nil {
			c.fail(bad)
			return
		}
		at = next
	}
}

// page reads one page and returns the address of the next.
func (c *collector) page(ctx context.Context, at *url.URL) (*url.URL, *trouble) {
	got, bad := c.get(ctx, c.purpose(true), at, c.options.Limits.PieceBytes+pageRoom)
	if bad != nil {
		return nil, bad
	}
	var p page
	if err := json.Unmarshal(got.body, &p); err != nil {
		return nil, definitive(Malformed, "the list is not JSON: %v", err)
	}
	if p.Attestations == nil {
		return nil, definitive(Malformed, "the answer is no list of attestations")
	}
	for _, e := range *p.Attestations {
		if len(c.items) == c.options.Limits.Pieces {
			return nil, definitive(verify.LimitExceeded, "the list has more than %d attestations", c.options.Limits.Pieces)
		}
		c.add(ctx, e)
	}
	return nextPage(got.link, at, c.api, c.digest)
}

// visible tells "no attestations" from "no such repository, or a private one that the
// caller may not see": GitHub answers 404 to both. Absence is nil.
func (c *collector) visible(ctx context.Context, missing *trouble) *trouble {
	_, bad := c.get(ctx, c.purpose(true), c.api.JoinPath("repos", c.repository.Owner, c.repository.Name), pageRoom)
	switch {
	case bad == nil:
		return nil
	case bad.code != NotFound:
		return bad
	case c.token == "":
		return definitive(NotFound, "%s; there is no repository %s, or it is private: no token was sent", missing.detail, c.repository)
	}
	return definitive(NotFound, "%s; there is no repository %s, or the token may not read it", missing.detail, c.repository)
}

func (c *collector) purpose(listing bool) purpose {
	return purpose{api: c.api, token: c.token, listing: listing}
}

// add takes up one attestation.
func (c *collector) add(ctx context.Context, e entry) {
	it := &item{number: len(c.items) + 1}
	c.items = append(c.items, it)
	if inline := bytes.TrimSpace(e.Bundle); len(inline) > 0 && !bytes.Equal(inline, []byte("null")) {
		if it.bundle = inline; int64(len(inline)) > c.options.Limits.PieceBytes {
			it.bad = tooLong(c.options.Limits.PieceBytes)
		}
		return
	}
	at, err := url.Parse(e.BundleURL)
	if err != nil || at.Host == "" {
		it.bad = definitive(Malformed, "the attestation has neither a bundle nor the address of one")
		return
	}
	c.fetches.Go(func() {
		defer func() {
			if r := recover(); r != nil { // here it would end the process
				it.bad = definitive(verify.InternalPanic, "reading ended in a panic: %v", r)
			}
		}()
		select {
		case c.lane <- struct{}{}:
			defer func() { <-c.lane }()
			it.bundle, it.bad = c.bundle(ctx, c.purpose(false), at)
		case <-ctx.Done():
			it.bad = troubleOf(context.Cause(ctx))
		}
	})
}

// gather turns what was fetched into pieces and failures, in the order of the list.
func (c *collector) gather() {
	seen := map[string]bool{}
	for _, it := range c.items {
		if it.bad != nil {
			c.failures = append(c.failures, it.bad.at(fmt.Sprintf("%s, number %d", c.place, it.number)))
			continue
		}
		sum := sha256.Sum256(it.bundle)
		digest := "sha256:" + hex.EncodeToString(sum[:])
		if seen[digest] {
			continue
		}
		seen[digest] = true
		c.pieces = append(c.pieces, verify.Piece{Layout: verify.Bundle, Place: c.place, Digest: digest, Bytes: it.bundle})
	}
}

func (c *collector) fail(bad *trouble) { c.failures = append(c.failures, bad.at(c.place)) }

// evidence puts the pieces into an order that only depends on what they are: the list's
// changes with each new attestation.
func (c *collector) evidence() verify.Evidence {
	slices.SortFunc(c.pieces, func(x, y verify.Piece) int { return strings.Compare(x.Digest, y.Digest) })
	return verify.Evidence{Pieces: c.pieces, Failures: c.failures, Places: []string{c.place}}
}
