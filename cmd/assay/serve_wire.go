package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/releaseassay/assay/internal/serve/cache"
	"github.com/releaseassay/assay/internal/serve/doors"
	"github.com/releaseassay/assay/internal/serve/front"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/internal/serve/tenant"
	"github.com/releaseassay/assay/internal/serve/verifier"
)

// server is everything that `assay serve` runs.
type server struct {
	log       *slog.Logger
	front     *front.Front
	verifier  *verifier.Verifier
	auditFile *observe.LogFile // nil unless the audit log is a file
	running   sync.WaitGroup
	closers   []func() // called last to first
}

// newServer puts the parts together. Its error is one of the settings or of a file that
// they name.
func newServer(ctx context.Context, w world, s settings.Settings, log *slog.Logger) (_ *server, err error) {
	made := &server{log: log}
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	metrics := observe.NewMetrics(version, commit)
	traces, err := observe.NewTraces(ctx, s.Traces, version)
	if err != nil {
		return nil, err
	}
	traces.Count(metrics)
	made.closers = append(made.closers, func() { made.bounded("traces", traces.Close) })
	audit, err := made.openAudit(w, s, metrics)
	if err != nil {
		return nil, err
	}
	judge, err := made.openVerifier(ctx, w, s, metrics)
	if err != nil {
		return nil, err
	}
	all, err := doors.New(doors.Options{
		Verifier: judge, Policies: judge, Past: judge, Metrics: metrics, Audit: audit,
		Settings: s, Log: log, Now: w.now, Client: front.Client,
	})
	if err != nil {
		return nil, err
	}
	made.front, err = front.New(front.Options{
		Settings: s, Doors: traces.Handler(all), Ready: judge.Ready, Metrics: metrics, Log: log, Now: w.now,
	})
	return made, err
}

// openAudit opens the audit log, nil for none.
func (made *server) openAudit(w world, s settings.Settings, metrics *observe.Metrics) (*observe.Audit, error) {
	var to io.Writer = w.stdout
	switch s.AuditLog {
	case "off":
		return nil, nil
	case "":
	default:
		file, err := observe.OpenLog(s.AuditLog)
		if err != nil {
			return nil, fmt.Errorf("open the audit log: %w", err)
		}
		made.auditFile, to = file, file
		made.closers = append(made.closers, func() { _ = file.Close() })
	}
	audit := observe.QueueAudit(to, metrics)
	made.closers = append(made.closers, func() {
		if err := audit.Close(); err != nil {
			made.log.Error("the audit log is not whole", "error", err.Error())
		}
	})
	return audit, nil
}

func (made *server) openVerifier(ctx context.Context, w world, s settings.Settings, metrics *observe.Metrics) (*verifier.Verifier, error) {
	o := verifier.Options{Settings: s, Version: version, Getenv: w.getenv, Now: w.now, Metrics: metrics, Log: made.log, Client: front.Client}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	if s.Redis != "" {
		store, key, err := made.openStore(w, s, metrics)
		if err != nil {
			return nil, err
		}
		o.Store, secret = store, key
		if s.ShareFloor {
			o.Floors = cache.NewFloors(store)
		}
	}
	if s.PullSecrets {
		reader, err := tenant.InCluster(tenant.Options{
			Host: w.getenv("KUBERNETES_SERVICE_HOST"), Port: w.getenv("KUBERNETES_SERVICE_PORT"), Secret: secret, Log: made.log, Now: w.now,
		})
		if err != nil {
			return nil, fmt.Errorf("pull_secrets: %w", err)
		}
		o.Tenants = reader
	}
	v, err := verifier.New(ctx, o)
	if err != nil {
		return nil, err
	}
	made.verifier = v
	made.closers = append(made.closers, v.Close)
	return v, nil
}

// openStore opens what replicas share, and returns the key that writes there.
func (made *server) openStore(w world, s settings.Settings, metrics *observe.Metrics) (*cache.Redis, []byte, error) {
	keys, err := cache.ReadKeys(s.StoreKeys)
	if err != nil {
		return nil, nil, fmt.Errorf("store_keys: %w", err)
	}
	store, err := cache.NewRedis(cache.RedisOptions{
		URL: s.Redis, PasswordFile: s.RedisPassword, CAFile: s.RedisCA, Keys: keys, Metrics: metrics, Log: made.log, Now: w.now,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("redis: %w", err)
	}
	made.closers = append(made.closers, func() { _ = store.Close() })
	return store, keys[0], nil
}

// close ends what newServer began, the last first.
func (made *server) close() {
	for i := len(made.closers) - 1; i >= 0; i-- {
		made.closers[i]()
	}
}

// closeTime bounds how long the end of one part may take.
const closeTime = 5 * time.Second

func (made *server) bounded(what string, closer func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := closer(ctx); err != nil {
		made.log.Warn("close "+what, "error", err.Error())
	}
}
