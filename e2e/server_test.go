package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var errNotYet = errors.New("not yet")

func TestAwait(t *testing.T) {
	asked := 0
	third := func(context.Context) error {
		if asked++; asked < 3 {
			return errNotYet
		}
		return nil
	}
	if err := await(t.Context(), third, make(chan struct{})); err != nil || asked != 3 {
		t.Errorf("ready the third time: found %v after %d", err, asked)
	}

	never := func(context.Context) error { return errNotYet }
	ended := make(chan struct{})
	close(ended)
	if err := await(t.Context(), never, ended); !errors.Is(err, errEnded) {
		t.Errorf("a server that ended: found %v", err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := await(ctx, never, make(chan struct{})); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errNotYet) {
		t.Errorf("a server that is never ready: found %v; wanted the limit and the last answer", err)
	}
}

func TestProbes(t *testing.T) {
	status := http.StatusServiceUnavailable
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer s.Close()
	if err := answers(s.URL)(t.Context()); err == nil {
		t.Error("a server that answers 503 is ready")
	}
	status = http.StatusOK
	if err := answers(s.URL)(t.Context()); err != nil {
		t.Errorf("a server that answers 200: %v", err)
	}

	file := filepath.Join(t.TempDir(), "ids")
	if err := appears(file)(t.Context()); err == nil {
		t.Error("a file that is not there has appeared")
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := appears(file)(t.Context()); err != nil {
		t.Errorf("a file that is there: %v", err)
	}
}

// Every server starts after those that it needs, and the timestamp authority before Rekor v1, which takes its port.
func TestOrder(t *testing.T) {
	var made []string
	for _, s := range (&stack{}).steps() {
		for _, earlier := range s.after {
			if !slices.Contains(made, earlier) {
				t.Errorf("%s starts before %s", s.name, earlier)
			}
		}
		made = append(made, s.name)
		if _, err := toolNamed(s.name); err != nil {
			t.Error(err)
		}
	}
	if tsa := slices.Index(made, "timestamp-server"); tsa < 0 || tsa > slices.Index(made, "rekor1") {
		t.Errorf("found the order %v; wanted timestamp-server before rekor1", made)
	}
	for _, tool := range tools() {
		if tool.module == "servers" && !slices.Contains(made, tool.name) {
			t.Errorf("nothing starts %s", tool.name)
		}
	}
}

func TestCTConfig(t *testing.T) {
	got := string(ctConfig("42", "run/roots.pem", []byte{0x30, 0x00, '"', 0xff}))
	for _, want := range []string{"log_id: 42\n", `roots_pem_file: "run/roots.pem"`, `der: "\x30\x00\x22\xff"`} {
		if !strings.Contains(got, want) {
			t.Errorf("found no %s in\n%s", want, got)
		}
	}
}

func TestPort(t *testing.T) {
	for url, want := range map[string]string{fulcioURL: "7001", ctURL: "7002", tsaURL: "7005"} {
		if got := port(url); got != want {
			t.Errorf("port of %s: found %q; wanted %q", url, got, want)
		}
	}
}
