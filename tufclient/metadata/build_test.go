package metadata_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// now is the time of every workflow in these tests, unless one says otherwise.
var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const (
	later   = "2026-06-01T00:00:00Z"
	earlier = "2026-04-30T00:00:00Z"
)

// object is a JSON object.
type object = map[string]any

// signer is a key with its private half.
type signer struct {
	id   string
	key  object
	sign func(message []byte) object // the signature without its key id
}

func hexSig(sig []byte) object { return object{"sig": hex.EncodeToString(sig)} }

func public(kind, scheme, value string) object {
	return object{"keytype": kind, "scheme": scheme, "keyval": object{"public": value}}
}

// ed is an Ed25519 key that is the same for the same id.
func ed(id string) signer {
	seed := sha256.Sum256([]byte(id))
	private := ed25519.NewKeyFromSeed(seed[:])
	value := hex.EncodeToString(private.Public().(ed25519.PublicKey))
	return signer{id, public("ed25519", "ed25519", value), func(m []byte) object { return hexSig(ed25519.Sign(private, m)) }}
}

func pemOf(t testing.TB, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func ec(t testing.TB, id, kind, scheme string, curve elliptic.Curve) signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id, public(kind, scheme, pemOf(t, private.Public())), func(m []byte) object {
		sum := sha256.Sum256(m)
		digest := sum[:]
		if scheme == "ecdsa-sha2-nistp384" {
			sum := sha512.Sum384(m)
			digest = sum[:]
		}
		sig, err := ecdsa.SignASN1(rand.Reader, private, digest)
		if err != nil {
			t.Fatal(err)
		}
		return hexSig(sig)
	}}
}

func rsaKey(t testing.TB, id string, bits, salt int) signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id, public("rsa", "rsassa-pss-sha256", pemOf(t, private.Public())), func(m []byte) object {
		sum := sha256.Sum256(m)
		sig, err := rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		return hexSig(sig)
	}}
}

const issuer = "https://issuer.example"

// signedAt is when the made-up Sigstore signatures of these tests were made.
var signedAt = time.Date(2026, 4, 20, 0, 0, 0, 0, time.UTC)

// sigstoreBy is a key of TAP 18 whose bundles are made up: mock verifies them.
func sigstoreBy(id, identity string) signer {
	k := object{
		"keytype": "sigstore-oidc", "scheme": "Fulcio", "x-owner": "@" + identity,
		"keyval": object{"identity": identity, "issuer": issuer},
	}
	return signer{id, k, func(m []byte) object {
		sig := mockSignature(m, identity, issuer)
		return object{"sig": sig, "bundle": object{"weight": 1.5, "messageSignature": object{"signature": sig}}}
	}}
}

