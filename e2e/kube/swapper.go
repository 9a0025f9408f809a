package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// swappedNamespace is where somebody else's webhook changes images after ours.
const swappedNamespace = "swapped"

// swapper is that webhook: a Pod says by its label "swap" what is to become of its first container.
type swapper struct {
	server *http.Server
	url    string
}

// startSwapper serves the webhook.
func (w *world) startSwapper() error {
	pair, err := tls.LoadX509KeyPair(w.file("pki", "swapper.crt"), w.file("pki", "swapper.key"))
	if err != nil {
		return fmt.Errorf("read the swapper's certificate: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start the swapper: %w", err)
	}
	changes := map[string][]object{
		"attack-by-tag":    {{"op": "replace", "path": "/spec/containers/0/image", "value": w.releases.bad.tagged()}},
		"attack-by-digest": {{"op": "replace", "path": "/spec/containers/0/image", "value": w.releases.bad.pinned()}},
		"attack-beside":    {{"op": "add", "path": "/spec/containers/-", "value": container(w.name("beside"), w.releases.bad.tagged())}},
		"tag":              {{"op": "replace", "path": "/spec/containers/0/image", "value": w.releases.good.tagged()}},
		"tag-never-pulled": {
			{"op": "replace", "path": "/spec/containers/0/image", "value": w.releases.good.tagged()},
			{"op": "add", "path": "/spec/containers/0/imagePullPolicy", "value": "Never"},
		},
	}
	w.swapper = &swapper{url: "https://" + l.Addr().String() + "/"}
	w.swapper.server = &http.Server{
		Handler:           http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) { swap(rw, req, changes) }),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { _ = w.swapper.server.ServeTLS(l, "", "") }() // ends with ErrServerClosed
	return nil
}

func (s *swapper) close() { _ = s.server.Close() }

// swap answers a review.
func swap(rw http.ResponseWriter, req *http.Request, changes map[string][]object) {
	var review object
	if err := json.NewDecoder(io.LimitReader(req.Body, 1<<20)).Decode(&review); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	response := object{"uid": text(review, "request", "uid"), "allowed": true}
	if change, ok := changes[text(review, "request", "object", "metadata", "labels", "swap")]; ok {
		raw, err := json.Marshal(change)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
			return
		}
		response["patchType"], response["patch"] = "JSONPatch", base64.StdEncoding.EncodeToString(raw)
	}
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(object{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
}

// registerSwapper registers the webhook under a name behind ours, asked again after each change of another's.
func (w *world) registerSwapper(ctx context.Context) error {
	r, err := w.admin.do(ctx, http.MethodPost, paths["MutatingWebhookConfiguration"], object{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": metadata("zz-swapper"),
		"webhooks": []any{object{
			"name": "swapper.example.com", "admissionReviewVersions": []any{"v1"}, "sideEffects": "None", "reinvocationPolicy": "IfNeeded",
			"clientConfig":      object{"url": w.swapper.url, "caBundle": base64.StdEncoding.EncodeToString(w.serving.pem)},
			"namespaceSelector": object{"matchLabels": object{"kubernetes.io/metadata.name": swappedNamespace}},
			"rules":             []any{object{"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"pods"}}},
		}},
	})
	if err != nil {
		return err
	}
	return admitted(r)
}

// swapScenarios are about a webhook that changes the image after it was judged.
func (w *world) swapScenarios() []scenario {
	swapped := func(swap string, codes ...string) scenario {
		return one("later-webhook/"+swap, func(ctx context.Context) error {
			p := pod(w.name("swapped"), podSpec(w.releases.good.tagged()))
			p["metadata"].(object)["labels"] = object{"swap": swap}
			r, err := w.admin.do(ctx, http.MethodPost, pods(swappedNamespace), p)
			if err != nil {
				return err
			}
			return forbidden(r, codes...)
		})
	}
	return []scenario{
		swapped("attack-by-tag", "signature.missing"),
		swapped("attack-by-digest", "signature.missing"),
		swapped("attack-beside", "signature.missing"),
		swapped("tag", "reference.not_pinned", "validate.releaseassay.dev"),
		swapped("tag-never-pulled", "reference.node_decides", "validate.releaseassay.dev"),
	}
}
