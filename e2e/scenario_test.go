package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func TestRunAll(t *testing.T) {
	good := scenario{"good", func(context.Context, *world) error { return nil }}
	bad := scenario{"bad", func(context.Context, *world) error { return errors.New("found x\nwanted y") }}
	var out bytes.Buffer
	got := runAll(t.Context(), nil, []scenario{good, bad, good}, 2, &out)
	if got != (tally{passed: 2, failed: 1}) || got.String() != "2 passed, 1 failed" {
		t.Errorf("found %v", got)
	}
	if text := out.String(); strings.Count(text, "ok   good") != 2 || !strings.Contains(text, "FAIL bad") || !strings.Contains(text, "     wanted y") {
		t.Errorf("found the report\n%s", text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := runAll(ctx, nil, []scenario{good}, 1, &out); got.failed != 1 {
		t.Errorf("after the end: found %v; wanted a failure", got)
	}
}

func TestScenarioNames(t *testing.T) {
	names := map[string]bool{}
	for _, s := range scenarios() {
		if names[s.name] {
			t.Errorf("two scenarios are called %s", s.name)
		}
		names[s.name] = true
	}
	if got := selected(scenarios(), "no scenario has this in its name"); len(got) > 0 {
		t.Errorf("found %d scenarios", len(got))
	}
	if got := selected(scenarios(), lanes()[0].name+"/image"); len(got) != 1 {
		t.Errorf("found %d scenarios; wanted one", len(got))
	}
}

const digest = "sha256:0123"

func TestReadVerdict(t *testing.T) {
	read := func(raw string) (findings, error) { return readVerdict([]byte(raw), digest) }
	got, err := read(`{"verdict": "fail", "image": {"digest": "sha256:0123"}, "checks": [
		{"id": "signature", "result": "pass"}, {"id": "sbom", "result": "fail", "code": "sbom.missing"},
		{"id": "platforms", "result": "not_required"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := findings{checkSignature: pass, checkSBOM: "sbom.missing"}
	if diff := want.diff(got); len(diff) > 0 || got.exit() != 1 {
		t.Errorf("found %v; exit code %d", diff, got.exit())
	}
	for name, raw := range map[string]string{
		"nothing":                    "",
		"another image":              `{"verdict": "pass", "image": {"digest": "sha256:4567"}, "checks": [{"id": "signature", "result": "pass"}]}`,
		"no image":                   `{"verdict": "pass", "checks": [{"id": "signature", "result": "pass"}]}`,
		"a pass over a failed check": `{"verdict": "pass", "image": {"digest": "sha256:0123"}, "checks": [{"id": "signature", "result": "fail", "code": "signature.missing"}]}`,
		"a pass over an undecided":   `{"verdict": "pass", "image": {"digest": "sha256:0123"}, "checks": [{"id": "signature", "result": "error", "code": "registry.timeout"}]}`,
		"a pass over nothing":        `{"verdict": "pass", "image": {"digest": "sha256:0123"}, "checks": []}`,
		"a failure over passes":      `{"verdict": "fail", "image": {"digest": "sha256:0123"}, "checks": [{"id": "signature", "result": "pass"}]}`,
	} {
		if got, err := read(raw); err == nil {
			t.Errorf("%s: found %v; wanted an error", name, got)
		}
	}
}

func TestDiff(t *testing.T) {
	if d := passed().diff(passed()); len(d) > 0 {
		t.Errorf("the same findings: %v", d)
	}
	less, more := passed(), passed()
	delete(less, checkSBOM)
	more["release"] = pass
	for _, got := range []findings{less, more, {}} {
		if len(passed().diff(got)) == 0 {
			t.Errorf("found no difference of %v", got)
		}
	}
}
