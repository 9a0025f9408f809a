// Command compare puts the attack range to assay and to the commands of other tools that people write today, and writes
// docs/compared.md: what each let through, and where assay refuses and another does not, why. It exits 1 if assay itself
// admits an attack, or refuses one for another reason than the wanted one.
//
//	go run ./scripts/compare -assay FILE [-cosign3 FILE] [-cosign2 FILE] [-slsa-verifier FILE -crane FILE] [-o FILE]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab/cases"
	"github.com/releaseassay/assay/internal/lab/gate"
)

// options are the flags.
type options struct {
	assay, cosign3, cosign2, slsaVerifier, crane string
	out, readme, pattern                         string
	timeout                                      time.Duration
	parallel                                     int
}

func main() {
	var o options
	flag.StringVar(&o.assay, "assay", "", "assay's `FILE`")
	flag.StringVar(&o.cosign3, "cosign3", "", "cosign 3's `FILE`")
	flag.StringVar(&o.cosign2, "cosign2", "", "cosign 2's `FILE`")
	flag.StringVar(&o.slsaVerifier, "slsa-verifier", "", "slsa-verifier's `FILE`")
	flag.StringVar(&o.crane, "crane", "", "crane's `FILE`, which resolves tags for slsa-verifier")
	flag.StringVar(&o.out, "o", "", "write the page to `FILE` instead of stdout")
	flag.StringVar(&o.readme, "readme", "", "renew the table between the marks in `FILE`")
	flag.StringVar(&o.pattern, "case", "", "only the cases that `PATTERN` fits")
	flag.DurationVar(&o.timeout, "timeout", 20*time.Second, "what has not answered after `DURATION` has not admitted")
	flag.IntVar(&o.parallel, "parallel", 3, "ask about `N` cases at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	sound, err := run(ctx, o)
	stop()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(2)
	case !sound:
		fmt.Fprintln(os.Stderr, "compare: assay did not answer as wanted")
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (sound bool, err error) {
	if o.assay == "" || flag.NArg() > 0 {
		return false, errors.New("wanted -assay FILE and no arguments")
	}
	var patterns []string
	if o.pattern != "" {
		patterns = []string{o.pattern}
	}
	chosen, err := cases.Find(patterns...)
	if err != nil {
		return false, err
	}
	c := comparison{date: time.Now().UTC()}
	ours := gate.Assay(o.assay)
	if c.assay, err = o.put(ctx, chosen, contender{name: "assay", line: strings.Join(ours.Args, " "), program: o.assay, command: ours}); err != nil {
		return false, err
	}
	for _, k := range o.contenders() {
		column, err := o.put(ctx, chosen, k)
		if err != nil {
			return false, err
		}
		c.others = append(c.others, column)
	}
	return c.assay.report.Sound(), c.write(o)
}

// put asks one gate about a range of its own: what one asks must not change what the next one finds.
func (o options) put(ctx context.Context, chosen []cases.Case, k contender) (column, error) {
	site, err := cases.Open(ctx, cases.SiteOptions{Now: time.Now(), Clock: time.Now, Cases: chosen})
	if err != nil {
		return column{}, err
	}
	defer func() { _ = site.Close() }()
	dir, err := os.MkdirTemp("", "assay-compare-")
	if err != nil {
		return column{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := site.Write(dir, ""); err != nil {
		return column{}, err
	}
	if k.trust.cosign != "" {
		stop, err := k.trust.initialize(ctx, site.Listing(""), dir, time.Now())
		if err != nil {
			return column{}, fmt.Errorf("%s: %w", k.name, err)
		}
		defer stop()
	}
	began := time.Now()
	report, err := gate.Run(ctx, site.Listing(""), gate.Options{Gate: k.command, Dir: dir, Turn: site.Turn, Parallel: o.parallel})
	if err != nil {
		return column{}, fmt.Errorf("%s: %w", k.name, err)
	}
	fmt.Fprintf(os.Stderr, "%s: %d through, %d stopped, %d cases in %s\n", k.name, report.Through, report.Stopped, len(report.Cases), time.Since(began).Round(time.Second))
	return column{contender: k, version: versionOf(ctx, k.program), report: report}, nil
}

// write writes the page, and the table in the README.
func (c comparison) write(o options) error {
	page := c.page()
	if o.out == "" {
		fmt.Print(page)
	} else if err := os.WriteFile(filepath.Clean(o.out), []byte(page), 0o600); err != nil {
		return err
	}
	if o.readme == "" {
		return nil
	}
	before, err := os.ReadFile(filepath.Clean(o.readme))
	if err != nil {
		return err
	}
	after, err := replaceTable(string(before), c.summary())
	if err != nil {
		return fmt.Errorf("%s: %w", o.readme, err)
	}
	return os.WriteFile(filepath.Clean(o.readme), []byte(after), 0o600)
}
