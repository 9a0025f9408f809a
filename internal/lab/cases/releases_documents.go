package cases

import (
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// releaseSigner is the release workflow, as a policy names it.
const releaseSigner = "{issuer: " + lab.GitHubIssuer + ", workflow: " + lab.DefaultWorkflow + "}"

// dated writes a document about an image at a time.
type dated func(name, digest string, at time.Time, edits ...lab.Edit) ([]byte, error)

// undated writes one that has no time, or always the same.
type undated func(name, digest string, edits ...lab.Edit) ([]byte, error)

func (u undated) dated(name, digest string, _ time.Time, edits ...lab.Edit) ([]byte, error) {
	return u(name, digest, edits...)
}

// attests adds a document about the image by the release workflow.
func (b *Bench) attests(write dated, edits ...lab.Edit) step {
	return func(r *lab.Release) error {
		statement, err := write(r.Repository, r.Image.Digest(), b.Now(), edits...)
		if err != nil {
			return err
		}
		return r.Attest(b.Sigstore, r.Signer(), statement)
	}
}

// What rules demand of documents.
const (
	metadataDemand = "metadata: {type: " + lab.MetadataPredicateType + ", signer: " + releaseSigner + ", metadata: {image: image, digest: digest, version: version, tag: tag, repository: source.repository, ref: source.ref, commit: source.commit, workflow: build.workflow, run: build.run, time: build.timestamp}}"
	scanDemand     = "scan: {type: " + lab.VulnsPredicateType + ", signer: " + releaseSigner + ", max_age: 7d, scan: {scanners: [\"" + lab.DefaultScanner + "\"], max_age: 7d, database_age: 3d, deny: [critical, high]}}"
	vexDemand      = "vex: {type: " + lab.OpenVEXPredicateType + ", signer: " + releaseSigner + ", max_age: 30d, vex: {statuses: [not_affected, fixed], authors: [" + lab.DefaultVEXAuthor + "]}}"
	vsaDemand      = "vsa: {type: " + lab.VSAPredicateType + ", signer: " + releaseSigner + ", vsa: {verifier: " + lab.DefaultVerifier + ", policy: " + lab.DefaultVSAPolicy + ", levels: [SLSA_BUILD_LEVEL_3]}}"
	testsDemand    = "tests: {type: " + lab.TestResultPredicateType + ", signer: " + releaseSigner + ", tests: {passed: [unit, integration]}}"
	sbomDemand     = "signer: " + releaseSigner + `, describes: image, deny_components: [{purl: "pkg:npm/event-stream", versions: "<4.0.0"}, {purl: "pkg:npm/@evil/thing"}]`
)

// attestationsLeg demands named attestations.
func attestationsLeg(demands ...string) []string {
	lines := []string{"attestations:"}
	for _, d := range demands {
		lines = append(lines, "  "+d)
	}
	return lines
}

func sbomLeg(more string) string { return "sbom: {" + sbomDemand + more + "}" }

func releaseDocuments() []Case {
	documented := func(name, shows string, rule []string, write dated, edits ...lab.Edit) Case {
		return good(name, shows, func(b *Bench) error {
			b.Rule(Standard(rule...)...)
			return b.publishGood(b.attests(write, edits...))
		})
	}
	return []Case{
		documented("bill cyclonedx", "The release workflow attested a CycloneDX bill of materials, which follows its schema.", []string{sbomLeg(", format: cyclonedx, schema: strict")}, undated(lab.CycloneDX).dated),
		documented("bill spdx", "The release workflow attested a bill of materials in SPDX.", []string{sbomLeg(", format: spdx")}, undated(lab.SPDX).dated),
		documented("bill with a later version", "The bill of materials lists a component of which only earlier versions are denied.", []string{sbomLeg("")}, undated(lab.CycloneDX).dated,
			lab.Set("predicate.components", []any{component("event-stream", "4.0.1", "pkg:npm/event-stream@4.0.1")})),
		documented("metadata", "The release workflow attested digest, commit, tag and time of the build.", attestationsLeg(metadataDemand), lab.ReleaseMetadata),
		documented("scan", "The release workflow attested a scan that found nothing severe.", attestationsLeg(scanDemand), lab.Scan),
		documented("vex", "The release workflow attested that what a scanner finds does not affect the image.", attestationsLeg(vexDemand), lab.OpenVEX),
		documented("verification summary", "A verifier's summary says that the image met its policy at level 3.", attestationsLeg(vsaDemand), lab.VSA),
		documented("test result", "The release workflow attested that its tests passed.", attestationsLeg(testsDemand), undated(lab.TestResult).dated),
		good("newest of two scans", "Last week's scan found something critical and today's no more.", func(b *Bench) error {
			b.Rule(Standard(attestationsLeg(scanDemand)...)...)
			return b.publishGood(b.earlier(3*24*time.Hour, lab.Scan, severity("critical")), b.attests(lab.Scan))
		}),
		good("buildkit bill", "BuildKit keeps a bill of materials for each platform inside the index, which is signed as a whole.", func(b *Bench) error {
			b.Rule(Standard(sbomLeg(", buildkit: true"))...)
			return b.buildKit(aboutEach(lab.SPDX))
		}),
		good("everything", "Signature, provenance, bill of materials, metadata, scan, VEX, summary and tests are all there, and two people listed the release in the project's TUF repository.", everything),
	}
}

// everything is a release of a project that does all there is.
func everything(b *Bench) error {
	t, err := b.TUF()
	if err != nil {
		return err
	}
	listing, err := b.ReleaseLeg(t, 2)
	if err != nil {
		return err
	}
	rule := Standard(sbomLeg(", format: cyclonedx, schema: strict"))
	rule = append(rule, attestationsLeg(metadataDemand, scanDemand, vexDemand, vsaDemand, testsDemand)...)
	rule = append(rule, listing...)
	b.Rule(append(rule, "platforms: {require: [linux/amd64, linux/arm64], only: [linux/amd64, linux/arm64]}", "consistency: {required: [commit, repository, version]}", "freshness: {max_age: 90d}")...)
	return b.publishGood(
		b.attests(undated(lab.CycloneDX).dated), b.attests(lab.ReleaseMetadata), b.attests(lab.Scan), b.attests(lab.OpenVEX), b.attests(lab.VSA),
		b.attests(undated(lab.TestResult).dated),
		func(r *lab.Release) error {
			if _, err := t.AddRelease(r.Tag, r.Repository, r.Image.Digest()); err != nil {
				return err
			}
			return t.Publish()
		},
	)
}
