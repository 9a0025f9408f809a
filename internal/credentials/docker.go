package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// maxHanging is how many of docker's helpers may run at once, those that hang included.
const maxHanging = 64

// errHanging is the error of a question that is one too many.
var errHanging = fmt.Errorf("%d helpers have been asked and have not answered; end those that hang", maxHanging)

// docker reads docker's config file, or podman's, and runs the helper that it names.
// Docker's code cannot be told to stop, so a helper that hangs is left behind, and keeps
// the place in running that it took.
type docker struct {
	keychain authn.Keychain
	running  chan struct{}
}

func newDocker() docker { return docker{authn.DefaultKeychain, make(chan struct{}, maxHanging)} }

func (d docker) ask(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	type answer struct {
		auth authn.Authenticator
		err  error
	}
	select {
	case d.running <- struct{}{}:
	default:
		return nil, errHanging
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{err: errors.New("it ended in a panic")}
		defer func() {
			_ = recover() // which would end the process
			<-d.running
			answers <- a
		}()
		a.auth, a.err = d.keychain.Resolve(target)
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case a := <-answers:
		if a.err != nil {
			return nil, withoutOutput(a.err)
		}
		return a.auth, nil
	}
}

// withoutOutput cuts off what a helper printed, which docker's code repeats.
func withoutOutput(err error) error {
	if text, _, found := strings.Cut(err.Error(), ", out: "); found {
		return errors.New(text)
	}
	return err
}
