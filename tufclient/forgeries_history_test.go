package tufclient_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// forger signs a payload for a key that is not the forger's to use.
type forger func(l *sigstoreLab, email string, payload []byte) map[string]any

// forgeries are entries that must not count, each alone the reason.
func forgeries() map[string]forger {
	person := func(email string) lab.Identity { return lab.Person(email, personIssuer) }
	return map[string]forger{
		"right identity of the wrong issuer": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(lab.Person(email, "https://other.lab.example"), p, nil)
		},
		"issuer with a slash more": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(lab.Person(email, personIssuer+"/"), p, nil)
		},
		"another identity": func(l *sigstoreLab, _ string, p []byte) map[string]any {
			return l.sign(person("mallory@people.example"), p, nil)
		},
		"identity in upper case": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(strings.ToUpper(email)), p, nil)
		},
		"identity with a word before": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person("not-"+email), p, nil)
		},
		"identity with a word after": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(email+".evil.example"), p, nil)
		},
		"second identity beside it": func(l *sigstoreLab, email string, p []byte) map[string]any {
			id := person(email)
			id.SAN = "https://mallory.example"
			return l.sign(id, p, nil)
		},
		"bundle over other bytes": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(email), append([]byte(" "), p...), nil)
		},
		"sig of another bundle": func(l *sigstoreLab, email string, p []byte) map[string]any {
			entry := l.sign(person(email), p, nil)
			entry["sig"] = l.sign(person(email), p, nil)["sig"]
			return entry
		},
		"sig in hexadecimal": func(l *sigstoreLab, email string, p []byte) map[string]any {
			entry := l.sign(person(email), p, nil)
			entry["sig"] = "00112233"
			return entry
		},
		"no sig": func(l *sigstoreLab, email string, p []byte) map[string]any {
			entry := l.sign(person(email), p, nil)
			delete(entry, "sig")
			return entry
		},
		"no bundle": func(l *sigstoreLab, email string, p []byte) map[string]any {
			entry := l.sign(person(email), p, nil)
			delete(entry, "bundle")
			return entry
		},
		"no log entry": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(email), p, nil, lab.Unlogged())
		},
		"no log entry but a timestamp": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(email), p, nil, lab.Unlogged(), lab.Timestamp())
		},
		"entry of an unknown log": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(email), p, nil, lab.UnknownLog())
		},
		"entry of an impostor": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(email), p, nil, lab.ImpostorLog())
		},
		"no SCT": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(email), p, []lab.LeafOption{lab.NoSCT()})
		},
		"SCT by an unknown log": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(email), p, []lab.LeafOption{lab.UnknownCTLog()})
		},
		"certificate signed by itself": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(email), p, []lab.LeafOption{lab.SelfSigned()})
		},
		"logged after the certificate": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.signAt(person(email), p, historyStart.Add(lab.LeafLifetime+time.Minute), nil)
		},
		"logged before the certificate": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.signAt(person(email), p, historyStart.Add(-time.Hour), nil)
		},
		"no time": func(l *sigstoreLab, email string, p []byte) map[string]any {
			return l.sign(person(email), p, nil, lab.RekorV2(), lab.NoTimestamp())
		},
		"envelope instead of a message": func(l *sigstoreLab, email string, p []byte) map[string]any {
			signer, err := l.sigstore.Issue(person(email), historyStart)
			must(err)
			b, err := signer.Bundle(p, historyStart.Add(time.Minute))
			must(err)
			entry := entryOf(b)
			entry["sig"] = l.sign(person(email), p, nil)["sig"]
			return entry
		},
		"another Sigstore instance": func(_ *sigstoreLab, email string, p []byte) map[string]any {
			s, err := lab.NewSigstore(lab.Options{Now: historyStart})
			must(err)
			return (&sigstoreLab{sigstore: s}).sign(person(email), p, nil)
		},
	}
}

