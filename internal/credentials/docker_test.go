package credentials

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// keychainFunc is a keychain that is one function.
type keychainFunc func() (authn.Authenticator, error)

func (f keychainFunc) Resolve(authn.Resource) (authn.Authenticator, error) { return f() }

// TestDockerThatHangs leaves no more helpers behind than may be, however often a server
// asks, and asks again once they have ended.
func TestDockerThatHangs(t *testing.T) {
	repo, err := name.NewRepository("registry.example/a/b")
	if err != nil {
		t.Fatal(err)
	}
	goOn := make(chan struct{})
	d := newDocker()
	d.keychain = keychainFunc(func() (authn.Authenticator, error) { <-goOn; return authn.Anonymous, nil })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range maxHanging {
		if _, err := d.ask(gone, repo); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := d.ask(t.Context(), repo); !errors.Is(err, errHanging) {
		t.Fatalf("got %v", err)
	}
	close(goOn)
	for range maxHanging {
		d.running <- struct{}{} // until all of them have ended
	}
	for range maxHanging {
		<-d.running
	}
	if auth, err := d.ask(t.Context(), repo); auth != authn.Anonymous || err != nil {
		t.Errorf("got %v, %v", auth, err)
	}
}

// TestDockerThatPanics is an error, and not the end of a server.
func TestDockerThatPanics(t *testing.T) {
	repo, err := name.NewRepository("registry.example/a/b")
	if err != nil {
		t.Fatal(err)
	}
	d := newDocker()
	d.keychain = keychainFunc(func() (authn.Authenticator, error) { panic("no") })
	if auth, err := d.ask(t.Context(), repo); auth != nil || err == nil {
		t.Errorf("got %v, %v", auth, err)
	}
}
