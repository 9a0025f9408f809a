package lab_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// strict is a metadata.Sigstore over sigstore-go alone.
type strict struct{ material *root.TrustedRoot }

func newStrict(t *testing.T, s *lab.Sigstore) strict {
	t.Helper()
	rootJSON, err := s.TrustedRoot()
	material, err2 := root.NewTrustedRootFromJSON(must(t, rootJSON, err))
	return strict{must(t, material, err2)}
}

func (s strict) Verify(raw, message []byte, identity, issuer string) (time.Time, error) {
	v, err := verify.NewVerifier(s.material, verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	if err != nil {
		return time.Time{}, err
	}
	b := &bundle.Bundle{}
	if err := b.UnmarshalJSON(raw); err != nil {
		return time.Time{}, err
	}
	id, err := verify.NewShortCertificateIdentity(issuer, "", identity, "")
	if err != nil {
		return time.Time{}, err
	}
	r, err := v.Verify(b, verify.NewPolicy(verify.WithArtifact(bytes.NewReader(message)), verify.WithCertificateIdentity(id)))
	if err != nil {
		return time.Time{}, err
	}
	return r.VerifiedTimestamps[0].Timestamp, nil
}

// replay gives a repository's newest files to the state machine and looks a target up.
func replay(repo *lab.TUF, s metadata.Sigstore, target string) (metadata.Target, error) {
	t, err := metadata.New(repo.FirstRoot(), metadata.Options{Time: then.Add(time.Hour), Sigstore: s, Limits: metadata.DefaultLimits()})
	if err != nil {
		return metadata.Target{}, err
	}
	files := repo.Files()
	steps := []func() error{}
	if repo.Root.Version == 2 {
		steps = append(steps, func() error { return t.UpdateRoot(files["metadata/2.root.json"]) })
	}
	steps = append(steps,
		func() error { return t.UpdateTimestamp(files[repo.MetadataPath("timestamp")]) },
		func() error { return t.UpdateSnapshot(files[repo.MetadataPath("snapshot")], false) },
		func() error { return t.UpdateTargets(files[repo.MetadataPath("targets")]) })
	for _, step := range steps {
		if err := step(); err != nil {
			return metadata.Target{}, err
		}
	}
	found, _, err := t.Find(target)
	return found, err
}

// TestTUFAttacks wants the state machine to accept the release repository, and to
// refuse each way to sign it that a lab can go wrong in, for the role that is wrong.
func TestTUFAttacks(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	stranger, err := lab.NewSigstore(lab.Options{Now: then, Name: "stranger"})
	must(t, stranger, err)
	verifier := newStrict(t, s)
	online := func(change func(*lab.TUFSigning)) func(*testing.T, *lab.TUF) {
		return func(t *testing.T, r *lab.TUF) {
			t.Helper()
			r.Timestamp.Signers = []*lab.TUFKey{r.Timestamp.Keys[0].But(change)}
			must(t, 0, r.Publish())
		}
	}
	for name, test := range map[string]struct {
		spoil func(*testing.T, *lab.TUF)
		kind  metadata.Kind
	}{
		"good":     {spoil: func(*testing.T, *lab.TUF) {}},
		"rekor v2": {spoil: online(func(s *lab.TUFSigning) { s.Bundle = []lab.BundleOption{lab.RekorV2()} })},
		"rotated": {spoil: func(t *testing.T, r *lab.TUF) {
			t.Helper()
			must(t, 0, r.RotateRoot(func(r *lab.TUF) { r.Root.Threshold = 2 }))
		}},
		"not trusted": {online(func(s *lab.TUFSigning) { s.Sigstore = stranger }), metadata.Threshold},
		"wrong issuer": {online(func(s *lab.TUFSigning) {
			s.Identity.Extensions.Issuer = "https://token.example.com"
		}), metadata.Threshold},
		"unlogged":       {online(func(s *lab.TUFSigning) { s.Bundle = []lab.BundleOption{lab.Unlogged(), lab.Timestamp()} }), metadata.Threshold},
		"unknown ct log": {online(func(s *lab.TUFSigning) { s.Leaf = []lab.LeafOption{lab.UnknownCTLog()} }), metadata.Threshold},
		"logged late":    {online(func(s *lab.TUFSigning) { s.At, s.Logged = then, then.Add(time.Hour) }), metadata.Threshold},
		"other bytes":    {online(func(s *lab.TUFSigning) { s.Over = []byte("{}") }), metadata.Threshold},
		"sig is another's": {online(func(s *lab.TUFSigning) {
			s.Sig = func(sig string) string { return "AAAA" + sig[4:] }
		}), metadata.Threshold},
		"moved signature": {func(t *testing.T, r *lab.TUF) { t.Helper(); must(t, 0, r.MoveSignatures("snapshot", "timestamp")) }, metadata.Threshold},
		"edited file": {func(t *testing.T, r *lab.TUF) {
			t.Helper()
			must(t, 0, r.EditFile("metadata/timestamp.json", func(f map[string]any) { f["signed"].(map[string]any)["version"] = 7 }))
		}, metadata.Threshold},
		"signed nonsense": {func(t *testing.T, r *lab.TUF) {
			t.Helper()
			r.Timestamp.Edit = func(signed map[string]any) { signed["meta"] = map[string]any{} }
			must(t, 0, r.Publish())
		}, metadata.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			repo, err := lab.NewReleaseTUF(s, then)
			must(t, repo, err)
			target, err := repo.AddRelease("1.2.3", "ghcr.io/acme/widget", digest)
			must(t, target, err)
			must(t, 0, repo.Publish())
			test.spoil(t, repo)
			found, err := replay(repo, verifier, target)
			if test.kind == "" {
				if must(t, found, err); found.Path != target {
					t.Errorf("found %+v", found)
				}
				return
			}
			var refused *metadata.Error
			if !errors.As(err, &refused) || refused.Kind != test.kind || refused.Role != metadata.Timestamp {
				t.Errorf("wanted %s of timestamp, found %v", test.kind, err)
			}
		})
	}
}

// TestTakenOver wants the taken over account to have signed alone, and validly.
func TestTakenOver(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	repo, err := lab.NewReleaseTUF(s, then)
	must(t, repo, err)
	a, err := lab.TakenOver(s, repo, lab.ReleaseOptions{Repository: "ghcr.io/acme/widget"})
	must(t, a, err)
	found, err := replay(repo, newStrict(t, s), lab.ReleaseTarget(a.Repository, a.Tag))
	signed := must(t, found, err).Roles[0].Authorizations[0].Signed
	if len(signed) != 1 || signed[0].Key.Identity != lab.FirstPerson {
		t.Errorf("signed by %+v", signed)
	}
	if roots := repo.Root.Version; roots != 1 {
		t.Errorf("the root is version %d", roots)
	}
}
