package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/verify"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var scenes = map[string]func(*testing.T) Tree{
	"index": func(t *testing.T) Tree {
		s := newShop(t)
		r := s.release(t, nil)
		s.push(t, r.Publication)
		return s.look(r.Reference(), Options{Platforms: true})
	},
	"single": func(t *testing.T) Tree {
		s := newShop(t)
		r := s.release(t, func(o *lab.ReleaseOptions) { o.Platform, o.Form = "linux/amd64", lab.LegacyForm })
		s.push(t, r.Publication)
		return s.look(repository+"@"+r.Image.Digest(), Options{Platforms: true})
	},
	"platforms":  platforms,
	"junk":       junk,
	"unresolved": func(t *testing.T) Tree { return newShop(t).look(repository+":9.9.9", Options{Platforms: true}) },
	"hostile":    hostile,
}

// platforms is BuildKit's index, with BuildKit's attestations about one child and
// signed evidence on the other alone, one bundle of which names the index instead.
func platforms(t *testing.T) Tree {
	t.Helper()
	s := newShop(t)
	r := must(lab.NewRelease(s.Sigstore, s.options()))
	r.Image = buildKitIndex(v1.Platform{OS: "linux", Architecture: "amd64"}, v1.Platform{OS: "linux", Architecture: "arm", Variant: "v7"})
	child := r.Image.Children()[2].Digest
	signer := must(s.Issue(r.Signer(), then))
	onChild := must(signer.Bundle(must(lab.SignStatement(repository, child.String())), soon, lab.RekorV2()))
	onIndex := must(signer.Bundle(must(lab.SignStatement(repository, r.Image.Digest())), soon, lab.Version(lab.BundleV01), lab.NoProof()))
	r.Below = map[v1.Hash]lab.Evidence{child: {
		Signatures: []lab.Layer{must(signer.LegacySignature(repository, child.String(), soon, lab.LegacyTimestamp()))},
		Referrers:  []lab.Referrer{lab.BundleReferrer(onChild), lab.BundleReferrer(onIndex)},
	}}
	s.push(t, r.Publication)
	return s.look(r.Reference(), Options{Platforms: true})
}

// junk is evidence of which none would pass.
func junk(t *testing.T) Tree {
	t.Helper()
	s := newShop(t)
	r := must(lab.NewRelease(s.Sigstore, lab.ReleaseOptions{Repository: repository, Platform: "linux/amd64"}))
	other := r.Provenance()
	other.Subjects = lab.Subjects(repository, strings.Repeat("ab", 32))
	key, signer := must(s.NewKeySigner()), must(s.Issue(r.Signer(), then))
	statement := must(lab.SignStatement(repository, r.Image.Digest()))
	twoNames := r.Signer()
	twoNames.SANs = []string{"https://b.example/"}
	r.Signatures = []lab.Layer{
		must(key.LegacySignature(repository, r.Image.Digest(), soon)),
		must(signer.LegacySignature(repository, r.Image.Digest(), soon, lab.RawBundle("{}"))),
		must(signer.LegacySignature(repository, r.Image.Digest(), soon, lab.LegacyPayload([]byte(`{"critical":{"type":"other"}}`)))),
	}
	r.Attestations = []lab.Layer{
		must(signer.LegacyAttestation(must(lab.ProvenanceV02(other)), soon)),
		{MediaType: lab.EnvelopeMediaType, Bytes: []byte(`{"payloadType": "x", "payloadType": "y"}`)},
	}
	for _, b := range [][]byte{
		[]byte(`{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"`),
		must(key.Bundle(statement, soon)),
		must(signer.Bundle(statement, soon, lab.MessageSignature())),
		must(must(s.Issue(r.Signer(), then, lab.ValidFor(-1))).Bundle(must(lab.ProvenanceGitHub(r.Provenance())), soon)),
		must(must(s.Issue(twoNames, then)).Bundle(statement, soon)),
	} {
		r.Referrers = append(r.Referrers, lab.Referrer{ArtifactType: lab.BundleMediaType, MediaType: lab.BundleMediaType, Bytes: b})
	}
	s.push(t, r.Publication)
	return s.look(r.Reference(), Options{Platforms: true})
}

const evil = "x\x1b[2J\r\nPASS all is well\u202e\u0430\x00  end\u00a0"

