package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/config"
	"github.com/releaseassay/assay/internal/report"
)

// pluginName is the command's name, and the end of the program's own name under which
// it is the plugin without being told.
const pluginName = "containerd"

// maxReason is the length of the reason on stdout in bytes. containerd reads 32 KiB, but
// it goes on into an error of the pull, and an Event of Kubernetes holds 1 KiB in all.
const maxReason = 512

func containerdCommand(w world) *cli.Command {
	return &cli.Command{
		Name:  pluginName,
		Usage: "answer containerd, as an image-verifier plugin of it",
		Description: "containerd runs every program in its plugin folder before it pulls an image, and says which image with\n" +
			"-name, -digest and -stdin-media-type and a descriptor on standard input. Install this program there as\n" +
			"assay-containerd. What to demand stands in a file of settings: -config, else " + config.ContainerdVariable + ",\n" +
			"else " + config.ContainerdFile + ". See docs/containerd.md.\n" +
			"Standard output is the reason, on one line. Exit code 0 admits the image, and nothing else does: 1 refused,\n" +
			"2 usage, settings or policy (also this help), 3 undecided.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "the image's `REFERENCE`, as it was asked for"},
			&cli.StringFlag{Name: "digest", Usage: "the `DIGEST` that containerd resolved it to, which is judged"},
			&cli.StringFlag{Name: "stdin-media-type", Usage: "the media `TYPE` of what is on standard input"},
			&cli.StringFlag{Name: "config", Usage: "read the settings from `FILE`"},
		},
		Action: func(c *cli.Context) error { return answerContainerd(c, w) },
	}
}

// pluginArgs are the arguments of a program that was started as argv: one whose name
// ends in assay-containerd is the plugin, and so is any that is asked as containerd asks.
func pluginArgs(argv []string) []string {
	if len(argv) == 0 {
		return nil
	}
	args := argv[1:]
	name := strings.TrimSuffix(filepath.Base(argv[0]), ".exe")
	asked := len(args) > 0 && (args[0] == "-name" || args[0] == "-digest" || args[0] == "-stdin-media-type")
	if asked || strings.HasSuffix(name, "assay-"+pluginName) {
		return append([]string{pluginName}, args...)
	}
	return args
}

// ruling is what containerd is told. It is an error so that a command without one, such
// as help, is told from one that admits.
type ruling struct {
	// code is exitGood to admit the image, or else anything.
	code   int
	reason string
}

func (r *ruling) Error() string { return r.reason }

// runContainerd runs the command. Whatever happens, stdout gets one line, and exit code
// 0 is left to a ruling that admits.
func runContainerd(ctx context.Context, args []string, w world) int {
	quiet := w
	quiet.stdout = w.stderr // help is no reason
	return say(w.stdout, rule(ctx, args, quiet))
}

// say writes the reason, and returns the exit code. What could not be said admits nothing.
func say(stdout io.Writer, r ruling) int {
	if _, err := fmt.Fprintln(stdout, oneLine(r.reason)); err != nil && r.code == exitGood {
		return exitUndecided
	}
	return r.code
}

// rule runs the command and turns whatever comes of it into a ruling.
func rule(ctx context.Context, args []string, w world) (r ruling) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(w.stderr, "assay: internal.panic: %v\n", p)
			r = ruling{exitUndecided, fmt.Sprintf("UNDECIDED internal.panic: %v; this is a fault of assay, please report it", p)}
		}
	}()
	app := newApp(w)
	permuted, err := permute(app, args)
	if err == nil {
		err = app.RunContext(ctx, append([]string{"assay"}, permuted...))
	}
	var ruled *ruling
	switch {
	case errors.As(err, &ruled):
		return *ruled
	case err == nil:
		return ruling{exitUsage, "no image was judged: help is no answer"}
	}
	r = ruling{code: exitCode(err, w.stderr), reason: "no image was judged: " + err.Error()}
	if r.code == exitGood {
		r.code = exitUndecided
	}
	return r
}

// oneLine is a reason that containerd, a log and a terminal show as it is.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c == '\n' }), "; ")
	return report.Escape(s, maxReason)
}
