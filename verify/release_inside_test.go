package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
)

func TestIsPersonal(t *testing.T) {
	for identity, want := range map[string]bool{
		"alice@example.com": true, "Alice.B+tuf@mail.example.co.uk": true, "ölga@example.com": true, "12345+alice@users.noreply.github.com": true,
		"": false, "alice": false, "@example.com": false, "alice@": false, "alice@localhost": false, "a@b@example.com": false,
		"https://github.com/acme/ci/.github/workflows/sign.yml@refs/heads/main": false, "repo:acme/ci@example.com": false, "user!example.com": false,
		"alice@example.com ": false, "alice@example.com\n": false, "al\u200bice@example.com": false, "alice@example..com": false, "alice@example.com.": false,
		"1+github-actions[bot]@users.noreply.github.com": false, `"a b"@example.com`: false,
		"ci@project.iam.gserviceaccount.com": false, "ci@GSERVICEACCOUNT.com": false, "ci@developer.gserviceaccount.com": false, "ci@notgserviceaccount.com": true,
	} {
		if got := isPersonal(identity); got != want {
			t.Errorf("%q: found %v", identity, got)
		}
	}
}

func TestPerson(t *testing.T) {
	const issuer = "https://accounts.google.com"
	sigstoreKey := metadata.Key{Type: sigstoreKeyType, Scheme: sigstoreKeyScheme, Identity: "Alice@example.com", Issuer: issuer}
	who := people{policy.ReleaseSigners{Human: true, Issuers: []string{issuer}, Keys: []policy.ReleaseKey{{SHA256: "aa"}, {SHA256: "bb", Person: "Bob@Example.com"}, {}}}}
	for name, c := range map[string]struct {
		change func(*metadata.Key)
		want   string
	}{
		"a person":         {func(*metadata.Key) {}, "alice@example.com"},
		"another issuer":   {func(k *metadata.Key) { k.Issuer += "/" }, ""},
		"no issuer":        {func(k *metadata.Key) { k.Issuer = "" }, ""},
		"another scheme":   {func(k *metadata.Key) { k.Scheme = "Fulcio2" }, ""},
		"another type":     {func(k *metadata.Key) { k.Type = "sigstore" }, ""},
		"a key":            {func(k *metadata.Key) { *k = metadata.Key{Type: "ed25519", Fingerprint: "aa"} }, "aa"},
		"a person's key":   {func(k *metadata.Key) { *k = metadata.Key{Type: "rsa", Fingerprint: "bb"} }, "bob@example.com"},
		"a key of nobody":  {func(k *metadata.Key) { *k = metadata.Key{Type: "rsa", Fingerprint: "cc"} }, ""},
		"a key of no kind": {func(k *metadata.Key) { *k = metadata.Key{Type: "dilithium", ID: "aa"} }, ""},
	} {
		k := sigstoreKey
		c.change(&k)
		if got, ok := who.person(k); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: found %q, %v", name, got, ok)
		}
	}
	if _, ok := (people{policy.ReleaseSigners{Issuers: []string{issuer}}}).person(sigstoreKey); ok {
		t.Error("issuers alone make a person")
	}
	if m, _ := (people{}).held(metadata.Role{Name: "targets"}); m == nil {
		t.Error("a role that nobody signed is held by people")
	}
}

