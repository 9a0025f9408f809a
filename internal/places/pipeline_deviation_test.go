package places_test

import (
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

var evil = lab.PipelineHand{Repository: "evil/fork", RepositoryID: "6666", OwnerID: "7777"}

const zeros = "0000000000000000000000000000000000000000"

// deviation is one thing that a release does otherwise than the pipeline.
type deviation struct {
	name string
	edit func(*pipelineQuestion)
	// check fails with code.
	check string
	code  verify.Code
	// also are the checks that fail besides, because they rest on the same evidence.
	also string
	// like says why the code is that of another deviation too; "" where it is its alone.
	like string
}

// deviations are single: everything else of the release is as in the one that passes.
func deviations() []deviation {
	part := func(kind string, change func(*lab.PipelinePart)) func(*pipelineQuestion) {
		return func(q *pipelineQuestion) { change(q.part(kind)) }
	}
	without := func(kind string) func(*pipelineQuestion) { return func(q *pipelineQuestion) { q.drop(kind) } }
	says := func(kind, path string, value any) func(*pipelineQuestion) {
		return func(q *pipelineQuestion) { q.set(kind, path, value) }
	}
	wrote := func(old, by string) func(*pipelineQuestion) { return func(q *pipelineQuestion) { q.write(old, by) } }
	listing := func(l lab.PipelineListing) func(*pipelineQuestion) {
		return func(q *pipelineQuestion) { q.options.Listing = l }
	}
	const (
		metadata, scan, tests, vex, vsa = "attestations.release-metadata", "attestations.scan", "attestations.tests", "attestations.vex", "attestations.vsa"
		identity                        = "who signed is one string: workflow, repository and the ref of the workflow"
		claims                          = "the circumstances of a run share a code; wanted and found name the claim"
		source                          = "repository, ids, ref and commit of what was built share a code; wanted and found name the claim"
		field                           = "the members of release metadata share a code; wanted and found name the member"
	)
	return []deviation{
		{name: "no signature", edit: without(lab.PartSignature), check: "signature", code: verify.SignatureMissing},
		{name: "signature of another image", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.About = "other" }), check: "signature", code: verify.SignatureSubjectMismatch},
		{name: "signature of another release", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.Release = "1.2.2" }), check: "signature", code: verify.SignatureIdentityMismatch, like: identity},
		{name: "signature by another workflow", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.By.Workflow = ".github/workflows/nightly.yml" }), check: "signature", code: verify.SignatureIdentityMismatch, like: identity},
		{name: "signature from a branch", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.By.Ref = "refs/heads/main" }), check: "signature", code: verify.SignatureIdentityMismatch, like: identity},
		{name: "signature by a repository made anew", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.By.RepositoryID = "6666" }), check: "signature", code: verify.SignatureSourceMismatch},
		{name: "signature for a pull request", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.By.Trigger = "pull_request_target" }), check: "signature", code: verify.SignatureClaimMismatch, like: claims},
		{name: "signature on a machine of one's own", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.By.Runner = "self-hosted" }), check: "signature", code: verify.SignatureClaimMismatch, like: claims},
		{name: "signature under another authority", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.By.Stranger = true }), check: "signature", code: verify.UnknownAuthority},
		{name: "signature by a plain key", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.By.Key = true }), check: "signature", code: verify.SignatureKeySigned},
		{name: "signature without ids", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.By.NoIDs = true }), check: "signature", code: verify.SignatureClaimMissing},
		{name: "signature that is not logged", edit: part(lab.PartSignature, func(p *lab.PipelinePart) { p.Fault = "unlogged" }), check: "signature", code: verify.SignatureInvalid},

		{name: "no provenance", edit: without(lab.PartProvenance), check: "provenance", code: verify.ProvenanceMissing},
		{name: "provenance of another image", edit: part(lab.PartProvenance, func(p *lab.PipelinePart) { p.About = "other" }), check: "provenance", code: verify.ProvenanceSubjectMismatch},
		{name: "provenance by an unknown builder", edit: part(lab.PartProvenance, func(p *lab.PipelinePart) {
			p.By.Builder = "evil/builders/.github/workflows/build.yml@refs/tags/v1.0.0"
			p.Provenance.BuilderID = "https://github.com/" + p.By.Builder
		}), check: "provenance", code: verify.ProvenanceUnsupported},
		{name: "provenance by a builder at a branch", edit: part(lab.PartProvenance, func(p *lab.PipelinePart) {
			p.By.Builder = lab.GeneratorRepository + "/" + lab.ContainerGenerator + "@refs/heads/main"
			p.Provenance.BuilderID = "https://github.com/" + p.By.Builder
		}), check: "provenance", code: verify.ProvenanceBuilderMismatch},
		{name: "provenance of a lower level", edit: func(q *pipelineQuestion) {
			q.write("        id: https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml\n", "")
			p := q.part(lab.PartProvenance)
			p.By.Builder = lab.PipelineRepo + "/" + lab.PipelineWorkflow + "@refs/tags/v1.2.3"
			p.Provenance.Type, p.Provenance.BuilderID = "github", "https://github.com/"+p.By.Builder
		}, check: "provenance", code: verify.ProvenanceLevelTooLow},
		{name: "provenance of another source", edit: part(lab.PartProvenance, func(p *lab.PipelinePart) {
			p.By, p.Provenance.Repository = evil, evil.Repository
		}), check: "provenance", code: verify.ProvenanceSourceMismatch, like: source},
		{name: "provenance of a branch", edit: part(lab.PartProvenance, func(p *lab.PipelinePart) {
			p.By.Ref, p.Provenance.Ref = "refs/heads/main", "refs/heads/main"
		}), check: "provenance", code: verify.ProvenanceSourceMismatch, like: source},
		{name: "provenance that says another commit than its certificate", edit: part(lab.PartProvenance, func(p *lab.PipelinePart) { p.Provenance.Commit = zeros }), check: "provenance", code: verify.ProvenanceCertificateMismatch},

		{name: "no SBOM", edit: without(lab.PartSBOM), check: "sbom", code: verify.SBOMMissing},
		{name: "SBOM of another image", edit: part(lab.PartSBOM, func(p *lab.PipelinePart) { p.About = "other" }), check: "sbom", code: verify.SBOMSubjectMismatch},
		{name: "SBOM that describes another image", edit: part(lab.PartSBOM, func(p *lab.PipelinePart) {
			p.Set = map[string]any{"predicate.metadata.component.version": lab.OtherDigest(), "predicate.metadata.component.purl": nil}
		}), check: "sbom", code: verify.SBOMDescribesOther},
		{name: "SBOM that describes nothing", edit: says(lab.PartSBOM, "predicate.metadata.component", nil), check: "sbom", code: verify.SBOMDescribesNothing},
		{name: "SBOM without components", edit: part(lab.PartSBOM, func(p *lab.PipelinePart) {
			p.Set = map[string]any{"predicate.components": []any{}, "predicate.dependencies": []any{}}
		}), check: "sbom", code: verify.SBOMTooFewComponents},
		{name: "SBOM with the GPL", edit: says(lab.PartSBOM, "predicate.components.0.licenses", gpl), check: "sbom", code: verify.SBOMLicenseDenied},
		{name: "SBOM with the LGPL, which a rule refuses", edit: says(lab.PartSBOM, "predicate.components.0.licenses", lgpl), check: "sbom", code: verify.SBOMRuleViolated},
		{name: "SBOM with a denied component", edit: says(lab.PartSBOM, "predicate.components.0.purl", "pkg:npm/event-stream@3.3.6"), check: "sbom", code: verify.SBOMComponentDenied},
		{name: "SBOM that its schema refuses", edit: says(lab.PartSBOM, "predicate.components.0.type", "sandwich"), check: "sbom", code: verify.SBOMSchemaInvalid},
		{name: "SBOM of another format", edit: part(lab.PartSBOM, func(p *lab.PipelinePart) { p.Kind = lab.PartSPDX }), check: "sbom", code: verify.SBOMFormatMismatch},
		{name: "SBOM of an unknown version", edit: says(lab.PartSBOM, "predicate.specVersion", "9.9"), check: "sbom", code: verify.SBOMMalformed},
		{name: "SBOM by a stranger", edit: part(lab.PartSBOM, func(p *lab.PipelinePart) { p.By = evil }), check: "sbom", code: verify.SBOMIdentityMismatch},

		{name: "no metadata", edit: without(lab.PartMetadata), check: metadata, code: verify.AttestationMissing},
		{name: "metadata of another commit", edit: says(lab.PartMetadata, "predicate.commit", zeros), check: metadata, code: verify.AttestationFieldMismatch, like: field},
		{name: "metadata of another tag", edit: says(lab.PartMetadata, "predicate.tag", "v1.2.2"), check: metadata, code: verify.AttestationFieldMismatch, like: field},
		{name: "metadata of another digest", edit: says(lab.PartMetadata, "predicate.digest", lab.OtherDigest()), check: metadata, code: verify.AttestationFieldMismatch, like: field},
		{name: "metadata without a commit", edit: says(lab.PartMetadata, "predicate.commit", nil), check: metadata, code: verify.AttestationFieldMissing},
		{name: "metadata by a stranger", edit: part(lab.PartMetadata, func(p *lab.PipelinePart) { p.By = evil }), check: metadata, code: verify.AttestationIdentityMismatch},
		{name: "scan that is too old", edit: says(lab.PartScan, "predicate.metadata.scanFinishedOn", "2026-01-01T00:00:00Z"), check: scan, code: verify.AttestationScanTooOld},
		{name: "scan by an old database", edit: says(lab.PartScan, "predicate.scanner.db.lastUpdate", "2026-01-01T00:00:00Z"), check: scan, code: verify.AttestationDatabaseTooOld},
		{name: "scan that found something critical", edit: says(lab.PartScan, "predicate.scanner.result.0.severity", []any{map[string]any{"method": "nvd", "score": "critical"}}), check: scan, code: verify.AttestationSeverityDenied},
		{name: "scan that was signed long ago", edit: part(lab.PartScan, func(p *lab.PipelinePart) { p.After = -10 * 24 * time.Hour }), check: scan, code: verify.AttestationTooOld},
		{name: "tests that failed", edit: part(lab.PartTests, func(p *lab.PipelinePart) {
			p.Set = map[string]any{"predicate.result": "FAILED", "predicate.failedTests": []any{"unit"}, "predicate.passedTests": []any{"integration"}}
		}), check: tests, code: verify.AttestationTestsFailed},
		{name: "tests that were not run", edit: says(lab.PartTests, "predicate.passedTests", []any{"unit"}), check: tests, code: verify.AttestationTestsMissing},
		{name: "VEX that says affected", edit: says(lab.PartVEX, "predicate.statements.1.status", "under_investigation"), check: vex, code: verify.AttestationVEXStatus},
		{name: "VEX by another author", edit: says(lab.PartVEX, "predicate.author", "evil@example.com"), check: vex, code: verify.AttestationVEXAuthor},
		{name: "VSA that did not pass", edit: says(lab.PartVSA, "predicate.verificationResult", "FAILED"), check: vsa, code: verify.AttestationNotPassed},
		{name: "VSA of a lower level", edit: says(lab.PartVSA, "predicate.verifiedLevels", []any{"SLSA_BUILD_LEVEL_1"}), check: vsa, code: verify.AttestationLevelMissing},

		{name: "not listed", edit: listing(lab.PipelineListing{Absent: true}), check: "release", code: verify.ReleaseNotListed},
		{name: "listed with another digest", edit: listing(lab.PipelineListing{Digest: "other"}), check: "release", code: verify.ReleaseDigestMismatch},
		{name: "listed under another version", edit: listing(lab.PipelineListing{Version: "1.2.4"}), check: "release", code: verify.ReleaseOtherVersion},
		{name: "withdrawn", edit: func(q *pipelineQuestion) { q.between = (*lab.Pipeline).Withdraw }, check: "release", code: verify.ReleaseWithdrawn},
		{name: "listed by a machine", edit: listing(lab.PipelineListing{By: "machine"}), check: "release", code: verify.ReleaseMachineSigners},
		{name: "listed by one person of two", edit: func(q *pipelineQuestion) {
			q.options.Listing.By = "one"
			q.write("people: 1", "people: 2")
		}, check: "release", code: verify.ReleaseTooFewPeople},
		{name: "manifest of another image", edit: listing(lab.PipelineListing{Set: map[string]any{"image": "ghcr.io/evil/fork"}}), check: "release", code: verify.ReleaseImageMismatch},
		{name: "moving tag at an older release", edit: func(q *pipelineQuestion) {
			q.reference = lab.PipelineName + ":latest"
			q.options.Listing.Newer = []string{"1.2.4"}
		}, check: "release", code: verify.ReleaseRolledBack},

		{name: "a platform was added", edit: func(q *pipelineQuestion) { q.options.Image.Added = []string{"linux/s390x"} }, check: "platforms", code: verify.PlatformsUnexpected},
		{name: "a platform is missing", edit: func(q *pipelineQuestion) { q.options.Image.Platforms = []string{"linux/amd64"} }, check: "platforms", code: verify.PlatformsMissing},
		{name: "two images for one platform", edit: func(q *pipelineQuestion) { q.options.Image.Twice = true }, check: "platforms", code: verify.PlatformsAmbiguous},
		{name: "one image and no index", edit: func(q *pipelineQuestion) { q.options.Image.Single = "linux/amd64" }, check: "platforms", code: verify.PlatformsIndexUnknown},
		{name: "a manifest of BuildKit's that can be run", edit: func(q *pipelineQuestion) {
			q.options.Image.Disguised = true
			for i := range q.options.Parts { // on each platform, so that the index covers nothing
				q.options.Parts[i].On = "linux/amd64"
			}
			for _, p := range q.options.Parts {
				p.On = "linux/arm64"
				q.add(p)
			}
		}, check: "platforms", code: verify.PlatformsNotAttestation, also: "everything"},

		{name: "the tag was moved between two jobs", edit: part(lab.PartSBOM, func(p *lab.PipelinePart) { p.By.Commit = zeros }), check: "consistency", code: verify.ConsistencyDisagreement},
		{name: "nothing says the claim twice", edit: wrote("required: [commit, repository, version]", "claims: [version, builder], required: [builder]"), check: "consistency", code: verify.ConsistencyNothingToCompare},

		{name: "denied digest", edit: wrote("images:\n", `deny: {digests: ["`+imagePlaceholder+"\"]}\nimages:\n"), check: "freshness", code: verify.FreshnessDeniedDigest},
		{name: "denied version", edit: wrote("images:\n", "deny: {versions: [{match: ghcr.io/amaanx86/*, version: 1.2.3}]}\nimages:\n"), check: "freshness", code: verify.FreshnessDeniedVersion},
		{name: "denied signer", edit: wrote("images:\n", `deny: {signed: [{identity: "https://github.com/slsa-framework/**", from: 2026-02-27T00:00:00Z, until: 2026-03-06T00:00:00Z}]}`+"\nimages:\n"), check: "provenance", code: verify.ProvenanceSignerDenied},
		{name: "signed too long ago", edit: wrote("freshness: {max_age: 365d", "freshness: {max_age: 30m"), check: "freshness", code: verify.FreshnessTooOld},

		{name: "expired policy", edit: wrote("expires: 2030-06-30", "expires: 2026-03-01"), check: "policy", code: verify.PolicyExpired},
		{name: "no rule for the image", edit: wrote("match: ghcr.io/amaanx86/oci-prometheus-sd-proxy", "match: ghcr.io/amaanx86/another"), check: "policy", code: verify.PolicyNoRule},
	}
}

