package replay_test

import (
	"context"
	"testing"

	"github.com/releaseassay/assay/internal/replay"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// source counts what it is asked.
type source struct{ resolved, collected, gathered int }

func (s *source) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	s.resolved++
	return verify.Image{Reference: ref, Digest: "sha256:a"}, nil
}

func (s *source) Collect(context.Context, verify.Image, verify.Want) verify.Evidence {
	s.collected++
	return verify.Evidence{Pieces: make([]verify.Piece, 1, 8)}
}

func (s *source) Release(context.Context, verify.ReleaseWant, func() (verify.Image, bool)) verify.ReleaseEvidence {
	s.gathered++
	return verify.ReleaseEvidence{}
}

// TestCovers wants an answer to serve only a question that asks for no more, of no other
// place.
func TestCovers(t *testing.T) {
	all := verify.Want{Signatures: true, Attestations: true, Bundles: true, BuildKit: true, Config: true, Repositories: []string{"a", "b"}, GitHub: []string{"g"}}
	fits := all
	fits.Config, fits.Repositories = false, []string{"b", "a"}
	if !replay.Covers(all, fits) {
		t.Error("what asks for less is asked again")
	}
	for name, change := range map[string]func(*verify.Want){
		"signatures":         func(w *verify.Want) { w.Signatures = false },
		"attestations":       func(w *verify.Want) { w.Attestations = false },
		"bundles":            func(w *verify.Want) { w.Bundles = false },
		"BuildKit":           func(w *verify.Want) { w.BuildKit = false },
		"configuration":      func(w *verify.Want) { w.Config = false },
		"fewer repositories": func(w *verify.Want) { w.Repositories = []string{"a"} },
		"more repositories":  func(w *verify.Want) { w.Repositories = []string{"a", "b", "c"} },
		"other repositories": func(w *verify.Want) { w.Repositories = []string{"a", "c"} },
		"no GitHub":          func(w *verify.Want) { w.GitHub = nil },
	} {
		less := all
		change(&less)
		if replay.Covers(less, all) {
			t.Errorf("%s: it serves", name)
		}
	}
}

// TestAsks wants another answer for whatever changes what is gathered.
func TestAsks(t *testing.T) {
	same := func(string) bool { return true }
	want := verify.ReleaseWant{Root: []byte("root"), Name: "n", Version: "1"}
	signers := want
	signers.Demand.Signers = &policy.ReleaseSigners{}
	if !replay.Asks(want, want, same) || !replay.Asks(want, signers, same) || replay.Asks(want, want, func(string) bool { return false }) {
		t.Error("the same question is another, or another root is the same")
	}
	for name, change := range map[string]func(*verify.ReleaseWant){
		"root":    func(w *verify.ReleaseWant) { w.Root = []byte("other") },
		"trust":   func(w *verify.ReleaseWant) { w.Demand.Trust = "corp" },
		"URL":     func(w *verify.ReleaseWant) { w.Demand.TUF.MetadataURL = "u" },
		"version": func(w *verify.ReleaseWant) { w.Version = "2" },
		"name":    func(w *verify.ReleaseWant) { w.Name = "m" },
	} {
		other := want
		change(&other)
		if replay.Asks(want, other, same) {
			t.Errorf("another %s is the same question", name)
		}
	}
}

// TestRecorder asks once, and hands out lists that may be added to.
func TestRecorder(t *testing.T) {
	s := &source{}
	r := &replay.Recorder{Source: s, SameRoot: func(string) bool { return true }}
	ref, err := verify.ParseReference("r.example/a:1")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		image, err := r.Resolve(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		e := r.Collect(t.Context(), image, verify.Want{Bundles: true})
		e.Pieces = append(e.Pieces, verify.Piece{Place: "added"})
		r.Release(t.Context(), verify.ReleaseWant{}, nil)
	}
	if *s != (source{1, 1, 1}) {
		t.Errorf("asked %+v", *s)
	}
	images, collected, releases := r.Heard()
	if len(images) != 1 || len(collected) != 1 || len(releases) != 1 || len(collected[0].Evidence.Pieces) != 1 || collected[0].Name != "r.example/a" {
		t.Errorf("heard %+v %+v %+v", images, collected, releases)
	}
	if got := r.Collect(t.Context(), images[0].Image, verify.Want{Bundles: true}).Pieces[:1:1]; got[0].Place != "" {
		t.Errorf("%+v", got)
	}
}
