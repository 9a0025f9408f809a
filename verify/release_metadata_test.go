package verify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// edited changes the file of a role in what was gathered, without signing it again.
func edited(role string, edit func(map[string]any)) func(*hall, *verify.ReleaseEvidence) {
	return func(h *hall, e *verify.ReleaseEvidence) {
		path := h.MetadataPath(role)
		if err := h.EditFile(path, edit); err != nil {
			panic(err)
		}
		regather(h, e)
	}
}

func regather(h *hall, e *verify.ReleaseEvidence) { *e = *h.evidence() }

func signatureOf(file map[string]any, i int) map[string]any {
	return file["signatures"].([]any)[i].(map[string]any)
}

// signing has the online key sign in another way.
func signing(change func(*hall, *lab.TUFSigning)) func(*testing.T, *hall) {
	return func(t *testing.T, h *hall) {
		t.Helper()
		h.Timestamp.Signers = []*lab.TUFKey{h.Timestamp.Keys[0].But(func(s *lab.TUFSigning) { change(h, s) })}
	}
}

// inPlace has files replaced under their names, which a root can say (6.2).
func inPlace(t *testing.T, h *hall) {
	t.Helper()
	h.Consistent = false
	h.publish(t, "root", "targets")
}

// TestReleaseMetadata is attack 34: metadata that is not the repository's, and Sigstore
// signatures that are not its keys'.
func TestReleaseMetadata(t *testing.T) {
	unsigned := func(_ *hall, e *verify.ReleaseEvidence) {
		var file map[string]any
		if err := json.Unmarshal(e.Timestamp, &file); err != nil {
			panic(err)
		}
		file["signatures"] = []any{}
		e.Timestamp = encodeTree(file)
	}
	endless := func(_ *hall, e *verify.ReleaseEvidence) {
		e.Timestamp = append(e.Timestamp, bytes.Repeat([]byte(" "), 1<<20)...)
	}
	runAll(t, []releaseCase{
		{name: "no signature", evidence: unsigned, code: verify.ReleaseThreshold},
		{name: "a changed value", evidence: edited("targets", func(f map[string]any) { f["signed"].(map[string]any)["version"] = 9 }), code: verify.ReleaseThreshold},
		{name: "a changed sig", evidence: edited("timestamp", func(f map[string]any) { signatureOf(f, 0)["sig"] = "AAAA" }), code: verify.ReleaseThreshold},
		{name: "no bundle", evidence: edited("timestamp", func(f map[string]any) { delete(signatureOf(f, 0), "bundle") }), code: verify.ReleaseThreshold},
		{name: "a signature of another role", evidence: func(h *hall, e *verify.ReleaseEvidence) {
			if err := h.MoveSignatures("snapshot", "timestamp"); err != nil {
				panic(err)
			}
			regather(h, e)
		}, code: verify.ReleaseThreshold},
		{name: "no timestamp", evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Timestamp = nil }, code: verify.PlaceUnavailable, class: verify.Definitive},
		{name: "no targets, for a reason", evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Targets, e.Failures = nil, unreachable() }, code: verify.TUFUnreachable, class: verify.Transient},
		{name: "a bad signature after a failure", evidence: func(h *hall, e *verify.ReleaseEvidence) { unsigned(h, e); e.Failures = unreachable() }, code: verify.TUFUnreachable, class: verify.Transient},
		{name: "a threshold of none", prepare: func(_ *testing.T, h *hall) {
			h.Targets.Delegations = nil
			h.Root.Edit = func(signed map[string]any) {
				signed["roles"].(map[string]any)["timestamp"].(map[string]any)["threshold"] = 0
			}
		}, code: verify.ReleaseThreshold},
		{name: "a key of an unknown type", prepare: func(t *testing.T, h *hall) {
			t.Helper()
			k := must(lab.NewTUFKey(lab.TUFEd25519))
			k.Type, k.Scheme = "dilithium", "dilithium5"
			if err := h.RotateRoot(func(r *lab.TUF) { r.Timestamp.Keys = []*lab.TUFKey{k} }); err != nil {
				t.Fatal(err)
			}
		}, code: verify.ReleaseUnknownKey},
		{name: "no JSON", evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Snapshot = []byte("{") }, code: verify.ReleaseMetadataMalformed},
		{name: "a role twice", evidence: func(_ *hall, e *verify.ReleaseEvidence) {
			e.Targets = bytes.Replace(e.Targets, []byte(`"signed": {`), []byte(`"signed": {"version": 7,`), 1)
		}, code: verify.ReleaseMetadataMalformed},
		{name: "metadata of another role", evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Timestamp = e.Snapshot }, code: verify.ReleaseMetadataMalformed},
		{name: "a skipped root", prepare: func(t *testing.T, h *hall) { t.Helper(); h.publish(t, "root"); h.publish(t, "root") }, evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Roots = e.Roots[1:] }, code: verify.ReleaseMetadataMalformed},
		{name: "too many bytes", evidence: endless, code: verify.LimitExceeded, class: verify.Definitive},
		{name: "targets of another version than the snapshot's", evidence: func(h *hall, e *verify.ReleaseEvidence) {
			before := e.Targets
			h.RemoveTarget(lab.ReleaseTarget(imageName, "1.2.2"), "targets")
			if err := h.Publish(); err != nil {
				panic(err)
			}
			regather(h, e)
			e.Targets = before
		}, code: verify.ReleaseMixAndMatch},
		{name: "a snapshot of another hash than the timestamp's", prepare: func(_ *testing.T, h *hall) { h.MetaHashes = true }, evidence: func(_ *hall, e *verify.ReleaseEvidence) {
			e.Snapshot = bytes.Replace(e.Snapshot, []byte("\n"), []byte("\t"), 1)
		}, code: verify.ReleaseHashMismatch},
		{name: "files that are replaced in place, of before and after a publication", prepare: inPlace, evidence: func(h *hall, e *verify.ReleaseEvidence) {
			before := e.Targets
			h.RemoveTarget(lab.ReleaseTarget(imageName, "1.2.2"), "targets")
			if err := h.Publish(); err != nil {
				panic(err)
			}
			regather(h, e)
			e.Targets = before
		}, code: verify.ReleaseMixAndMatch, class: verify.Transient},
		{name: "a file that is replaced in place, of another hash", prepare: func(t *testing.T, h *hall) { t.Helper(); h.MetaHashes = true; inPlace(t, h) }, evidence: func(_ *hall, e *verify.ReleaseEvidence) {
			e.Snapshot = bytes.Replace(e.Snapshot, []byte("\n"), []byte("\t"), 1)
		}, code: verify.ReleaseHashMismatch, class: verify.Transient},
		{name: "a file that is replaced in place, of another length", prepare: func(t *testing.T, h *hall) { t.Helper(); h.MetaHashes = true; inPlace(t, h) }, evidence: func(_ *hall, e *verify.ReleaseEvidence) {
			e.Snapshot = append(e.Snapshot, ' ')
		}, code: verify.ReleaseHashMismatch, class: verify.Transient},
		{name: "a file that is replaced in place, and edited", prepare: inPlace, evidence: edited("timestamp", func(f map[string]any) { f["signed"].(map[string]any)["version"] = 9 }), code: verify.ReleaseThreshold},
		{name: "a role that the snapshot does not list", prepare: func(t *testing.T, h *hall) {
			t.Helper()
			delegate(t, h, 1, h.Targets.Keys...)
			h.Snapshot.Edit = func(signed map[string]any) { delete(signed["meta"].(map[string]any), "releases.json") }
		}, code: verify.ReleaseNotDelegated},
		{name: "a delegated role that was not read", prepare: func(t *testing.T, h *hall) { t.Helper(); delegate(t, h, 1, h.Targets.Keys...) },
			evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Delegated = nil }, code: verify.ReleaseNotEnumerable, class: verify.Definitive},
		{name: "a delegated role that could not be read", prepare: func(t *testing.T, h *hall) { t.Helper(); delegate(t, h, 1, h.Targets.Keys...) },
			evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Delegated, e.Failures = nil, unreachable() }, code: verify.TUFUnreachable, class: verify.Transient},
		{name: "a delegated role with a bad signature", prepare: func(t *testing.T, h *hall) { t.Helper(); delegate(t, h, 1, h.Targets.Keys...) },
			evidence: edited("releases", func(f map[string]any) { f["signed"].(map[string]any)["version"] = 9 }), code: verify.ReleaseThreshold},
		{name: "a delegated role that is good", ref: moving, prepare: func(t *testing.T, h *hall) { t.Helper(); delegate(t, h, 1, h.Targets.Keys...) }},
		{name: "more roles than are visited", ref: moving, prepare: func(t *testing.T, h *hall) {
			t.Helper()
			for i := range 70 {
				h.Targets.Delegations = append(h.Targets.Delegations, lab.TUFDelegation{Role: must(lab.NewTUFRole(fmt.Sprintf("r%d", i), h.Targets.Keys[0])), Paths: []string{"widget/releases/*"}})
			}
		}, code: verify.ReleaseNotEnumerable, class: verify.Definitive},

		{name: "an identity of another issuer", prepare: signing(func(_ *hall, s *lab.TUFSigning) { s.Identity.Extensions.Issuer = "https://mallory.example" }), code: verify.ReleaseThreshold},
		{name: "another identity of the issuer", prepare: signing(func(_ *hall, s *lab.TUFSigning) { s.Identity.SAN += "-dev" }), code: verify.ReleaseThreshold},
		{name: "an identity with a name more", prepare: signing(func(_ *hall, s *lab.TUFSigning) { s.Identity.SANs = []string{"https://mallory.example/"} }), code: verify.ReleaseThreshold},
		{name: "a bundle over other bytes", prepare: signing(func(_ *hall, s *lab.TUFSigning) { s.Over = []byte("{}") }), code: verify.ReleaseThreshold},
		{name: "another instance", prepare: signing(func(h *hall, s *lab.TUFSigning) { s.Sigstore = h.second }), code: verify.UnknownAuthority},
		{name: "no log entry", prepare: signing(func(_ *hall, s *lab.TUFSigning) { s.Bundle = []lab.BundleOption{lab.Unlogged()} }), code: verify.ReleaseThreshold},
		{name: "a log that nobody knows", prepare: signing(func(_ *hall, s *lab.TUFSigning) { s.Bundle = []lab.BundleOption{lab.UnknownLog()} }), code: verify.UnknownAuthority},
		{name: "a certificate log that nobody knows", prepare: signing(func(_ *hall, s *lab.TUFSigning) { s.Leaf = []lab.LeafOption{lab.UnknownCTLog()} }), code: verify.ReleaseThreshold},
		{name: "logged after the certificate's time", prepare: signing(func(_ *hall, s *lab.TUFSigning) { s.Logged = then.Add(time.Hour) }), code: verify.ReleaseThreshold},
		{name: "Rekor v2", prepare: signing(func(_ *hall, s *lab.TUFSigning) { s.Bundle = []lab.BundleOption{lab.RekorV2()} })},
	})
}

