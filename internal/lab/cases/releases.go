package cases

import (
	"slices"

	"github.com/releaseassay/assay/internal/lab"
)

// releases: classes 0 are the good releases.
func releases() []Case {
	return slices.Concat(
		releaseLayouts(), releaseLogs(), releaseBuilders(), releaseRegistries(), releaseHosts(), releaseDocuments(), releasePlaces(),
	)
}

// good is a case that has to be admitted.
func good(name, shows string, build func(*Bench) error) Case {
	return Case{ID: slug(0, name), Shows: shows, Want: Admits(), Build: build}
}

// step adds something to a release.
type step func(*lab.Release) error

// publish makes a bare release, takes the steps in their order and pushes it.
func (b *Bench) publish(change []func(*lab.ReleaseOptions), steps ...step) error {
	r, err := b.Release(change...)
	if err != nil {
		return err
	}
	return b.finish(r, steps...)
}

// publishGood does the same with a release that has its signature and provenance.
func (b *Bench) publishGood(steps ...step) error {
	r, err := b.Good()
	if err != nil {
		return err
	}
	return b.finish(r, steps...)
}

func (b *Bench) finish(r *lab.Release, steps ...step) error {
	for _, s := range steps {
		if err := s(r); err != nil {
			return err
		}
	}
	return b.Push(r)
}

// signs adds the signature of the release workflow, and builds the provenance by the container generator.
func (b *Bench) signs(r *lab.Release) error { return r.Sign(b.Sigstore, r.Signer()) }

func (b *Bench) builds(r *lab.Release) error {
	return r.AddProvenance(b.Sigstore, r.Builder(), r.Provenance())
}

// evidence adds both.
func (b *Bench) evidence(r *lab.Release) error {
	if err := b.signs(r); err != nil {
		return err
	}
	return b.builds(r)
}

// one makes a single image in place of an index.
func one(o *lab.ReleaseOptions) { o.Platform = "linux/amd64" }

func releaseLayouts() []Case {
	plain := func(name, shows string, change ...func(*lab.ReleaseOptions)) Case {
		return good(name, shows, func(b *Bench) error { return b.publish(change, b.evidence) })
	}
	return []Case{
		plain("index both layouts", "An index for two platforms carries its signature and provenance twice: as cosign's tags and as bundles."),
		plain("index legacy", "Signature and provenance of an index lie under cosign's .sig and .att tags, as cosign 2 and slsa-github-generator write them.", Form(lab.LegacyForm)),
		plain("index bundles", "Signature and provenance of an index are bundles that refer to it, as cosign 3 writes them.", Form(lab.BundleForm)),
		plain("image both layouts", "A single image carries its evidence in both layouts.", one),
		plain("image legacy", "A single image is signed and attested under cosign's tags.", one, Form(lab.LegacyForm)),
		plain("image bundles", "A single image is signed and attested with bundles.", one, Form(lab.BundleForm)),
		good("mixed layouts", "slsa-github-generator left provenance under the .att tag, and cosign 3 the signature as a bundle.", func(b *Bench) error {
			return b.publish(nil, b.signedBy(lab.Variation{Form: lab.BundleForm}), b.builtBy(lab.Variation{Form: lab.LegacyForm}))
		}),
		good("mixed layouts reversed", "The signature lies under the .sig tag, and the provenance is a bundle.", func(b *Bench) error {
			return b.publish(nil, b.signedBy(lab.Variation{Form: lab.LegacyForm}), b.builtBy(lab.Variation{Form: lab.BundleForm}))
		}),
	}
}

// signedBy signs as the release workflow with a variation, and builtBy attests as the container generator.
func (b *Bench) signedBy(v lab.Variation) step {
	return func(r *lab.Release) error {
		signer, err := b.Issue(r.Signer(), b.Now())
		if err != nil {
			return err
		}
		return r.SignBy(signer, v)
	}
}

func (b *Bench) builtBy(v lab.Variation) step {
	return func(r *lab.Release) error {
		signer, err := b.Issue(r.Builder(), b.Now())
		if err != nil {
			return err
		}
		statement, err := lab.ProvenanceV02(r.Provenance())
		if err != nil {
			return err
		}
		return r.AttestBy(signer, statement, v)
	}
}

func releaseLogs() []Case {
	logged := func(name, shows string, v lab.Variation) Case {
		return good(name, shows, func(b *Bench) error { return b.publish(nil, b.signedBy(v), b.builtBy(v)) })
	}
	bundle := func(o ...lab.BundleOption) lab.Variation { return lab.Variation{Form: lab.BundleForm, Bundle: o} }
	return []Case{
		logged("rekor v1 alone", "The bundles' time is that of the Rekor v1 log: there is no timestamp.", bundle(lab.NoTimestamp())),
		logged("rekor v2", "The bundles are logged in Rekor v2, whose entries have no time: a timestamp authority gives it.", bundle(lab.RekorV2())),
		logged("rekor v1 and v2", "The bundles are logged in both logs.", bundle(lab.AlsoRekorV2())),
		logged("bundle 0 1", "The bundles are of version 0.1 of the format, with the certificate's chain and a promise.", bundle(lab.Version(lab.BundleV01))),
		logged("bundle 0 2", "The bundles are of version 0.2 of the format.", bundle(lab.Version(lab.BundleV02))),
		logged("old cosign", "Evidence under cosign's tags is of a cosign before 2.3: the attestation is logged as intoto 0.0.1.",
			lab.Variation{Form: lab.LegacyForm, Legacy: []lab.LegacyOption{lab.LegacyEntry(lab.EntryIntoto001)}}),
		logged("legacy with timestamp", "Evidence under cosign's tags has a timestamp besides the log entry.",
			lab.Variation{Form: lab.LegacyForm, Legacy: []lab.LegacyOption{lab.LegacyTimestamp()}}),
	}
}
