package credentials

import (
	"context"
	"errors"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// askDocker reads docker's config file, or podman's, and runs the helper that it
// names. Docker's code cannot be told to stop, so a helper that hangs is left behind.
func askDocker(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	type answer struct {
		auth authn.Authenticator
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		auth, err := authn.DefaultKeychain.Resolve(target)
		answers <- answer{auth, err}
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