// TestSigstoreForgeries puts each forgery in place of a good signature, on each role.
func TestSigstoreForgeries(t *testing.T) {
	t.Parallel()
	l := newSigstoreLab(t)
	good := func(l *sigstoreLab, email string, p []byte) map[string]any {
		return l.sign(lab.Person(email, personIssuer), p, nil)
	}
	roles := []string{"root", "timestamp", "snapshot", "targets", "team"}
	for _, role := range roles {
		if o := l.forged(t, role, good); o.refused() || !strings.HasPrefix(o.finds[0].answer, "found") {
			t.Fatalf("%s: a good signature is refused: %s, %+v", role, o.word(), o.finds)
		}
	}
	for _, name := range sortedKeys(forgeries()) {
		t.Run(name, func(t *testing.T) {
			for _, role := range roles {
				o := l.forged(t, role, forgeries()[name])
				if role == "team" && o.err == nil {
					o.err = o.finds[0].err
				}
				if why := reason(o); why != "threshold" && why != "malformed" {
					t.Errorf("%s: %s (%s), wanted too few signatures", role, o.word(), why)
				}
			}
		})
	}
}

// forged publishes a small repository in which a forger signs for one role, and asks a
// client for the target that a delegated role lists.
func (l *sigstoreLab) forged(t *testing.T, role string, by forger) outcome {
	t.Helper()
	const email = "ann@people.example"
	ann := l.key(email, personIssuer)
	r := &ring{sigstore: true, keys: []*simKey{ann}}
	s := newSimulator(r, 0)
	h := &history{sim: s}
	s.roles["targets"].delegations = []simDelegation{{name: "team", role: s.newRole(1, 1), paths: []string{"a/*"}}}
	s.roles["team"] = &simTargets{files: map[string]simFile{"a/one.txt": {content: "one"}}}
	s.touch("team")
	s.publish()
	h.pinned = s.files["m/1.root.json"]
	s.touch("root", "timestamp", "snapshot", "targets", "team")
	forged := *ann
	forged.entry = func(p []byte) map[string]any { return by(l, email, p) }
	s.twists[role] = twist{holders: func([]holder) []holder { return []holder{{id: ann.id, key: &forged}} }}
	s.publish()
	return h.ask(t.TempDir(), &step{view: newView(s.files), paths: []string{"a/one.txt"}}, l)
}

// TestSigstoreSignatureMoved takes the signature that one role has by an identity to
// another role of the same identity.
func TestSigstoreSignatureMoved(t *testing.T) {
	t.Parallel()
	l := newSigstoreLab(t)
	for from, to := range map[string]string{"targets": "snapshot", "snapshot": "timestamp", "root": "timestamp"} {
		var moved any
		s := newSimulator(&ring{sigstore: true, keys: []*simKey{l.key("ann@people.example", personIssuer)}}, 0)
		s.twists[from] = twist{signatures: func(list []any) []any { moved = list[0]; return list }}
		s.twists[to] = twist{signatures: func([]any) []any { return []any{moved} }}
		s.publish()
		h := &history{sim: s, pinned: s.files["m/1.root.json"]}
		if o := h.ask(t.TempDir(), &step{view: newView(s.files)}, l); reason(o) != "threshold" {
			t.Errorf("a signature of %s as one of %s: %s", from, to, o.word())
		}
	}
}

