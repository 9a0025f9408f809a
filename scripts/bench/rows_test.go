package main

import (
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// TestBroken shows which samples break a promise.
func TestBroken(t *testing.T) {
	for name, test := range map[string]struct {
		added   time.Duration
		samples []sample
		want    int
	}{
		"kept":                       {time.Second, []sample{{requests: 9, depth: 3}}, 0},
		"one run asks too often":     {time.Second, []sample{{requests: 9, depth: 3}, {requests: 11, depth: 3}}, 1},
		"too deep in every run":      {time.Second, []sample{{requests: 9, depth: 5}, {requests: 9, depth: 4}}, 1},
		"too deep once":              {time.Second, []sample{{requests: 9, depth: 5}, {requests: 9, depth: 3}}, 0},
		"depth means nothing at 0 s": {0, []sample{{requests: 9, depth: 9}}, 0},
		"TUF asked too often":        {time.Second, []sample{{requests: 9, tuf: 3, depth: 3}}, 1},
		"all":                        {time.Second, []sample{{requests: 99, tuf: 9, depth: 9}}, 3},
	} {
		l := line{row: row{requests: 10, tuf: 2, depth: 3}, added: test.added, samples: test.samples}
		if got := l.broken(); len(got) != test.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

// TestCount tells the handshake from what is promised about, and counts the depth over both servers.
func TestCount(t *testing.T) {
	at := func(path string, from, to int64) lab.Request {
		return lab.Request{Path: path, Bytes: 1, Start: time.Unix(from, 0), End: time.Unix(to, 0)}
	}
	s := count(usage{}, []lab.Request{
		at("/v2/", 0, 1), at("/token?service=s", 1, 2), at("/v2/acme/widget/manifests/1.2.3", 2, 3),
		at("/v2/acme/widget/blobs/a", 3, 5), at("/v2/acme/widget/blobs/b", 4, 5),
	}, []lab.Request{at("/metadata/2.root.json", 0, 1), at("/metadata/timestamp.json", 1, 2)})
	if s.requests != 3 || s.total != 5 || s.tuf != 2 || s.depth != 4 || s.bytes != 7 {
		t.Errorf("got %+v", s)
	}
}
