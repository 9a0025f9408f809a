package lab_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"

	"github.com/releaseassay/assay/internal/lab"
)

func startRegistry(t *testing.T, opts lab.RegistryOptions) *lab.Registry {
	t.Helper()
	r := lab.NewRegistry(opts)
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestPublishedReleaseReads(t *testing.T) {
	for label, opts := range map[string]lab.RegistryOptions{
		"referrers api": {},
		"pages":         {Behaviour: lab.Behaviour{PageSize: 1}},
		"fallback tag":  {Behaviour: lab.Behaviour{Referrers: lab.ReferrersAbsent}},
	} {
		t.Run(label, func(t *testing.T) {
			reg, s := startRegistry(t, opts), newSigstore(t, lab.Options{})
			r, err := lab.GoodRelease(s, lab.ReleaseOptions{Repository: reg.Host() + "/acme/widget"})
			if err := must(t, r, err).Push(context.Background()); err != nil {
				t.Fatal(err)
			}
			ref, err := name.ParseReference(r.Reference())
			idx, err2 := remote.Index(must(t, ref, err))
			m, err3 := must(t, idx, err2).IndexManifest()
			if got := len(must(t, m, err3).Manifests); got != 2 {
				t.Errorf("index over %d images", got)
			}
			if desc, err := remote.Head(ref); err != nil || desc.Digest.String() != r.Image.Digest() {
				t.Errorf("tag gives %v, %v", desc, err)
			}
			subject := ref.Context().Digest(r.Image.Digest())
			found, err := remote.Referrers(subject)
			im, err2 := must(t, found, err).IndexManifest()
			must(t, im, err2)
			want := 2
			if opts.PageSize > 0 {
				want = opts.PageSize // this client follows no links
			}
			if len(im.Manifests) != want {
				t.Fatalf("%d referrers, want %d", len(im.Manifests), want)
			}
			for _, d := range im.Manifests {
				if d.ArtifactType != lab.BundleMediaType || d.Annotations["dev.sigstore.bundle.predicateType"] == "" {
					t.Errorf("listed as %q, %v", d.ArtifactType, d.Annotations)
				}
			}
			if opts.PageSize > 0 {
				checkPages(t, reg, r)
			}
			for _, suffix := range []string{".sig", ".att"} {
				tag := strings.Replace(r.Image.Digest(), ":", "-", 1) + suffix
				img, err := remote.Image(ref.Context().Tag(tag))
				m, err2 := must(t, img, err).Manifest()
				if l := must(t, m, err2).Layers; len(l) != 1 || l[0].Annotations[lab.BundleAnnotation] == "" {
					t.Errorf("%s holds %v", suffix, l)
				}
			}
			if !slices.ContainsFunc(reg.Requests(), func(q lab.Request) bool {
				return q.Method == http.MethodHead && strings.Contains(q.Path, "/manifests/"+lab.DefaultTag) && q.Status == http.StatusOK && !q.End.Before(q.Start)
			}) {
				t.Error("the log misses the HEAD for the tag")
			}
		})
	}
}

// checkPages follows the links of the referrers list and counts what they list.
func checkPages(t *testing.T, reg *lab.Registry, r *lab.Release) {
	t.Helper()
	next, seen := "/v2/acme/widget/referrers/"+r.Image.Digest()+"?artifactType="+lab.BundleMediaType, map[string]bool{}
	next = strings.ReplaceAll(next, "+", "%2B")
	for next != "" {
		resp, err := http.Get("http://" + reg.Host() + next)
		must(t, resp, err)
		var index struct{ Manifests []struct{ Digest string } }
		err = json.NewDecoder(resp.Body).Decode(&index)
		_ = resp.Body.Close()
		if err != nil || len(index.Manifests) != 1 || resp.Header.Get("OCI-Filters-Applied") != "artifactType" {
			t.Fatalf("%s gives %v, %v", next, index, err)
		}
		seen[index.Manifests[0].Digest] = true
		link, _, _ := strings.Cut(strings.TrimPrefix(resp.Header.Get("Link"), "<"), ">")
		next = link
	}
	if len(seen) != 2 {
		t.Errorf("pages list %d referrers", len(seen))
	}
}

// TestCosignVerifiesRelease has cosign fetch and verify a good release, in each form.
func TestCosignVerifiesRelease(t *testing.T) {
	reg, s := startRegistry(t, lab.RegistryOptions{}), newSigstore(t, lab.Options{})
	rootJSON, err := s.TrustedRoot()
	material, err2 := root.NewTrustedRootFromJSON(must(t, rootJSON, err))
	must(t, material, err2)
	for label, form := range map[string]lab.Form{"legacy": lab.LegacyForm, "bundle": lab.BundleForm} {
		t.Run(label, func(t *testing.T) {
			r, err := lab.GoodRelease(s, lab.ReleaseOptions{Repository: reg.Host() + "/acme/" + label, Form: form})
			if err := must(t, r, err).Push(context.Background()); err != nil {
				t.Fatal(err)
			}
			ref, err := name.ParseReference(r.Repository + "@" + r.Image.Digest())
			must(t, ref, err)
			opts := func(id lab.Identity, claims func() *cosign.CheckOpts) *cosign.CheckOpts {
				co := claims()
				co.TrustedMaterial, co.Offline = material, true
				co.NewBundleFormat = form == lab.BundleForm
				co.RegistryClientOpts = []ociremote.Option{}
				co.Identities = []cosign.Identity{{Issuer: lab.GitHubIssuer, Subject: id.SAN}}
				return co
			}
			ctx := context.Background()
			if form == lab.LegacyForm {
				sigs, _, err := cosign.VerifyImageSignatures(ctx, ref, opts(r.Signer(), func() *cosign.CheckOpts {
					return &cosign.CheckOpts{ClaimVerifier: cosign.SimpleClaimVerifier}
				}))
				if len(must(t, sigs, err)) != 1 {
					t.Errorf("%d signatures", len(sigs))
				}
			}
			atts, _, err := cosign.VerifyImageAttestations(ctx, ref, opts(r.Builder(), func() *cosign.CheckOpts {
				return &cosign.CheckOpts{ClaimVerifier: cosign.IntotoSubjectClaimVerifier}
			}))
			if len(must(t, atts, err)) != 1 {
				t.Errorf("%d attestations", len(atts))
			}
		})
	}
}

func TestWriteLayout(t *testing.T) {
	s, dir := newSigstore(t, lab.Options{}), t.TempDir()
	r, err := lab.GoodRelease(s, lab.ReleaseOptions{Repository: "registry.example/acme/widget"})
	if err := lab.WriteLayout(dir, must(t, r, err).Publication); err != nil {
		t.Fatal(err)
	}
	idx, err := layout.ImageIndexFromPath(dir)
	m, err2 := must(t, idx, err).IndexManifest()
	var kinds []string
	for _, d := range must(t, m, err2).Manifests {
		kinds = append(kinds, d.Annotations["kind"])
		if _, err := os.Stat(filepath.Join(dir, "blobs", "sha256", d.Digest.Hex)); err != nil {
			t.Error(err)
		}
	}
	if want := []string{lab.KindIndex, lab.KindSignatures, lab.KindAttestations, "", ""}; !slices.Equal(kinds, want) {
		t.Errorf("kinds %q, want %q", kinds, want)
	}
}

func TestIntercept(t *testing.T) {
	reg := startRegistry(t, lab.RegistryOptions{})
	reg.SetIntercept(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "{}")
		return true
	})
	repo, err := reg.Repository("acme/widget")
	if _, err := remote.Head(must(t, repo, err).Tag("1.2.3")); err == nil || !strings.Contains(err.Error(), "418") {
		t.Errorf("head: %v", err)
	}
	log := reg.Requests()
	if last := log[len(log)-1]; last.Status != http.StatusTeapot {
		t.Errorf("logged %+v", last)
	}
	reg.ResetRequests()
	if n := len(reg.Requests()); n != 0 {
		t.Errorf("%d requests after reset", n)
	}
}

