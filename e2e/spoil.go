package main

import (
	"context"
	"fmt"
	"regexp"

	"github.com/releaseassay/assay/internal/lab"
)

// spoil is one thing that is wrong with a signature, which is good otherwise.
type spoil struct {
	// says is what cosign says of it, in one version or the other: it must not refuse for another reason.
	name, says string
	// change makes it, from what a good signature is made with. Nil leaves the signature out.
	change func(w *world, r *lab.Release, s *signer)
	// elsewhere signs another image than the one that carries the signature.
	elsewhere bool
}

// What cosign says where it finds nobody whom it knows.
const (
	saysNoLog = "log public key not found|not enough verified log entries"
	saysNoSCT = "required embedded SCT|0 SCT entries|ctfe public key not found"
)

// spoils lists what cosign has to refuse in this form.
func (f form) spoils() []spoil {
	out := []spoil{
		{name: "unsigned", says: "no signatures found|no valid bundles exist"},
		{name: "other-image", says: "missing digest in claim|does not match any digest", change: func(*world, *lab.Release, *signer) {}, elsewhere: true},
		{name: "stranger", says: "expected GitHub Workflow Repository|no matching CertificateIdentity", change: func(_ *world, r *lab.Release, s *signer) {
			s.identity = lab.GitHub("evil/widget", r.Ref, r.Commit, lab.DefaultWorkflow)
		}},
		{name: "unknown-authority", says: saysNoLog, change: func(w *world, _ *lab.Release, s *signer) { s.sigstore = w.unknown }},
		{name: "no-sct", says: saysNoSCT, change: leafSpoil(lab.NoSCT())},
		{name: "unknown-ct-log", says: saysNoSCT, change: leafSpoil(lab.UnknownCTLog())},
	}
	if f.legacy {
		return append(out,
			spoil{name: "false-promise", says: "verify SET", change: legacySpoil(lab.LegacyFalsePromise())},
			spoil{name: "impostor-log", says: "verify SET", change: legacySpoil(lab.LegacyImpostorLog())},
			spoil{name: "unknown-log", says: saysNoLog, change: legacySpoil(lab.LegacyUnknownLog())},
		)
	}
	return append(out,
		spoil{name: "unlogged", says: saysNoLog, change: bundleSpoil(lab.Unlogged())},
		spoil{name: "false-proof", says: "calculated root", change: bundleSpoil(lab.FalseProof())},
		spoil{name: "impostor-log", says: "checkpoint signature|" + saysNoLog, change: bundleSpoil(lab.ImpostorLog())},
		spoil{name: "unknown-log", says: saysNoLog, change: bundleSpoil(lab.UnknownLog())},
	)
}

func leafSpoil(o lab.LeafOption) func(*world, *lab.Release, *signer) {
	return func(_ *world, _ *lab.Release, s *signer) { s.leaf = append(s.leaf, o) }
}

func bundleSpoil(o lab.BundleOption) func(*world, *lab.Release, *signer) {
	return func(_ *world, _ *lab.Release, s *signer) { s.bundle = append(s.bundle, o) }
}

func legacySpoil(o lab.LegacyOption) func(*world, *lab.Release, *signer) {
	return func(_ *world, _ *lab.Release, s *signer) { s.legacy = append(s.legacy, o) }
}

// spoilt has cosign refuse a release with a spoilt signature.
func (f form) spoilt(ctx context.Context, w *world, sp spoil) error {
	r, err := f.bare(w, sp.name, false)
	if err != nil {
		return err
	}
	if sp.change != nil {
		s := signer{sigstore: w.known, identity: r.Signer()}
		sp.change(w, r, &s)
		about := *r
		if sp.elsewhere {
			if about.Image, err = lab.NewImage("another image", "linux/amd64"); err != nil {
				return err
			}
		}
		if err := f.write(&about, s, nil); err != nil {
			return fmt.Errorf("spoil signature: %w", err)
		}
		r.Evidence = about.Evidence
	}
	if err := r.Push(ctx); err != nil {
		return err
	}
	out, err := w.cosignVerify(ctx, f.lane, w.labs.roots, r.Repository+"@"+r.Image.Digest(), f.expect(r, r.Signer()))
	if err := wants(out, err, 1, f.cosign+" verify"); err != nil {
		return err
	}
	if says := regexp.MustCompile(sp.says); !says.Match(out.stderr) {
		return fmt.Errorf("%s verify: found a refusal for another reason; wanted it to say %q\n%s", f.cosign, sp.says, lastLines(out.stderr))
	}
	return nil
}
