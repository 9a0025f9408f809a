package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	state, err := os.MkdirTemp("", "assay-lab-state-")
	if err != nil {
		return nil, fmt.Errorf("run cases: %w", err)
	}
	defer func() { _ = os.RemoveAll(state) }()
	asked := list.Cases
	if !o.Gate.Assay {
		// A good image under a policy that only assay reads is no question to anybody else.
		asked = slices.DeleteFunc(slices.Clone(asked), func(c cases.Listed) bool { return c.PolicyOnly })
	}
	results := make([]Result, len(asked))
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
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return newReport(o.Gate, results), nil
}

// put asks all questions of a case. The worst answer is the case's.
func (o Options) put(ctx context.Context, c cases.Listed, state string) (Result, error) {
	if len(c.Acts) == 0 {
		return Result{}, errors.New("found no question; wanted at least one act")
	}
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
		for _, a := range answers {
			out.judge(o.Gate, n, len(c.Acts), act, a)
		}
		if out.Outcome == Through || out.Outcome == Stopped {
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
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	return answers, nil
}

// Assay is the gate that this program itself is.
func Assay(path string) Command {
	return Command{
		Path: path, Args: []string{"assay", "verify", "{image}", "--policy", "{policy}"}, Env: []string{"ASSAY_CACHE={state}"},
		Timeout: 2 * time.Minute, Assay: true,
	}
}
