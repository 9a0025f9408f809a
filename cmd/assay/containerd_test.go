package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/releaseassay/assay/verify"
)

const (
	someDigest  = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	otherDigest = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	manifest    = "application/vnd.oci.image.manifest.v1+json"
	index       = "application/vnd.oci.image.index.v1+json"
)

func TestPluginArgs(t *testing.T) {
	for _, c := range []struct{ argv, want []string }{
		{nil, nil},
		{[]string{"/opt/bin/assay-containerd", "-name", "x"}, []string{"containerd", "-name", "x"}},
		{[]string{"/opt/bin/50-assay-containerd.exe", "--help"}, []string{"containerd", "--help"}},
		{[]string{"assay-containerd"}, []string{"containerd"}},
		{[]string{"assay-containerd", "verify", "x"}, []string{"containerd", "verify", "x"}},
		{[]string{"/opt/bin/gate", "-name", "x"}, []string{"containerd", "-name", "x"}},
		{[]string{"/opt/bin/gate", "-digest", "x"}, []string{"containerd", "-digest", "x"}},
		{[]string{"assay", "verify", "-name", "x"}, []string{"verify", "-name", "x"}},
		{[]string{"assay", "--name", "x"}, []string{"--name", "x"}},
		{[]string{"assay"}, []string{}},
	} {
		if got := pluginArgs(c.argv); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.argv, got, c.want)
		}
	}
}

// plugin runs the command in this process, with settings of an empty policy.
func plugin(t *testing.T, stdin io.Reader, stdout io.Writer, change func(*world)) int {
	t.Helper()
	dir := t.TempDir()
	settings := filepath.Join(dir, "containerd.yaml")
	must(t, os.WriteFile(settings, []byte("policy: p.yaml\ntimeout: 200ms\n"), 0o600))
	w := world{
		stdin: stdin, stdout: stdout, stderr: io.Discard, now: time.Now,
		getenv: func(string) string { return "" }, cacheDir: func() string { return "" },
	}
	if change != nil {
		change(&w)
	}
	return run(context.Background(), []string{
		"containerd", "-config", settings, "-name", "localhost:1/n:1", "-digest", someDigest, "-stdin-media-type", descriptorType,
	}, w)
}

type endless struct{}

func (endless) Read([]byte) (int, error) { select {} }

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("closed") }

// TestContainerdNeverAdmits wants one line and an exit code other than 0 from every
// question that cannot be judged.
func TestContainerdNeverAdmits(t *testing.T) {
	good := `{"mediaType":"` + manifest + `","digest":"` + someDigest + `"}`
	for name, c := range map[string]struct {
		stdin  io.Reader
		change func(*world)
		code   int
		reason string
	}{
		"input that never ends": {stdin: endless{}, code: exitUndecided, reason: "did not end in time"},
		"too much input":        {stdin: strings.NewReader(good + strings.Repeat(" ", maxDescriptor)), code: exitUsage, reason: "more than 65536 bytes"},
		"no policy":             {stdin: strings.NewReader(good), code: exitUsage, reason: "p.yaml"},
		"hostile input":         {stdin: strings.NewReader("\x1b[2J\n\u202e"), code: exitUsage, reason: `\x1b`},
		"a panic": {
			stdin: strings.NewReader(good), change: func(w *world) { w.now = func() time.Time { panic("a\nb\x1b") } },
			code: exitUndecided, reason: "internal.panic: a; b",
		},
	} {
		var out bytes.Buffer
		code := plugin(t, c.stdin, &out, c.change)
		line, ended := strings.CutSuffix(out.String(), "\n")
		if code != c.code || !strings.Contains(line, c.reason) {
			t.Errorf("%s: exit code %d, %q; wanted %d, %q", name, code, line, c.code, c.reason)
		}
		if !ended || strings.ContainsFunc(line, unicode.IsControl) || len(line) > maxReason+30 {
			t.Errorf("%s: no line: %q", name, out.String())
		}
	}
}

// TestContainerdUnheard wants no admission that nobody could read.
func TestContainerdUnheard(t *testing.T) {
	if code := runContainerd(context.Background(), []string{"containerd", "--help"}, world{stdout: broken{}, stderr: io.Discard}); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	for _, code := range []int{exitGood, exitBad, exitUsage, exitUndecided} {
		if got := say(broken{}, ruling{code, "x"}); got == exitGood {
			t.Errorf("a ruling of %d that could not be said exits %d", code, got)
		}
	}
}

