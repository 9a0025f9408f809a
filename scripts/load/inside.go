package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/releaseassay/assay/internal/serve/doors"
	"github.com/releaseassay/assay/internal/serve/front"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/internal/serve/verifier"
)

// insideMemory is what cmd/assay gives the server beside its caches, in bytes.
const insideMemory = 96 << 20

// runInside puts the server together as `assay serve` does, within this process, whose profile then shows both.
func (s *server) runInside(ctx context.Context, _ options, args []string) error {
	given := map[string][]string{}
	for i := 0; i+1 < len(args); i += 2 {
		given[strings.TrimPrefix(args[i], "--")] = []string{args[i+1]}
	}
	set, _, err := settings.Load(settings.Sources{
		Flags: given, Open: func(path string) (io.ReadCloser, error) { return os.Open(path) },
	})
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(insideMemory + set.CacheBytes + set.EvidenceBytes)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	metrics := observe.NewMetrics("load", "")
	file, err := observe.OpenLog(set.AuditLog)
	if err != nil {
		return err
	}
	audit := observe.QueueAudit(file, metrics)
	judge, err := verifier.New(ctx, verifier.Options{
		Settings: set, Version: "load", Getenv: func(string) string { return "" }, Now: time.Now, Metrics: metrics, Log: log,
	})
	if err != nil {
		return err
	}
	all, err := doors.New(doors.Options{
		Verifier: judge, Policies: judge, Past: judge, Metrics: metrics, Audit: audit, Settings: set, Log: log, Now: time.Now, Client: front.Client,
	})
	if err != nil {
		return err
	}
	f, err := front.New(front.Options{Settings: set, Doors: all, Ready: judge.Ready, Metrics: metrics, Log: log, Now: time.Now})
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wait sync.WaitGroup
	served := make(chan error, 1)
	wait.Go(func() { judge.Run(running) })
	wait.Go(func() { served <- f.Serve(running) })
	s.pid = os.Getpid()
	s.end = func() error {
		cancel()
		wait.Wait()
		judge.Close()
		return errors.Join(<-served, audit.Close(), file.Close())
	}
	return nil
}