// TestSigstoreThresholds counts holders, of both kinds of keys.
func TestSigstoreThresholds(t *testing.T) {
	t.Parallel()
	l := newSigstoreLab(t)
	ann, bob := l.key("ann@people.example", personIssuer), l.key("bob@people.example", personIssuer)
	otherAnn := l.key("ann@people.example", "https://other.lab.example")
	plain := rings()["ordinary"].key(0)
	as := func(id string, k *simKey) holder { return holder{id: id, key: k} }
	cases := map[string]struct {
		keys, signed []holder
		threshold    int
		refused      bool
	}{
		"two people":                          {[]holder{as("a", ann), as("b", bob)}, []holder{as("a", ann), as("b", bob)}, 2, false},
		"one of two people":                   {[]holder{as("a", ann), as("b", bob)}, []holder{as("a", ann)}, 2, true},
		"one of two people is enough":         {[]holder{as("a", ann), as("b", bob)}, []holder{as("b", bob)}, 1, false},
		"a person and a key":                  {[]holder{as("a", ann), as("k", plain)}, []holder{as("a", ann), as("k", plain)}, 2, false},
		"the person alone of both":            {[]holder{as("a", ann), as("k", plain)}, []holder{as("a", ann)}, 2, true},
		"the key alone of both":               {[]holder{as("a", ann), as("k", plain)}, []holder{as("k", plain)}, 2, true},
		"one identity under two ids":          {[]holder{as("a", ann), as("a2", ann)}, []holder{as("a", ann), as("a2", ann)}, 2, true},
		"one identity under two ids for one":  {[]holder{as("a", ann), as("a2", ann)}, []holder{as("a2", ann)}, 1, false},
		"one key under two ids and a person":  {[]holder{as("k", plain), as("k2", plain), as("a", ann)}, []holder{as("k", plain), as("k2", plain), as("a", ann)}, 3, true},
		"one name at two issuers":             {[]holder{as("a", ann), as("o", otherAnn)}, []holder{as("a", ann), as("o", otherAnn)}, 2, false},
		"a person with the id of another":     {[]holder{as("a", ann), as("b", bob)}, []holder{as("a", bob), as("b", bob)}, 2, true},
		"a person's bundle for a key's id":    {[]holder{as("k", plain)}, []holder{as("k", ann)}, 1, true},
		"a key's signature for a person's id": {[]holder{as("a", ann)}, []holder{as("a", plain)}, 1, true},
	}
	for _, name := range sortedKeys(cases) {
		c := cases[name]
		t.Run(name, func(t *testing.T) {
			for _, role := range []string{"timestamp", "snapshot", "targets"} {
				s := newSimulator(&ring{sigstore: true, keys: []*simKey{plain}}, 0)
				s.top[role] = simRole{holders: c.keys, threshold: c.threshold}
				s.twists[role] = twist{holders: func([]holder) []holder { return c.signed }}
				s.publish()
				h := &history{sim: s, pinned: s.files["m/1.root.json"]}
				o := h.ask(t.TempDir(), &step{view: newView(s.files)}, l)
				if o.refused() != c.refused {
					t.Errorf("%s: %s", role, o.word())
				}
			}
		})
	}
}

// TestSigstorePatterns has identities that would match others, were they patterns.
func TestSigstorePatterns(t *testing.T) {
	t.Parallel()
	l := newSigstoreLab(t)
	cases := []struct {
		named, signs string
		refused      bool
	}{
		{"a.n@people.example", "ann@people.example", true},
		{".*@people.example", "ann@people.example", true},
		{"^ann@people.example$", "ann@people.example", true},
		{"ann@people.example|bob@people.example", "bob@people.example", true},
		{"Ann@people.example", "ann@people.example", true},
		{"ann@people.example", "Ann@people.example", true},
		{"ann+tuf@people.example", "ann+tuf@people.example", false},
		{"ann+tuf@people.example", "annntuf@people.example", true},
	}
	for _, c := range cases {
		named := l.key(c.named, personIssuer)
		s := newSimulator(&ring{sigstore: true, keys: []*simKey{rings()["ordinary"].key(0)}}, 0)
		signs := *named
		signs.entry = l.key(c.signs, personIssuer).entry
		s.top["targets"] = simRole{holders: []holder{{id: named.id, key: named}}, threshold: 1}
		s.twists["targets"] = twist{holders: func([]holder) []holder { return []holder{{id: named.id, key: &signs}} }}
		s.publish()
		h := &history{sim: s, pinned: s.files["m/1.root.json"]}
		dir := filepath.Join(t.TempDir(), "client")
		must(os.MkdirAll(dir, 0o700))
		if o := h.ask(dir, &step{view: newView(maps.Clone(s.files))}, l); o.refused() != c.refused {
			t.Errorf("key of %q signed by %q: %s", c.named, c.signs, o.word())
		}
	}
}
