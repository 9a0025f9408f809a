package places_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/places"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

type fake struct{ evidence verify.Evidence }

func (f fake) Resolve(context.Context, verify.Reference) (verify.Image, error) {
	return verify.Image{Digest: "sha256:image"}, nil
}

func (f fake) Collect(context.Context, verify.Image, verify.Want) verify.Evidence { return f.evidence }

type service struct{ asked []string }

func (s *service) Collect(_ context.Context, repository, digest string) verify.Evidence {
	s.asked = append(s.asked, repository+" "+digest)
	return verify.Evidence{
		Pieces: []verify.Piece{{Place: "github"}}, Failures: []verify.Failure{{Code: "x.y"}}, Places: []string{"github"}, Requests: 5, Bytes: 7,
	}
}

func TestSourceJoinsEveryPlace(t *testing.T) {
	github := &service{}
	s := &places.Source{
		Image:  fake{verify.Evidence{Pieces: []verify.Piece{{Place: "registry"}}, Places: []string{"registry"}, Requests: 3, Bytes: 9}},
		GitHub: github,
		Files:  []verify.Piece{{Place: "file"}},
	}
	e := s.Collect(context.Background(), verify.Image{Digest: "sha256:image"}, verify.Want{GitHub: []string{"https://github.com/o/n"}})
	var found []string
	for _, p := range e.Pieces {
		found = append(found, p.Place)
	}
	if got := strings.Join(found, " "); got != "file registry github" {
		t.Errorf("found pieces %q", got)
	}
	if got := strings.Join(e.Places, " "); got != "file github registry" {
		t.Errorf("found places %q", got)
	}
	if len(e.Failures) != 1 || e.Requests != 5 || e.Bytes != 9 {
		t.Errorf("found %+v", e)
	}
	if len(github.asked) != 1 || github.asked[0] != "https://github.com/o/n sha256:image" {
		t.Errorf("GitHub was asked %q", github.asked)
	}
}

func TestAServiceThatCannotBeAskedIsAFailure(t *testing.T) {
	s := &places.Source{Image: fake{}}
	e := s.Collect(context.Background(), verify.Image{}, verify.Want{GitHub: []string{"https://github.com/o/n"}})
	if len(e.Failures) != 1 || e.Failures[0].Code != verify.PlaceUnavailable {
		t.Errorf("found %+v", e.Failures)
	}
	if e := s.Collect(context.Background(), verify.Image{}, verify.Want{}); len(e.Failures) != 0 {
		t.Errorf("found %+v where nothing was wanted", e.Failures)
	}
}

type broken struct{ fake }

func (broken) Collect(context.Context, verify.Image, verify.Want) verify.Evidence { panic("x") }

type brokenService struct{}

func (brokenService) Collect(context.Context, string, string) verify.Evidence { panic("y") }

func TestAPanicIsAFailure(t *testing.T) {
	s := &places.Source{Image: broken{}, GitHub: brokenService{}}
	e := s.Collect(context.Background(), verify.Image{}, verify.Want{GitHub: []string{"https://github.com/o/n"}})
	if len(e.Failures) != 2 || e.Failures[0].Code != verify.InternalPanic || e.Failures[1].Code != verify.InternalPanic || len(e.Failures[0].Layouts) < 5 {
		t.Errorf("found %+v", e.Failures)
	}
}

type listing struct{ asked []string }

func (l *listing) Release(_ context.Context, want verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
	image, _ := resolved()
	l.asked = append(l.asked, want.Demand.TUF.MetadataURL+" "+image.Digest)
	return verify.ReleaseEvidence{Refreshed: true}
}

func TestTheRepositoryOfReleasesIsAsked(t *testing.T) {
	want := verify.ReleaseWant{Demand: policy.Release{TUF: policy.TUF{MetadataURL: "https://tuf.example/metadata"}}}
	resolved := func() (verify.Image, bool) { return verify.Image{Digest: "sha256:image"}, true }
	releases := &listing{}
	s := &places.Source{Image: fake{}, Releases: releases}
	if e := s.Release(context.Background(), want, resolved); !e.Refreshed || len(e.Failures) != 0 {
		t.Errorf("found %+v", e)
	}
	if len(releases.asked) != 1 || releases.asked[0] != "https://tuf.example/metadata sha256:image" {
		t.Errorf("it was asked %q", releases.asked)
	}
	s.Releases = nil
	e := s.Release(context.Background(), want, resolved)
	if len(e.Failures) != 1 || e.Failures[0].Code != verify.PlaceUnavailable || e.Failures[0].Place != "https://tuf.example/metadata" {
		t.Errorf("found %+v where nothing can be asked", e.Failures)
	}
	if e.State.Kind != verify.StateNone || e.Refreshed {
		t.Errorf("found %+v where nothing can be asked", e)
	}
}

func TestReadBundles(t *testing.T) {
	limits := verify.DefaultLimits()
	limits.Pieces, limits.PieceBytes = 3, 64
	for _, c := range []struct {
		name, content, wanted string
		pieces                int
	}{
		{"one", `{"a":1}`, "", 1},
		{"lines", "{\"a\":1}\n{\"a\":2}\n", "", 2},
		{"not a bundle is for authentication to say", `[]`, "", 1},
		{"empty", " \n", "empty", 0},
		{"broken", `{"a":`, "not JSON", 0},
		{"too many", "1\n2\n3\n4\n", "more than 3", 0},
		{"too large", strings.Repeat(" ", 65), "more than 64 bytes", 0},
	} {
		file := filepath.Join(t.TempDir(), "bundle.json")
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		pieces, err := places.ReadBundles(file, limits)
		if (err == nil) != (c.wanted == "") || (err != nil && !strings.Contains(err.Error(), c.wanted)) {
			t.Errorf("%s: found %v; wanted %q", c.name, err, c.wanted)
		}
		if len(pieces) != c.pieces {
			t.Errorf("%s: found %d pieces; wanted %d", c.name, len(pieces), c.pieces)
		}
		for _, p := range pieces {
			if p.Layout != verify.Bundle || !verify.IsDigest(p.Digest) {
				t.Errorf("%s: found %+v", c.name, p)
			}
		}
	}
	if _, err := places.ReadBundles(filepath.Join(t.TempDir(), "none"), limits); err == nil {
		t.Error("a file that is not there was read")
	}
}