func TestImagesRepeat(t *testing.T) {
	a, err := lab.NewIndex("seed")
	b, err2 := lab.NewIndex("seed")
	c, err3 := lab.NewIndex("other")
	if must(t, a, err).Digest() != must(t, b, err2).Digest() {
		t.Error("one seed, two digests")
	}
	if a.Digest() == must(t, c, err3).Digest() {
		t.Error("two seeds, one digest")
	}
}

// TestAttacks checks that each attack is broken in the way it says and in no other that sigstore-go would see.
func TestAttacks(t *testing.T) {
	reg, s := startRegistry(t, lab.RegistryOptions{}), newSigstore(t, lab.Options{})
	rootJSON, err := s.TrustedRoot()
	material, err2 := root.NewTrustedRootFromJSON(must(t, rootJSON, err))
	v, err3 := verify.NewVerifier(must(t, material, err2), verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	must(t, v, err3)
	attacks, err := lab.Attacks(s, lab.ReleaseOptions{Repository: reg.Host() + "/acme/widget"})
	seen := map[string]bool{}
	for _, a := range must(t, attacks, err) {
		t.Run(a.Name, func(t *testing.T) {
			if err := a.Push(context.Background()); err != nil {
				t.Fatal(err)
			}
			if seen[a.Image.Digest()] {
				t.Error("shares its digest with another attack")
			}
			seen[a.Image.Digest()] = true
			if a.Shows == "" || a.WantCheck == "" || !strings.HasPrefix(a.WantCode, a.WantCheck+".") && !strings.HasPrefix(a.WantCode, "trust.") {
				t.Errorf("described as %q, wants %q %q", a.Shows, a.WantCheck, a.WantCode)
			}
			var good int
			for _, ref := range a.Referrers {
				b := &bundle.Bundle{}
				if err := b.UnmarshalJSON(ref.Bytes); err != nil {
					t.Fatal(err)
				}
				if _, err := v.Verify(b, verify.NewPolicy(verify.WithoutArtifactUnsafe(), verify.WithoutIdentitiesUnsafe())); err == nil {
					good++
				}
			}
			want := 2
			switch a.Name {
			case "unsigned", "unknown-authority":
				want = 0
			}
			if good != want {
				t.Errorf("%d bundles verify, want %d", good, want)
			}
		})
	}
	if len(attacks) != 6 {
		t.Errorf("%d attacks", len(attacks))
	}
}

func TestStatements(t *testing.T) {
	opts := lab.ProvenanceOptions{Subjects: lab.Subjects("widget", digest), Event: "workflow_dispatch", Inputs: map[string]any{"ref": "evil"}}
	for label, tc := range map[string]struct {
		make func(lab.ProvenanceOptions) ([]byte, error)
		want string
	}{
		"v0.2":            {lab.ProvenanceV02, `"inputs":{"ref":"evil"}`},
		"container-based": {lab.ProvenanceContainerBased, `"inputs":{"ref":"evil"}`},
		"byob":            {lab.ProvenanceBYOB, `"inputs":{"ref":"evil"},"vars":{}`},
		"github":          {lab.ProvenanceGitHub, `"id":"https://github.com/acme/widget/.github/workflows/release.yml@refs/tags/v1.2.3"`},
	} {
		t.Run(label, func(t *testing.T) {
			raw, err := tc.make(opts)
			if !strings.Contains(string(must(t, raw, err)), tc.want) {
				t.Errorf("misses %s: %s", tc.want, raw)
			}
			edited := opts
			edited.Edit = func(s map[string]any) { s["predicateType"] = "https://example.test/other" }
			raw, err = tc.make(edited)
			var s struct{ PredicateType string }
			if err := json.Unmarshal(must(t, raw, err), &s); err != nil || s.PredicateType != "https://example.test/other" {
				t.Errorf("edit gave %q, %v", s.PredicateType, err)
			}
		})
	}
}

func TestNoTime(t *testing.T) {
	if _, err := lab.NewSigstore(lab.Options{}); err == nil {
		t.Error("made an instance without a time")
	}
	if _, err := lab.NewRelease(newSigstore(t, lab.Options{}), lab.ReleaseOptions{At: time.Now()}); err == nil {
		t.Error("made a release without a repository")
	}
}
