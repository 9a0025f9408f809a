package verify_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// Where the repository of these tests would be, and what it authorises.
const (
	metadataURL = "https://tuf.example/metadata"
	targetsURL  = "https://tuf.example/targets"
	newerHex    = "7777777777777777777777777777777777777777777777777777777777777777"
	newerDigest = "sha256:" + newerHex
)

// hall is a stage with a TUF repository, in which two people hold root and targets.
type hall struct {
	*stage
	*lab.TUF
}

// newHall lists the image as version 1.2.3, an older one as 1.2.2 and a pre-release.
func newHall(t testing.TB) *hall {
	t.Helper()
	return newHallOn(t, newStage(lab.Options{}))
}

func newHallOn(t testing.TB, s *stage) *hall {
	t.Helper()
	h := &hall{s, must(lab.NewReleaseTUF(s.Sigstore, then))}
	h.list(t, "1.2.2", otherDigest)
	h.list(t, "1.2.3", imageDigest)
	h.list(t, "1.3.0-rc.1", newerDigest)
	h.publish(t)
	return h
}

func (h *hall) list(t testing.TB, version, digest string) {
	t.Helper()
	must(h.AddRelease(version, imageName, digest))
}

func (h *hall) publish(t testing.TB, again ...string) {
	t.Helper()
	if err := h.Publish(again...); err != nil {
		t.Fatal(err)
	}
}

// person and machine are keys of the hall's Sigstore.
func (h *hall) person(email string) *lab.TUFKey {
	return must(lab.NewSigstoreTUFKey(h.Sigstore, lab.Person(email, lab.PersonIssuer)))
}

func (h *hall) machine(repo string) *lab.TUFKey {
	return must(lab.NewSigstoreTUFKey(h.Sigstore, lab.GitHub(repo, "refs/heads/main", lab.DefaultCommit, ".github/workflows/sign.yml")))
}

// evidence gathers everything that the repository has, as a collector that is asked
// for all of it would.
func (h *hall) evidence(changes ...func(*verify.ReleaseEvidence)) *verify.ReleaseEvidence {
	e := gathered(h.TUF)
	for _, c := range changes {
		c(e)
	}
	return e
}

func gathered(r *lab.TUF) *verify.ReleaseEvidence {
	e := &verify.ReleaseEvidence{
		Complete: true, Refreshed: true, State: verify.ReleaseState{Kind: verify.StateBootstrap}, Places: []string{metadataURL},
		Timestamp: r.File(r.MetadataPath("timestamp")), Snapshot: r.File(r.MetadataPath("snapshot")), Targets: r.File(r.MetadataPath("targets")),
	}
	for n := 2; ; n++ {
		root := r.File(fmt.Sprintf("metadata/%d.root.json", n))
		if root == nil {
			break
		}
		e.Roots = append(e.Roots, root)
	}
	var roles func(role *lab.TUFRole)
	roles = func(role *lab.TUFRole) {
		for path, content := range role.Targets {
			e.Manifests = append(e.Manifests, verify.Manifest{Path: path, Bytes: content})
		}
		for _, d := range role.Delegations {
			e.Delegated = append(e.Delegated, verify.DelegatedMetadata{Role: d.Role.Name, Delegator: role.Name, Bytes: r.File(r.MetadataPath(d.Role.Name))})
			roles(d.Role)
		}
	}
	roles(r.Targets)
	slices.SortFunc(e.Manifests, func(a, b verify.Manifest) int { return strings.Compare(a.Path, b.Path) })
	return e
}

// releaseYAML demands the release; more are further keys of it.
func (h *hall) releaseYAML(more ...string) string {
	return releaseYAMLOf(h.FirstRoot(), lab.ReleasePattern(imageName), more...)
}

func releaseYAMLOf(root []byte, target string, more ...string) string {
	sum := sha256.Sum256(root)
	tuf := fmt.Sprintf("metadata_url: %s, targets_url: %s, root: {file: 1.root.json, sha256: %q}", metadataURL, targetsURL, hex.EncodeToString(sum[:]))
	keys := []string{"target: \"" + target + "\""}
	for _, m := range more {
		if rest, ok := strings.CutPrefix(m, "tuf."); ok {
			tuf += ", " + rest
		} else {
			keys = append(keys, m)
		}
	}
	return "release: {tuf: {" + tuf + "}, " + strings.Join(keys, ", ") + "}"
}

const (
	human     = "signers: {class: human}"
	twoPeople = "signers: {class: human, people: 2}"
	tagsYAML  = `tags: {version: "{version}", moving: [latest, "{major}.{minor}"]}`
)

// policy demands a release alone, by people unless more says otherwise.
func (h *hall) policy(t testing.TB, more ...string) *policy.Policy {
	t.Helper()
	if !slices.ContainsFunc(more, func(m string) bool { return strings.HasPrefix(m, "signers:") }) {
		more = append(more, human)
	}
	return policyOf(t, tagsYAML, h.releaseYAML(more...))
}

