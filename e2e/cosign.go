package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
)

// sign signs an image with cosign, as a job with these claims does.
func (w *world) sign(ctx context.Context, l lane, i *image, c claims) error {
	return w.asJob(ctx, l, "sign", c, i.pinned())
}

// attest attests one thing of an image.
func (w *world) attest(ctx context.Context, l lane, i *image, a attestation) error {
	f, err := os.CreateTemp(w.dir, "predicate-")
	if err != nil {
		return fmt.Errorf("write predicate: %w", err)
	}
	_, err = f.Write(a.predicate)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write predicate: %w", err)
	}
	if err := w.asJob(ctx, l, "attest", a.by, "--type", a.kind, "--predicate", f.Name(), i.pinned()); err != nil {
		return fmt.Errorf("attest %s: %w", a.kind, err)
	}
	return nil
}

// asJob calls cosign with what GitHub gives a job to get its token with.
func (w *world) asJob(ctx context.Context, l lane, verb string, c claims, rest ...string) error {
	s := l.signing(w.site(l))
	env := append(s.env, "ACTIONS_ID_TOKEN_REQUEST_URL="+w.services.GitHubTokenURL()+"&"+c.query(),
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN="+w.services.RequestToken())
	_, err := w.must(ctx, w.stack.bin[l.cosign], env, line(verb, s, rest...))
	return err
}

// release signs an image and attests all that a release says of it.
func (w *world) release(ctx context.Context, l lane, i *image, c claims) error {
	if err := w.sign(ctx, l, i, c); err != nil {
		return err
	}
	return w.attestAll(ctx, l, i, c)
}

// attestAll attests what a release says, and does not sign the image.
func (w *world) attestAll(ctx context.Context, l lane, i *image, c claims) error {
	all, err := i.attestations(c, w.now())
	if err != nil {
		return err
	}
	for _, a := range all {
		if err := w.attest(ctx, l, i, a); err != nil {
			return err
		}
	}
	return nil
}

// cosignVerify asks a lane's cosign about an image's signature, cosignAttested about an attestation of a kind.
func (w *world) cosignVerify(ctx context.Context, l lane, r roots, reference string, expect []string) (outcome, error) {
	v := l.verifying(r)
	return w.run(ctx, w.stack.bin[l.cosign], v.env, line("verify", v, append(slices.Clone(expect), reference)...))
}

func (w *world) cosignAttested(ctx context.Context, l lane, r roots, reference, kind string, expect []string) (outcome, error) {
	v := l.verifying(r)
	rest := append(slices.Clone(expect), "--type", kind, reference)
	return w.run(ctx, w.stack.bin[l.cosign], v.env, line("verify-attestation", v, rest...))
}
