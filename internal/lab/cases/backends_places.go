package cases

import (
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// places are references that mean another image than the one that somebody looked at.
func places() []Case {
	return []Case{
		{
			ID: slug(38, "good tag beside another digest"), Class: 38, Want: unsigned,
			Shows: "The reference has the tag of a good release and the digest of an unsigned image, which is what runs.",
			Build: func(b *Bench) error {
				return b.both(func(good, evil *lab.Release) string { return good.Reference() + "@" + evil.Image.Digest() })
			},
		},
		{
			ID: slug(38, "digest of the release before"), Class: 38, Want: Fails("signature", "signature.identity_mismatch"),
			Shows: "The reference has this release's tag and the digest of the release before, which is signed as well as this one.",
			Why:   "A tag beside a digest is a claim. cosign, given the tag's identity, sees this too.",
			Build: oldDigest,
		},
		{
			ID: slug(38, "image of an index by its digest"), Class: 38, Want: unsigned,
			Shows: "One platform's image of a good release is asked for by its own digest, to which no signature belongs.",
			Why:   "The signature is over the index. With --index the answer is another one.",
			Build: func(b *Bench) error {
				return b.only(func(r *lab.Release) string { return r.Reference() + "@" + r.Image.Children()[0].Digest.String() })
			},
		},
		{
			ID: slug(38, "no tag"), Class: 38, Want: unsigned,
			Shows: "The reference has no tag, which means latest, and that is an unsigned image beside the good release.",
			Build: latest,
		},
		{
			ID: slug(38, "init container"), Class: 38, Want: unsigned, Advisories: []string{"CVE-2023-2727"},
			Shows: "A pod's first image is a good release, and the one that an ephemeral container brings along lies in the same repository and is unsigned.",
			Why:   "Kubernetes once did not show ephemeral containers to ImagePolicyWebhook; every image has to be asked for by itself.",
			Build: func(b *Bench) error {
				return b.both(func(good, evil *lab.Release) string {
					b.Ask(Act{Image: good.Reference(), Want: Admits()})
					return evil.Repository + "@" + evil.Image.Digest()
				}, "--image-version", lab.DefaultTag)
			},
		},
		{
			ID: slug(38, "image volume"), Class: 38, Want: unsigned,
			Shows: "What is mounted as a volume is an artifact that is no image and that nobody signed, under the tag of a release.",
			Build: volume,
		},
	}
}

// neighbours are names that are near the one that a rule is for.
func neighbours() []Case {
	return []Case{
		{
			ID: slug(38, "right image in the wrong place"), Class: 38, Want: Fails("signature", "signature.identity_mismatch"),
			Shows: "A good release of this project, with all its evidence, was copied to where another project's image is to run.",
			Build: wrongPlace,
		},
		{
			ID: slug(38, "name that begins alike"), Class: 38, Want: Fails("policy", "policy.no_rule"), PolicyOnly: true,
			Shows: "The image's name goes on where the rule's ends, and no rule is for it.",
			Build: func(b *Bench) error {
				b.Match(b.Repository)
				b.Repository += "-debug"
				return b.only((*lab.Release).Reference)
			},
		},
		{
			ID: slug(38, "folder below the name"), Class: 38, Want: Fails("policy", "policy.no_rule"), PolicyOnly: true,
			Shows: "The image lies in a folder below the name that the rule is for.",
			Build: func(b *Bench) error {
				b.Match(b.Repository)
				b.Repository += "/debug"
				return b.only((*lab.Release).Reference)
			},
		},
	}
}

// only publishes a good release and asks for what of it means.
func (b *Bench) only(of func(*lab.Release) string) error {
	r, err := b.Good()
	if err != nil {
		return err
	}
	b.Ask(Act{Image: of(r)})
	return b.Push(r)
}

// both publishes an unsigned image under the tag of a good release, then that, and asks for what of both means.
func (b *Bench) both(of func(good, evil *lab.Release) string, args ...string) error {
	good, err := b.Good()
	if err != nil {
		return err
	}
	evil, err := b.evil()
	if err != nil {
		return err
	}
	if err := b.Push(evil); err != nil {
		return err
	}
	b.Args(args...)
	b.Ask(Act{Image: of(good, evil)})
	return b.Push(good)
}

func oldDigest(b *Bench) error {
	before, err := b.Good(func(o *lab.ReleaseOptions) { o.Tag, o.Seed = "1.2.2", b.Case.ID+" before" })
	if err != nil {
		return err
	}
	if err := b.Push(before); err != nil {
		return err
	}
	return b.only(func(r *lab.Release) string { return r.Reference() + "@" + before.Image.Digest() })
}

func latest(b *Bench) error {
	evil, err := b.evil()
	if err != nil {
		return err
	}
	evil.Tag = "latest"
	if err := b.Push(evil); err != nil {
		return err
	}
	return b.only(func(r *lab.Release) string { return r.Repository })
}

// volume is an artifact, as Kubernetes mounts for an image volume.
func volume(b *Bench) error {
	repo, err := b.Repo()
	if err != nil {
		return err
	}
	layer, err := lab.PutBlob(b.ctx, repo, "application/octet-stream", []byte("#!/bin/sh\n"), b.Registry.Direct())
	if err != nil {
		return err
	}
	config, err := lab.PutBlob(b.ctx, repo, "application/vnd.oci.empty.v1+json", []byte("{}"), b.Registry.Direct())
	if err != nil {
		return err
	}
	const media = "application/vnd.oci.image.manifest.v1+json"
	manifest := strings.NewReplacer("CONFIG", config.Digest.String(), "LAYER", layer.Digest.String()).Replace(
		`{"schemaVersion":2,"mediaType":"` + media + `","artifactType":"application/vnd.example.scripts","config":{"mediaType":` +
			`"application/vnd.oci.empty.v1+json","digest":"CONFIG","size":2},"layers":[{"mediaType":"application/octet-stream","digest":"LAYER","size":10}]}`)
	_, err = lab.PutManifest(b.ctx, repo, lab.DefaultTag, media, []byte(manifest), b.Registry.Direct())
	return err
}

// wrongPlace has a rule for a project's image, and another project's release there.
func wrongPlace(b *Bench) error {
	b.Rule(strings.Replace(SourceLeg, lab.DefaultRepo, "acme/gadget", 1), SignatureLeg, ProvenanceLeg)
	return b.only((*lab.Release).Reference)
}
