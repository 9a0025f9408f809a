package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/serve/settings"
)

func serveCommand(w world) *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "read the settings from `FILE`, else from that in " + settings.File},
		&cli.BoolFlag{Name: "print-settings", Usage: "print the settings in force, each with where it was said, and stop"},
	}
	for _, s := range settings.Table() {
		flags = append(flags, settingFlag(s))
	}
	return &cli.Command{
		Name:  "serve",
		Usage: "answer a cluster that asks before it runs an image",
		Description: "Answers Kubernetes' admission webhooks, ImagePolicyWebhook, Gatekeeper and plain JSON until it is told to stop\n" +
			"(SIGTERM), by the policies that it is given. Every setting is said in a file (--config), in the environment\n" +
			"(" + settings.Prefix + "LISTEN for --listen) or with a flag, each before the one after it. SIGHUP reads policies,\n" +
			"certificates and tokens again; so does a change of them. See docs/serve.md.",
		Flags:  flags,
		Action: func(c *cli.Context) error { return runServe(c, w) },
	}
}

// settingFlag is the flag of a setting.
func settingFlag(s settings.Setting) cli.Flag {
	usage := fmt.Sprintf("%s: %s; default %s", s.Usage, s.Wanted, s.Default)
	switch {
	case s.Switch:
		return &cli.BoolFlag{Name: s.Flag(), Usage: usage}
	case s.Many:
		return &cli.StringSliceFlag{Name: s.Flag(), Usage: usage}
	}
	return &cli.StringFlag{Name: s.Flag(), Usage: usage}
}

// readSettings reads them from everywhere.
func readSettings(c *cli.Context, w world) (settings.Settings, settings.Origins, error) {
	if c.IsSet("config") && c.String("config") == "" {
		return settings.Settings{}, nil, errors.New("--config is empty; wanted a file")
	}
	from := settings.Sources{
		File: settings.Find(c.String("config"), w.getenv), Flags: map[string][]string{},
		Open: func(path string) (io.ReadCloser, error) { return os.Open(path) }, //nolint:gosec // the path is the user's own
	}
	if w.environ != nil {
		from.Environ = w.environ()
	}
	for _, s := range settings.Table() {
		switch name := s.Flag(); {
		case !c.IsSet(name):
		case s.Switch:
			from.Flags[name] = []string{fmt.Sprint(c.Bool(name))}
		case s.Many:
			from.Flags[name] = c.StringSlice(name)
		default:
			from.Flags[name] = []string{c.String(name)}
		}
	}
	return settings.Load(from)
}

func runServe(c *cli.Context, w world) error {
	if c.Args().Present() {
		return usagef("found the argument %q; `assay serve` takes none", c.Args().First())
	}
	s, said, err := readSettings(c, w)
	if err != nil {
		return usagef("%w", err)
	}
	if c.Bool("print-settings") {
		return s.Write(w.stdout, said)
	}
	limitServeMemory(w, s)
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return usagef("log_level: %w", err)
	}
	log := slog.New(slog.NewJSONHandler(w.stderr, &slog.HandlerOptions{Level: level}))
	hangups := make(chan os.Signal, 1) // from here on a SIGHUP ends nothing
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	server, err := newServer(c.Context, w, s, log)
	if err != nil {
		return usagef("%w", err)
	}
	defer server.close()
	if err := server.front.Listen(); err != nil {
		return &exit{code: exitUndecided, err: err}
	}
	err = server.serve(c.Context, hangups, func() {
		if now, _, err := readSettings(c, w); err != nil || !reflect.DeepEqual(now, s) {
			log.Warn("the settings themselves have changed, or cannot be read any more; they are read when the server starts", "error", fmt.Sprint(err))
		}
	})
	if err != nil {
		return &exit{code: exitUndecided, err: err}
	}
	return nil
}

// serveMemory is what the server may hold beside its caches, in bytes, before the
// garbage collector works harder for it: a verification of the largest evidence takes
// most of it. GOMEMLIMIT overrides the sum.
const serveMemory = 96 << 20

func limitServeMemory(w world, s settings.Settings) {
	if w.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(serveMemory + s.CacheBytes + s.EvidenceBytes)
	}
}

// serve answers until ctx ends, and reads everything again, after compare, when it is
// told to.
func (s *server) serve(ctx context.Context, hangups <-chan os.Signal, compare func()) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.running.Go(func() { s.verifier.Run(background) })
	s.running.Go(func() {
		for {
			select {
			case <-background.Done():
				return
			case <-hangups:
				compare()
				s.reload()
			}
		}
	})
	err := s.front.Serve(ctx)
	stop()
	s.running.Wait()
	return err
}

// reload reads everything again. What front and verifier keep because the new cannot be
// used they log by themselves.
func (s *server) reload() {
	s.log.Info("told to read everything again")
	_ = s.front.Reload()
	_ = s.verifier.Reload()
	if s.auditFile != nil {
		if err := s.auditFile.Reopen(); err != nil {
			s.log.Error("keeping the old audit log", "error", err.Error())
		}
	}
}
