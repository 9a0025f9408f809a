package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/policy"
)

const (
	insideImage = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	insideOther = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

func insideQuestion(t *testing.T) *question {
	t.Helper()
	ref, err := ParseReference("ghcr.io/acme/widget:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return newQuestion(Facts{image: Image{Reference: ref, Digest: insideImage}}, &policy.Policy{}, policy.Rule{Canonical: "ghcr.io/acme/widget"}, Options{Limits: DefaultLimits()})
}

// TestPlain compares forms: those in one row are one value, those of different rows are not.
func TestPlain(t *testing.T) {
	q := insideQuestion(t)
	for claim, rows := range map[string][][]string{
		"image":      {{"ghcr.io/acme/widget", "ghcr.io/acme/widget:1.2.3", "ghcr.io/acme/widget@" + insideOther}, {"ghcr.io/acme/Widget-", "acme/widget", "widget", "https://ghcr.io/acme/widget", ""}, {"ghcr.io/acme/gadget"}},
		"digest":     {{insideImage, strings.TrimPrefix(insideImage, "sha256:")}, {insideOther}, {""}},
		"version":    {{"1.2.3", "v1.2.3"}, {"1.2.30"}, {"1.2.3+1"}, {"latest"}},
		"repository": {{"https://github.com/acme/widget", "git+https://github.com/acme/widget.git", "git@github.com:acme/widget.git", "ssh://git@github.com/acme/widget", "acme/widget", "github.com/acme/widget", "git+https://github.com/acme/widget@refs/tags/v1", "http://github.com/acme/widget/"}, {"https://github.com/acme/Widget"}, {"https://github.com.evil/acme/widget"}, {"https://gitlab.com/acme/widget", "https://gitlab.com/acme/widget.git"}, {"http://gitlab.com/acme/widget"}},
		"ref":        {{"refs/tags/v1"}, {"v1"}, {"refs/heads/v1"}},
		"commit":     {{"ab"}, {"AB"}},
		"workflow":   {{".github/workflows/release.yml", "https://github.com/acme/widget/.github/workflows/release.yml@refs/tags/v1", "acme/widget/.github/workflows/release.yml@refs/heads/main"}, {".github/workflows/other.yml"}, {".gitlab-ci.yml", "https://gitlab.com/acme/widget//.gitlab-ci.yml@refs/tags/v1"}},
		"run":        {{"7", "7-2", "https://github.com/acme/widget/actions/runs/7/attempts/1", "https://github.com/acme/widget/actions/runs/7"}, {"8"}},
		"built":      {{"2025-06-01T12:00:00Z", "2025-06-01T14:00:00+02:00"}, {"2025-06-01T12:00:01Z"}, {"yesterday"}},
	} {
		seen := map[string]int{}
		for i, row := range rows {
			for _, text := range row {
				form := q.plain(claim, text, "")
				if form != q.plain(claim, row[0], "") {
					t.Errorf("%s: %q is %q, and %q is %q; wanted the same", claim, text, form, row[0], q.plain(claim, row[0], ""))
				}
				if j, ok := seen[form]; ok && j != i {
					t.Errorf("%s: %q is the same as a value of row %d", claim, text, j)
				}
				seen[form] = i
			}
		}
	}
}

// TestDigestsDisagree is what no check before lets through: a manifest or a document of
// another digest.
func TestDigestsDisagree(t *testing.T) {
	q := insideQuestion(t)
	story := &story{said: map[string][]saying{}}
	story.says(q, teller{source: "reference", piece: questionPiece}, "digest", insideImage)
	story.says(q, teller{source: "sbom", piece: "sbom 0", about: insideImage}, "digest", insideOther)
	if story.agree("digest") {
		t.Error("two digests agree")
	}
	if want := `the digest is "` + insideImage + `" by reference, and "` + insideOther + `" by sbom`; story.disagreement("digest") != want {
		t.Errorf("found %s; wanted %s", story.disagreement("digest"), want)
	}
	// What is about a platform may name that platform, and another's may not.
	if q.plain("digest", insideOther, insideOther) != insideImage || q.plain("digest", insideOther, insideImage) != insideOther {
		t.Error("a platform's digest is taken for the image's by what is not about it")
	}
}

// TestLifetime is when each selection ends.
func TestLifetime(t *testing.T) {
	start := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	met := func(signed, content int) outcome {
		o := outcome{met: true, statement: &Statement{times: []VerifiedTime{{Time: hour(signed)}}}}
		if content > 0 {
			o.until = hour(content)
		}
		return o
	}
	for _, c := range []struct {
		name     string
		sel      policy.Select
		age      int
		outcomes []outcome
		want     int // hours, 0 never
	}{
		{"never", policy.SelectAny, 0, []outcome{met(0, 0)}, 0},
		{"any: the longest", policy.SelectAny, 10, []outcome{met(0, 0), met(3, 0), met(1, 0)}, 13},
		{"any: content ends one", policy.SelectAny, 10, []outcome{met(0, 0), met(3, 5)}, 10},
		{"any: one that never ends", policy.SelectAny, 0, []outcome{met(0, 5), met(0, 0)}, 0},
		{"all: the last to count", policy.SelectAll, 10, []outcome{met(0, 0), met(3, 0)}, 13},
		{"all: content spoils", policy.SelectAll, 10, []outcome{met(0, 0), met(3, 5)}, 5},
		{"all: what does not count spoils nothing", policy.SelectAll, 10, []outcome{met(0, 12), met(3, 0)}, 13},
		{"newest", policy.SelectNewest, 10, []outcome{met(3, 0)}, 13},
		{"newest: content", policy.SelectNewest, 10, []outcome{met(3, 4), met(3, 5)}, 4},
		{"what is not met", policy.SelectAny, 10, []outcome{met(0, 0), {statement: &Statement{}}}, 10},
	} {
		got := lifetime(policy.Demand{Select: c.sel, MaxAge: time.Duration(c.age) * time.Hour}, c.outcomes)
		if want := hour(c.want); (c.want == 0 && !got.IsZero()) || (c.want != 0 && !got.Equal(want)) {
			t.Errorf("%s: found %s; wanted hour %d", c.name, got, c.want)
		}
	}
	kept := func(about string, content int) outcome {
		o := met(0, content)
		o.statement.layout, o.statement.about = BuildKit, about
		return o
	}
	if got := lifetime(policy.Demand{Select: policy.SelectAny}, []outcome{kept("a", 5), kept("a", 7), kept("b", 6)}); !got.Equal(hour(6)) {
		t.Errorf("of two platforms one of which ends at hour 6: %s", got)
	}
}