// TestReleaseEnvelope wants an envelope whose payload is the metadata to be refused: it
// is not the message that was signed.
func TestReleaseEnvelope(t *testing.T) {
	h := newHall(t)
	message := []byte("a message")
	signer := must(h.Issue(lab.OnlineSigner(), then))
	sigstore := verify.MetadataSigstore(h.trust(h.policy(t)).Roots[0], verify.DefaultLimits())
	identity, issuer := lab.OnlineSigner().SAN, lab.GitHubIssuer
	good := must(signer.Bundle(message, soon, lab.MessageSignature()))
	if at, err := sigstore.Verify(good, message, identity, issuer); err != nil || !at.Equal(soon) {
		t.Errorf("found %v, %v", at, err)
	}
	envelope := must(signer.Bundle(must(lab.SignStatement("m", digestOf(message))), soon))
	for name, c := range map[string]struct {
		bundle           []byte
		identity, issuer string
		why              string
	}{
		"an envelope":     {envelope, identity, issuer, "message signature"},
		"no identity":     {good, "", issuer, "neither"},
		"no issuer":       {good, identity, "", "neither"},
		"another issuer":  {good, identity, lab.PersonIssuer, "wanted"},
		"a pattern":       {good, ".*", issuer, "wanted"},
		"a plain key":     {must(must(h.NewKeySigner()).Bundle(message, soon, lab.MessageSignature())), identity, issuer, "plain key"},
		"something else":  {[]byte("null"), identity, issuer, ""},
		"another message": {must(signer.Bundle([]byte("other"), soon, lab.MessageSignature())), identity, issuer, ""},
	} {
		if at, err := sigstore.Verify(c.bundle, message, c.identity, c.issuer); err == nil || !at.IsZero() || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: found %v, %v", name, at, err)
		}
	}
	if verify.MetadataSigstore(nil, verify.DefaultLimits()) != nil {
		t.Error("made a verifier without a root")
	}
}
