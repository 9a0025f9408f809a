package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"

	"github.com/releaseassay/assay/e2e/internal/tool"
)

func TestScenarioNames(t *testing.T) {
	names := map[string]bool{}
	for _, s := range (&world{}).scenarios() {
		if names[s.name] {
			t.Errorf("two scenarios are called %s", s.name)
		}
		names[s.name] = true
	}
	if len(names) < 60 {
		t.Errorf("found %d scenarios beside the range; wanted more", len(names))
	}
}

func TestRunAll(t *testing.T) {
	var order []string
	make := func(name string, alone bool, err error) scenario {
		return scenario{name, alone, func(context.Context) error { order = append(order, name); return err }}
	}
	var out bytes.Buffer
	all := []scenario{make("first", true, nil), make("second", false, errors.New("found x\nwanted y")), make("last", true, nil)}
	got := runAll(t.Context(), all, 1, &out)
	if got != (tally{passed: 2, failed: 1}) || strings.Join(order, " ") != "second first last" {
		t.Errorf("found %v in the order %v; wanted those that run alone at the end", got, order)
	}
	if text := out.String(); !strings.Contains(text, "FAIL second") || !strings.Contains(text, "     wanted y") || !strings.Contains(text, "ok   last") {
		t.Errorf("found the report\n%s", text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := runAll(ctx, all, 1, &out); got.passed != 0 {
		t.Errorf("after the end: found %v; wanted nothing to have passed", got)
	}
}

// The modules of Kubernetes are of one release, which the page names.
func TestAPIServerIsPinned(t *testing.T) {
	raw, err := os.ReadFile("../tools/kube/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	got, err := tool.Version(raw, apiserver().Package)
	if err != nil || !regexp.MustCompile(`^v1\.34\.\d+$`).MatchString(got) {
		t.Fatalf("found kube-apiserver %q, %v; wanted a release of 1.34", got, err)
	}
	f, err := modfile.Parse("go.mod", raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range f.Replace {
		if want := "v0" + strings.TrimPrefix(got, "v1"); r.New.Version != want || r.New.Path != r.Old.Path {
			t.Errorf("%s is replaced by %s; wanted it at %s", r.Old.Path, r.New, want)
		}
	}
	page, err := os.ReadFile("../../docs/e2e-kube.md")
	if err != nil || !strings.Contains(string(page), got) {
		t.Errorf("docs/e2e-kube.md does not name %s (%v)", got, err)
	}
}

// What is compared must be able to fail.
func TestAnswers(t *testing.T) {
	denial := reply{status: 403, body: []byte(`{"kind":"Status","message":"admission webhook \"x\" denied the request: assay: refused: signature.missing"}`)}
	created := reply{status: 201, body: []byte(`{"spec":{"containers":[{"image":"a:1@sha256:2"}]}}`), warnings: []string{"audit: signature.missing"}}
	path := []any{"spec", "containers", 0}
	for name, c := range map[string]struct {
		err  error
		good bool
	}{
		"denied":                {forbidden(denial, "signature.missing"), true},
		"another code":          {forbidden(denial, "sbom.missing"), false},
		"another status":        {refused(denial, 503, "assay"), false},
		"admitted":              {forbidden(created), false},
		"terminal":              {forbidden(reply{status: 403, body: []byte(`{"kind":"Status","message":"denied the request: assay: \u009b2J"}`)}), false},
		"not ours":              {forbidden(reply{status: 403, body: []byte(`{"kind":"Status","message":"pods is forbidden"}`)}), false},
		"image":                 {named(created, "a:1@sha256:2", path...), true},
		"another image":         {named(created, "a:1", path...), false},
		"no image":              {named(reply{status: 201, body: []byte(`{}`)}, "a:1", path...), false},
		"denied for an image":   {named(denial, "a:1", path...), false},
		"warning":               {warned(created, "audit", "signature"), true},
		"another warning":       {warned(created, "audit", "sbom"), false},
		"no warning":            {warned(denial, "audit"), false},
		"a warning not awaited": {silent(created), false},
		"silence":               {silent(denial), true},
	} {
		if (c.err == nil) != c.good {
			t.Errorf("%s: found %v", name, c.err)
		}
	}
	if got := warningText(`299 - "a \"b\""`); got != `a "b"` {
		t.Errorf("found the warning %q", got)
	}
}