func TestManifestNames(t *testing.T) {
	digest := "sha256:" + strings.Repeat("ab", 32)
	tags := policy.Rule{}.VersionTags()
	for _, c := range []struct {
		image, canonical string
		want             bool
	}{
		{"ghcr.io/o/n", "ghcr.io/o/n", true},
		{"alpine", "docker.io/library/alpine", true},
		{"docker.io/library/alpine", "docker.io/library/alpine", true},
		{"index.docker.io/library/alpine", "docker.io/library/alpine", true},
		{"ghcr.io/o/n:1.2.3", "ghcr.io/o/n", true},
		{"ghcr.io/o/n:v1.2.3@" + digest, "ghcr.io/o/n", true},
		{"localhost:5000/o/n", "localhost:5000/o/n", true},
		{"localhost:5000/o/n:1.2.4", "localhost:5000/o/n", false},
		{"ghcr.io/o/n:latest", "ghcr.io/o/n", false},
		{"ghcr.io/o/n@sha256:" + strings.Repeat("cd", 32), "ghcr.io/o/n", false},
		{"ghcr.io/o/n2", "ghcr.io/o/n", false},
		{"ghcr.io/o/n/x", "ghcr.io/o/n", false},
		{"GHCR.io/o/n", "ghcr.io/o/n", false},
		{"ghcr.io:443/o/n", "ghcr.io/o/n", false},
		{"https://ghcr.io/o/n", "ghcr.io/o/n", false},
		{" ghcr.io/o/n", "ghcr.io/o/n", false},
		{"", "", false},
	} {
		m := manifest{digest: digest, version: "1.2.3", image: c.image}
		if got := m.names(c.canonical, tags); got != c.want {
			t.Errorf("%q for %s: found %v", c.image, c.canonical, got)
		}
	}
}

func TestReleaseReach(t *testing.T) {
	target, err := policy.ParsePattern("app/releases/v{version}.json", "version")
	if err != nil {
		t.Fatal(err)
	}
	reach := ReleaseReach(policy.Release{Target: target})
	for pattern, want := range map[string]bool{
		"*": true, "*/*/*": true, "app/*/*": true, "app/releases/*": true, "app/releases/v1.*.json": true, "app/releases/v1.2.3.json": true, "app/releases/v?.json": true,
		"ap[po]/*/*": true, "app/releases/v*": true, "*/releases/v1.0.0.json": true, "app/releases/v[0-9].json": true,
		"app/releases/v.json": false, "other/*": false, "app/sboms/*": false, "app/releases/*.txt": false, "app/releases/x*": false, "": false, "app/releases": false,
	} {
		if got := reach([]string{"zzz/*", pattern}); got != want {
			t.Errorf("%q: found %v", pattern, got)
		}
	}
	if reach(nil) {
		t.Error("no pattern reaches anything")
	}
}

func TestCompareVersionsOrder(t *testing.T) {
	want := []string{"2.0.0", "1.10.0", "1.9.1", "1.9.0+b", "1.9.0", "1.9.0-rc.10", "1.9.0-rc.2", "1.9.0-alpha", "2025.06", "2025.05"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, newestFirst)
	if !slices.Equal(got, want) {
		t.Errorf("found %v", got)
	}
}

// TestOnlyATargetCountsForARelease wants a pass to rest on evidence of its own check.
func TestOnlyATargetCountsForARelease(t *testing.T) {
	met := 0
	c := Candidate{Evidence: "sha256:x", Authenticated: true, Met: &met}
	for id, counts := range map[string]map[Layout]bool{
		"release":   {TUFTarget: true, Bundle: false, LegacySignature: false, "": false},
		"signature": {TUFTarget: false, Bundle: true, LegacySignature: true},
	} {
		for layout, want := range counts {
			c.Layout = layout
			v := Verdict{Image: VerdictImage{Digest: "sha256:y"}, Checks: []Finding{{ID: id, Required: true, Result: Passed, Found: []Candidate{c}}}}
			if v.decide(); v.Passed() != want {
				t.Errorf("%s by %q: found %v", id, layout, v.Verdict)
			}
		}
	}
}

