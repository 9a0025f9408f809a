package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// outputLimit is how much of a gate's output is kept, in bytes for each of stdout and stderr.
const outputLimit = 8 << 20

// Command is a command line with placeholders: {image}, {policy} and {trusted_root} (files of the case), {dir} (the
// folder of the list of cases) and {state} (a folder that a case keeps from act to act, and that is empty before).
type Command struct {
	// Path is the program, Args its arguments with the program's name in front.
	Path string
	Args []string
	// Env are further variables, as KEY=VALUE; placeholders count.
	Env []string
	// Timeout is how long an answer may take. A gate that says nothing admits nothing.
	Timeout time.Duration
	// Assay says that the program is assay, whose verdict is read.
	Assay bool
}

// ParseCommand reads a command line without a shell: words are separated by blanks, and quotes keep blanks in a word. It
// must name {image}.
func ParseCommand(line string) (Command, error) {
	words, err := split(line)
	if err != nil {
		return Command{}, err
	}
	if len(words) == 0 {
		return Command{}, errors.New("found an empty command; wanted one such as 'cosign verify {image}'")
	}
	if !strings.Contains(strings.Join(words, " "), "{image}") {
		return Command{}, fmt.Errorf("found no {image} in %q; without it the command is not about any image", line)
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return Command{}, fmt.Errorf("find the gate: %w", err)
	}
	return Command{Path: path, Args: words}, nil
}

// split cuts a line into words as a shell does with quotes and backslashes, and does nothing else that a shell does.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	open, quote, escaped := false, rune(0), false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			open, escaped = true, true
		case r == quote && quote != 0:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			open, quote = true, r
		case r == ' ' || r == '\t' || r == '\n':
			if open {
				words = append(words, word.String())
				word.Reset()
			}
			open = false
		default:
			open = true
			word.WriteRune(r)
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("found a quote that is not closed in %q", line)
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

// question is what a gate is asked.
type question struct {
	image, policy, trustedRoot, dir, state string
	// args are further arguments of assay, env further variables.
	args, env []string
}

// answer is what it says.
type answer struct {
	exit           int
	timedOut       bool
	stdout, stderr []byte
	took           time.Duration
}

func (a answer) admitted() bool { return a.exit == 0 && !a.timedOut }

// ask runs the command once. An error means that it could not be run, or not to its end, and never that it refused.
func (c Command) ask(asked context.Context, q question) (answer, error) {
	ctx, cancel := context.WithTimeout(asked, c.Timeout)
	defer cancel()
	fill := strings.NewReplacer("{image}", q.image, "{policy}", q.policy, "{trusted_root}", q.trustedRoot, "{dir}", q.dir, "{state}", q.state)
	cmd := exec.CommandContext(ctx, c.Path) //nolint:gosec // the command is the user's own
	cmd.Args = nil
	for _, a := range c.Args {
		cmd.Args = append(cmd.Args, fill.Replace(a))
	}
	if c.Assay {
		cmd.Args = append(cmd.Args, q.args...)
	}
	cmd.Env = environment()
	for _, e := range append([]string{"DOCKER_CONFIG={dir}/docker"}, c.Env...) {
		cmd.Env = append(cmd.Env, fill.Replace(e))
	}
	cmd.Env = append(cmd.Env, q.env...)
	stdout, stderr := &bounded{}, &bounded{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = time.Second
	endTogether(cmd)
	began := time.Now() //nolint:forbidigo // how long a process took
	err := cmd.Run()
	a := answer{stdout: stdout.Bytes(), stderr: stderr.Bytes(), took: time.Since(began)}
	if cmd.ProcessState == nil {
		return a, fmt.Errorf("run %s: %w", filepath.Base(c.Path), err)
	}
	endRest(cmd)
	if err := asked.Err(); err != nil {
		return a, err // whoever asks has left; what the gate would have said is not known
	}
	// A command that ended with 0 has admitted, whatever it left running and however late that was noticed.
	a.exit = cmd.ProcessState.ExitCode()
	a.timedOut = a.exit != 0 && ctx.Err() != nil
	return a, nil
}

// environment is the caller's own without what would make a gate answer for somebody else: tokens of GitHub, and
// assay's settings.
func environment() []string {
	var out []string
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, "ASSAY_") || strings.HasPrefix(name, "GITHUB_") || strings.HasPrefix(name, "GH_") {
			continue
		}
		out = append(out, e)
	}
	return out
}

// bounded keeps the first bytes that are written to it.
type bounded struct{ bytes.Buffer }

var _ io.Writer = (*bounded)(nil)

func (b *bounded) Write(p []byte) (int, error) {
	if room := outputLimit - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
