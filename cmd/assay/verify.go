package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func verifyCommand(w world) *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "decide whether an image may run, and print the verdict",
		ArgsUsage: "IMAGE",
		Description: "IMAGE is NAME:TAG, NAME@sha256:HEX or NAME:TAG@sha256:HEX. Say what to demand with --policy FILE,\n" +
			"or with --repo OWNER/NAME for the built-in policy of a GitHub release, or ask a server with --server URL.\n" +
			"The outputs are json (the verdict), text (a page for people; what a terminal gets), details (the long page,\n" +
			"with all evidence), markdown (such as for $GITHUB_STEP_SUMMARY), sarif (for code scanning), junit (for what\n" +
			"shows test results) and vsa (a SLSA verification summary, for you to sign).\n" +
			"Exit codes: 0 pass, 1 fail, 2 usage or policy, 3 undecided (ask again).",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "policy", Usage: "judge by the policy in `FILE`"},
			&cli.StringFlag{Name: "repo", Usage: "judge by the built-in policy: released from `OWNER/NAME` on github.com, or from a whole URL"},
			&cli.StringFlag{Name: "require", Usage: "with --repo: demand the checks in `LIST` (signature,provenance)"},
			&cli.StringFlag{Name: "signer-workflow", Usage: "with --repo: signed by the workflow `[OWNER/NAME/]PATH[@REF]`"},
			&cli.StringFlag{Name: "ref", Usage: "with --repo: built from the git `REF` instead of the tag that the image's tag names"},
			&cli.StringFlag{Name: "trigger", Usage: "with --repo: started by one of the events in `LIST`"},
			&cli.StringFlag{Name: "identity", Usage: "with --repo: signed by exactly the certificate identity `SAN`"},
			&cli.StringFlag{Name: "issuer", Usage: "with --repo: signed under the OIDC issuer `URL`"},
			&cli.StringFlag{Name: "repo-id", Usage: "with --repo: the repository has the numeric id `N`"},
			&cli.StringFlag{Name: "owner-id", Usage: "with --repo: its owner has the numeric id `N`"},
			&cli.BoolFlag{Name: "print-policy", Usage: "with --repo: print the built-in policy and stop"},
			&cli.StringFlag{Name: "trusted-root", Usage: "take the public-good root from the trusted_root.json in `FILE`"},
			&cli.StringFlag{Name: "image-version", Usage: "judge for version `V` where the reference names none"},
			indexFlag(),
			&cli.StringFlag{Name: "at", Usage: "judge as of `TIME` (RFC 3339); the verdict is hypothetical"},
			&cli.BoolFlag{Name: "allow-at", Usage: "let a hypothetical pass exit 0"},
			&cli.BoolFlag{Name: "print-ref", Usage: "print only the pinned reference, and only on a pass"},
		}, slices.Concat(exceptionFlags(), []cli.Flag{shadowFlag()}, placeFlags(report.VerdictFormats), []cli.Flag{tufMirrorFlag(), tufStateFlag()}, serverFlags())...),
		Action: func(c *cli.Context) error { return runVerify(c, w) },
	}
}

// refinements are the flags that only mean something with --repo.
var refinements = []string{"require", "signer-workflow", "ref", "trigger", "identity", "issuer", "repo-id", "owner-id", "print-policy"}

func runVerify(c *cli.Context, w world) error {
	ref, err := oneReference(c)
	if err != nil {
		return err
	}
	switch server, err := atServer(c); {
	case err != nil:
		return err
	case server:
		return verifyAtServer(c, w, ref)
	}
	if err := checkFlags(c); err != nil {
		return err
	}
	out, err := newOutputs(c, w)
	if err != nil {
		return err
	}
	options, err := judgement(c, w)
	if err != nil {
		return err
	}
	if options.Index, err = namedIndex(c, ref); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	source, failure, err := openSource(c, w)
	if err != nil {
		return err
	}
	defer source.close()
	if !c.IsSet("policy") && !c.IsSet("repo") {
		return firstRun(ctx, c, w, source, failure, ref, options)
	}
	exceptions, err := loadExceptions(c)
	if err != nil {
		return err
	}
	p, text, err := loadPolicy(c, w, ref)
	if err != nil {
		return err
	}
	if c.Bool("print-policy") {
		_, err := w.stdout.Write(text)
		return err
	}
	if err := checkReleaseDemanded(c, p, ref); err != nil {
		return err
	}
	trust, err := loadTrust(c, w, p, load.Folder(c.String("policy")))
	if err != nil {
		return err
	}
	second, err := loadShadow(c, w, p)
	if err != nil {
		return err
	}
	if err := checkVersion(c, p, ref); err != nil {
		return err
	}
	began := w.now()
	progress := startProgress(w, func() int { requests, _ := source.spent(); return requests })
	defer progress.stop()
	var v verify.Verdict
	if failure != nil {
		v = verify.Undecided(ref, p, trust, failure, options)
	} else {
		v = verify.Verify(ctx, progress.watch(second.watch(source)), ref, p, trust, options)
	}
	progress.stop()
	if c.Context.Err() != nil {
		return &exit{code: exitUndecided, err: errors.New("interrupted; nothing was decided")}
	}
	if source.releases != nil && source.releases.Unkept() != nil {
		fmt.Fprintf(w.stderr, "assay: warning: what was seen of the TUF repository could not be kept, and the next run will not know of it: %s\n", escape(source.releases.Unkept().Error()))
	}
	v.Run.Requests, v.Run.Bytes = source.spent()
	v.Run.Assay, v.Run.DurationMS = version, w.now().Sub(began).Milliseconds()
	if exceptions != nil {
		verify.Except(&v, exceptions.List, exceptions.Digest, options.At)
	}
	err = out.write(v, allowed{at: c.Bool("allow-at"), excepted: c.Bool("allow-excepted")})
	second.compare(ctx, w, ref, failure, v, options)
	return err
}

