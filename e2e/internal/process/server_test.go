package process

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
	if err := Await(t.Context(), third, make(chan struct{})); err != nil || asked != 3 {
		t.Errorf("ready the third time: found %v after %d", err, asked)
	}

	never := func(context.Context) error { return errNotYet }
	ended := make(chan struct{})
	close(ended)
	if err := Await(t.Context(), never, ended); !errors.Is(err, ErrEnded) {
		t.Errorf("a server that ended: found %v", err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := Await(ctx, never, make(chan struct{})); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errNotYet) {
		t.Errorf("a server that is never ready: found %v; wanted the limit and the last answer", err)
	}
}

func TestProbes(t *testing.T) {
	status := http.StatusServiceUnavailable
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer s.Close()
	if err := Answers(s.URL)(t.Context()); err == nil {
		t.Error("a server that answers 503 is ready")
	}
	status = http.StatusOK
	if err := Answers(s.URL)(t.Context()); err != nil {
		t.Errorf("a server that answers 200: %v", err)
	}

	file := filepath.Join(t.TempDir(), "ids")
	if err := Appears(file)(t.Context()); err == nil {
		t.Error("a file that is not there has appeared")
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Appears(file)(t.Context()); err != nil {
		t.Errorf("a file that is there: %v", err)
	}
}
