package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/shell"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// firstRun answers a call that demands nothing: it says whom the image claims to
// be from and which command would demand it. It is a usage error whatever it finds.
func firstRun(ctx context.Context, c *cli.Context, w world, source verify.Source, failure *verify.Failure, ref verify.Reference, o verify.Options) error {
	var b strings.Builder
	b.WriteString("nothing is demanded: wanted --policy FILE or --repo OWNER/NAME\n")
	if failure != nil {
		fmt.Fprintf(&b, "The image could not be read (%s).", escape(failure.Error()))
		return usagef("%s", b.String())
	}
	image, err := source.Resolve(ctx, ref)
	if err != nil {
		fmt.Fprintf(&b, "The image could not be read (%s).", escape(err.Error()))
		return usagef("%s", b.String())
	}
	root, err := defaultRoot(c, w)
	if err != nil {
		return usagef("%w", err)
	}
	trusted, err := verify.NewTrustedRoot(policy.PublicGood, root.Source, root.JSON, policy.DefaultThresholds())
	if err != nil {
		return usagef("%w", err)
	}
	evidence := source.Collect(ctx, image, verify.Want{Signatures: true, Attestations: true, Bundles: true})
	facts := verify.Authenticate(image, evidence, verify.Trust{Roots: []*verify.TrustedRoot{trusted}}, o.Limits)
	describeSigners(&b, c, ref, image, facts)
	return usagef("%s", strings.TrimSuffix(b.String(), "\n"))
}

func describeSigners(b *strings.Builder, c *cli.Context, ref verify.Reference, image verify.Image, facts verify.Facts) {
	signers := facts.Signers()
	for _, f := range facts.Failures() {
		fmt.Fprintf(b, "Not everything could be read (%s).\n", escape(f.Error()))
	}
	if len(signers) == 0 {
		fmt.Fprintf(b, "%s carries no signature and no attestation by a certificate.\n", ref.Pinned(image.Digest))
		return
	}
	fmt.Fprintf(b, "%s claims to be from:\n", ref.Pinned(image.Digest))
	var commands []string
	seen := map[string]bool{}
	for _, s := range signers {
		verified := "not verified under the public-good root"
		if s.Authenticated {
			verified = "verified under the public-good root, but by nobody's demand"
		}
		fmt.Fprintf(b, "  %s\n    repository %s, ref %s, signed %s\n    %s\n", escape(s.Claims.Identity),
			escape(s.Claims.Repository), escape(s.Claims.Ref), escape(strings.Join(s.Types, ", ")), verified)
		if url, err := policy.RepositoryURL(s.Claims.Repository); err == nil && !seen[url] {
			seen[url] = true
			commands = append(commands, shell.Join(suggestion(c, ref, s, signers)...))
		}
	}
	if len(commands) > 0 {
		fmt.Fprintf(b, "If that is who it should be from, demand it:\n  %s\n", strings.Join(commands, "\n  "))
	}
}

// suggestion is the command that demands what one signer's repository signed, read
// from where this call read it.
func suggestion(c *cli.Context, ref verify.Reference, s verify.ClaimedSigner, all []verify.ClaimedSigner) []string {
	words := []string{"assay", "verify", ref.String(), "--repo", strings.TrimPrefix(s.Claims.Repository, "https://github.com/")}
	legs := map[string]bool{}
	for _, other := range all {
		if other.Claims.Repository != s.Claims.Repository {
			continue
		}
		for _, t := range other.Types {
			switch t {
			case verify.PredicateProvenanceV02, verify.PredicateProvenanceV1:
				legs["provenance"] = true
			case verify.PredicateCosignSign, verify.SimpleSigning:
				legs["signature"] = true
			}
		}
	}
	for _, leg := range []string{"signature", "provenance"} {
		if legs[leg] && len(legs) == 1 {
			words = append(words, "--require", leg)
		}
	}
	if tag, ok := strings.CutPrefix(s.Claims.Ref, "refs/tags/"); !ok || ref.Tag() != "" && tag != ref.Tag() && tag != "v"+ref.Tag() {
		words = append(words, "--ref", s.Claims.Ref)
	}
	for _, name := range []string{"layout", "trusted-root", "config"} {
		if c.IsSet(name) {
			words = append(words, "--"+name, c.String(name))
		}
	}
	for _, file := range c.StringSlice("bundle") {
		words = append(words, "--bundle", file)
	}
	for _, name := range []string{"offline", "plain-http"} {
		if c.Bool(name) {
			words = append(words, "--"+name)
		}
	}
	return words
}

// escape writes what came from outside for a terminal.
func escape(s string) string { return report.Escape(s, 400) }
