package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/releaseassay/assay/internal/lab/cases"
)

// heavy are cases whose verification takes most of a deadline even where nothing runs beside it.
var heavy = map[string]bool{"29-big-bundle": true}

// attacks has each case of the range as a Pod: those that are good admitted and pinned, all others denied for the reason
// that the case gives.
func (w *world) attacks() []scenario {
	if w.site == nil {
		return nil
	}
	var out []scenario
	for _, q := range w.site.Questions {
		if left(q) == "" {
			out = append(out, scenario{name: rangeName(q.Case.ID), alone: heavy[q.Case.ID], run: func(ctx context.Context) error { return w.attack(ctx, q) }})
		}
	}
	return out
}

// attack asks all questions of a case.
func (w *world) attack(ctx context.Context, q cases.Question) error {
	tuf := w.asksTUF(q)
	for n, act := range q.Acts {
		if n > 0 {
			time.Sleep(memory + memory/4) // until verdicts and tags of before are forgotten
		}
		if err := w.site.Turn(ctx, q.Case.ID, n); err != nil {
			return err
		}
		err := w.act(ctx, q, act)
		if err != nil && n > 0 && tuf {
			// What a TUF repository answered serves for five seconds; the server may have asked by itself just before.
			time.Sleep(5*time.Second + memory/4)
			err = w.act(ctx, q, act)
		}
		if err != nil {
			return fmt.Errorf("act %d of %d, %s: %w", n+1, len(q.Acts), act.Image, err)
		}
	}
	return nil
}

// act puts one question as often as it is to be put at once.
func (w *world) act(ctx context.Context, q cases.Question, act cases.Act) error {
	namespace := namespaceOf(q, act)
	if err := w.namespace(ctx, namespace); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for range max(act.AtOnce, 1) {
		group.Go(func() error {
			r, err := w.insist(ctx, namespace, podSpec(act.Image), q.Case.Slow)
			if err != nil {
				return err
			}
			return asWanted(r, q.Case, act)
		})
	}
	return group.Wait()
}

// asksTUF reports whether the policy of a case has a TUF repository asked.
func (w *world) asksTUF(q cases.Question) bool {
	raw, err := os.ReadFile(w.file("range", q.Policy))
	return err == nil && bytes.Contains(raw, []byte("metadata_url"))
}

// insist makes a Pod, and does so again where the answer was due before the verdict was there, as a controller would,
// unless that is what the case is about.
func (w *world) insist(ctx context.Context, namespace string, spec object, slow bool) (reply, error) {
	for n := 1; ; n++ {
		r, err := w.createPod(ctx, namespace, spec)
		late := err == nil && r.status == http.StatusServiceUnavailable && strings.Contains(r.message(), "server.late")
		if !late || slow || n == 10 {
			return r, err
		}
	}
}

// stricter are the codes of cases that lead to this machine, where a server does not go unless it is told to.
var stricter = map[string]string{"40-escapes-in-redirect": "registry.insecure"}

// asWanted compares a reply with the answer that an act must get.
func asWanted(r reply, c cases.Case, act cases.Act) error {
	switch act.Want.Verdict {
	case cases.Pass:
		return pinned(r, act)
	case cases.Undecided:
		code := orElse(stricter[c.ID], act.Want.Code)
		if c.Slow {
			code = "" // the deadline may come first
		}
		return refused(r, http.StatusServiceUnavailable, "assay: undecided, retry: ", code)
	}
	return forbidden(r, act.Want.Code)
}

// pinned wants the reference as it was written, with the digest that it was verified with.
func pinned(r reply, act cases.Act) error {
	if err := admitted(r); err != nil {
		return err
	}
	o, err := r.object()
	if err != nil {
		return err
	}
	image := text(o, "spec", "containers", 0, "image")
	name, digest, ok := strings.Cut(image, "@sha256:")
	written, _, _ := strings.Cut(act.Image, "@")
	if !ok || name != written || len(digest) != 64 || act.Want.Digest != "" && "sha256:"+digest != act.Want.Digest {
		return fmt.Errorf("found the image %q; wanted %s with the digest that was verified (%s)", image, written, orElse(act.Want.Digest, "any"))
	}
	return silent(r)
}

// pods is where Pods of a namespace are created.
func pods(namespace string) string { return "/api/v1/namespaces/" + namespace + "/pods" }
