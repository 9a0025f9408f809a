package cases

import (
	"errors"
	"slices"

	"github.com/releaseassay/assay/internal/lab"
)

// anySBOMLeg and metadataLeg demand what the release workflow attests besides.
const (
	anySBOMLeg  = `sbom: {signer: {issuer: ` + lab.GitHubIssuer + `, workflow: ` + lab.DefaultWorkflow + `}}`
	metadataLeg = `attestations: {release-metadata: {type: ` + lab.MetadataPredicateType +
		`, signer: {issuer: ` + lab.GitHubIssuer + `, workflow: ` + lab.DefaultWorkflow + `}}}`
)

func aboutSBOM(_ *Bench, r *lab.Release) ([]byte, error) {
	return lab.CycloneDX(r.Repository, r.Image.Digest())
}

func aboutSigning(_ *Bench, r *lab.Release) ([]byte, error) {
	return lab.SignStatement(r.Repository, r.Image.Digest())
}

func aboutMetadata(b *Bench, r *lab.Release) ([]byte, error) {
	return lab.ReleaseMetadata(r.Repository, r.Image.Digest(), b.Now())
}

func aboutVerification(b *Bench, r *lab.Release) ([]byte, error) {
	return lab.VSA(r.Repository, r.Image.Digest(), b.Now())
}

func aboutBuild(_ *Bench, r *lab.Release) ([]byte, error) {
	return lab.ProvenanceGitHub(r.Provenance())
}

// absent: class 1, where a leg is missing.
func absent() []wrong {
	noAttestation := []string{"CVE-2025-25204"}
	return []wrong{
		{
			class: 1, words: "nothing", advisories: noAttestation,
			shows:     "Somebody pushed an image and attached nothing to it.",
			why:       "A loop over all evidence that is there finds no fault where there is none, unless somebody counts.",
			signature: nothing, provenance: nothing, want: Fails("signature", "signature.missing"),
		},
		{
			class: 1, words: "no signature", shows: "The image has provenance and was never signed.",
			signature: nothing, want: Fails("signature", "signature.missing"),
		},
		{
			class: 1, words: "no provenance", advisories: noAttestation,
			shows:      "The image is signed, and nothing says how it was built.",
			provenance: nothing, want: Fails("provenance", "provenance.missing"),
		},
		{
			class: 1, words: "empty signature manifest", form: lab.LegacyForm,
			shows:     "The tag where cosign keeps signatures is there, and its manifest lists no layer.",
			signature: emptyLegacy(".sig"), want: Fails("signature", "signature.missing"),
		},
		{
			class: 1, words: "empty attestation manifest", advisories: noAttestation, form: lab.LegacyForm,
			shows:      "The tag where cosign keeps attestations is there, and its manifest lists no layer.",
			provenance: emptyLegacy(".att"), want: Fails("provenance", "provenance.missing"),
		},
	}
}

// emptyLegacy publishes a manifest without layers under a tag of cosign's.
func emptyLegacy(suffix string) part {
	const manifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
		`"config":{"mediaType":"application/vnd.oci.image.config.v1+json",` +
		`"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`
	return func(b *Bench, r *lab.Release) error {
		repo, err := b.Repo()
		if err != nil {
			return err
		}
		_, blob := lab.PutBlob(b.Context(), repo, "application/vnd.oci.image.config.v1+json", []byte("{}"), b.Registry.Direct())
		_, put := lab.PutManifest(b.Context(), repo, "sha256-"+r.Image.Descriptor().Digest.Hex+suffix,
			"application/vnd.oci.image.manifest.v1+json", []byte(manifest), b.Registry.Direct())
		return errors.Join(blob, put)
	}
}

// absentLegs: class 1 for the legs that only some policies demand.
func absentLegs() []Case {
	leg := func(words, shows string, want Want, rule string) Case {
		return Case{ID: slug(1, words), Class: 1, Shows: shows, Want: want, Build: func(b *Bench) error {
			b.Rule(Standard(rule)...)
			r, err := b.Good()
			if err != nil {
				return err
			}
			return b.Push(r)
		}}
	}
	unlisted := Case{
		ID: slug(1, "no release"), Class: 1, Want: Fails("release", "release.not_listed"),
		Shows: "The image is signed and attested, and the project's TUF repository, which lists other releases, does not list it.",
		Build: func(b *Bench) error {
			r, err := b.Good()
			if err != nil {
				return err
			}
			t, err := lab.NewReleaseTUF(b.Sigstore, b.Now())
			if err != nil {
				return err
			}
			if _, err := t.AddRelease("1.2.2", b.Repository, lab.OtherDigest()); err != nil {
				return err
			}
			if err := errors.Join(t.Publish(), b.StartTUF(t)); err != nil {
				return err
			}
			lines, err := b.ReleaseLeg(t, 2)
			if err != nil {
				return err
			}
			b.Rule(slices.Concat(Standard(), lines)...)
			return b.Push(r)
		},
	}
	return []Case{
		leg("no bill of materials", "The policy demands a bill of materials, and the image has none.", Fails("sbom", "sbom.missing"), anySBOMLeg),
		leg("no named attestation", "The policy demands the release's metadata, and the image has none.",
			Fails("attestations.release-metadata", "attestation.missing"), metadataLeg),
		unlisted,
	}
}

// otherPredicates: class 2, where something else stands in a leg's place.
func otherPredicates() []wrong {
	const (
		sbomShows = "The right workflow attested a bill of materials and never signed the image"
		anyType   = "A verifier that looks only at who signed takes any statement by the right workflow for a signature."
	)
	noSignature, noProvenance := Fails("signature", "signature.missing"), Fails("provenance", "provenance.missing")
	sbom := []string{"CVE-2022-35929"}
	return []wrong{
		{
			class: 2, words: "sbom attestation for signature", advisories: sbom, form: lab.LegacyForm, shows: sbomShows + ".", why: anyType,
			signature: attested(ourWorkflow(), aboutSBOM), want: noSignature,
		},
		{
			class: 2, words: "sbom bundle for signature", advisories: sbom, form: lab.BundleForm, shows: sbomShows + "; the attestation is a bundle.",
			why: anyType, signature: attested(ourWorkflow(), aboutSBOM), want: noSignature,
		},
		{
			class: 2, words: "provenance for signature",
			shows:     "The release workflow attested how it built the image, with GitHub's own action, and never signed it.",
			signature: attested(ourWorkflow(), aboutBuild), want: noSignature,
		},
		{
			class: 2, words: "signing statement among attestations", form: lab.LegacyForm,
			shows:     "The statement that stands for a signature in a bundle lies among the old attestations, where nothing signs with it.",
			signature: attested(ourWorkflow(), aboutSigning), want: noSignature,
		},
		{
			class: 2, words: "sbom for provenance", advisories: sbom, shows: "The builder attested a bill of materials and no provenance.",
			provenance: attested(ourBuilder(), aboutSBOM), want: noProvenance,
		},
		{
			class: 2, words: "signature for provenance", shows: "The builder signed the image and attested no provenance.",
			provenance: signedAs(ourBuilder()), want: noProvenance,
		},
		{
			class: 2, words: "verification summary for provenance",
			shows:      "The builder says that the image was verified at level 3 and not how it was built.",
			why:        "A verification summary has a type of slsa.dev too, and is somebody's opinion of provenance rather than provenance.",
			provenance: attested(ourBuilder(), aboutVerification), want: noProvenance,
		},
	}
}
