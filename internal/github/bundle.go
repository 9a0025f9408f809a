package github

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/klauspost/compress/snappy"
	"github.com/releaseassay/assay/verify"
)

const (
	// snappyRatio is more than snappy can compress: three bytes copy up to 64.
	snappyRatio = 22
	// maxUnpacked is how many bytes are unpacked in one verification: as much as
	// budget.Default lets it fetch, since a bundle that is kept has two sizes.
	maxUnpacked = 64 << 20
)

// bundle fetches and unpacks the bundle at a URL, once however often it is called. It
// never shows the token: the address is signed by itself, and leads to a blob store.
func (a *Attestations) bundle(ctx context.Context, p purpose, at *url.URL) ([]byte, *trouble) {
	got, bad := a.once(at.String(), func() (answer, *trouble) {
		// Room for what compression can add to bytes that do not compress.
		most := a.options.Limits.PieceBytes
		got, bad := a.fetch(ctx, p, at, most+most/6+64)
		if bad != nil {
			return answer{}, expired(bad)
		}
		bundle, bad := a.unpack(got.body)
		return answer{body: bundle}, bad
	})
	return got.body, bad
}

// expired marks what a blob store says of an address whose time is over: the API would
// give a new one.
func expired(bad *trouble) *trouble {
	if bad.code != Forbidden && bad.code != Unauthorized {
		return bad
	}
	return transient(Forbidden, "%s: the address of the bundle is refused; it may have expired", bad.detail)
}

// unpack returns the bundle in a blob: a snappy block
// (https://github.com/google/snappy/blob/main/format_description.txt), as GitHub stores
// it, or the JSON itself. The length that a block announces is checked before anything
// is decoded or allocated.
func (a *Attestations) unpack(blob []byte) ([]byte, *trouble) {
	most := a.options.Limits.PieceBytes
	if json.Valid(blob) {
		if int64(len(blob)) > most {
			return nil, tooLong(most)
		}
		return blob, nil
	}
	n, err := snappy.DecodedLen(blob)
	switch {
	case err != nil:
		return nil, definitive(Malformed, "the bundle is neither JSON nor compressed with snappy: %v", err)
	case int64(n) > most:
		return nil, tooLong(most)
	case n > snappyRatio*len(blob):
		return nil, definitive(Malformed, "the bundle of %d bytes announces %d bytes, more than snappy can hold", len(blob), n)
	case a.unpacked.Add(int64(n)) > maxUnpacked:
		return nil, definitive(verify.LimitExceeded, "the bundles have more than %d bytes together", maxUnpacked)
	}
	bundle, err := snappy.DecodeStrict(make([]byte, n), blob)
	if err != nil {
		return nil, definitive(Malformed, "decompress the bundle: %v", err)
	}
	return bundle, nil
}

func tooLong(most int64) *trouble {
	return definitive(verify.LimitExceeded, "the bundle has more than %d bytes", most)
}
