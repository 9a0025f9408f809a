package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/releaseassay/assay/internal/lab/cases"
)

// slowTimeout is what assay is told where a case keeps it waiting.
const slowTimeout = "3s"

// Options say how to run.
type Options struct {
	Gate Command
	// Dir is the folder of the list of cases.
	Dir string
	// Turn makes the world as an act of a case needs it.
	Turn func(ctx context.Context, id string, act int) error
	// Parallel is how many cases are put side by side.
	Parallel int
	// Done is called after each case, from several goroutines.
	Done func(Result)
}

// Run puts every case of a list to a gate. An error means that the run itself went wrong: the gate is not there, or the
// range is not.
func Run(ctx context.Context, list cases.Listing, o Options) (*Report, error) {
	asked, err := questions(list, o.Gate.Assay)
	if err != nil {
		return nil, fmt.Errorf("run cases: %w", err)
	}
	state, err := os.MkdirTemp("", "assay-lab-state-")
	if err != nil {
		return nil, fmt.Errorf("run cases: %w", err)
	}
	defer func() { _ = os.RemoveAll(state) }()
	results := make([]Result, len(asked))
	whole := ctx
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(o.Parallel, 1))
	for i, c := range asked {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := o.put(ctx, c, filepath.Join(state, c.ID))
			if err != nil {
				return fmt.Errorf("case %s: %w", c.ID, err)
			}
			results[i] = r
			if o.Done != nil {
				o.Done(r)
			}
			return nil
		})
	}
	err = group.Wait()
	if whole.Err() != nil {
		return nil, fmt.Errorf("run cases: not finished: %w", context.Cause(whole))
	}
	if err != nil {
		return nil, err
	}
	return newReport(o.Gate, results), nil
}

// mostAtOnce bounds how often one question is put side by side.
const mostAtOnce = 256

// questions are the cases that a gate can be asked about. A list without any is refused, and so is one that does not say
// what to ask or which answer is right: what is not asked must not look like an attack that was refused.
func questions(list cases.Listing, assay bool) ([]cases.Listed, error) {
	if len(list.Cases) == 0 {
		return nil, errors.New("the list holds no case; wanted at least one")
	}
	for _, c := range list.Cases {
		if c.ID == "." || !fs.ValidPath(c.ID) || strings.ContainsAny(c.ID, `/\`) {
			return nil, fmt.Errorf("found a case of the name %q; wanted one word", c.ID)
		}
		if len(c.Acts) == 0 {
			return nil, fmt.Errorf("case %s: found no question; wanted at least one act", c.ID)
		}
		for n, a := range c.Acts {
			if a.Image == "" || a.AtOnce > mostAtOnce || !slices.Contains([]string{cases.Pass, cases.Refuse, cases.Undecided}, a.Wanted.Verdict) {
				return nil, fmt.Errorf("case %s: act %d names no image, no answer (found %q), or asks too often at once (%d)", c.ID, n+1, a.Wanted.Verdict, a.AtOnce)
			}
		}
		if c.Wanted != c.Acts[len(c.Acts)-1].Wanted {
			return nil, fmt.Errorf("case %s: the answer to its last question is not the one that it is listed with", c.ID)
		}
	}
	if assay {
		return list.Cases, nil
	}
	// A good image under a policy that only assay reads is no question to anybody else.
	asked := slices.DeleteFunc(slices.Clone(list.Cases), func(c cases.Listed) bool { return c.PolicyOnly })
	if len(asked) == 0 {
		return nil, errors.New("each of these is a good release under a policy that only assay reads; there is nothing to ask another gate")
	}
	return asked, nil
}

// put asks all questions of a case. The worst answer is the case's.
func (o Options) put(ctx context.Context, c cases.Listed, state string) (Result, error) {
	if err := os.Mkdir(state, 0o700); err != nil {
		return Result{}, err
	}
	out := resultOf(c)
	for n, act := range c.Acts {
		if act.Turns {
			if err := o.Turn(ctx, c.ID, n); err != nil {
				return Result{}, fmt.Errorf("turn to act %d: %w", n+1, err)
			}
		}
		answers, err := o.askAll(ctx, c, act, state)
		if err != nil {
			return Result{}, err
		}
		var slowest time.Duration
		for _, a := range answers {
			out.judge(o.Gate, n, len(c.Acts), act, a)
			slowest = max(slowest, a.took)
		}
		out.DurationMS += slowest.Milliseconds()
		if out.Outcome == Through || out.Outcome == Stopped || out.Outcome == Unasked {
			break // what follows would be about another world
		}
	}
	return out, nil
}

// askAll puts a question as often as the act says, side by side.
func (o Options) askAll(ctx context.Context, c cases.Listed, act cases.ListedAct, state string) ([]answer, error) {
	q := question{
		image: act.Image, policy: filepath.Join(o.Dir, filepath.FromSlash(cmp.Or(act.Policy, c.Policy))), trustedRoot: filepath.Join(o.Dir, filepath.FromSlash(c.TrustedRoot)),
		dir: o.Dir, state: state, args: slices.Clone(act.Args), env: c.Env,
	}
	if c.Slow && !slices.Contains(q.args, "--timeout") {
		q.args = append(q.args, "--timeout", slowTimeout)
	}
	answers := make([]answer, max(act.AtOnce, 1))
	group, ctx := errgroup.WithContext(ctx)
	for i := range answers {
		group.Go(func() error {
			var err error
			answers[i], err = o.Gate.ask(ctx, q)
			return err
		})
	}
	return answers, group.Wait()
}

// Assay is the gate that this program itself is.
func Assay(path string) Command {
	return Command{
		Path: path, Args: []string{"assay", "verify", "{image}", "--policy", "{policy}"}, Env: []string{"ASSAY_CACHE={state}"},
		Timeout: 2 * time.Minute, Assay: true,
	}
}