func mockSignature(message []byte, identity, issuer string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", message, identity, issuer))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// mock stands for Sigstore where no certificates are needed.
type mock struct {
	at    time.Time
	panic bool
}

func (m mock) Verify(bundle, message []byte, identity, issuer string) (time.Time, error) {
	if m.panic {
		panic("out of range")
	}
	var b struct {
		MessageSignature struct{ Signature string }
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		return time.Time{}, err
	}
	if b.MessageSignature.Signature != mockSignature(message, identity, issuer) {
		return time.Time{}, errors.New("the certificate's issuer is https://other.example")
	}
	return m.at, nil
}

// sign makes a file of metadata.
func sign(t testing.TB, signed object, by ...signer) []byte {
	t.Helper()
	message, err := cjson.EncodeCanonical(signed)
	if err != nil {
		t.Fatal(err)
	}
	signatures := []object{}
	for _, s := range by {
		sig := s.sign(message)
		sig["keyid"] = s.id
		signatures = append(signatures, sig)
	}
	return toJSON(t, object{"signed": signed, "signatures": signatures})
}

func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func head(kind string, version int, more object) object {
	o := object{"_type": kind, "spec_version": "1.0.31", "version": version, "expires": later}
	maps.Copy(o, more)
	return o
}

func keys(by ...signer) object {
	o := object{}
	for _, s := range by {
		o[s.id] = s.key
	}
	return o
}

func role(threshold int, by ...signer) object {
	ids := []string{}
	for _, s := range by {
		ids = append(ids, s.id)
	}
	return object{"keyids": ids, "threshold": threshold}
}

// The signers of the repository that most tests begin with.
var (
	rootKey, timestampKey, snapshotKey, targetsKey = ed("root"), ed("timestamp"), ed("snapshot"), ed("targets")
	aKey, bKey, strangerKey                        = ed("a"), ed("b"), ed("stranger")
)

func rootDoc(version int) object {
	return head("root", version, object{
		"consistent_snapshot": true,
		"keys":                keys(rootKey, timestampKey, snapshotKey, targetsKey),
		"roles": object{
			"root": role(1, rootKey), "timestamp": role(1, timestampKey),
			"snapshot": role(1, snapshotKey), "targets": role(1, targetsKey),
		},
	})
}

// withRole replaces the keys of a role of a root.
func withRole(root object, name string, threshold int, by ...signer) object {
	root["roles"].(object)[name] = role(threshold, by...)
	maps.Copy(root["keys"].(object), keys(by...))
	return root
}

func timestampDoc(version, snapshot int) object {
	return head("timestamp", version, object{"meta": object{"snapshot.json": object{"version": snapshot}}})
}

// snapshotDoc lists roles with their versions.
func snapshotDoc(version int, roles map[string]int) object {
	meta := object{}
	for name, v := range roles {
		meta[name+".json"] = object{"version": v}
	}
	return head("snapshot", version, object{"meta": meta})
}

func targetsDoc(version int, targets ...string) object {
	list := object{}
	for _, path := range targets {
		sum := sha256.Sum256([]byte(path))
		list[path] = object{"length": len(path), "hashes": object{"sha256": hex.EncodeToString(sum[:])}}
	}
	return head("targets", version, object{"targets": list})
}

// delegate adds delegations, in order, to a targets role.
func delegate(targets object, to ...delegation) object {
	all, roles := object{}, []object{}
	for _, d := range to {
		r := role(1, d.by)
		r["name"] = d.name
		maps.Copy(r, d.more)
		maps.Copy(all, keys(d.by))
		roles = append(roles, r)
	}
	targets["delegations"] = object{"keys": all, "roles": roles}
	return targets
}

type delegation struct {
	name string
	by   signer
	more object
}

func paths(patterns ...string) object { return object{"paths": patterns} }

func final(o object) object { o["terminating"] = true; return o }

// repository is what a workflow is fed with.
type repository struct {
	roots                        [][]byte
	timestamp, snapshot, targets []byte
}

func basic(t testing.TB) repository {
	t.Helper()
	return repository{
		roots:     [][]byte{sign(t, rootDoc(1), rootKey)},
		timestamp: sign(t, timestampDoc(1, 1), timestampKey),
		snapshot:  sign(t, snapshotDoc(1, map[string]int{"targets": 1}), snapshotKey),
		targets:   sign(t, targetsDoc(1, "one", "two"), targetsKey),
	}
}

// delegated is basic with these targets and roles, all of version 1.
func delegated(t testing.TB, targets object, roles ...string) repository {
	t.Helper()
	r := basic(t)
	versions := map[string]int{"targets": 1}
	for _, name := range roles {
		versions[name] = 1
	}
	r.snapshot = sign(t, snapshotDoc(1, versions), snapshotKey)
	r.targets = sign(t, targets, targetsKey)
	return r
}

// run goes through the whole workflow.
func (r repository) run(o metadata.Options) (*metadata.Trusted, error) {
	if o.Time.IsZero() {
		o.Time = now
	}
	trusted, err := metadata.New(r.roots[0], o)
	if err != nil {
		return nil, err
	}
	for _, b := range r.roots[1:] {
		if err := trusted.UpdateRoot(b); err != nil {
			return trusted, err
		}
	}
	if err := trusted.UpdateTimestamp(r.timestamp); err != nil {
		return trusted, err
	}
	if err := trusted.UpdateSnapshot(r.snapshot, false); err != nil {
		return trusted, err
	}
	return trusted, trusted.UpdateTargets(r.targets)
}

func mustRun(t testing.TB, r repository, o metadata.Options) *metadata.Trusted {
	t.Helper()
	trusted, err := r.run(o)
	if err != nil {
		t.Fatal(err)
	}
	return trusted
}

// want demands an error of this kind, role and step that says what was wanted and found.
func want(t testing.TB, err error, kind metadata.Kind, role, step string) *metadata.Error {
	t.Helper()
	var e *metadata.Error
	if !errors.As(err, &e) {
		t.Fatalf("got the error %v; wanted %s of %s", err, kind, role)
	}
	if e.Kind != kind || e.Role != role || e.Step != step {
		t.Fatalf("got %s of %s at %s (%v); wanted %s of %s at %s", e.Kind, e.Role, e.Step, err, kind, role, step)
	}
	if e.Wanted == "" || e.Found == "" {
		t.Errorf("the error %v does not say what was wanted and found", err)
	}
	return e
}

func sorted(s []string) []string { s = slices.Clone(s); slices.Sort(s); return s }
