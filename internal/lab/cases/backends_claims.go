package cases

import (
	"fmt"

	"github.com/releaseassay/assay/internal/lab"
)

// claims are unsigned images that say of themselves what only a verifier may say.
func claims() []Case {
	var out []Case
	for _, c := range []struct {
		class        int
		words, shows string
		pairs        func(b *Bench) map[string]string
	}{
		{37, "our verdict in labels", "An unsigned image says in labels and annotations that assay let it pass.", func(b *Bench) map[string]string {
			return map[string]string{
				"assay.verdict": "pass", "assay.dev/verdict": `{"verdict":"pass","conclusive":true}`, "assay/verified": "true",
				"assay.policy": "lab", "assay.image": b.Reference(),
			}
		}},
		{37, "verdict of Kyverno in labels", "An unsigned image carries the annotation by which Kyverno remembers that it verified an image.", func(b *Bench) map[string]string {
			return map[string]string{"kyverno.io/verify-images": fmt.Sprintf(`{%q:"pass"}`, b.Reference()), "kyverno.io/image-verification-outcomes": `{"lab":{"status":"pass"}}`}
		}},
		{37, "annotations of cosign in labels", "An unsigned image carries, as annotations of its own, what cosign writes beside a signature.", (*Bench).cosignAnnotations},
		{37, "source in labels", "An unsigned image names the right source, commit and version in the labels that people look at.", func(*Bench) map[string]string {
			return map[string]string{
				"org.opencontainers.image.source": "https://github.com/" + lab.DefaultRepo, "org.opencontainers.image.revision": lab.DefaultCommit,
				"org.opencontainers.image.version": lab.DefaultTag, "org.opencontainers.image.ref.name": lab.DefaultTag,
			}
		}},
		{38, "opt-out in labels", "An unsigned image carries every label by which somebody may ask not to be verified.", func(*Bench) map[string]string {
			return map[string]string{
				"assay.skip": "true", "assay.dev/mode": "audit", "policy.sigstore.dev/include": "false", "policy.sigstore.dev/exclude": "true",
				"admission.gatekeeper.sh/ignore": "no-self-managing", "securityscanning": "exempt", "pod-security.kubernetes.io/enforce": "privileged",
			}
		}},
	} {
		out = append(out, Case{ID: slug(c.class, c.words), Class: c.class, Shows: c.shows, Want: unsigned, Build: func(b *Bench) error {
			r, err := b.bare(c.pairs(b))
			if err != nil {
				return err
			}
			return b.Push(r)
		}})
	}
	return out
}

// cosignAnnotations are those of a good signature, over another image.
func (b *Bench) cosignAnnotations() map[string]string {
	good, err := b.Good(Form(lab.LegacyForm))
	if err != nil || len(good.Signatures) == 0 {
		return nil
	}
	return good.Signatures[0].Annotations
}

// forgedVerdicts are attached to unsigned images by those who made them.
func forgedVerdicts() []Case {
	out := []Case{
		{
			ID: slug(37, "summary by a stranger"), Class: 37, Want: unsigned,
			Shows: "A stranger attested that the image was verified and passed, and signed that with an identity of his own.",
			Build: func(b *Bench) error { return b.summary(evilWorkflow(), false) },
		},
		{
			ID: slug(37, "summary of a verification in place of it"), Class: 37, Want: unsigned,
			Shows: "The release workflow itself attested that the image was verified and passed, and did not sign the image.",
			Build: func(b *Bench) error {
				return b.summary(lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow), false)
			},
		},
		{
			ID: slug(37, "demanded summary by a stranger"), Class: 37, Want: Fails("attestations.vsa", "attestation.identity_mismatch"),
			Shows: "The policy demands a summary of a verification, and a stranger wrote one in the demanded verifier's name.",
			Build: func(b *Bench) error { return b.summary(evilWorkflow(), true) },
		},
	}
	for _, f := range []struct{ words, shows, media string }{
		{"our verdict beside the image", "A verdict of assay that says pass, about the right digest, is attached to an unsigned image.", "application/vnd.releaseassay.verdict.v1+json"},
		{"statement without a signature", "A statement that the image is signed is attached without an envelope, so that nobody signed it.", "application/vnd.in-toto+json"},
		{"signature of another kind", "A signature of Notary's kind is attached, by a certificate that nobody knows.", "application/vnd.cncf.notary.signature"},
	} {
		out = append(out, Case{ID: slug(37, f.words), Class: 37, Shows: f.shows, Want: unsigned, Build: func(b *Bench) error { return b.beside(f.media) }})
	}
	return out
}

func evilWorkflow() lab.Identity {
	return lab.GitHub("evil/widget", lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow).WithIDs("6666", "7777")
}

// summary attaches a verification summary by an identity: to a good release whose policy demands one, or to an image
// with provenance and no signature.
func (b *Bench) summary(by lab.Identity, demanded bool) error {
	r, err := b.Release()
	if err != nil {
		return err
	}
	if demanded {
		b.Rule(Standard(
			"attestations:", "  vsa:", "    type: "+lab.VSAPredicateType,
			"    signer: {issuer: "+lab.GitHubIssuer+", workflow: "+lab.DefaultWorkflow+"}",
			"    vsa: {verifier: "+lab.DefaultVerifier+", policy: "+lab.DefaultVSAPolicy+", levels: [SLSA_BUILD_LEVEL_3]}",
		)...)
		if err := r.Sign(b.Sigstore, r.Signer()); err != nil {
			return err
		}
	}
	if err := r.AddProvenance(b.Sigstore, r.Builder(), r.Provenance()); err != nil {
		return err
	}
	statement, err := lab.VSA(r.Repository, r.Image.Digest(), b.Now())
	if err != nil {
		return err
	}
	if err := r.Attest(b.Sigstore, by, statement); err != nil {
		return err
	}
	return b.Push(r)
}

// beside attaches a verdict that passes, as a media type, to an image that has nothing else.
func (b *Bench) beside(media string) error {
	r, err := b.Release()
	if err != nil {
		return err
	}
	statement, err := lab.SignStatement(r.Repository, r.Image.Digest(), func(s map[string]any) {
		s["verdict"], s["conclusive"], s["image"] = "pass", true, map[string]any{"digest": r.Image.Digest(), "pinned": r.Repository + "@" + r.Image.Digest()}
	})
	if err != nil {
		return err
	}
	r.Referrers = append(r.Referrers, lab.Referrer{ArtifactType: media, MediaType: media, Bytes: statement})
	return b.Push(r)
}
