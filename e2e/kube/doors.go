package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// doorScenarios are about the doors beside those of webhooks.
func (w *world) doorScenarios() []scenario {
	return []scenario{
		one("image-policy/good-by-digest", w.reviewAdmits),
		one("image-policy/tag-is-denied", func(ctx context.Context) error {
			r, err := w.reviewed(ctx, w.releases.good.tagged())
			if err != nil {
				return err
			}
			return refused(r, http.StatusForbidden, "reference.not_pinned")
		}),
		one("image-policy/attack-is-denied", func(ctx context.Context) error {
			r, err := w.reviewed(ctx, w.releases.bad.pinned())
			if err != nil {
				return err
			}
			return refused(r, http.StatusForbidden, "signature.missing")
		}),
		one("gatekeeper/as-it-asks", w.gatekeeper),
		one("verify/as-kyverno-asks", w.kyverno),
		one("doors/without-a-certificate", w.stranger),
	}
}

// reviewed makes a Pod in the cluster with the admission plugin.
func (w *world) reviewed(ctx context.Context, image string) (reply, error) {
	c, err := w.review.client(adminToken)
	if err != nil {
		return reply{}, err
	}
	return c.do(ctx, http.MethodPost, pods(plainNamespace), pod(w.name("pod"), podSpec(image)))
}

func (w *world) reviewAdmits(ctx context.Context) error {
	r, err := w.reviewed(ctx, w.releases.good.pinned())
	if err != nil {
		return err
	}
	return admitted(r)
}

// reviewClosed wants the plugin to deny while the server is away.
func (w *world) reviewClosed(ctx context.Context) error {
	r, err := w.reviewed(ctx, w.releases.other.pinned())
	if err != nil {
		return err
	}
	return refused(r, http.StatusForbidden, "connection refused")
}

// gatekeeper sends what Gatekeeper's external data client sends, and wants an answer for each key.
func (w *world) gatekeeper(ctx context.Context) error {
	c, err := w.caller("gatekeeper")
	if err != nil {
		return err
	}
	good, bad := w.releases.good.pinned(), w.releases.bad.pinned()
	r, err := c.do(ctx, http.MethodPost, "/gatekeeper", object{
		"apiVersion": "externaldata.gatekeeper.sh/v1beta1", "kind": "ProviderRequest", "request": object{"keys": []any{good, bad, "no reference!"}},
	})
	if err != nil {
		return err
	}
	if err := admitted(r); err != nil {
		return err
	}
	o, err := r.object()
	if err != nil {
		return err
	}
	if text(o, "apiVersion") != "externaldata.gatekeeper.sh/v1beta1" || text(o, "kind") != "ProviderResponse" || text(o, "response", "systemError") != "" {
		return fmt.Errorf("found the answer %s; wanted a ProviderResponse without a system error", r.body)
	}
	errs := map[string]string{}
	items, _ := at(o, "response", "items").([]any)
	for _, item := range items {
		errs[text(item, "key")] = text(item, "error")
	}
	switch {
	case len(items) != 3:
		return fmt.Errorf("found %d items; wanted one for each of three keys\n%s", len(items), r.body)
	case errs[good] != "":
		return fmt.Errorf("found the error %q of a good image", errs[good])
	case !strings.Contains(errs[bad], "signature.missing") || errs["no reference!"] == "":
		return fmt.Errorf("found the errors %q; wanted signature.missing and one that is malformed", errs)
	}
	return nil
}

// kyverno sends what the apiCall of a Kyverno policy sends.
func (w *world) kyverno(ctx context.Context) error {
	c, err := w.caller("kyverno")
	if err != nil {
		return err
	}
	for image, verdict := range map[string]string{w.releases.good.tagged(): "pass", w.releases.bad.tagged(): "fail"} {
		r, err := c.do(ctx, http.MethodPost, "/v1/verify", object{"image": image, "namespace": plainNamespace})
		if err != nil {
			return err
		}
		if !strings.Contains(string(r.body), `"`+verdict+`"`) {
			return fmt.Errorf("found status %d: %s; wanted the verdict %q of %s", r.status, r.body, verdict, image)
		}
	}
	return nil
}

// stranger asks without a certificate, and is told nothing.
func (w *world) stranger(ctx context.Context) error {
	c, err := w.caller("")
	if err != nil {
		return err
	}
	for _, path := range []string{"/admission/validate", "/imagereview", "/gatekeeper", "/v1/verify"} {
		r, err := c.do(ctx, http.MethodPost, path, object{"image": w.releases.good.tagged()})
		if err == nil && r.status != http.StatusUnauthorized && r.status != http.StatusForbidden {
			return errors.New("found a stranger answered at " + path + ": " + r.message())
		}
	}
	return nil
}
