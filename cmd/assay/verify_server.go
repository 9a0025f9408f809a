package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/client"
	"github.com/releaseassay/assay/verify"
)

// serverToken is the environment variable with the bearer token for --server.
const serverToken = "ASSAY_SERVER_TOKEN"

func serverFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "server", Usage: "ask the server at `URL`, which judges by its own policy"},
		&cli.StringFlag{Name: "namespace", Usage: "with --server: judge by the policy for the namespace `NAME`"},
		&cli.BoolFlag{Name: "fresh", Usage: "with --server: judge now, instead of answering from memory"},
		&cli.StringFlag{Name: "server-ca", Usage: "with --server: its certificate leads to one in `FILE` (PEM), instead of the system's"},
		&cli.StringFlag{Name: "server-token-file", Usage: "with --server: send the bearer token in `FILE`, instead of that in " + serverToken},
		&cli.StringFlag{Name: "server-certificate", Usage: "with --server: show the client certificate in `FILE` (PEM)"},
		&cli.StringFlag{Name: "server-key", Usage: "with --server: the client certificate's key is in `FILE` (PEM)"},
	}
}

// asking are the flags that mean something where a server judges.
var asking = []string{
	"server", "namespace", "fresh", "server-ca", "server-token-file", "server-certificate", "server-key",
	"image-version", "output", "print-ref", "allow-excepted", "timeout",
}

// atServer reports whether a server is to be asked. Flags of the other kind are refused.
func atServer(c *cli.Context) (bool, error) {
	server := c.IsSet("server")
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		switch known := slices.Contains(asking, name); {
		case !c.IsSet(name):
		case server && !known:
			return false, usagef("--%s has no meaning with --server, which judges by its own policy and reaches registries by itself", name)
		case server:
			if s, ok := f.(*cli.StringFlag); ok && strings.TrimSpace(c.String(s.Name)) == "" {
				return false, usagef("--%s is empty", s.Name)
			}
		case known && !slices.Contains(shared, name):
			return false, usagef("--%s has no meaning without --server", name)
		}
	}
	if server && c.Duration("timeout") <= 0 {
		return false, usagef("--timeout is %s; wanted a positive duration such as 30s", c.Duration("timeout"))
	}
	return server, nil
}

// shared are those of asking that mean something without a server too.
var shared = []string{"image-version", "output", "print-ref", "allow-excepted", "timeout"}

// verifyAtServer prints the verdict of a server, with the same exit codes as one of
// this program's own.
func verifyAtServer(c *cli.Context, w world, ref verify.Reference) error {
	out, err := newOutputs(c, w)
	if err != nil {
		return err
	}
	token := ""
	if !c.IsSet("server-token-file") {
		token = w.getenv(serverToken)
	}
	v, err := askServer(c.Context, client.Options{
		URL: c.String("server"), CAFile: c.String("server-ca"), Token: token, TokenFile: c.String("server-token-file"),
		Certificate: c.String("server-certificate"), Key: c.String("server-key"),
	}, c.Duration("timeout"), serve.Question{
		Reference: ref, Version: c.String("image-version"), Namespace: c.String("namespace"), Fresh: c.Bool("fresh"),
	})
	if err != nil {
		return err
	}
	return out.write(v, allowed{excepted: c.Bool("allow-excepted")})
}

// askServer returns a server's verdict about an image. An error is one of usage or
// configuration where asking again would change nothing, and else undecided.
func askServer(ctx context.Context, o client.Options, timeout time.Duration, q serve.Question) (verify.Verdict, error) {
	o.Agent = "assay/" + version
	asked, err := client.New(o)
	if err != nil {
		return verify.Verdict{}, usagef("%w", err)
	}
	defer asked.Close()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	v, err := asked.Verify(ctx, q)
	var refusal *client.Refusal
	switch {
	case errors.As(err, &refusal):
		return v, usagef("%w", err)
	case err != nil:
		return v, &exit{code: exitUndecided, err: err}
	}
	return v, nil
}
