package cases

import (
	"errors"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/releaseassay/assay/internal/lab"
)

// releaseHosts are releases whose evidence or signer is not where most have it.
func releaseHosts() []Case {
	return []Case{
		good("gitlab", "A pipeline of gitlab.com signed the image at its tag, and the policy demands that.", gitLabRelease),
		good("github api", "The provenance lies in GitHub's attestations API alone, where actions/attest-build-provenance leaves it, and the signature in the registry.", gitHubRelease),
		good("mirrored", "The image was copied to another registry without its evidence, which the policy has assay look for at the origin.", mirroredRelease),
		good("key", "The image is signed with a key that the policy names, and logged.", keyRelease),
		good("private instance", "The image is signed and attested by a private Sigstore instance, whose root the policy names.", privateRelease),
	}
}

func gitLabRelease(b *Bench) error {
	b.Rule(
		`source: {repository: https://gitlab.com/`+lab.DefaultRepo+`, ref: "refs/tags/v{version}"}`,
		"signature: {signer: {issuer: https://gitlab.com, workflow: .gitlab-ci.yml}}",
	)
	return b.publish(nil, func(r *lab.Release) error {
		return r.Sign(b.Sigstore, lab.GitLab("gitlab.com", lab.DefaultRepo, "refs/tags/v"+lab.DefaultTag, r.Commit))
	})
}

func gitHubRelease(b *Bench) error {
	// A limit of 60 an hour would end before a range that is asked all day.
	api := lab.NewGitHubAPI(lab.GitHubOptions{RateLimit: 1 << 30})
	if err := api.Start(); err != nil {
		return err
	}
	b.Closes(api.Close)
	b.Env("ASSAY_GITHUB_API=" + api.URL())
	b.Rule(SourceLeg, SignatureLeg, "provenance: {builder: {level: 2}}", "places: [registry, github]")
	api.AddRepository(lab.DefaultRepo, false)
	return b.publish(nil, b.signs, func(r *lab.Release) error {
		statement, err := lab.ProvenanceGitHub(r.Provenance())
		if err != nil {
			return err
		}
		signer, err := b.Issue(r.Signer(), b.Now())
		if err != nil {
			return err
		}
		bundle, err := signer.Bundle(statement, b.Now())
		if err != nil {
			return err
		}
		return api.Attest(lab.DefaultRepo, bundle, r.Image.Digest())
	})
}

func mirroredRelease(b *Bench) error {
	mirror, err := b.NewRegistry(lab.RegistryOptions{})
	if err != nil {
		return err
	}
	origin, path, _ := strings.Cut(b.Repository, "/")
	copied := mirror.Host() + "/copies/" + path
	b.Rule(Standard("mirrors: [{prefix: "+mirror.Host()+"/copies, of: "+origin+"}]", "evidence: [origin]")...)
	b.Ask(Act{Image: copied + ":" + lab.DefaultTag})
	r, err := b.Good()
	if err != nil {
		return err
	}
	from, err := b.Repo()
	if err != nil {
		return err
	}
	to, err := name.NewRepository(copied)
	if err != nil {
		return err
	}
	return errors.Join(
		lab.PushEvidence(b.Context(), from, r.Image.Descriptor(), r.Evidence, b.Registry.Direct()),
		lab.PushImage(b.Context(), to, r.Tag, r.Image, mirror.Direct()),
	)
}

func keyRelease(b *Bench) error {
	signer, err := b.NewKeySigner()
	if err != nil {
		return err
	}
	key := "keys/" + b.Case.ID + ".pub"
	if err := b.File(key, signer.PublicKeyPEM()); err != nil {
		return err
	}
	b.Rule("signature: {signer: {key: {file: ./" + key + ", sha256: " + sum(signer.PublicKeyPEM()) + "}}}")
	return b.publish(nil, func(r *lab.Release) error { return r.SignBy(signer, lab.Variation{}) })
}

func privateRelease(b *Bench) error {
	private, err := lab.NewSigstore(lab.Options{Now: b.Now(), Name: "corp"})
	if err != nil {
		return err
	}
	if err := b.Trust("corp", private); err != nil {
		return err
	}
	b.Rule(SourceLeg,
		"signature: {trust: corp, signer: {issuer: "+lab.GitHubIssuer+", workflow: "+lab.DefaultWorkflow+"}}",
		"provenance: {trust: corp, builder: {level: 3}}")
	return b.publish(nil, func(r *lab.Release) error {
		if err := r.Sign(private, r.Signer()); err != nil {
			return err
		}
		return r.AddProvenance(private, r.Builder(), r.Provenance())
	})
}
