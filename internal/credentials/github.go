package credentials

import (
	"cmp"
	"context"

	"github.com/google/go-containerregistry/pkg/authn"
)

// github logs in to ghcr.io with the token that a workflow or the gh command has.
// A job on a GitHub Enterprise Server has a token for that server, which ghcr.io must
// not see. (go-containerregistry's keychain knows neither GH_TOKEN nor that.)
type github struct {
	getenv func(string) string
}

func (g github) ask(context.Context, authn.Resource) (authn.Authenticator, error) {
	if server := g.getenv("GITHUB_SERVER_URL"); server != "" && server != "https://github.com" {
		return authn.Anonymous, nil
	}
	token := cmp.Or(g.getenv("GITHUB_TOKEN"), g.getenv("GH_TOKEN"))
	if token == "" {
		return authn.Anonymous, nil
	}
	// GitHub reads the token alone, but wants some name beside it.
	return &authn.Basic{Username: cmp.Or(g.getenv("GITHUB_ACTOR"), "unset"), Password: token}, nil
}