// hostile writes terminal escapes and false lines wherever something from outside can
// stand.
func hostile(t *testing.T) Tree {
	t.Helper()
	evilPlace := verify.Piece{Layout: verify.Bundle, Place: evil, Digest: evil, MediaType: evil, Bytes: []byte(evil)}
	statement := map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": evil,
		"subject": []any{map[string]any{"name": evil, "digest": map[string]string{evil: evil}}},
	}
	envelope := must(json.Marshal(map[string]any{
		"payloadType": lab.InTotoPayloadType, "payload": must(json.Marshal(statement)), "signatures": []any{map[string]any{"sig": "eA=="}},
	}))
	image := indexOf(map[string]any{
		"mediaType": evil, "digest": evil, "size": -1,
		"platform":    map[string]any{"os": evil, "architecture": evil, "variant": evil, "os.version": evil},
		"annotations": map[string]string{annotationType: evil, annotationDigest: evil},
	}, map[string]any{
		"mediaType": "x", "digest": digest('1'), "platform": map[string]any{"os": "unknown", "architecture": "unknown"},
		"annotations": map[string]string{annotationType: "attestation-manifest", annotationDigest: evil},
	})
	return Look(context.Background(), memory{image: image, evidence: map[string]verify.Evidence{digest('0'): {
		Pieces: []verify.Piece{evilPlace, {
			Layout: verify.LegacyAttestation, Place: "here", Digest: digest('2'), Bytes: envelope, Annotations: map[string]string{lab.CertificateAnnotation: evil},
		}, {Layout: verify.Layout(evil), Place: "there", Digest: digest('3')}},
		Failures: []verify.Failure{{Code: verify.Code(evil), Class: verify.Class(evil), Place: evil, Detail: evil}},
		Places:   []string{evil},
	}}}, must(verify.ParseReference(repository+":1.2.3")), Options{Platforms: true, Limits: verify.DefaultLimits()})
}

func text(t testing.TB, tree Tree, o TextOptions) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, tree, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func asJSON(t testing.TB, tree Tree) string {
	t.Helper()
	var b bytes.Buffer
	if err := JSON(&b, tree); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What differs between two runs of the lab, whose keys are new in each.
var (
	digests = regexp.MustCompile(`sha256[:-][0-9a-f]{64}|sha256:[0-9a-f]{12}\b`)
	sizes   = regexp.MustCompile(`[0-9.]+ (bytes|kB|MB)\b|"(size|bytes)": [0-9]+`)
	logs    = regexp.MustCompile(`log [0-9a-f]{12}\b|"log_id": "[0-9a-f]+"`)
	keys    = regexp.MustCompile(`it calls \S+|"key_hint": "[^"]+"`)
	columns = regexp.MustCompile(`line [0-9]+:[0-9]+`)
)

// settled replaces what differs between two runs, and keeps what is the same digest
// or another one.
func settled(s string) string {
	known := map[string]string{}
	s = digests.ReplaceAllStringFunc(s, func(d string) string {
		k := d[7:19]
		if known[k] == "" {
			known[k] = fmt.Sprintf("%s(%d)", "digest", len(known)+1)
		}
		return known[k]
	})
	s = sizes.ReplaceAllString(s, "SIZE")
	s = logs.ReplaceAllString(s, "LOG")
	s = columns.ReplaceAllString(s, "line N")
	return keys.ReplaceAllString(s, "KEY")
}

func TestGolden(t *testing.T) {
	for name, scene := range scenes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := scene(t)
			golden(t, name+".txt", settled(text(t, tree, TextOptions{})))
			golden(t, name+".json", settled(asJSON(t, tree)))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want, err := os.ReadFile(file); err != nil || got != string(want) {
		t.Errorf("%s is not what is written now (-update rewrites it; %v):\n%s", file, err, got)
	}
}

// TestPage wants of every page that its ends say that nothing was verified, that it is
// ASCII, and that nothing from outside begins a line.
func TestPage(t *testing.T) {
	begins := []string{"NOT VERIFIED ", "  ", "evidence on ", "could not be read:", "looked at:", "Nothing here was verified.", ""}
	counted := regexp.MustCompile(`^\d+ requests, `)
	for name, scene := range scenes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := scene(t)
			page := text(t, tree, TextOptions{Flags: []string{"--layout", "a b"}})
			for i, line := range strings.Split(page, "\n") {
				ours := counted.MatchString(line) || slices.ContainsFunc(begins, func(b string) bool {
					return b != "" && strings.HasPrefix(line, b) || line == ""
				})
				if !ours || strings.HasSuffix(line, " ") || strings.Trim(line, " ") != "" && strings.HasPrefix(strings.Trim(line, " "), "PASS") {
					t.Errorf("line %d is %q", i+1, line)
				}
			}
			if i := strings.IndexFunc(page, func(r rune) bool { return r != '\n' && r != '…' && (r < ' ' || r > '~') }); i >= 0 {
				t.Errorf("the page has the byte %q", page[i])
			}
			if !strings.HasPrefix(page, "NOT VERIFIED ") || !strings.Contains(page, "\nNothing here was verified.") ||
				!strings.HasSuffix(page, " --repo OWNER/NAME --layout 'a b'\n") {
				t.Errorf("the page does not say at both ends that nothing was verified, and how to:\n%s", page)
			}
			wide, narrow := text(t, tree, TextOptions{Width: 300}), text(t, tree, TextOptions{Width: 1})
			if strings.Join(strings.Fields(wide), " ") != strings.Join(strings.Fields(narrow), " ") {
				t.Error("the width changes more than the breaks")
			}
			doc := asJSON(t, tree)
			if i := strings.IndexFunc(doc, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
				t.Errorf("the JSON has the byte %q", doc[i])
			}
			var again Tree
			if err := json.Unmarshal([]byte(doc), &again); err != nil || again.Verified {
				t.Errorf("the JSON reads back as verified %v, error %v", again.Verified, err)
			}
		})
	}
}

