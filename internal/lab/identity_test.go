package lab_test

import (
	"crypto"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/fulcio/pkg/certificate"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/releaseassay/assay/internal/lab"
)

func TestIdentities(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	const commit, tag = lab.DefaultCommit, "refs/tags/v1.2.3"
	for label, tc := range map[string]struct {
		id   lab.Identity
		san  string
		want certificate.Extensions // the fields that are set
	}{
		"github": {
			lab.GitHub("acme/widget", tag, commit, lab.DefaultWorkflow).WithIDs("7", "8").WithTrigger("release"),
			"https://github.com/acme/widget/.github/workflows/release.yml@refs/tags/v1.2.3",
			certificate.Extensions{SourceRepositoryIdentifier: "7", SourceRepositoryOwnerIdentifier: "8", BuildTrigger: "release", GithubWorkflowTrigger: "release"},
		},
		"reusable": {
			lab.ReusableWorkflow("acme/widget", tag, commit, lab.DefaultWorkflow, "acme/builders", ".github/workflows/b.yml", "refs/tags/v1"),
			"https://github.com/acme/builders/.github/workflows/b.yml@refs/tags/v1",
			certificate.Extensions{SourceRepositoryURI: "https://github.com/acme/widget", BuildSignerURI: "https://github.com/acme/builders/.github/workflows/b.yml@refs/tags/v1"},
		},
		"gitlab": {
			lab.GitLab("gitlab.com", "acme/widget", tag, commit),
			"https://gitlab.com/acme/widget//.gitlab-ci.yml@refs/tags/v1.2.3",
			certificate.Extensions{Issuer: "https://gitlab.com", RunnerEnvironment: "gitlab-hosted"},
		},
		"ghes": {
			lab.GHES("git.acme.example", "acme/widget", tag, commit, lab.DefaultWorkflow),
			"https://git.acme.example/acme/widget/.github/workflows/release.yml@refs/tags/v1.2.3",
			certificate.Extensions{Issuer: "https://git.acme.example/_services/token", SourceRepositoryOwnerURI: "https://git.acme.example/acme"},
		},
	} {
		t.Run(label, func(t *testing.T) {
			signer, err := s.Issue(tc.id, then)
			cert := must(t, signer, err).Certificate
			if len(cert.URIs) != 1 || cert.URIs[0].String() != tc.san {
				t.Errorf("names %v", cert.URIs)
			}
			got, err := certificate.ParseExtensions(cert.Extensions)
			must(t, got, err)
			if got != tc.id.Extensions {
				t.Errorf("extensions differ:\n%+v\n%+v", got, tc.id.Extensions)
			}
			for _, f := range [][2]string{
				{got.Issuer, tc.want.Issuer},
				{got.SourceRepositoryIdentifier, tc.want.SourceRepositoryIdentifier},
				{got.SourceRepositoryOwnerIdentifier, tc.want.SourceRepositoryOwnerIdentifier},
				{got.BuildTrigger, tc.want.BuildTrigger},
				{got.GithubWorkflowTrigger, tc.want.GithubWorkflowTrigger},
				{got.SourceRepositoryURI, tc.want.SourceRepositoryURI},
				{got.SourceRepositoryOwnerURI, tc.want.SourceRepositoryOwnerURI},
				{got.BuildSignerURI, tc.want.BuildSignerURI},
				{got.RunnerEnvironment, tc.want.RunnerEnvironment},
			} {
				if f[1] != "" && f[0] != f[1] {
					t.Errorf("got %q, want %q", f[0], f[1])
				}
			}
		})
	}
}

func TestOddIdentities(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	id := release()
	id.SANs, id.Email = []string{"https://github.com/evil/widget"}, "eve@example.test"
	signer, err := s.Issue(id, then)
	if cert := must(t, signer, err).Certificate; len(cert.URIs) != 2 || len(cert.EmailAddresses) != 1 {
		t.Errorf("names %v %v", cert.URIs, cert.EmailAddresses)
	}
	id = release()
	id.OnlyDeprecated = true
	signer, err = s.Issue(id, then)
	got, err2 := certificate.ParseExtensions(must(t, signer, err).Certificate.Extensions)
	if must(t, got, err2); got.GithubWorkflowRepository != "acme/widget" || got.SourceRepositoryURI != "" {
		t.Errorf("extensions %+v", got)
	}
	id.DropExtensions = true
	signer, err = s.Issue(id, then)
	got, err2 = certificate.ParseExtensions(must(t, signer, err).Certificate.Extensions)
	if must(t, got, err2) != (certificate.Extensions{}) {
		t.Errorf("extensions %+v", got)
	}
	signer, err = s.Issue(lab.Person("ann@acme.example", "https://accounts.google.com"), then)
	if cert := must(t, signer, err).Certificate; len(cert.URIs) != 0 || cert.EmailAddresses[0] != "ann@acme.example" {
		t.Errorf("names %v %v", cert.URIs, cert.EmailAddresses)
	}
}

func TestKeyBundle(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	signer, err := s.NewKeySigner()
	must(t, signer, err)
	for label, opts := range map[string][]lab.BundleOption{"rekor v1": nil, "rekor v2": {lab.RekorV2()}} {
		t.Run(label, func(t *testing.T) {
			raw, err := signer.Bundle(statement(t), then.Add(time.Minute), opts...)
			b := &bundle.Bundle{}
			if err := b.UnmarshalJSON(must(t, raw, err)); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(raw), signer.Hint()) {
				t.Error("bundle misses the hint")
			}
			rootJSON, err := s.TrustedRoot()
			tr, err2 := root.NewTrustedRootFromJSON(must(t, rootJSON, err))
			kv, err3 := signature.LoadVerifier(signer.PublicKey(), crypto.SHA256)
			key := root.NewExpiringKey(must(t, kv, err3), time.Time{}, time.Time{})
			keys := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) { return key, nil })
			v, err := verify.NewVerifier(root.TrustedMaterialCollection{must(t, tr, err2), keys}, verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
			if _, err := must(t, v, err).Verify(b, verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithKey())); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("certificate of another key", func(t *testing.T) {
		other, err := s.Issue(release(), then)
		raw, err2 := signer.WithCertificate(must(t, other, err).Certificate).Bundle(statement(t), then.Add(time.Minute))
		if _, err := check(t, s, must(t, raw, err2), release().SAN); err == nil {
			t.Error("accepted")
		}
	})
}