var (
	gpl  = []any{map[string]any{"license": map[string]any{"id": "GPL-3.0-only"}}}
	lgpl = []any{map[string]any{"license": map[string]any{"id": "LGPL-3.0-only"}}}
)

// TestPipelineDeviations: each single deviation fails, and with its own code.
func TestPipelineDeviations(t *testing.T) {
	s, seen := newPipelineSigstore(t), map[verify.Code]string{}
	for _, d := range deviations() {
		if other, ok := seen[d.code]; ok && d.like == "" {
			t.Errorf("%s fails with %s, as %s does, and nothing says why", d.name, d.code, other)
		}
		seen[d.code] = d.name
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			v := askPipeline(t, s, d.edit)
			if v.Passed() || !v.Conclusive {
				t.Fatalf("pass=%v conclusive=%v: %s", v.Passed(), v.Conclusive, failures(v))
			}
			for _, f := range v.Checks {
				switch {
				case f.ID == d.check:
					if f.Result != verify.Failed || f.Code != d.code {
						t.Errorf("%s is %s %s: %s; wanted %s\nall: %s", f.ID, f.Result, f.Code, f.Message, d.code, failures(v))
					}
				case !f.Required || f.Result == verify.Passed:
				case f.ID == "platforms" && f.Code == verify.PlatformsEvidenceMissing && d.check != "release" && d.check != "consistency" && d.check != "freshness":
					// No platform has what the index lacks.
				case d.also != "everything":
					t.Errorf("%s fails too, with %s: %s", f.ID, f.Code, f.Message)
				}
			}
			if !strings.Contains(failures(v), d.check+" "+string(d.code)) {
				t.Errorf("found %s; wanted %s %s", failures(v), d.check, d.code)
			}
		})
	}
}

// TestPipelineAudit: audit mode changes no verdict, and says that it is not enforced.
func TestPipelineAudit(t *testing.T) {
	s := newPipelineSigstore(t)
	audit := func(q *pipelineQuestion) { q.write("mode: enforce", "mode: {audit: {until: 2026-12-31}}") }
	if v := askPipeline(t, s, audit); !v.Passed() || v.Enforced == nil || *v.Enforced {
		t.Errorf("found %s, enforced %v", failures(v), v.Enforced)
	}
	v := askPipeline(t, s, func(q *pipelineQuestion) {
		audit(q)
		q.drop(lab.PartSignature)
	})
	if v.Passed() || v.Enforced == nil || *v.Enforced || !strings.Contains(failures(v), string(verify.SignatureMissing)) {
		t.Errorf("found %s, enforced %v", failures(v), v.Enforced)
	}
}