func oneReference(c *cli.Context) (verify.Reference, error) {
	if c.Args().Len() != 1 {
		return verify.Reference{}, usagef("found %d arguments; wanted one IMAGE; see `assay verify --help`", c.Args().Len())
	}
	ref, err := verify.ParseReference(c.Args().First())
	if err != nil {
		return verify.Reference{}, usagef("%w", err)
	}
	return ref, nil
}

// checkFlags refuses flags that contradict each other or would be ignored.
func checkFlags(c *cli.Context) error {
	if c.IsSet("policy") && c.IsSet("repo") {
		return usagef("found --policy and --repo; wanted one of them")
	}
	for _, name := range refinements {
		if c.IsSet(name) && !c.IsSet("repo") {
			return usagef("--%s refines --repo, which is not given", name)
		}
	}
	for _, name := range c.Command.Flags {
		n := name.Names()[0]
		if f, ok := name.(*cli.StringFlag); ok && c.IsSet(n) && strings.TrimSpace(c.String(n)) == "" {
			return usagef("--%s is empty", f.Name)
		}
	}
	for _, name := range []string{"require", "trigger"} {
		if c.IsSet(name) && len(words(c.String(name))) == 0 {
			return usagef("--%s is %q; wanted words, separated by commas", name, c.String(name))
		}
	}
	if c.Bool("offline") && !c.IsSet("layout") {
		return usagef("--offline needs --layout DIR: an image in a registry cannot be read without a connection")
	}
	for _, name := range []string{"plain-http", "config"} {
		if c.IsSet("layout") && c.IsSet(name) {
			return usagef("--%s has no meaning with --layout, which opens no connection", name)
		}
	}
	if c.IsSet("allow-at") && !c.IsSet("at") {
		return usagef("--allow-at has no meaning without --at")
	}
	if c.Duration("timeout") <= 0 {
		return usagef("--timeout is %s; wanted a positive duration such as 30s", c.Duration("timeout"))
	}
	return checkTUFFlags(c)
}

// judgement reads the time and the version to judge for.
func judgement(c *cli.Context, w world) (verify.Options, error) {
	o := verify.Options{At: w.now(), Version: c.String("image-version"), Limits: verify.DefaultLimits()}
	if c.IsSet("at") {
		at, err := time.Parse(time.RFC3339, c.String("at"))
		if err != nil {
			return o, usagef("--at is %q; wanted RFC 3339, such as 2026-01-31T12:00:00Z", c.String("at"))
		}
		o.At, o.Hypothetical = at, true
	}
	return o, nil
}

// loadPolicy reads the policy file, or writes the built-in policy and returns its text.
func loadPolicy(c *cli.Context, w world, ref verify.Reference) (*policy.Policy, []byte, error) {
	if c.IsSet("repo") {
		p, text, err := policy.BuiltIn(policy.GitHubRelease{
			Image: ref.Name(), Repository: c.String("repo"), RepositoryID: c.String("repo-id"), OwnerID: c.String("owner-id"),
			Ref: c.String("ref"), Workflow: c.String("signer-workflow"), Issuer: c.String("issuer"), Identity: c.String("identity"),
			Trigger: words(c.String("trigger")), Require: words(c.String("require")),
		})
		if err != nil {
			return nil, nil, usagef("%w", err)
		}
		return p, text, nil
	}
	p, err := policyFile(w, c.String("policy"))
	return p, nil, err
}

// checkVersion refuses a version that contradicts the tag.
func checkVersion(c *cli.Context, p *policy.Policy, ref verify.Reference) error {
	named := c.String("image-version")
	rule, ok := p.Rule(ref.Name())
	if named == "" || !ok {
		return nil
	}
	if err := verify.CheckVersion(rule, ref, named); err != nil {
		return usagef("--image-version: %w", err)
	}
	return nil
}

// words splits a list at commas.
func words(list string) []string {
	var out []string
	for _, w := range strings.Split(list, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}
