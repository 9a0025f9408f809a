package registry

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/releaseassay/assay/verify"
)

const (
	// maxPages is how many pages of referrers are read; registries put 50 or more on one.
	maxPages = 64
	// maxListed is how many referrers, as a multiple of the pieces that are read, are
	// listed before the rest is given up.
	maxListed = 16
)

// referrers reads what the OCI 1.1 API lists as referring to the image.
func (c *collector) referrers(ctx context.Context) {
	place := c.name + " referrers of " + c.image.Digest
	c.look(place)
	from := c.session
	first := from.path("referrers", c.image.Digest)
	asked := map[string]bool{}
	var listed []descriptor
	for next := first; next != ""; {
		bad := pageBound(len(asked), asked[next], len(listed), c.limits.Pieces)
		if bad != nil {
			c.fail(bad, place, referrerLayouts(c.want))
			break
		}
		asked[next] = true
		got, bad := from.get(ctx, c.bundles, next, indexTypes, manifestRoom())
		if bad != nil && next == first && withoutAPI(bad.status) {
			return
		}
		var page []descriptor
		if bad == nil {
			page, bad = parseIndex(got.body)
		}
		if bad != nil {
			c.fail(bad, place, referrerLayouts(c.want))
			break
		}
		listed = append(listed, page...)
		// The next page lies where this one did, which may be a mirror.
		from = got.from
		if next, bad = nextPage(got.link, got.path, from.repo.RegistryStr()); bad != nil {
			c.fail(bad, place, referrerLayouts(c.want))
			break
		}
	}
	c.candidates(ctx, listed, place)
}

// withoutAPI reports whether a registry says with this status that it has no
// referrers API: 404 as specified, or one of those that go-containerregistry and
// oras have met where it is not known. The fallback tag is asked in any case.
func withoutAPI(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable:
		return true
	}
	return false
}

// pageBound says why no further page is read, or nil.
func pageBound(pages int, again bool, listed, pieces int) *trouble {
	switch {
	case again:
		return definitive(verify.RegistryRedirectLoop, "the pages of the list lead back to one that was read")
	case pages >= maxPages:
		return definitive(verify.RegistryRedirectLoop, "the list has more than %d pages", maxPages)
	case listed > maxListed*pieces:
		return definitive(verify.LimitExceeded, "the list has more than %d entries", maxListed*pieces)
	}
	return nil
}

// nextPage reads the Link header (RFC 8288) of a page, and returns the path and query
// of the next one, or "". Only a page of the same registry is followed.
func nextPage(links []string, from, host string) (string, *trouble) {
	base := url.URL{Scheme: "https", Host: host}
	current, err := base.Parse(from)
	if err != nil {
		return "", definitive(verify.RegistryMalformed, "the page %q has no URL", from)
	}
	for _, header := range links {
		found := linkValue.FindAllStringSubmatch(header, -1)
		if found == nil {
			return "", definitive(verify.RegistryMalformed, "the link to the next page is %q", header)
		}
		for _, link := range found {
			if !relNext.MatchString(link[2]) {
				continue
			}
			next, err := current.Parse(link[1])
			if err != nil {
				return "", definitive(verify.RegistryMalformed, "the link to the next page is %q", link[1])
			}
			if next.Host != host || next.User != nil || next.Path != current.Path {
				return "", definitive(verify.RegistryInsecure, "the next page lies elsewhere, at %s%s", next.Host, next.Path)
			}
			return next.RequestURI(), nil
		}
	}
	return "", nil
}

var (
	linkValue = regexp.MustCompile(`<([^>]*)>([^<]*)`)
	relNext   = regexp.MustCompile(`(?i);\s*rel\s*=\s*"?next"?\s*(;|,|$)`)
)

// fallback reads the index that clients keep under a tag where the API is missing,
// and that may hold evidence although the API answers.
func (c *collector) fallback(ctx context.Context) {
	tag := fallbackTag(c.image.Digest)
	place := c.name + ":" + tag
	c.look(place)
	got, bad := c.session.manifest(ctx, c.bundles, tag, indexTypes)
	if bad != nil && bad.absent() {
		return
	}
	var listed []descriptor
	if bad == nil {
		listed, bad = parseIndex(got.body)
	}
	if bad != nil {
		c.fail(bad, place, referrerLayouts(c.want))
		return
	}
	c.candidates(ctx, listed, place)
}

// parseIndex reads a list of descriptors.
func parseIndex(body []byte) ([]descriptor, *trouble) {
	m, bad := parseManifest(body)
	if bad != nil {
		return nil, bad
	}
	if !m.hasManifests {
		return nil, definitive(verify.RegistryMalformed, "it is not an index")
	}
	return m.Manifests, nil
}

// candidates reads the manifests of a list: all of them up to the limit, since what
// a descriptor says of its manifest may be wrong, the likely ones first.
func (c *collector) candidates(ctx context.Context, listed []descriptor, place string) {
	slices.SortFunc(listed, func(a, b descriptor) int {
		return cmp.Or(likelihood(a)-likelihood(b), strings.Compare(a.Digest, b.Digest), cmp.Compare(a.Size, b.Size))
	})
	listed = slices.CompactFunc(listed, func(a, b descriptor) bool { return a.Digest == b.Digest && a.Size == b.Size })
	if len(listed) > c.limits.Pieces {
		bad := definitive(verify.LimitExceeded, "%d manifests are listed, of which %d are read", len(listed), c.limits.Pieces)
		c.fail(bad, place, referrerLayouts(c.want))
		listed = listed[:c.limits.Pieces]
	}
	for _, d := range listed {
		if bad := d.sound(ManifestBytes); bad != nil {
			c.fail(bad, place, referrerLayouts(c.want))
			continue
		}
		c.spawn(func() { c.referrer(ctx, d) })
	}
}

// referrer reads one manifest, and its layers if it is about this image. A list that
// lies about its size is a failure, but hides nothing.
func (c *collector) referrer(ctx context.Context, d descriptor) {
	place := c.name + "@" + d.Digest
	got, bad := c.session.manifest(ctx, c.bundles, d.Digest, []string{typeOCIManifest, typeOCIIndex, typeDockerManifest, typeDockerList})
	if bad != nil {
		c.fail(bad, place, referrerLayouts(c.want))
		return
	}
	if bad := d.check(got.body); bad != nil {
		c.fail(bad, place, referrerLayouts(c.want))
	}
	m, bad := parseManifest(got.body)
	if bad != nil {
		c.fail(bad, place, referrerLayouts(c.want))
		return
	}
	if m.Subject != nil && m.Subject.Digest == c.image.Digest && c.first(d.Digest) {
		c.layers(ctx, c.bundles, m, fromReferrer, place, nil)
	}
}
