package main

import (
	"context"
	"slices"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// form is a layout in which our laboratory writes evidence, for a real cosign to judge.
type form struct {
	// lane says by which cosign, and in which layout and log.
	lane
	// bundle are the options by which the lab makes the lane's bundles.
	bundle []lab.BundleOption
}

// forms lists them for both versions of cosign.
func forms() []form {
	var out []form
	for _, cosign := range []string{"cosign3", "cosign2"} {
		out = append(out,
			form{lane{name: "lab-legacy-rekor1-for-" + cosign, cosign: cosign, rekor: 1, legacy: true}, nil},
			form{lane{name: "lab-bundle-rekor1-for-" + cosign, cosign: cosign, rekor: 1}, nil},
			form{lane{name: "lab-bundle-rekor2-for-" + cosign, cosign: cosign, rekor: 2, tsa: true}, []lab.BundleOption{lab.RekorV2()}},
		)
	}
	return out
}

// reverseScenarios have cosign judge what the lab has made: good releases, and spoilt ones.
func reverseScenarios() []scenario {
	var out []scenario
	for _, f := range forms() {
		for _, index := range []bool{false, true} {
			name := f.name + "/image"
			if index {
				name = f.name + "/index"
			}
			out = append(out, scenario{name, func(ctx context.Context, w *world) error { return f.good(ctx, w, index) }})
		}
		for _, s := range f.spoils() {
			out = append(out, scenario{f.name + "/" + s.name, func(ctx context.Context, w *world) error { return f.spoilt(ctx, w, s) }})
		}
	}
	return out
}

// signer makes one piece of evidence about a release: the signature, or an attestation where a statement is given.
type signer struct {
	sigstore *lab.Sigstore
	identity lab.Identity
	leaf     []lab.LeafOption
	bundle   []lab.BundleOption
	legacy   []lab.LegacyOption
}

// write adds the piece to the release, in the form's layout.
func (f form) write(r *lab.Release, s signer, statement []byte) error {
	at := s.sigstore.Now()
	hand, err := s.sigstore.Issue(s.identity, at, s.leaf...)
	if err != nil {
		return err
	}
	logged := at.Add(time.Minute)
	if f.legacy {
		return f.layer(r, hand, statement, logged, s.legacy)
	}
	if statement == nil {
		if statement, err = lab.SignStatement(r.Repository, r.Image.Digest()); err != nil {
			return err
		}
	}
	bundle, err := hand.Bundle(statement, logged, slices.Concat(f.bundle, s.bundle)...)
	if err != nil {
		return err
	}
	r.Referrers = append(r.Referrers, lab.BundleReferrer(bundle))
	return nil
}

// layer adds a legacy layer.
func (f form) layer(r *lab.Release, hand *lab.Signer, statement []byte, logged time.Time, options []lab.LegacyOption) error {
	if statement == nil {
		l, err := hand.LegacySignature(r.Repository, r.Image.Digest(), logged, options...)
		r.Signatures = append(r.Signatures, l)
		return err
	}
	l, err := hand.LegacyAttestation(statement, logged, options...)
	r.Attestations = append(r.Attestations, l)
	return err
}

// bare makes a release without evidence.
func (f form) bare(w *world, name string, index bool) (*lab.Release, error) {
	o := lab.ReleaseOptions{Repository: w.registry.Host() + "/lab/" + f.name + "/" + name, Platform: "linux/amd64"}
	if index {
		o.Platform = ""
	}
	return lab.NewRelease(w.known, o)
}

// good has cosign accept a release of the lab: its signature, its bill of materials and its provenance.
func (f form) good(ctx context.Context, w *world, index bool) error {
	name := "image"
	if index {
		name = "index"
	}
	r, err := f.bare(w, name, index)
	if err != nil {
		return err
	}
	if err := f.write(r, signer{sigstore: w.known, identity: r.Signer()}, nil); err != nil {
		return err
	}
	sbom, err := lab.CycloneDX(r.Repository, r.Image.Digest())
	if err != nil {
		return err
	}
	if err := f.write(r, signer{sigstore: w.known, identity: r.Signer()}, sbom); err != nil {
		return err
	}
	provenance, err := lab.ProvenanceV02(r.Provenance())
	if err != nil {
		return err
	}
	if err := f.write(r, signer{sigstore: w.known, identity: r.Builder()}, provenance); err != nil {
		return err
	}
	if err := r.Push(ctx); err != nil {
		return err
	}
	pinned := r.Repository + "@" + r.Image.Digest()
	out, err := w.cosignVerify(ctx, f.lane, w.labs.roots, pinned, f.expect(r, r.Signer()))
	if err := wants(out, err, 0, f.cosign+" verify"); err != nil {
		return err
	}
	for _, a := range []struct {
		kind string
		by   lab.Identity
		exit int
	}{{kindSBOM, r.Signer(), 0}, {kindSLSA02, r.Builder(), 0}, {kindSLSA02, r.Signer(), 1}, {kindOfNobody, r.Signer(), 1}} {
		out, err := w.cosignAttested(ctx, f.lane, w.labs.roots, pinned, a.kind, f.expect(r, a.by))
		if err := wants(out, err, a.exit, f.cosign+" verify-attestation of "+a.kind+" by "+a.by.SAN); err != nil {
			return err
		}
	}
	return nil
}

// expect demands an identity, at the release's repository and ref.
func (f form) expect(r *lab.Release, id lab.Identity) []string {
	return expecting(id.SAN, r.Repo, r.Ref)
}
