package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func labCommand(w world) *cli.Command {
	return &cli.Command{
		Name:  "lab",
		Usage: "a release factory on loopback, to see what a gate lets through",
		Subcommands: []*cli.Command{{
			Name:  "demo",
			Usage: "make a release and attacked copies of it, and verify each",
			Flags: []cli.Flag{
				&cli.DurationFlag{Name: "timeout", Usage: "give up after `DURATION`", Value: time.Minute},
			},
			Action: func(c *cli.Context) error {
				if c.Args().Present() {
					return usagef("found the argument %q; `assay lab demo` takes none", c.Args().First())
				}
				ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
				defer cancel()
				return runDemo(ctx, w)
			},
		}},
	}
}

// demo is one tour: a release factory, a registry and the policy for both.
type demo struct {
	world    world
	registry *lab.Registry
	trust    verify.Trust
	wrong    int
}

// runDemo makes everything fresh in memory, serves it on loopback, and verifies it
// over HTTP as `assay verify` does.
func runDemo(ctx context.Context, w world) error {
	sigstore, err := lab.NewSigstore(lab.Options{Now: w.now().Add(-5 * time.Minute), Name: "lab"})
	if err != nil {
		return fmt.Errorf("make the certificate authority and the log: %w", err)
	}
	rootJSON, err := sigstore.TrustedRoot()
	if err != nil {
		return fmt.Errorf("write the trusted root: %w", err)
	}
	root, err := verify.NewTrustedRoot(policy.PublicGood, "the lab's own, in place of the public-good root", rootJSON, policy.DefaultThresholds())
	if err != nil {
		return err
	}
	reg := lab.NewRegistry(lab.RegistryOptions{Clock: w.now})
	if err := reg.Start(); err != nil {
		return fmt.Errorf("start the registry: %w", err)
	}
	defer func() { _ = reg.Close() }()
	d := &demo{world: w, registry: reg, trust: verify.Trust{Roots: []*verify.TrustedRoot{root}}}
	options := lab.ReleaseOptions{Repository: reg.Host() + "/acme/widget"}
	if err := d.good(ctx, sigstore, options); err != nil {
		return err
	}
	return d.attacks(ctx, sigstore, options)
}

// good publishes a release with signature and provenance in both layouts and
// prints its verdict.
func (d *demo) good(ctx context.Context, s *lab.Sigstore, o lab.ReleaseOptions) error {
	release, err := lab.GoodRelease(s, o)
	if err != nil {
		return fmt.Errorf("make the release: %w", err)
	}
	if err := release.Push(ctx); err != nil {
		return fmt.Errorf("push the release: %w", err)
	}
	fmt.Fprintf(d.world.stdout, "A release, as a GitHub workflow of %s publishes it: a two-platform index in a registry on\nloopback, signed and with SLSA provenance, each in the legacy and in the bundle layout.\n\n", lab.DefaultRepo)
	v, err := d.verify(ctx, release.Reference())
	if err != nil {
		return err
	}
	width, terminal := d.world.terminal(d.world.stdout)
	if err := report.Text(d.world.stdout, v, report.TextOptions{Width: width, Color: terminal && d.world.getenv("NO_COLOR") == ""}); err != nil {
		return err
	}
	if !v.Passed() {
		d.wrong++
	}
	return nil
}

// attacks publishes attacked copies and shows, for each, what refused it.
func (d *demo) attacks(ctx context.Context, s *lab.Sigstore, o lab.ReleaseOptions) error {
	attacks, err := lab.Attacks(s, o)
	if err != nil {
		return fmt.Errorf("make the attacks: %w", err)
	}
	fmt.Fprintf(d.world.stdout, "\nThe same release, attacked %d ways. None may pass.\n\n", len(attacks))
	for _, a := range attacks {
		if err := a.Push(ctx); err != nil {
			return fmt.Errorf("push the attack %s: %w", a.Name, err)
		}
		v, err := d.verify(ctx, a.Reference())
		if err != nil {
			return err
		}
		d.show(a, v)
	}
	if d.wrong > 0 {
		return &exit{code: exitBad, err: fmt.Errorf("%d verdicts were not the wanted ones", d.wrong)}
	}
	fmt.Fprintf(d.world.stdout, "\nEvery verdict was the wanted one: the release passed, all %d attacks were refused.\n", len(attacks))
	return nil
}

// show prints one attack and checks that it was refused for its own reason.
func (d *demo) show(a lab.Attack, v verify.Verdict) {
	mark, check, code := "refused", "", ""
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed && (check == "" || f.ID == a.WantCheck) {
			check, code = f.ID, string(f.Code)
		}
	}
	if v.Passed() || !v.Conclusive || check != a.WantCheck || code != a.WantCode {
		mark = "WRONG"
		d.wrong++
	}
	fmt.Fprintf(d.world.stdout, "  %-8s %-22s %s\n  %-8s %s: %s\n", mark, a.Name, a.Shows, "", check, code)
	if mark == "WRONG" {
		fmt.Fprintf(d.world.stdout, "  %-8s wanted %s: %s\n", "", a.WantCheck, a.WantCode)
	}
}

// verify judges one image over HTTP by the built-in policy.
func (d *demo) verify(ctx context.Context, image string) (verify.Verdict, error) {
	ref, err := verify.ParseReference(image)
	if err != nil {
		return verify.Verdict{}, err
	}
	p, _, err := policy.BuiltIn(policy.GitHubRelease{Image: ref.Name(), Repository: lab.DefaultRepo})
	if err != nil {
		return verify.Verdict{}, err
	}
	began := d.world.now()
	source := registry.New(registry.Options{UserAgent: "assay/" + version})
	v := verify.Verify(ctx, source, ref, p, d.trust, verify.Options{At: began, Limits: verify.DefaultLimits()})
	v.Run.Assay, v.Run.DurationMS = version, d.world.now().Sub(began).Milliseconds()
	return v, nil
}
