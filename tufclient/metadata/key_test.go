package metadata_test

import (
	"crypto/elliptic"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/tufclient/metadata"
)

func TestKeys(t *testing.T) {
	badCurve := ec(t, "k", "ecdsa", "ecdsa-sha2-nistp384", elliptic.P256())
	unknownType := signer{"k", public("dilithium", "dilithium3", "00"), strangerKey.sign}
	unknownScheme := signer{"k", public("ed25519", "ed25519ph", aKey.key["keyval"].(object)["public"].(string)), aKey.sign}
	malformed := signer{"k", public("ed25519", "ed25519", "zz"), aKey.sign}
	short := signer{"k", public("ed25519", "ed25519", "00ff"), aKey.sign}
	noValue := signer{"k", object{"keytype": "rsa", "scheme": "rsassa-pss-sha256", "keyval": object{}}, aKey.sign}
	otherSigstore := sigstoreBy("k", "ci@example.com")
	otherSigstore.key["scheme"] = "Rekor"
	nameless := sigstoreBy("k", "")
	for name, c := range map[string]struct {
		by       signer
		sigstore metadata.Sigstore
		kind     metadata.Kind // "" passes
		says     string
	}{
		"ed25519":                      {by: ed("k")},
		"ecdsa":                        {by: ec(t, "k", "ecdsa", "ecdsa-sha2-nistp256", elliptic.P256())},
		"ecdsa by its old name":        {by: ec(t, "k", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", elliptic.P256())},
		"ecdsa 384":                    {by: ec(t, "k", "ecdsa", "ecdsa-sha2-nistp384", elliptic.P384())},
		"ecdsa 384 by its old name":    {by: ec(t, "k", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", elliptic.P384())},
		"rsa, salt as long as hash":    {by: rsaKey(t, "k", 2048, 32)},
		"rsa, longest salt":            {by: rsaKey(t, "k", 2048, 0)},
		"rsa, too short":               {by: rsaKey(t, "k", 1024, 32), kind: metadata.Threshold, says: "1024"},
		"curve of another scheme":      {by: badCurve, kind: metadata.Threshold, says: "curve"},
		"unknown type":                 {by: unknownType, kind: metadata.UnknownKey, says: "dilithium"},
		"unknown scheme":               {by: unknownScheme, kind: metadata.UnknownKey, says: "ed25519ph"},
		"no hexadecimal":               {by: malformed, kind: metadata.Threshold, says: "public key"},
		"too few bytes":                {by: short, kind: metadata.Threshold, says: "32 bytes"},
		"no public key":                {by: noValue, kind: metadata.Threshold, says: "no public key"},
		"sigstore":                     {by: sigstoreBy("k", "ci@example.com"), sigstore: mock{at: signedAt}},
		"sigstore without a root":      {by: sigstoreBy("k", "ci@example.com"), kind: metadata.Threshold, says: "trusted root"},
		"sigstore without a time":      {by: sigstoreBy("k", "ci@example.com"), sigstore: mock{}, kind: metadata.Threshold, says: "verified time"},
		"sigstore that panics":         {by: sigstoreBy("k", "ci@example.com"), sigstore: mock{panic: true}, kind: metadata.Threshold, says: "panic"},
		"sigstore of an unknown kind":  {by: otherSigstore, sigstore: mock{at: signedAt}, kind: metadata.UnknownKey, says: "Rekor"},
		"sigstore without an identity": {by: nameless, sigstore: mock{at: signedAt}, kind: metadata.Threshold, says: "identity"},
	} {
		t.Run(name, func(t *testing.T) {
			r := basic(t)
			r.roots[0] = sign(t, withRole(rootDoc(1), "timestamp", 1, c.by), rootKey)
			r.timestamp = sign(t, timestampDoc(1, 1), c.by)
			trusted, err := r.run(metadata.Options{Sigstore: c.sigstore})
			if c.kind == "" {
				if err != nil {
					t.Fatal(err)
				}
				role, _ := trusted.Role("timestamp")
				s := role.Authorizations[0].Signed[0]
				if s.Key.ID != "k" || s.Time.IsZero() == (c.sigstore != nil) || strings.Contains(s.Key.Holder(), "unknown") {
					t.Errorf("signed by %+v, whose holder is %s", s, s.Key.Holder())
				}
				return
			}
			e := want(t, err, c.kind, "timestamp", "5.4.2")
			if e.Err == nil || !strings.Contains(e.Err.Error(), c.says) {
				t.Errorf("the error %v does not say %q", err, c.says)
			}
			// Beside a key that counts it does no harm.
			r.roots[0] = sign(t, withRole(rootDoc(1), "timestamp", 1, c.by, timestampKey), rootKey)
			r.timestamp = sign(t, timestampDoc(1, 1), c.by, timestampKey)
			trusted = mustRun(t, r, metadata.Options{Sigstore: c.sigstore})
			if role, _ := trusted.Role("timestamp"); len(role.Authorizations[0].Signed) != 1 || len(role.Authorizations[0].Keys) != 2 {
				t.Errorf("authorised by %+v", role.Authorizations[0])
			}
			// Two of two are missed.
			r.roots[0] = sign(t, withRole(rootDoc(1), "timestamp", 2, c.by, timestampKey), rootKey)
			_, err = r.run(metadata.Options{Sigstore: c.sigstore})
			want(t, err, c.kind, "timestamp", "5.4.2")
		})
	}
}

// TestHoldersCountOnce lists one key, or one identity, under several ids.
func TestHoldersCountOnce(t *testing.T) {
	again := func(s signer, id string) signer { s.id = id; return s }
	p := ec(t, "p", "ecdsa", "ecdsa-sha2-nistp256", elliptic.P256())
	old := again(p, "old")
	old.key = public("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", p.key["keyval"].(object)["public"].(string))
	renamed := sigstoreBy("renamed", "ann@example.com")
	renamed.key["x-owner"] = "@other"
	missing := role(2, aKey, bKey)
	for name, c := range map[string]struct {
		by []signer
		n  int
	}{
		"one key, two ids":             {[]signer{aKey, again(aKey, "again")}, 1},
		"one key, two types":           {[]signer{p, old}, 1},
		"one identity, two ids":        {[]signer{sigstoreBy("ann", "ann@example.com"), renamed}, 1},
		"two identities":               {[]signer{sigstoreBy("ann", "ann@example.com"), sigstoreBy("bob", "bob@example.com")}, 2},
		"an identity and a key":        {[]signer{sigstoreBy("ann", "ann@example.com"), aKey}, 2},
		"three ids of two, in between": {[]signer{aKey, bKey, again(aKey, "again")}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := basic(t)
			r.roots[0] = sign(t, withRole(rootDoc(1), "targets", 2, c.by...), rootKey)
			r.targets = sign(t, targetsDoc(1), c.by...)
			trusted, err := r.run(metadata.Options{Sigstore: mock{at: signedAt}})
			if c.n < 2 {
				want(t, err, metadata.Threshold, "targets", "5.6.3")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			role, _ := trusted.Role("targets")
			if a := role.Authorizations[0]; len(a.Keys) != c.n || len(a.Signed) != c.n {
				t.Errorf("authorised by %+v", a)
			}
		})
	}
	r := basic(t)
	root := rootDoc(1)
	missing["keyids"] = []string{"a", "b", "a", "b"} // b has no key, a is there twice
	root["roles"].(object)["targets"] = missing
	maps.Copy(root["keys"].(object), keys(aKey))
	r.roots[0], r.targets = sign(t, root, rootKey), sign(t, targetsDoc(1), aKey, bKey)
	_, err := r.run(metadata.Options{})
	want(t, err, metadata.Threshold, "targets", "5.6.3")
}

// TestSigstoreSignature changes what surrounds the bundle's own signature.
func TestSigstoreSignature(t *testing.T) {
	by := sigstoreBy("k", "ci@example.com")
	r := basic(t)
	r.roots[0] = sign(t, withRole(rootDoc(1), "timestamp", 1, by), rootKey)
	good := sign(t, timestampDoc(1, 1), by)
	// anything accepts every bundle: the rest must be refused before it is asked.
	anything := accepts{signedAt}
	for name, change := range map[string]func(s object){
		"no bundle":           func(s object) { delete(s, "bundle") },
		"a bundle of null":    func(s object) { s["bundle"] = nil },
		"a bundle of text":    func(s object) { s["bundle"] = "{}" },
		"another signature":   func(s object) { s["sig"] = mockSignature([]byte("other"), "ci@example.com", issuer) },
		"a line break":        func(s object) { s["sig"] = s["sig"].(string) + "\n" },
		"no signature":        func(s object) { s["sig"] = "" },
		"no signature at all": func(s object) { s["sig"], s["bundle"] = "", object{"messageSignature": object{"signature": ""}} },
		"no padding":          func(s object) { s["sig"] = strings.TrimRight(s["sig"].(string), "=") },
		"another name in it": func(s object) {
			b := s["bundle"].(object)
			b["message_signature"] = b["messageSignature"]
			delete(b, "messageSignature")
		},
		"other bytes": func(s object) {
			sig := mockSignature([]byte("other"), "ci@example.com", issuer)
			s["sig"], s["bundle"] = sig, object{"messageSignature": object{"signature": sig}}
		},
		"another identity's":     func(s object) { maps.Copy(s, sigstoreBy("k", "eve@example.com").sign([]byte("x"))) },
		"a signature of the key": func(s object) { maps.Copy(s, aKey.sign([]byte("x"))) },
	} {
		t.Run(name, func(t *testing.T) {
			tree := decode(t, good)
			change(tree["signatures"].([]any)[0].(object))
			r.timestamp = toJSON(t, tree)
			_, err := r.run(metadata.Options{Sigstore: mock{at: signedAt}})
			if e := want(t, err, metadata.Threshold, "timestamp", "5.4.2"); e.Err == nil {
				t.Error("the error does not say why the signature is none")
			}
			if name != "other bytes" && name != "another identity's" {
				_, err = r.run(metadata.Options{Sigstore: &anything})
				want(t, err, metadata.Threshold, "timestamp", "5.4.2")
			}
		})
	}
	r.timestamp = good
	mustRun(t, r, metadata.Options{Sigstore: mock{at: signedAt}})
}

// accepts accepts every bundle, and says that it was made at the next of these times.
type accepts []time.Time

func (a *accepts) Verify(_, _ []byte, _, _ string) (time.Time, error) {
	at := (*a)[0]
	if len(*a) > 1 {
		*a = (*a)[1:]
	}
	return at, nil
}

// TestEarliestTime takes the earlier of two signatures by one holder, and of the two
// holders of the floor only the one that can count.
func TestEarliestTime(t *testing.T) {
	ann, again, unknown := sigstoreBy("ann", "ann@example.com"), sigstoreBy("again", "ann@example.com"), ed("unknown")
	unknown.key["keytype"] = "unknown"
	r := basic(t)
	r.roots[0] = sign(t, withRole(rootDoc(1), "timestamp", 1, ann, again, unknown), rootKey)
	r.timestamp = sign(t, timestampDoc(1, 1), ann, again)
	trusted := mustRun(t, r, metadata.Options{Sigstore: &accepts{signedAt, signedAt.Add(-time.Hour)}})
	role, _ := trusted.Role("timestamp")
	if s := role.Authorizations[0].Signed; len(s) != 1 || !s[0].Time.Equal(signedAt.Add(-time.Hour)) {
		t.Errorf("signed by %+v", s)
	}
	if keys := role.Authorizations[0].Keys; len(keys) != 2 {
		t.Errorf("the keys are %+v", keys)
	}
	if f := trusted.Floor(); len(f.TimestampKeys) != 1 || f.TimestampKeys[0] != role.Authorizations[0].Keys[0].Holder() {
		t.Errorf("the floor has the holders %q", f.TimestampKeys)
	}
}
