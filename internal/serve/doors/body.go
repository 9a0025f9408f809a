package doors

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/releaseassay/assay/verify"
)

// Bounds of request bodies in bytes, beside kube.MaxReview.
const (
	maxSmall    = 1 << 20 // lists of references
	maxQuestion = 16 << 10
	// freeBody is what every request may hold; what it has beyond comes out of one room
	// of maxRoom for all, so that many large reviews at once are turned away instead of
	// filling the memory.
	freeBody = 64 << 10
	maxRoom  = 48 << 20
)

// room is memory that requests share. Nobody waits in it: a full one is busy.
type room struct{ left atomic.Int64 }

func newRoom(size int64) *room {
	r := &room{}
	r.left.Store(size)
	return r
}

func (r *room) take(n int64) bool {
	if r.left.Add(-n) < 0 {
		r.left.Add(n)
		return false
	}
	return true
}

func (r *room) give(n int64) { r.left.Add(n) }

// body reads the whole body. Its bytes are to be dropped before done is called.
func (d *doors) body(c *call) (b []byte, done func(), f *fault) {
	held := int64(0)
	done = func() { d.room.give(held); held = 0 }
	limit := c.route.limit
	if c.http.ContentLength > limit {
		return nil, done, tooLarge(limit)
	}
	in := io.LimitReader(c.http.Body, limit+1)
	b = make([]byte, 0, min(max(c.http.ContentLength+1, 512), freeBody))
	for {
		n, err := in.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, done, tooLarge(limit)
		case errors.Is(err, io.EOF):
			return b, done, nil
		case err != nil:
			return nil, done, unreadable(err, limit)
		case len(b) < cap(b):
			continue
		}
		grow := int64(max(cap(b), 512))
		if int64(cap(b))+grow > freeBody && !d.room.take(grow) {
			c.uid = sniff(b)
			return nil, done, &fault{status: http.StatusServiceUnavailable, code: verify.ServerBusy, text: "too many large requests at once; ask again"}
		} else if int64(cap(b))+grow > freeBody {
			held += grow
		}
		b = append(make([]byte, 0, int64(cap(b))+grow), b...)
	}
}

func tooLarge(limit int64) *fault {
	return &fault{status: http.StatusRequestEntityTooLarge, code: verify.RequestMalformed, text: fmt.Sprintf("the body has more than %d bytes", limit)}
}

// unreadable is a body that broke off, or that the front cut.
func unreadable(err error, limit int64) *fault {
	var cut *http.MaxBytesError
	if errors.As(err, &cut) {
		return tooLarge(min(limit, cut.Limit))
	}
	return malformed("the body cannot be read: %v", err)
}

// sniff returns the UID of a review from its first bytes, as an API server writes
// them, or "". It only ever addresses a denial.
func sniff(b []byte) string {
	rest, ok := strings.CutPrefix(string(b[:min(len(b), 512)]), `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"`)
	uid, _, ended := strings.Cut(rest, `"`)
	if !ok || !ended || len(uid) > 128 || strings.Trim(uid, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return ""
	}
	return uid
}

// isJSON reports whether the body says that it is JSON, in UTF-8 and not compressed.
func isJSON(h http.Header) bool {
	types, encodings := h.Values("Content-Type"), h.Values("Content-Encoding")
	if len(types) != 1 || len(encodings) > 1 || len(encodings) == 1 && !strings.EqualFold(encodings[0], "identity") {
		return false
	}
	media, params, err := mime.ParseMediaType(types[0])
	if err != nil || media != "application/json" || len(params) > 1 {
		return false
	}
	charset, named := params["charset"]
	return len(params) == 0 || named && strings.EqualFold(charset, "utf-8")
}
