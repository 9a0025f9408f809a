package github_test

import (
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

const (
	imageName   = "ghcr.io/acme/widget"
	runner      = "https://github.com/actions/runner/github-hosted"
	githubRoot  = "github"
	githubTrust = `trust: {github: {file: github.json, sha256: "` + "0000000000000000000000000000000000000000000000000000000000000000" + `", thresholds: {log_entries: 0, scts: 0}}}`
)

// signed is when the evidence of these tests is made.
var signed = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

// TestEndToEnd: what actions/attest-build-provenance stores at GitHub, collected from
// the stand-in, meets a policy that demands provenance by GitHub's own runner.
func TestEndToEnd(t *testing.T) {
	for name, test := range map[string]struct {
		leaf   []lab.LeafOption
		bundle []lab.BundleOption
		digest string
		top    string
		root   string
		code   verify.Code
	}{
		"public":  {root: policy.PublicGood, digest: digest},
		"private": {leaf: []lab.LeafOption{lab.NoSCT()}, bundle: []lab.BundleOption{lab.Unlogged(), lab.Timestamp()}, root: githubRoot, top: githubTrust, digest: digest},
		// The API is asked by digest, and not believed either.
		"about another digest": {root: policy.PublicGood, digest: digestOf("another"), code: verify.ProvenanceSubjectMismatch},
		"private under public-good": {
			leaf: []lab.LeafOption{lab.NoSCT()}, bundle: []lab.BundleOption{lab.Unlogged(), lab.Timestamp()},
			root: policy.PublicGood, digest: digest, code: verify.ProvenanceInvalid,
		},
	} {
		t.Run(name, func(t *testing.T) {
			sigstore := must(lab.NewSigstore(lab.Options{Now: signed}))
			signer := must(sigstore.Issue(lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow), signed, test.leaf...))
			statement := must(lab.ProvenanceGitHub(lab.ProvenanceOptions{Subjects: lab.Subjects(imageName, test.digest)}))
			s := newStage(t, lab.GitHubOptions{})
			s.attest(repo, string(must(signer.Bundle(statement, signed.Add(time.Minute), test.bundle...))))

			p := must(policy.Parse("test.yaml", []byte(policyText(test.top, test.root))))
			trust := verify.Trust{Roots: []*verify.TrustedRoot{
				must(verify.NewTrustedRoot(test.root, "lab", must(sigstore.TrustedRoot()), p.Trust[test.root].Thresholds)),
			}}
			o := verify.Options{At: signed.Add(time.Hour), Limits: verify.DefaultLimits()}
			ref := must(verify.ParseReference(imageName + ":1.2.3@" + digest))
			evidence := s.collect(p.Rules[0].Provenance.Sources[0].Repository.String())
			v := verify.Judge(verify.Authenticate(verify.Image{Reference: ref, Digest: digest}, evidence, trust, o.Limits), p, trust, o)
			if v.Passed() != (test.code == "") {
				t.Fatalf("pass is %v: %+v", v.Passed(), v.Checks)
			}
			for _, f := range v.Checks {
				switch {
				case f.ID != "provenance":
				case f.Code != test.code:
					t.Errorf("code %q: %+v", f.Code, f)
				case len(f.Found) != 1 || f.Found[0].Evidence != evidence.Pieces[0].Digest || f.Found[0].Layout != verify.Bundle:
					t.Errorf("found %+v", f.Found)
				}
			}
		})
	}
}

// TestUndecided: what GitHub does not let us see is no absence.
func TestUndecided(t *testing.T) {
	s := newStage(t, lab.GitHubOptions{})
	s.LimitPrimary(then.Add(time.Hour))
	p := must(policy.Parse("test.yaml", []byte(policyText("", policy.PublicGood))))
	sigstore := must(lab.NewSigstore(lab.Options{Now: signed}))
	trust := verify.Trust{Roots: []*verify.TrustedRoot{
		must(verify.NewTrustedRoot(policy.PublicGood, "lab", must(sigstore.TrustedRoot()), policy.DefaultThresholds())),
	}}
	o := verify.Options{At: signed, Limits: verify.DefaultLimits()}
	ref := must(verify.ParseReference(imageName + ":1.2.3@" + digest))
	v := verify.Judge(verify.Authenticate(verify.Image{Reference: ref, Digest: digest}, s.collect(repo), trust, o.Limits), p, trust, o)
	if v.Passed() || v.Conclusive {
		t.Errorf("pass is %v, conclusive is %v", v.Passed(), v.Conclusive)
	}
}

func policyText(top, root string) string {
	return strings.Join([]string{
		"apiVersion: assay/v1", "kind: ReleasePolicy", "metadata: {name: test}", top, "images:", "  - match: " + imageName,
		`    source: {repository: acme/widget, repository_id: "1001", owner_id: "2002", ref: "refs/tags/v{version}"}`,
		`    provenance: {builder: {id: "` + runner + `", level: 2}, trust: ` + root + `}`,
	}, "\n") + "\n"
}

// must is for what the tests make themselves, which cannot go wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
