package main

import (
	"context"
	"fmt"

	"github.com/releaseassay/assay/internal/lab"
)

// twin is a release that differs from a good one in who made it, and how assay has to refuse it.
type twin struct {
	name string
	by   claims
	// generator and github are the findings under the policy of each builder.
	generator, github findings
}

// twins are made like a good release, each by a job with other claims. Where cosign signs for the wrong hands, every
// piece of evidence has to be refused by itself.
func twins() []twin {
	stranger := released("evil/widget", lab.DefaultRef).but("repository_id", "6666", "repository_owner_id", "7777")
	good := released(lab.DefaultRepo, lab.DefaultRef)
	const identity, source, claim, builder = "identity_mismatch", "source_mismatch", "claim_mismatch", "builder_mismatch"
	return []twin{
		{"other-repository", stranger, refused(identity, source), refused(identity, builder)},
		{"our-workflow-called-by-another-repository", stranger.but("job_workflow_ref", good["job_workflow_ref"]),
			refused(source, source), refused(source, builder)},
		{"same-name-other-ids", good.but("repository_id", "6666", "repository_owner_id", "7777"), refused(source, source), refused(source, source)},
		{"pull-request-target", good.but("event_name", "pull_request_target"), refused(claim, claim), refused(claim, claim)},
		{"self-hosted-runner", good.but("runner_environment", "self-hosted"), refused(claim, claim), refused(claim, builder)},
		{"other-ref", released(lab.DefaultRepo, "refs/heads/main"), refused(identity, source), refused(identity, builder)},
	}
}

// refused are the findings where every check fails: provenance, which other hands sign, for a problem of its own. Nothing
// is left to be compared then.
func refused(problem, ofProvenance string) findings {
	return findings{
		checkSignature: "signature." + problem, checkProvenance: "provenance." + ofProvenance, checkSBOM: "sbom." + problem,
		checkAttestation: "attestation." + problem, checkConsistency: "consistency.nothing_to_compare",
	}
}

// scenarios of a lane: good releases, then what has to be refused.
func (l lane) scenarios() []scenario {
	out := []scenario{{l.name + "/image", l.good(false)}, {l.name + "/index", l.good(true)}}
	if l.lab { // whose evidence is judged in other tests
		return out
	}
	out = append(out, scenario{l.name + "/attested-and-not-signed", l.unsigned}, scenario{l.name + "/copied-to-another-image", l.copied})
	for _, t := range twins() {
		out = append(out, scenario{l.name + "/" + t.name, func(ctx context.Context, w *world) error { return l.twin(ctx, w, t) }})
	}
	return out
}

// retired is how cosign 2.6 signs with Rekor v2: it sends entries of the type "dsse", which the server that is pinned here
// does not take and newer verifiers cannot read. The lab's takes them still.
func retired() lane {
	return lane{name: "cosign2-at-lab-bundle-rekor2", cosign: "cosign2", rekor: 2, tsa: true, lab: true}
}

// unread makes a release with such entries, which cosign 2.6 accepts, and neither cosign 3 nor assay.
func unread(ctx context.Context, w *world) error {
	l, c := retired(), released(lab.DefaultRepo, lab.DefaultRef)
	i, err := l.publish(ctx, w, "image", false)
	if err != nil {
		return err
	}
	if err := w.release(ctx, l, i, c); err != nil {
		return err
	}
	for cosign, exit := range map[string]int{"cosign2": 0, "cosign3": 1} {
		l.cosign = cosign
		out, err := w.cosignVerify(ctx, l, w.labs.roots, i.pinned(), expecting(c.identity(), c["repository"], c["ref"]))
		if err := wants(out, err, exit, cosign+" verify"); err != nil {
			return err
		}
	}
	want := refused("unsupported", "builder_unsupported")
	return l.judge(ctx, w, i, w.labs.roots.trusted, want, want)
}

// publish makes the image of a scenario in the lane's registry.
func (l lane) publish(ctx context.Context, w *world, name string, index bool) (*image, error) {
	host := w.registry.Host()
	if l.plain {
		host = plainHost
	}
	return publish(ctx, host, "acme/"+l.name+"/"+name, index)
}

// judge has assay judge an image under the policy of each builder.
func (l lane) judge(ctx context.Context, w *world, i *image, root string, generator, github findings) error {
	for n, want := range []findings{generator, github} {
		b := builders()[n]
		if err := w.judge(ctx, i, policyFile(b, root), want); err != nil {
			return fmt.Errorf("policy %s: %w", b.name, err)
		}
	}
	return nil
}

