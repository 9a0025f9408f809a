package credentials

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/docker/docker-credential-helpers/credentials"
	"github.com/google/go-containerregistry/pkg/authn"
)

// The clouds' own helpers, which are run if they are on PATH. Linking AWS's library
// would make every start slower; Azure's rests on a retired one, heeds no context, and
// sends tokens to hosts whose names merely contain azurecr.io.
const (
	helperECR = "docker-credential-ecr-login"
	helperACR = "docker-credential-acr-env"
)

// maxAnswer is how much a helper may print, in bytes.
const maxAnswer = 64 << 10

// tokenUser stands where a helper's secret is an identity token, not a password.
const tokenUser = "<token>"

// helper is the program of a credential helper, in docker's protocol.
type helper string

func (h helper) ask(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	path, err := exec.LookPath(string(h))
	if errors.Is(err, exec.ErrNotFound) {
		return authn.Anonymous, nil
	}
	if err != nil {
		return nil, err
	}
	out, found, err := h.run(ctx, path, target.RegistryStr())
	if err != nil {
		return nil, err
	}
	if !found {
		return authn.Anonymous, nil
	}
	var answer credentials.Credentials
	if json.Unmarshal(out, &answer) != nil {
		return nil, errors.New("its answer is not JSON")
	}
	if answer.Secret == "" {
		return nil, errors.New("its answer has no secret")
	}
	if answer.Username == tokenUser {
		return authn.FromConfig(authn.AuthConfig{Username: tokenUser, IdentityToken: answer.Secret}), nil
	}
	return authn.FromConfig(authn.AuthConfig{Username: answer.Username, Password: answer.Secret}), nil
}

// run returns what the helper prints for host, and whether it says that it has
// something. Neither of its outputs is repeated.
func (h helper) run(ctx context.Context, path, host string) (out []byte, found bool, err error) {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	printed := &capped{full: func() { stop(errTooLong) }}
	cmd := exec.CommandContext(running, path, "get") //nolint:gosec // a constant name, found on the user's own PATH
	cmd.Stdin, cmd.Stdout = strings.NewReader(host), printed
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	switch {
	case running.Err() != nil:
		return nil, false, context.Cause(running)
	case err == nil:
		return printed.buffer.Bytes(), true, nil
	case credentials.IsErrCredentialsNotFoundMessage(printed.buffer.String()):
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("%w; to see why, run: echo %s | %s get", err, host, h)
}

// errTooLong is the error of a helper that prints more than maxAnswer.
var errTooLong = fmt.Errorf("it prints more than %d bytes", maxAnswer)

// capped is a buffer with room for maxAnswer. It says when it is full, since a
// program may not care that nobody reads what it prints.
type capped struct {
	buffer bytes.Buffer
	full   func()
}

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	if c.buffer.Len()+len(p) > maxAnswer {
		c.full()
		return 0, errTooLong
	}
	return c.buffer.Write(p)
}
