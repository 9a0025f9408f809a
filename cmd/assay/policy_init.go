package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/draft"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func policyInitCommand(w world) *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a policy from what an image carries, for a person to read and keep",
		ArgsUsage: "IMAGE",
		Description: "The policy demands what the image could show, of whoever signed it; the image passes under it. A person must\n" +
			"read it. For an image that carries nothing it is one that you can vouch by.\n" +
			"Exit codes: 0 written, 1 nothing to demand, or several signers to choose from, 2 usage, 3 undecided (ask again).",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "write", Usage: "write the policy to `FILE`, which must not be there yet"},
			&cli.StringFlag{Name: "signer-workflow", Usage: "where several have signed: demand the workflow `[OWNER/NAME/]PATH[@REF]`"},
			&cli.StringSliceFlag{Name: "github", Usage: "take the attestations that GitHub keeps of `OWNER/NAME` too; repeatable"},
			&cli.StringFlag{Name: "trusted-root", Usage: "take the public-good root from the trusted_root.json in `FILE`"},
			&cli.StringFlag{Name: "layout", Usage: "read image and evidence from the OCI layout in `DIR`, as cosign save writes it"},
			&cli.StringSliceFlag{Name: "bundle", Usage: "take the Sigstore bundles in `FILE` for evidence too; repeatable"},
			&cli.BoolFlag{Name: "offline", Usage: "open no connection; needs --layout"},
			configFlag(),
			&cli.BoolFlag{Name: "plain-http", Usage: "allow registries without TLS (loopback needs no permission)"},
			&cli.DurationFlag{Name: "timeout", Usage: "give up after `DURATION`", Value: time.Minute},
		},
		Action: func(c *cli.Context) error { return runPolicyInit(c, w) },
	}
}

func runPolicyInit(c *cli.Context, w world) error {
	ref, err := oneReference(c)
	if err != nil {
		return err
	}
	options, err := draftOptions(c, w)
	if err != nil {
		return err
	}
	file := c.String("write")
	if _, err := os.Lstat(file); file != "" && !errors.Is(err, fs.ErrNotExist) {
		return usagef("--write: %s is there already, and is left as it is", file)
	}
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	source, failure, err := openSource(c, w)
	if err != nil {
		return err
	}
	defer source.close()
	if failure != nil {
		return &exit{code: exitUndecided, err: fmt.Errorf("the image could not be read: %s", escape(failure.Error()))}
	}
	want := verify.Want{Signatures: true, Attestations: true, Bundles: true, BuildKit: true, GitHub: options.GitHub}
	image, evidence, err := verify.Gather(ctx, source, ref, want, true, options.Limits)
	if err != nil {
		return &exit{code: exitUndecided, err: fmt.Errorf("the image could not be read: %s", escape(err.Error()))}
	}
	drafted, err := draft.Write(image, verify.Authenticate(image, evidence, options.Trust, options.Limits), options)
	if err != nil {
		return refusedDraft(err)
	}
	for _, warning := range drafted.Warnings {
		fmt.Fprintf(w.stderr, "assay: %s\n", warning)
	}
	if file == "" {
		_, err = w.stdout.Write(drafted.Text)
		return err
	}
	return writeNew(file, drafted.Text)
}

// draftOptions reads the flags, and loads the one root that a draft is written under.
func draftOptions(c *cli.Context, w world) (draft.Options, error) {
	o := draft.Options{Limits: verify.DefaultLimits(), At: w.now(), Workflow: c.String("signer-workflow")}
	for _, name := range []string{"write", "signer-workflow", "trusted-root", "layout", "config"} {
		if c.IsSet(name) && strings.TrimSpace(c.String(name)) == "" {
			return o, usagef("--%s is empty", name)
		}
	}
	for _, name := range []string{"plain-http", "config", "github"} {
		if c.IsSet("layout") && c.IsSet(name) {
			return o, usagef("--%s has no meaning with --layout, which opens no connection", name)
		}
	}
	switch {
	case c.Bool("offline") && !c.IsSet("layout"):
		return o, usagef("--offline needs --layout DIR: an image in a registry cannot be read without a connection")
	case c.Duration("timeout") <= 0:
		return o, usagef("--timeout is %s; wanted a positive duration such as 30s", c.Duration("timeout"))
	}
	for _, repository := range c.StringSlice("github") {
		url, err := policy.RepositoryURL(repository)
		if err != nil {
			return o, usagef("--github: %w", err)
		}
		o.GitHub = append(o.GitHub, url)
	}
	root, err := defaultRoot(c, w)
	if err != nil {
		return o, usagef("%w", err)
	}
	trusted, err := verify.NewTrustedRoot(policy.PublicGood, root.Source, root.JSON, policy.DefaultThresholds())
	if err != nil {
		return o, usagef("%w", err)
	}
	o.Trust = verify.Trust{Roots: []*verify.TrustedRoot{trusted}}
	return o, nil
}

// refusedDraft says why there is none.
func refusedDraft(err error) error {
	refusal := &draft.Refusal{}
	if errors.As(err, &refusal) && refusal.Undecided {
		return &exit{code: exitUndecided, err: err}
	}
	return &exit{code: exitBad, err: err}
}

// writeNew writes a file that is not there yet, and no other.
func writeNew(file string, b []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // the path is the user's own
	if err != nil {
		return usagef("--write: %w", err)
	}
	if _, err = f.Write(b); err == nil {
		return f.Close()
	}
	_ = f.Close()
	_ = os.Remove(file)
	return usagef("--write: %w", err)
}
