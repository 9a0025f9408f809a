package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func labDemoCommand(w world) *cli.Command {
	return &cli.Command{
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
			return runDemo(ctx, c, w)
		},
	}
}

// demo is one tour: a release factory, a registry, a TUF repository and the trust in
// all of them.
type demo struct {
	cli      *cli.Context
	world    world
	sigstore *lab.Sigstore
	registry *lab.Registry
	tuf      *lab.TUF
	trust    verify.Trust
	release  lab.ReleaseOptions
	wrong    int
	refused  int
}

// runDemo makes everything fresh in memory, serves it on loopback, and verifies it
// over HTTP as `assay verify` does. What it keeps lies in a folder of its own.
func runDemo(ctx context.Context, c *cli.Context, w world) error {
	dir, err := os.MkdirTemp("", "assay-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for what was seen: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w.cacheDir = func() string { return dir }
	d := &demo{cli: c, world: w}
	defer d.close()
	if err := d.open(); err != nil {
		return err
	}
	for _, stop := range []func(context.Context) error{d.good, d.attacks, d.flagship, d.takenOver} {
		if err := stop(ctx); err != nil {
			return err
		}
	}
	if d.wrong > 0 {
		return &exit{code: exitBad, err: fmt.Errorf("%d verdicts were not the wanted ones", d.wrong)}
	}
	d.say("\nEvery verdict was the wanted one: the release passed, %d attacks were refused, and one got through the demand\n"+
		"that cannot stop it.\n", d.refused)
	return nil
}

// open makes the certificate authority and the log, and starts the registry and the
// TUF repository.
func (d *demo) open() error {
	var err error
	if d.sigstore, err = lab.NewSigstore(lab.Options{Now: d.world.now().Add(-5 * time.Minute), Name: "lab"}); err != nil {
		return fmt.Errorf("make the certificate authority and the log: %w", err)
	}
	rootJSON, err := d.sigstore.TrustedRoot()
	if err != nil {
		return fmt.Errorf("write the trusted root: %w", err)
	}
	root, err := verify.NewTrustedRoot(policy.PublicGood, "the lab's own, in place of the public-good root", rootJSON, policy.DefaultThresholds())
	if err != nil {
		return err
	}
	d.registry = lab.NewRegistry(lab.RegistryOptions{Clock: d.world.now})
	if err := d.registry.Start(); err != nil {
		return fmt.Errorf("start the registry: %w", err)
	}
	if d.tuf, err = lab.NewReleaseTUF(d.sigstore, d.sigstore.Now()); err != nil {
		return fmt.Errorf("make the TUF repository: %w", err)
	}
	if err := d.tuf.Start(); err != nil {
		return fmt.Errorf("start the TUF repository: %w", err)
	}
	pinned, err := verify.NewPinnedRoot(d.tuf.FirstRoot(), hexSHA256(d.tuf.FirstRoot()))
	if err != nil {
		return err
	}
	d.trust = verify.Trust{Roots: []*verify.TrustedRoot{root}, Pinned: []verify.PinnedRoot{pinned}}
	d.release = lab.ReleaseOptions{Repository: d.registry.Host() + "/acme/widget"}
	return nil
}

func (d *demo) close() {
	if d.registry != nil {
		_ = d.registry.Close()
	}
	if d.tuf != nil {
		_ = d.tuf.Close()
	}
}

// good publishes a release with signature and provenance in both layouts, has the
// maintainers list it, and prints policy and verdict.
func (d *demo) good(ctx context.Context) error {
	release, err := lab.GoodRelease(d.sigstore, d.release)
	if err != nil {
		return fmt.Errorf("make the release: %w", err)
	}
	if err := release.Push(ctx); err != nil {
		return fmt.Errorf("push the release: %w", err)
	}
	if _, err := d.tuf.AddRelease(release.Tag, release.Repository, release.Image.Digest()); err != nil {
		return fmt.Errorf("list the release: %w", err)
	}
	if err := d.tuf.Publish(); err != nil {
		return fmt.Errorf("list the release: %w", err)
	}
	d.say("A release, as a GitHub workflow of %s publishes it: a two-platform index in a registry on\n"+
		"loopback, signed and with SLSA provenance, each in the legacy and in the bundle layout. Two maintainers,\n"+
		"%s and %s, listed it in their TUF repository. The policy demands all three:\n\n",
		lab.DefaultRepo, lab.FirstPerson, lab.SecondPerson)
	for line := range strings.Lines(string(lab.ReleasePolicy(d.tuf, d.release.Repository, 1))) {
		d.say("  %s", line)
	}
	d.say("\n")
	v, err := d.verify(ctx, release.Reference(), 1)
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

// attacks publishes attacked copies and shows, for each, what refused it. Nobody listed
// them either, but each has to be refused for its own fault.
func (d *demo) attacks(ctx context.Context) error {
	attacks, err := lab.Attacks(d.sigstore, d.release)
	if err != nil {
		return fmt.Errorf("make the attacks: %w", err)
	}
	d.say("\nThe same release, attacked. None of these may pass. Nobody listed them either; shown is what else gives each away.\n\n")
	for _, a := range attacks {
		v, err := d.attack(ctx, a, 1)
		if err != nil {
			return err
		}
		d.show(a, v, refusedFor(v, a))
	}
	return nil
}

// flagship is the attack that no signature shows: the check "release" has to refuse it
// alone.
func (d *demo) flagship(ctx context.Context) error {
	a, err := lab.Unreleased(d.sigstore, d.release)
	if err != nil {
		return fmt.Errorf("make the attack: %w", err)
	}
	v, err := d.attack(ctx, a, 1)
	if err != nil {
		return err
	}
	d.show(a, v, refusedFor(v, a) && len(failed(v)) == 1)
	d.say("  %-8s every other check passed; only this one refuses it\n", "")
	return nil
}

// takenOver is the same attack with one maintainer's account: what `people: 1` lets
// through and `people: 2` does not.
func (d *demo) takenOver(ctx context.Context) error {
	a, err := lab.TakenOver(d.sigstore, d.tuf, d.release)
	if err != nil {
		return fmt.Errorf("make the attack: %w", err)
	}
	v, err := d.attack(ctx, a, 1)
	if err != nil {
		return err
	}
	d.say("\nWhat `people: 1` does not stop, and `people: 2` does:\n\n")
	mark := "passed"
	if !v.Passed() {
		mark = "WRONG"
		d.wrong++
	}
	d.say("  %-8s %-22s %s\n", mark, a.Name, a.Shows)
	if v, err = d.verify(ctx, a.Reference(), 2); err != nil {
		return err
	}
	a.Shows = "The same image, where the policy demands two people."
	d.show(a, v, refusedFor(v, a) && len(failed(v)) == 1)
	return nil
}

// attack publishes an attack and judges it.
func (d *demo) attack(ctx context.Context, a lab.Attack, people int) (verify.Verdict, error) {
	if err := a.Push(ctx); err != nil {
		return verify.Verdict{}, fmt.Errorf("push the attack %s: %w", a.Name, err)
	}
	return d.verify(ctx, a.Reference(), people)
}

// failed are the required checks that did not pass.
func failed(v verify.Verdict) []verify.Finding {
	var out []verify.Finding
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed {
			out = append(out, f)
		}
	}
	return out
}

// refusedFor reports whether an attack was refused for its own reason.
func refusedFor(v verify.Verdict, a lab.Attack) bool {
	for _, f := range failed(v) {
		if f.ID == a.WantCheck {
			return !v.Passed() && v.Conclusive && string(f.Code) == a.WantCode
		}
	}
	return false
}

// show prints one attack and what refused it.
func (d *demo) show(a lab.Attack, v verify.Verdict, right bool) {
	mark, check, code := "refused", "nothing", "it passed"
	for _, f := range failed(v) {
		if check == "nothing" || f.ID == a.WantCheck {
			check, code = f.ID, string(f.Code)
		}
	}
	d.refused++
	if !right {
		mark = "WRONG"
		d.wrong++
	}
	d.say("  %-8s %-22s %s\n  %-8s %s: %s\n", mark, a.Name, a.Shows, "", check, code)
	if !right {
		d.say("  %-8s wanted %s: %s\n", "", a.WantCheck, a.WantCode)
	}
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.world.stdout, format, args...) }

// verify judges one image over HTTP by the policy that demands so many people.
func (d *demo) verify(ctx context.Context, image string, people int) (verify.Verdict, error) {
	ref, err := verify.ParseReference(image)
	if err != nil {
		return verify.Verdict{}, err
	}
	p, err := policy.Parse("the demo's policy", lab.ReleasePolicy(d.tuf, d.release.Repository, people))
	if err != nil {
		return verify.Verdict{}, err
	}
	source, failure, err := openSource(d.cli, d.world)
	if err != nil {
		return verify.Verdict{}, err
	}
	defer source.close()
	if failure != nil {
		return verify.Verdict{}, failure
	}
	began := d.world.now()
	v := verify.Verify(ctx, source, ref, p, d.trust, verify.Options{At: began, Limits: verify.DefaultLimits()})
	v.Run.Assay, v.Run.DurationMS = version, d.world.now().Sub(began).Milliseconds()
	v.Run.Requests, v.Run.Bytes = source.spent()
	return v, nil
}
