package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/internal/replay"
	"github.com/releaseassay/assay/internal/save"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func saveCommand(w world) *cli.Command {
	unsaid := []string{"print-policy", "index", "at", "allow-at", "print-ref", "exceptions", "allow-excepted", "shadow", "output"}
	flags := slices.DeleteFunc(verifyCommand(w).Flags, func(f cli.Flag) bool { return slices.Contains(unsaid, f.Names()[0]) })
	return &cli.Command{
		Name:      "save",
		Usage:     "save an image's evidence, the TUF metadata and the trusted roots as an OCI layout, for an air gap",
		ArgsUsage: "IMAGE DIR",
		Description: "Writes all that the policy demands of IMAGE, and of what it lists, into the new folder DIR, whole or not at all;\n" +
			"`assay verify IMAGE --layout DIR --offline` judges from it alone. Evidence is not verified by being saved. Stdout gets\n" +
			"the list of what was saved (JSON).\n" +
			"Exit codes: 0 saved, whatever the verdict is, 2 usage or policy, 3 not all could be read (nothing is written).",
		Flags:  append(flags, &cli.BoolFlag{Name: "image", Usage: "save configuration and layers of the image too, of all its platforms"}),
		Action: func(c *cli.Context) error { return runSave(c, w) },
	}
}