// TestReleasePanicIsUndecided has a library panic over a signature of metadata. A root
// without its material stands for the library here.
func TestReleasePanicIsUndecided(t *testing.T) {
	at := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	s, err := lab.NewSigstore(lab.Options{Now: at})
	if err != nil {
		t.Fatal(err)
	}
	repo, err := lab.NewReleaseTUF(s, at)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(repo.FirstRoot())
	pinned, err := NewPinnedRoot(repo.FirstRoot(), hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	ref, err := ParseReference("registry.example/acme/widget@" + fuzzDigest)
	if err != nil {
		t.Fatal(err)
	}
	rule := policy.Rule{Canonical: ref.Name(), Release: &policy.Release{
		TUF: policy.TUF{Root: policy.PinnedRoot{SHA256: pinned.sha256}}, Trust: policy.PublicGood,
	}}
	judge := func(r *Release) Finding {
		q := &question{rule: rule, facts: Facts{image: Image{Reference: ref, Digest: fuzzDigest}, release: r}, at: at, limits: DefaultLimits()}
		return q.judge(releaseCheck{})
	}
	trust := Trust{Pinned: []PinnedRoot{pinned}, Roots: []*TrustedRoot{{name: policy.PublicGood, thresholds: policy.DefaultThresholds()}}}
	f := judge(authenticateRelease(ReleaseEvidence{}, *rule.Release, trust, DefaultLimits(), nil))
	if f.Result != Errored || f.Code != InternalPanic || f.Class != Definitive {
		t.Errorf("a panic over a signature: found %s %s: %s", f.Result, f.Code, f.Message)
	}
	// And while judging: a demand that no parser makes stands for the fault.
	rule.Release = nil
	f = judge(nil)
	if f.Result != NotRequired {
		t.Errorf("found %s", f.Result)
	}
	q := &question{rule: rule}
	if f = (releaseCheck{}).judge(q); f.Result != Errored || f.Code != InternalPanic || !f.Required {
		t.Errorf("a panic while judging: found %s %s", f.Result, f.Code)
	}
}

// TestMetadataSignaturesAreVerifiedOnce replays what a client has verified: its answers
// are taken under the same trusted root, and under no other.
func TestMetadataSignaturesAreVerifiedOnce(t *testing.T) {
	at := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	sum := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	roots, repos := make([]*TrustedRoot, 2), make([]*lab.TUF, 2)
	for i := range roots {
		s, err := lab.NewSigstore(lab.Options{Now: at})
		if err != nil {
			t.Fatal(err)
		}
		material, err := s.TrustedRoot()
		if err != nil {
			t.Fatal(err)
		}
		if roots[i], err = NewTrustedRoot(policy.PublicGood, "lab", material, policy.DefaultThresholds()); err != nil {
			t.Fatal(err)
		}
		if repos[i], err = lab.NewReleaseTUF(s, at); err != nil {
			t.Fatal(err)
		}
	}
	first := repos[0].FirstRoot()
	pinned, err := NewPinnedRoot(first, sum(first))
	if err != nil {
		t.Fatal(err)
	}
	demand := policy.Release{TUF: policy.TUF{Root: policy.PinnedRoot{SHA256: sum(first)}}, Trust: policy.PublicGood}
	trust := Trust{Pinned: []PinnedRoot{pinned}, Roots: roots[:1]}

	client := MetadataSigstore(roots[0], DefaultLimits())
	if r := authenticateRelease(ReleaseEvidence{}, demand, trust, DefaultLimits(), client); r.trusted == nil {
		t.Fatalf("the root was refused: %v", r.refused)
	}
	known := client.(*metadataSigstore).known
	if len(known) != 2 { // two people sign the root
		t.Fatalf("%d signatures were verified; wanted 2", len(known))
	}
	for question := range known { // an answer that nothing but the memory can give
		known[question] = verification{err: errRemembered}
	}
	if r := authenticateRelease(ReleaseEvidence{}, demand, trust, DefaultLimits(), client); r.trusted != nil {
		t.Error("the signatures were verified anew")
	}
	if r := authenticateRelease(ReleaseEvidence{}, demand, trust, DefaultLimits(), nil); r.trusted == nil {
		t.Error("nothing was verified without a client")
	}

	// A client of another root that says yes to everything must not be asked.
	stranger := MetadataSigstore(roots[1], DefaultLimits())
	for question := range known {
		stranger.(*metadataSigstore).known[question] = verification{at: at}
	}
	trust.Roots = roots[1:]
	mine := MetadataSigstore(roots[0], DefaultLimits())
	for question := range known {
		mine.(*metadataSigstore).known[question] = verification{at: at}
	}
	if r := authenticateRelease(ReleaseEvidence{}, demand, trust, DefaultLimits(), mine); r.trusted != nil {
		t.Error("what was verified under one trusted root was taken under another")
	}
	limits := DefaultLimits()
	limits.Depth++
	if r := authenticateRelease(ReleaseEvidence{}, demand, trust, limits, stranger); r.trusted != nil {
		t.Error("what was verified under other limits was taken")
	}
}

var errRemembered = errors.New("remembered")
