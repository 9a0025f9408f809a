package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/replay"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

func shadowFlag() cli.Flag {
	return &cli.StringFlag{Name: "shadow", Usage: "also judge by the policy in `FILE`, and say on stderr how its verdict differs"}
}

// shadow is a second policy whose verdict changes nothing.
type shadow struct {
	file   string
	policy *policy.Policy
	trust  verify.Trust
	// heard is what the first judgement was told.
	heard *replay.Recorder
}

// loadShadow reads the second policy, nil where none is named. first is the policy that
// decides.
func loadShadow(c *cli.Context, w world, first *policy.Policy) (*shadow, error) {
	file := c.String("shadow")
	if file == "" {
		return nil, nil
	}
	p, err := policyFile(w, file)
	if err != nil {
		return nil, fmt.Errorf("--shadow: %w", err)
	}
	trust, err := loadTrust(c, w, p, load.Folder(file))
	if err != nil {
		return nil, fmt.Errorf("--shadow: %w", err)
	}
	return &shadow{file: file, policy: p, trust: trust, heard: &replay.Recorder{SameRoot: func(name string) bool {
		return sameRoot(first.Trust[name], p.Trust[name])
	}}}, nil
}

// sameRoot reports whether two policies mean one trusted root by a name.
func sameRoot(a, b policy.Trust) bool {
	return a.Builtin == b.Builtin && a.SHA256 == b.SHA256 && a.Thresholds == b.Thresholds
}

// watch stands between a source and the first judgement.
func (s *shadow) watch(source verify.Source) verify.Source {
	if s == nil {
		return source
	}
	s.heard.Source = source
	return s.heard
}

// compare judges by the second policy what the first has judged, and says on one line how
// the verdicts differ. Whatever goes wrong here is said and changes nothing.
func (s *shadow) compare(ctx context.Context, w world, ref verify.Reference, failure *verify.Failure, first verify.Verdict, o verify.Options) {
	if s == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(w.stderr, "assay: shadow %s: internal.panic: %s\n", escape(s.file), escape(fmt.Sprint(r)))
		}
	}()
	var v verify.Verdict
	if failure != nil {
		v = verify.Undecided(ref, s.policy, s.trust, failure, o)
	} else {
		v = verify.Verify(ctx, s.heard, ref, s.policy, s.trust, o)
	}
	fmt.Fprintf(w.stderr, "assay: shadow %s (%s): %s\n", escape(s.file), escape(s.policy.Name), difference(first, v))
}

// difference says how a second verdict differs from the first.
func difference(first, second verify.Verdict) string {
	a, b := outcomeOf(first), outcomeOf(second)
	if a == b {
		return "the same, " + b
	}
	return b + "; the policy in force: " + a
}

// outcomeOf is a verdict in a few words: pass, or what failed.
func outcomeOf(v verify.Verdict) string {
	if v.Passed() {
		return "pass"
	}
	word := "fail"
	if !v.Conclusive {
		word = "undecided"
	}
	var codes []string
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed {
			codes = append(codes, f.ID+" "+string(f.Code))
		}
	}
	return escape(word + " (" + strings.Join(codes, ", ") + ")")
}
