package verify_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

const metadataType = "https://example.test/release-metadata"

// chapter is one release as its evidence tells it.
type chapter struct {
	repo, ref, commit, workflow, run, image, version string
	repositoryID, ownerID                            string
	started                                          string
}

// the is the release under judgement, after changes.
func the(changes ...func(*chapter)) chapter {
	c := chapter{
		repo: lab.DefaultRepo, ref: lab.DefaultRef, commit: lab.DefaultCommit, workflow: lab.DefaultWorkflow, run: lab.DefaultRunID,
		image: imageName, version: "1.2.3", repositoryID: lab.DefaultRepositoryID, ownerID: lab.DefaultOwnerID, started: "2025-06-01T11:00:00Z",
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

// older is the release before, from which evidence about the same digest could come.
func older(c *chapter) {
	c.ref, c.commit, c.version = "refs/tags/v1.2.2", strings.Repeat("ab", 20), "1.2.2"
}

func (c chapter) signer() lab.Identity {
	return c.inRun(lab.GitHub(c.repo, c.ref, c.commit, c.workflow))
}

func (c chapter) inRun(id lab.Identity) lab.Identity {
	id.Extensions.RunInvocationURI = "https://github.com/" + c.repo + "/actions/runs/" + c.run + "/attempts/1"
	return id.WithIDs(c.repositoryID, c.ownerID)
}

// pages make one piece of evidence each, all about the image's digest.
var pages = map[string]func(s *stage, c chapter) verify.Piece{
	"signature": func(s *stage, c chapter) verify.Piece {
		return bundleBy(s.issue(c.signer()), must(lab.SignStatement(c.image, imageDigest)))
	},
	"provenance": func(s *stage, c chapter) verify.Piece {
		id := c.inRun(lab.ReusableWorkflow(c.repo, c.ref, c.commit, c.workflow, lab.GeneratorRepository, lab.ContainerGenerator, lab.GeneratorRef))
		return bundleBy(s.issue(id), must(lab.ProvenanceV02(lab.ProvenanceOptions{
			Subjects: lab.Subjects(c.image, imageDigest), Repo: c.repo, Ref: c.ref, Commit: c.commit, Workflow: c.workflow,
			RepositoryID: c.repositoryID, OwnerID: c.ownerID,
			Edit: func(st map[string]any) {
				set(c.run+"-1", "predicate", "metadata", "buildInvocationID")(st)
				set(c.started, "predicate", "metadata", "buildStartedOn")(st)
				set(c.run, "predicate", "invocation", "environment", "github_run_id")(st)
			},
		})))
	},
	"sbom": func(s *stage, c chapter) verify.Piece {
		return bundleBy(s.issue(c.signer()), must(lab.CycloneDX(c.image, imageDigest, func(st map[string]any) {
			set(c.image+":"+c.version, "predicate", "metadata", "component", "name")(st)
		})))
	},
	"attestations.metadata": func(s *stage, c chapter) verify.Piece {
		return bundleBy(s.issue(c.signer()), must(lab.Statement(lab.StatementV1, metadataType, lab.Subjects(c.image, imageDigest), map[string]any{
			"digest": imageDigest, "commit": c.commit, "ref": c.ref, "repository": "https://github.com/" + c.repo, "run": c.run, "time": c.started,
		})))
	},
}

// checksYAML are the demands that those pieces meet, whichever release they are of.
var checksYAML = map[string]string{
	"signature":  "signature: {signer: " + anyVersion + ", source: " + anySource + "}",
	"provenance": "provenance: {builder: {level: 3}, source: " + anySource + "}",
	"sbom":       "sbom: {signer: " + anyVersion + ", source: " + anySource + "}",
	"attestations.metadata": "attestations: {metadata: {type: '" + metadataType + "', signer: " + anyVersion + ", source: " + anySource +
		", metadata: {digest: digest, commit: commit, ref: ref, repository: repository, run: run, time: time}}}",
}

const (
	anySource  = `{repository: "acme/*", ref: "refs/tags/v*"}`
	anyVersion = `{issuer: "https://token.actions.githubusercontent.com", workflow: ".github/workflows/*.yml"}`
)

// legs are the evidence that can be mixed, the last a TUF repository's.
var legs = []string{"signature", "provenance", "sbom", "attestations.metadata", "release"}

// theatre is a stage whose TUF repository lists the image as 1.2.3 by a commit.
type theatre struct{ *hall }

func newTheatre(t testing.TB, s *stage, c chapter) theatre {
	t.Helper()
	h := &hall{s, must(lab.NewReleaseTUF(s.Sigstore, then))}
	manifest := must(lab.ReleaseManifest(lab.ReleaseEntry{Version: "1.2.3", Image: imageName, Digest: imageDigest, Commit: c.commit, Created: then}))
	h.AddTarget(lab.ReleaseTarget(imageName, "1.2.3"), manifest, h.Targets.Name)
	h.publish(t)
	return theatre{h}
}

// policy demands checks, with further keys of the rule, or of the policy before "---".
func (h theatre) policy(t testing.TB, ids []string, more ...string) *policy.Policy {
	t.Helper()
	var lines []string
	if i := slices.Index(more, "---"); i >= 0 {
		lines, more = more[:i+1], more[i+1:]
	}
	lines = append(lines[:len(lines):len(lines)], tagsYAML)
	for _, id := range ids {
		if id == "release" {
			lines = append(lines, h.releaseYAML(human, "fields: {digest: digest, version: version, image: image, commit: commit}"))
			continue
		}
		lines = append(lines, checksYAML[id])
	}
	return policyOf(t, append(lines, more...)...)
}

// play judges evidence about the image.
func (h theatre) play(t testing.TB, p *policy.Policy, ref string, o verify.Options, pieces ...verify.Piece) verify.Verdict {
	t.Helper()
	return h.playImage(t, p, verify.Image{Reference: reference(t, ref), Digest: imageDigest}, verify.Evidence{Pieces: pieces}, o)
}

func (h theatre) playImage(t testing.TB, p *policy.Policy, image verify.Image, e verify.Evidence, o verify.Options) verify.Verdict {
	t.Helper()
	rule, ok := p.Rule(image.Reference.Name())
	if !ok {
		t.Fatal("no rule")
	}
	e.Want = verify.WantOf(rule, image.Reference.Name())
	if rule.Release != nil {
		e.Release = h.evidence()
	}
	trust := h.trustOf(p)
	v := verify.Judge(verify.Authenticate(image, e, trust, o.Limits), p, trust, o)
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed && !documented(f.Code) {
			t.Errorf("check %s has the undocumented code %q", f.ID, f.Code)
		}
	}
	return v
}

// wantOthers fails the test unless every required check but one passed.
func wantOthers(t testing.TB, v verify.Verdict, but string) {
	t.Helper()
	for _, f := range v.Checks {
		if f.Required && f.ID != but && f.Result != verify.Passed {
			t.Errorf("%s is not valid by itself: %s %s: %s\n%s", f.ID, f.Result, f.Code, f.Message, reasons(f))
		}
	}
}

// line returns what a verdict's table has of a claim.
func line(t testing.TB, v verify.Verdict, claim string) verify.VerdictClaim {
	t.Helper()
	for _, c := range finding(t, v, "consistency").Story {
		if c.Claim == claim {
			return c
		}
	}
	return verify.VerdictClaim{}
}

// value returns what a source says of a claim.
func value(t testing.TB, v verify.Verdict, claim, source string) verify.VerdictValue {
	t.Helper()
	for _, s := range line(t, v, claim).Sources {
		if s.Source == source {
			return s
		}
	}
	t.Errorf("%s says nothing of the %s, not even that: %+v", source, claim, line(t, v, claim))
	return verify.VerdictValue{}
}

// withManifest is an image with bytes, and so with a digest of its own.
func withManifest(t testing.TB, mediaType, manifest string) verify.Image {
	t.Helper()
	sum := sha256.Sum256([]byte(manifest))
	return verify.Image{
		Reference: reference(t, imageName+":1.2.3"), Digest: "sha256:" + hex.EncodeToString(sum[:]), MediaType: mediaType, Manifest: []byte(manifest),
	}
}

func consistent(claims ...string) string {
	return fmt.Sprintf("consistency: {claims: [%s]}", strings.Join(claims, ", "))
}