func (h *hall) trustOf(p *policy.Policy) verify.Trust {
	trust := h.trust(p)
	trust.Pinned = []verify.PinnedRoot{pinnedRoot(h.FirstRoot())}
	return trust
}

func pinnedRoot(b []byte) verify.PinnedRoot {
	sum := sha256.Sum256(b)
	return must(verify.NewPinnedRoot(b, hex.EncodeToString(sum[:])))
}

// decide judges an image by a release alone.
func (h *hall) decide(t testing.TB, p *policy.Policy, ref string, o verify.Options, e *verify.ReleaseEvidence, pieces ...verify.Piece) verify.Verdict {
	t.Helper()
	return decideUnder(t, h.trustOf(p), p, ref, imageDigest, o, e, pieces...)
}

// decideUnder authenticates and judges in memory; digest is the image's where the
// reference does not say.
func decideUnder(t testing.TB, trust verify.Trust, p *policy.Policy, ref, digest string, o verify.Options, e *verify.ReleaseEvidence, pieces ...verify.Piece) verify.Verdict {
	t.Helper()
	r := reference(t, ref)
	if r.Digest() != "" {
		digest = r.Digest()
	}
	rule, ok := p.Rule(r.Name())
	if !ok {
		t.Fatal("no rule")
	}
	image := verify.Image{Reference: r, Digest: digest}
	evidence := verify.Evidence{Want: verify.WantOf(rule, r.Name()), Pieces: pieces, Release: e}
	v := verify.Judge(verify.Authenticate(image, evidence, trust, o.Limits), p, trust, o)
	assertReleased(t, v, e)
	return v
}

// assertReleased checks what holds of every verdict about a release: a pass rests on
// one manifest that was gathered and that has the image's digest in it.
func assertReleased(t testing.TB, v verify.Verdict, e *verify.ReleaseEvidence) {
	t.Helper()
	f := finding(t, v, "release")
	if f.Result != verify.Passed {
		if !documented(f.Code) || (f.Result == verify.Errored) == (f.Class == "") {
			t.Errorf("the release check has the result %s, the code %q and the class %q", f.Result, f.Code, f.Class)
		}
		for _, c := range f.Found {
			if c.Met != nil {
				t.Errorf("a refused release has an accepted candidate: %+v", c)
			}
		}
		if v.Passed() || v.ValidUntil != nil {
			t.Errorf("a verdict passes, or is valid until %v, without its release", v.ValidUntil)
		}
		return
	}
	if len(f.Found) != 1 || f.Found[0].Layout != verify.TUFTarget || !f.Found[0].Authenticated || f.Found[0].Met == nil || f.Code != "" {
		t.Fatalf("a release passed on %+v", f.Found)
	}
	named := slices.ContainsFunc(e.Manifests, func(m verify.Manifest) bool {
		return m.Path == f.Found[0].Type && digestOf(m.Bytes) == f.Found[0].Evidence && strings.Contains(string(m.Bytes), v.Image.Digest)
	})
	if !named {
		t.Errorf("a release passed on a manifest that does not name %s: %+v", v.Image.Digest, f.Found)
	}
	if v.Passed() && v.ValidUntil == nil {
		t.Error("a pass is valid for ever")
	}
}

// wantUndecided fails the test unless the release could not be decided, with the code.
func wantUndecided(t testing.TB, v verify.Verdict, code verify.Code, class verify.Class) {
	t.Helper()
	f := finding(t, v, "release")
	if v.Passed() || v.Conclusive || f.Result != verify.Errored || f.Code != code || f.Class != class {
		t.Errorf("wanted an error with %s (%s); found pass=%v conclusive=%v, %s %s (%s): %s",
			code, class, v.Passed(), v.Conclusive, f.Result, f.Code, f.Class, f.Message)
	}
}

// library is a verify.Source with a registry that holds pieces and a TUF repository.
type library struct {
	memory
	release *verify.ReleaseEvidence
	asked   chan verify.ReleaseWant
}

// Release implements verify.Releases.
func (l library) Release(_ context.Context, want verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
	if l.asked != nil {
		l.asked <- want
	}
	if _, ok := resolved(); !ok || want.Demand.TUF.MetadataURL != metadataURL || want.Demand.TUF.TargetsURL != targetsURL {
		return verify.ReleaseEvidence{State: verify.ReleaseState{Kind: verify.StateNone}}
	}
	return *l.release
}

// at is options at another time.
func at(when time.Time) verify.Options {
	o := options()
	o.At = when
	return o
}

// state is what an earlier run saw.
func state(floor metadata.Floor, listed map[string]string) func(*verify.ReleaseEvidence) {
	return func(e *verify.ReleaseEvidence) {
		e.State = verify.ReleaseState{Kind: verify.StateKnown, Floor: floor, Listed: listed}
	}
}