func runSave(c *cli.Context, w world) error {
	ref, dir, err := saveArguments(c)
	if err != nil {
		return err
	}
	options, err := judgement(c, w)
	if err != nil {
		return err
	}
	s := &saving{c: c, w: w, ref: ref, options: options}
	if err := s.read(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	source, failure, err := openSource(c, w)
	if err != nil {
		return err
	}
	defer source.close()
	if failure != nil {
		return unsaved(failure)
	}
	s.source = source
	if err := s.ask(ctx); err != nil {
		return err
	}
	contents, err := s.contents()
	if err != nil {
		return err
	}
	if contents.Fetch, err = s.fetcher(); err != nil {
		return err
	}
	_, text, err := save.Write(ctx, dir, contents, func(dir string) error { return s.check(ctx, dir) })
	switch {
	case c.Context.Err() != nil:
		return &exit{code: exitUndecided, err: errors.New("interrupted; nothing was written")}
	case err != nil && errors.Is(err, save.ErrExists):
		return usagef("%w", err)
	case err != nil:
		return unsaved(err)
	}
	if !s.verdict.Passed() {
		fmt.Fprintf(w.stderr, "assay: what was saved does not pass: %s\n", outcomeOf(s.verdict))
	}
	if _, err := w.stdout.Write(text); err != nil {
		return &exit{code: exitUndecided, err: fmt.Errorf("write the list of what was saved, which is in %s: %w", dir, err)}
	}
	return nil
}

// unsaved is the end of a run that could not have everything.
func unsaved(err error) error {
	return &exit{code: exitUndecided, err: fmt.Errorf("nothing was saved: %s", escape(err.Error()))}
}

// saveArguments reads the command line, and refuses what could not end well before
// anything is asked.
func saveArguments(c *cli.Context) (verify.Reference, string, error) {
	if c.Args().Len() != 2 || strings.TrimSpace(c.Args().Get(1)) == "" {
		return verify.Reference{}, "", usagef("found %d arguments; wanted IMAGE and DIR; see `assay save --help`", c.Args().Len())
	}
	ref, err := verify.ParseReference(c.Args().First())
	if err != nil {
		return verify.Reference{}, "", usagef("%w", err)
	}
	if err := checkFlags(c); err != nil {
		return verify.Reference{}, "", err
	}
	if !c.IsSet("policy") && !c.IsSet("repo") {
		return verify.Reference{}, "", usagef("nothing says what to save: wanted --policy FILE or --repo OWNER/NAME")
	}
	if err := save.Free(c.Args().Get(1)); err != nil {
		return verify.Reference{}, "", usagef("%w", err)
	}
	return ref, c.Args().Get(1), nil
}

// saving is one run of `assay save`.
type saving struct {
	c       *cli.Context
	w       world
	ref     verify.Reference
	options verify.Options

	policy *policy.Policy
	rule   policy.Rule
	trust  verify.Trust
	files  []save.File

	source  *source
	heard   *replay.Recorder
	image   verify.Image
	verdict verify.Verdict
}

// ask collects everything: what the policy demands about the image and all that it lists,
// and then whatever judging it asks for beyond that.
func (s *saving) ask(ctx context.Context) error {
	progress := startProgress(s.w, func() int { requests, _ := s.source.spent(); return requests })
	defer progress.stop()
	s.heard = &replay.Recorder{Source: progress.watch(s.source), SameRoot: func(string) bool { return true }}
	want := verify.WantOf(s.rule, s.ref.Name())
	want.Config = true
	image, evidence, err := verify.Gather(ctx, s.heard, s.ref, want, true, s.options.Limits)
	if err != nil {
		return unsaved(err)
	}
	s.image = image
	for _, child := range evidence.Children {
		if len(child.Evidence.Failures) > 0 {
			return unsaved(&child.Evidence.Failures[0])
		}
		resolved, err := s.heard.Resolve(ctx, child.Image.Reference)
		if err != nil {
			return unsaved(err)
		}
		if len(child.Evidence.Want.Repositories)+len(child.Evidence.Want.GitHub) > 0 { // it may be run by itself
			s.heard.Collect(ctx, resolved, want)
		}
	}
	s.verdict = verify.Verify(ctx, s.heard, s.ref, s.policy, s.trust, s.options)
	return s.troubles()
}

// troubles says what could not be had, nil if all of it was.
func (s *saving) troubles() error {
	var all []string
	note := func(failures []verify.Failure) {
		for _, f := range failures {
			all = append(all, f.Error())
		}
	}
	images, collected, releases := s.heard.Heard()
	for _, r := range images {
		if r.Err != nil {
			all = append(all, r.Err.Error())
		}
	}
	for _, c := range collected {
		note(c.Evidence.Failures)
	}
	for _, r := range releases {
		note(r.Evidence.Failures)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	switch len(all) {
	case 0:
		return nil
	case 1:
		return unsaved(errors.New(all[0]))
	}
	return unsaved(fmt.Errorf("%s, and %d more", all[0], len(all)-1))
}

// check judges by what was written alone, with the trust of this run, and wants the same
// outcome.
func (s *saving) check(ctx context.Context, dir string) error {
	layout, err := registry.OpenLayout(dir, s.options.Limits)
	if err != nil {
		return err
	}
	defer func() { _ = layout.Close() }()
	again := &source{}
	again.Image = layout
	repositories := releaseOptions(s.c, s.w)
	repositories.Offline, repositories.Mirror = true, ""
	if failure := again.takeSaved(dir, layout, &repositories); failure != nil {
		return failure
	}
	again.Releases = release.New(repositories)
	v := verify.Verify(ctx, again, s.ref, s.policy, s.trust, s.options)
	if was, is := outcomeOf(s.verdict), outcomeOf(v); was != is {
		return fmt.Errorf("judged by what would be saved alone it is %s; by what is there now: %s", is, was)
	}
	return nil
}

// takeSaved makes a layout that assay saved the one place of all evidence, and its copy
// of the TUF repository that which is read, unless the user names another.
func (s *source) takeSaved(dir string, layout *registry.Layout, repositories *release.Options) *verify.Failure {
	saved, err := save.Open(dir, layout)
	var failure *verify.Failure
	switch {
	case errors.As(err, &failure):
		return failure
	case err != nil:
		return &verify.Failure{Code: verify.LayoutUnreadable, Class: verify.Definitive, Place: dir, Detail: err.Error()}
	case saved == nil:
		return nil
	}
	s.Image, s.GitHub = saved, save.Attestations{}
	if repositories.Mirror == "" {
		repositories.Mirror = saved.TUF()
	}
	return nil
}
