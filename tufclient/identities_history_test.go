package tufclient_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// TestHistoriesWithIdentities has the same histories with identities as keys. Each step
// must be decided as the same step is with ordinary keys, for the same reason.
func TestHistoriesWithIdentities(t *testing.T) {
	compareRings(t, number(t, histories*3/10), rings()["imitation"], newImitation())
}

// TestHistoriesWithSigstore does so with real bundles, of which each takes its time.
func TestHistoriesWithSigstore(t *testing.T) {
	l := newSigstoreLab(t)
	compareRings(t, number(t, 30), l.ring(), l)
}

// compareRings lets this client alone live through histories with both kinds of keys.
func compareRings(t *testing.T, n int, other *ring, verifier metadata.Sigstore) {
	t.Helper()
	kinds, dir := schedule(), scratch(t)
	counts := newTally()
	eachSeed(t, n, func(seed uint64) {
		base := filepath.Join(dir, fmt.Sprint(seed))
		defer os.RemoveAll(base)
		a, b := newHistory(seed, rings()["ordinary"], true), newHistory(seed, other, true)
		var path []string
		b.length()
		for range a.length() {
			x, y := a.nextStep(kinds), b.nextStep(kinds)
			path = append(path, x.name)
			if x.name != y.name || x.role != y.role {
				t.Errorf("seed %d: the histories part: %s %s, %s %s", seed, strings.Join(path, ", "), x.role, y.name, y.role)
				return
			}
			p, q := a.alone(filepath.Join(base, "a"), x, nil), b.alone(filepath.Join(base, "b"), y, verifier)
			counts.count(y, q)
			if d := unlike(p, q); d != "" {
				t.Errorf("seed %d, %s (%s): %s", seed, strings.Join(path, ", "), x.role, d)
				return
			}
		}
	})
	var accepted, refused int
	for _, k := range allKinds() {
		accepted += counts.accepted[k.name]
		refused += counts.refused[k.name]
	}
	t.Logf("%s keys: %d steps accepted, %d refused; targets: %s", other.name, accepted, refused, listed(counts.finds))
}

// alone lets this client see a step.
func (h *history) alone(dir string, st *step, sigstore metadata.Sigstore) outcome {
	must(os.MkdirAll(dir, 0o700))
	if st.cache != nil {
		spoil(dir, st.role, st.cache)
	}
	return h.ask(dir, st, sigstore)
}

// unlike says how two decisions of this client differ.
func unlike(a, b outcome) string {
	if a.panicked != nil || b.panicked != nil {
		return fmt.Sprintf("panic: %v, %v", a.panicked, b.panicked)
	}
	if alike(a) != alike(b) || !maps.Equal(a.versions, b.versions) {
		return fmt.Sprintf("with ordinary keys %s, with identities %s", a.word(), b.word())
	}
	if !slices.Equal(a.requests, b.requests) {
		return fmt.Sprintf("requests with ordinary keys %v, with identities %v", a.requests, b.requests)
	}
	for i, f := range a.finds {
		if g := b.finds[i]; f.answer != g.answer || f.bytes != g.bytes {
			return fmt.Sprintf("%s: with ordinary keys %s %s (%v), with identities %s %s (%v)", f.path, f.answer, f.bytes, f.err, g.answer, g.bytes, g.err)
		}
	}
	return ""
}

// alike is the reason of a refusal, with one word for bytes that are not those listed: how
// that shows depends on how long they are, and signatures differ in length.
func alike(o outcome) string {
	switch why := reason(o); why {
	case "hash-mismatch", "length-mismatch", "fetch too-much":
		return "other bytes"
	default:
		return why
	}
}

const personIssuer = "https://issuer.lab.example"

// sigstoreLab is a Sigstore instance in the process, and verifies what it signed.
type sigstoreLab struct {
	sigstore *lab.Sigstore
	root     *verify.TrustedRoot
}

func newSigstoreLab(t *testing.T) *sigstoreLab {
	t.Helper()
	s, err := lab.NewSigstore(lab.Options{Now: historyStart})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.TrustedRoot()
	if err != nil {
		t.Fatal(err)
	}
	root, err := verify.NewTrustedRoot("lab", "test", raw, policy.DefaultThresholds())
	if err != nil {
		t.Fatal(err)
	}
	return &sigstoreLab{sigstore: s, root: root}
}

// Verify implements metadata.Sigstore.
func (l *sigstoreLab) Verify(bundle, message []byte, identity, issuer string) (time.Time, error) {
	blob := verify.Blob{Content: bytes.NewReader(message)}
	v, err := verify.VerifyBlob(bundle, blob, verify.BlobSigner{Identity: identity, Issuer: issuer}, l.root, verify.DefaultLimits())
	if err != nil {
		return time.Time{}, err
	}
	times := v.Times()
	first := slices.MinFunc(times, func(a, b verify.VerifiedTime) int { return a.Time.Compare(b.Time) })
	return first.Time, nil
}

// ring holds people of one issuer.
func (l *sigstoreLab) ring() *ring {
	r := &ring{name: "sigstore", sigstore: true}
	for i := range ringSize {
		r.keys = append(r.keys, l.key(fmt.Sprintf("person-%d@people.example", i), personIssuer))
	}
	return r
}

// key is a person's key, by which the person signs.
func (l *sigstoreLab) key(email, issuer string) *simKey {
	key := identityKey(email, issuer)
	return &simKey{tuf: key, id: keyID(key), entry: func(p []byte) map[string]any {
		return l.sign(lab.Person(email, issuer), p, nil)
	}}
}

// sign returns the entry of a signature by an identity.
func (l *sigstoreLab) sign(id lab.Identity, payload []byte, leaf []lab.LeafOption, opts ...lab.BundleOption) map[string]any {
	return l.signAt(id, payload, historyStart.Add(time.Minute), leaf, opts...)
}

func (l *sigstoreLab) signAt(id lab.Identity, payload []byte, at time.Time, leaf []lab.LeafOption, opts ...lab.BundleOption) map[string]any {
	signer, err := l.sigstore.Issue(id, historyStart, leaf...)
	must(err)
	b, err := signer.Bundle(payload, at, append([]lab.BundleOption{lab.MessageSignature()}, opts...)...)
	must(err)
	return entryOf(b)
}

// entryOf is a signature entry for a bundle, with the bundle's own signature beside it.
func entryOf(bundle []byte) map[string]any {
	var b struct {
		MessageSignature struct {
			Signature []byte `json:"signature"`
		} `json:"messageSignature"`
	}
	must(json.Unmarshal(bundle, &b))
	return map[string]any{"sig": base64.StdEncoding.EncodeToString(b.MessageSignature.Signature), "bundle": json.RawMessage(bundle)}
}