// good signs a release that has to pass, with both versions of cosign and with assay, and that has to fail under the roots
// of somebody else.
func (l lane) good(index bool) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		name, c := "image", released(lab.DefaultRepo, lab.DefaultRef)
		if index {
			name = "index"
		}
		i, err := l.publish(ctx, w, name, index)
		if err != nil {
			return err
		}
		if err := w.release(ctx, l, i, c); err != nil {
			return err
		}
		if err := l.agree(ctx, w, i, c); err != nil {
			return err
		}
		want, unknown := passed(), findings{
			checkSignature: unknownAuthority, checkProvenance: unknownAuthority, checkSBOM: unknownAuthority,
			checkAttestation: unknownAuthority, checkConsistency: "consistency.nothing_to_compare",
		}
		if index {
			want[checkPlatforms], unknown[checkPlatforms] = pass, "platforms.evidence_missing"
		}
		if err := l.judge(ctx, w, i, w.site(l).roots.trusted, want, want); err != nil {
			return err
		}
		others := w.labs
		if l.lab {
			others = w.real
		}
		return l.judge(ctx, w, i, others.roots.trusted, unknown, unknown)
	}
}

// agree asks both versions of cosign about a good release.
func (l lane) agree(ctx context.Context, w *world, i *image, c claims) error {
	for _, cosign := range []string{"cosign3", "cosign2"} {
		l.cosign = cosign
		out, err := w.cosignVerify(ctx, l, w.site(l).roots, i.pinned(), expecting(c.identity(), c["repository"], c["ref"]))
		if err := wants(out, err, 0, cosign+" verify"); err != nil {
			return err
		}
		for kind, by := range map[string]claims{kindSBOM: c, kindSLSA1: c, kindSLSA02: c.generator(), kindOfOurOwn: c} {
			out, err := w.cosignAttested(ctx, l, w.site(l).roots, i.pinned(), kind, expecting(by.identity(), by["repository"], by["ref"]))
			if err := wants(out, err, 0, cosign+" verify-attestation of "+kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// wants compares how cosign ended: with 0 if that is wanted, with any other code if not.
func wants(out outcome, err error, exit int, what string) error {
	switch {
	case err != nil:
		return err
	case exit == 0 && out.exit != 0:
		return fmt.Errorf("%s: found exit code %d; wanted 0\n%s", what, out.exit, lastLines(out.stderr))
	case exit != 0 && out.exit == 0:
		return fmt.Errorf("%s: found exit code 0; wanted a refusal\n%s", what, lastLines(out.stderr))
	}
	return nil
}

// unsigned attests everything and signs nothing. In the bundle layout both are bundles of the same form, and
// `cosign verify` takes the one for the other; assay must not.
func (l lane) unsigned(ctx context.Context, w *world) error {
	c := released(lab.DefaultRepo, lab.DefaultRef)
	i, err := l.publish(ctx, w, "unsigned", false)
	if err != nil {
		return err
	}
	if err := w.attestAll(ctx, l, i, c); err != nil {
		return err
	}
	out, err := w.cosignVerify(ctx, l, w.site(l).roots, i.pinned(), expecting(c.identity(), c["repository"], c["ref"]))
	admits := 0
	if l.legacy {
		admits = 1
	}
	if err := wants(out, err, admits, l.cosign+" verify of what was attested and not signed"); err != nil {
		return err
	}
	missing := passed()
	missing[checkSignature] = "signature.missing"
	return l.judge(ctx, w, i, w.site(l).roots.trusted, missing, missing)
}

// copied attaches the evidence of one image to another one.
func (l lane) copied(ctx context.Context, w *world) error {
	c := released(lab.DefaultRepo, lab.DefaultRef)
	from, err := l.publish(ctx, w, "copied", false)
	if err != nil {
		return err
	}
	if err := w.release(ctx, l, from, c); err != nil {
		return err
	}
	to, err := l.publish(ctx, w, "copied-to", false)
	if err != nil {
		return err
	}
	to.repo = from.repo
	if err := lab.PushImage(ctx, to.repo, lab.DefaultTag, to.Image); err != nil {
		return err
	}
	if err := copyEvidence(ctx, from, to); err != nil {
		return err
	}
	other := refused("subject_mismatch", "subject_mismatch")
	return l.judge(ctx, w, to, w.site(l).roots.trusted, other, other)
}

// twin makes a release with the claims of a twin, and has it refused.
func (l lane) twin(ctx context.Context, w *world, t twin) error {
	i, err := l.publish(ctx, w, t.name, false)
	if err != nil {
		return err
	}
	if err := w.release(ctx, l, i, t.by); err != nil {
		return err
	}
	return l.judge(ctx, w, i, w.site(l).roots.trusted, t.generator, t.github)
}