func TestRuleOn(t *testing.T) {
	ref, err := verify.ParseReference("ghcr.io/o/n:1@" + someDigest)
	must(t, err)
	asked := request{ref, manifest}
	no, yes := false, true
	until := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	image := verify.VerdictImage{Digest: someDigest, MediaType: manifest}
	for name, c := range map[string]struct {
		v    verify.Verdict
		code int
		says string
	}{
		"the zero verdict":            {verify.Verdict{}, exitUndecided, "UNDECIDED"},
		"a failure":                   {verify.Verdict{Conclusive: true, Image: image}, exitBad, "FAIL"},
		"a pass":                      {verify.Verdict{Verdict: verify.Pass, Conclusive: true, Image: image}, exitGood, "PASS"},
		"a pass of nothing":           {verify.Verdict{Verdict: verify.Pass, Conclusive: true}, exitBad, ""},
		"a pass of another":           {verify.Verdict{Verdict: verify.Pass, Conclusive: true, Image: verify.VerdictImage{Digest: otherDigest, MediaType: manifest}}, exitBad, otherDigest},
		"a pass of another kind":      {verify.Verdict{Verdict: verify.Pass, Conclusive: true, Image: verify.VerdictImage{Digest: someDigest, MediaType: index}}, exitBad, "one of them is an index"},
		"enforced":                    {verify.Verdict{Conclusive: true, Image: image, Enforced: &yes, EnforcedFrom: &until}, exitBad, "FAIL"},
		"audit":                       {verify.Verdict{Conclusive: true, Image: image, Enforced: &no, EnforcedFrom: &until}, exitGood, "audit, enforced from 2030-01-02T03:04:05Z: FAIL"},
		"audit without an end":        {verify.Verdict{Conclusive: true, Image: image, Enforced: &no}, exitBad, "FAIL"},
		"audit, and another's digest": {verify.Verdict{Image: verify.VerdictImage{Digest: otherDigest}, Enforced: &no, EnforcedFrom: &until}, exitBad, otherDigest},
		"excepted":                    {verify.Verdict{Conclusive: true, Image: image, Exception: &verify.VerdictException{Expires: until}}, exitGood, "admitted until 2030-01-02T03:04:05Z: EXCEPTED"},
	} {
		r := ruleOn(c.v, asked)
		if r.code != c.code || !strings.Contains(r.reason, c.says) || len(oneLine(r.reason)) > maxReason {
			t.Errorf("%s: got %d, %q; wanted %d, %q", name, r.code, r.reason, c.code, c.says)
		}
	}
}

func TestLogThatCannotBeWritten(t *testing.T) {
	ref, err := verify.ParseReference("ghcr.io/o/n:1@" + someDigest)
	must(t, err)
	var said bytes.Buffer
	logRuling(world{stderr: &said, now: time.Now}, filepath.Join(t.TempDir(), "no", "such"), request{ref, manifest}, &ruling{exitBad, "x"}, time.Now())
	if !strings.Contains(said.String(), "could not be logged") {
		t.Errorf("found %q", said.String())
	}
}

// FuzzDescriptor wants no descriptor accepted that a second reading gives otherwise.
func FuzzDescriptor(f *testing.F) {
	for _, seed := range []string{
		`{"mediaType":"` + manifest + `","digest":"` + someDigest + `","size":7}`, `{"mediaType":"x","digest":"a","digest":"b"}`,
		`{"mediaType":"x","digest":"a"}{}`, `{"digest":1}`, `{`, `{"a":[{}]`, `{"mediaType":null,"digest":null}`, "", "[]", "null",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := parseDescriptor(b)
		if err == nil && (d.digest == "" || d.mediaType == "" || !bytes.Contains(b, []byte(`"`))) {
			t.Errorf("%q: accepted as %+v", b, d)
		}
		if ref, err := askedFor(string(b), someDigest); err == nil && ref.Digest() != someDigest {
			t.Errorf("%q: accepted as %s", b, ref)
		}
	})
}