// TestEverything fails when a new kind of evidence is not wanted here.
func TestEverything(t *testing.T) {
	want := reflect.ValueOf(everything())
	for i := range want.NumField() {
		labels := want.Type().Field(i).Name == "Config" // which are no evidence
		if want.Field(i).Kind() == reflect.Bool && want.Field(i).IsZero() != labels {
			t.Errorf("inspect does not want %s", want.Type().Field(i).Name)
		}
	}
}

func TestNoPlatforms(t *testing.T) {
	s := newShop(t)
	r := s.release(t, nil)
	s.push(t, r.Publication)
	few, all := s.look(r.Reference(), Options{}), s.look(r.Reference(), Options{Platforms: true})
	if few.Cost.Requests >= all.Cost.Requests || len(few.Platforms) != 2 || few.Platforms[0].Looked || !all.Platforms[0].Looked {
		t.Errorf("%d requests without the platforms, %d with them: %+v", few.Cost.Requests, all.Cost.Requests, few.Platforms)
	}
}

// TestManyPlatforms wants the bounds on an index to be said, and kept.
func TestManyPlatforms(t *testing.T) {
	var entries []map[string]any
	for i := range maxPlatforms + 1 {
		entries = append(entries, map[string]any{"digest": fmt.Sprintf("sha256:%064x", i+1), "platform": map[string]any{"os": "linux", "architecture": "a"}})
	}
	m := memory{image: indexOf(entries...)}
	tree := Look(context.Background(), m, must(verify.ParseReference(repository)), Options{Platforms: true, Limits: verify.DefaultLimits()})
	looked := 0
	for _, p := range tree.Platforms {
		if p.Looked {
			looked++
		}
	}
	if looked != MaxChildren || len(tree.Platforms) != maxPlatforms || len(tree.Failures) != 2 {
		t.Errorf("looked at %d of %d platforms with the failures %v", looked, len(tree.Platforms), tree.Failures)
	}
	for _, f := range tree.Failures {
		if f.Code != verify.LimitExceeded {
			t.Errorf("found the failure %v", f)
		}
	}
}

// TestLayout wants evidence that a layout does not assign to one image of an index to
// be shown once.
func TestLayout(t *testing.T) {
	s := newShop(t)
	r := s.release(t, nil)
	dir := filepath.Join(t.TempDir(), "layout")
	if err := lab.WriteLayout(dir, r.Publication); err != nil {
		t.Fatal(err)
	}
	layout := must(registry.OpenLayout(dir, verify.DefaultLimits()))
	defer func() { _ = layout.Close() }()
	tree := Look(context.Background(), layout, must(verify.ParseReference(repository+"@"+r.Image.Digest())), Options{Platforms: true, Limits: verify.DefaultLimits()})
	if len(tree.Evidence) != 4 || len(tree.Platforms[0].Evidence)+len(tree.Platforms[1].Evidence) != 0 || !tree.Complete() || *tree.Cost != (Cost{}) {
		t.Errorf("found %+v", tree)
	}
}

func TestFailures(t *testing.T) {
	gone := &verify.Failure{Code: verify.RegistryTimeout, Class: verify.Transient, Place: "here", Detail: "no answer"}
	ref := must(verify.ParseReference(repository))
	for _, c := range []struct {
		source memory
		want   verify.Code
	}{
		{memory{failure: gone}, verify.RegistryTimeout},
		{memory{failure: errors.New("odd")}, verify.RegistryServerError},
		{memory{image: indexOf(), evidence: map[string]verify.Evidence{digest('0'): {Failures: []verify.Failure{*gone, *gone}}}}, verify.RegistryTimeout},
		{memory{image: verify.Image{Digest: digest('0'), MediaType: indexOf().MediaType, Manifest: []byte("[")}}, verify.RegistryMalformed},
	} {
		tree := Look(context.Background(), c.source, ref, Options{Platforms: true, Limits: verify.DefaultLimits()})
		if tree.Complete() || len(tree.Failures) != 1 || tree.Failures[0].Code != c.want {
			t.Errorf("found the failures %v; wanted one with the code %s", tree.Failures, c.want)
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("the pipe is closed")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrors(t *testing.T) {
	tree := Unresolved(must(verify.ParseReference(repository)), &verify.Failure{})
	if err := errors.Join(Text(brokenWriter{}, tree, TextOptions{}), JSON(brokenWriter{}, tree)); !errors.Is(err, errBroken) || len(strings.Split(err.Error(), "\n")) != 2 {
		t.Errorf("found the error %v; wanted the writer's, twice", err)
	}
}
