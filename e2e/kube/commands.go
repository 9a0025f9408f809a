package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/releaseassay/assay/e2e/internal/process"
	"github.com/releaseassay/assay/internal/lab/cases"
)

// outcome is how a command ended.
type outcome struct {
	exit int
	said string // on both outputs
}

// command runs assay.
func (w *world) command(ctx context.Context, input string, args ...string) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.options.assay, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = w.dir, []string{"HOME=" + w.dir}, strings.NewReader(input)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	process.DieWithUs(cmd)
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) || ctx.Err() != nil {
		return outcome{}, fmt.Errorf("run assay %s: %w", args[0], errors.Join(err, ctx.Err()))
	}
	return outcome{cmd.ProcessState.ExitCode(), said.String()}, nil
}

// ends runs assay and wants an exit code, and words in what it says.
func (w *world) ends(ctx context.Context, exit int, words []string, input string, args ...string) error {
	out, err := w.command(ctx, input, args...)
	if err != nil {
		return err
	}
	if out.exit != exit || !all(words, func(word string) bool { return strings.Contains(out.said, word) }) {
		return fmt.Errorf("assay %s ended with %d; wanted %d and %q\n%s", args[0], out.exit, exit, words, out.said)
	}
	return nil
}

// asked are the flags with which a person asks the server.
func (w *world) asked(image string) []string {
	return []string{
		"verify", "--server", "https://" + doorsAddress, "--server-ca", w.file("pki", "serving-ca.crt"), "--namespace", plainNamespace,
		"--server-certificate", w.file("pki", "kyverno.crt"), "--server-key", w.file("pki", "kyverno.key"), image,
	}
}

// pulled has containerd's plugin ask the server about an image, with the node's certificate.
func (w *world) pulled(ctx context.Context, exit int, words []string, of release) error {
	settings := asJSON(object{"server": object{
		"url": "https://" + doorsAddress, "ca": w.file("pki", "serving-ca.crt"),
		"certificate": w.file("pki", "node.crt"), "key": w.file("pki", "node.key"),
	}})
	if err := writeWhole(w.file("containerd.yaml"), []byte(settings)); err != nil {
		return err
	}
	const index = "application/vnd.oci.image.index.v1+json"
	descriptor := asJSON(object{"mediaType": index, "digest": of.digest, "size": 1})
	return w.ends(ctx, exit, words, descriptor, "containerd", "-config", w.file("containerd.yaml"), "-name", of.tagged(), "-digest", of.digest,
		"-stdin-media-type", "application/vnd.oci.descriptor.v1+json")
}

// commandScenarios are about assay's own commands beside the server.
func (w *world) commandScenarios() []scenario {
	out := []scenario{
		one("command/verify-asks-the-server", func(ctx context.Context) error {
			return errors.Join(
				w.ends(ctx, 0, nil, "", w.asked(w.releases.good.tagged())...),
				w.ends(ctx, 1, []string{"signature.missing"}, "", w.asked(w.releases.bad.tagged())...),
			)
		}),
		one("command/containerd-asks-the-server", func(ctx context.Context) error {
			return errors.Join(w.pulled(ctx, 0, nil, w.releases.good), w.pulled(ctx, 1, []string{"signature.missing"}, w.releases.bad))
		}),
		one("command/doctor-finds-the-live-settings-closed", func(ctx context.Context) error {
			file, err := w.live(ctx, "")
			if err != nil {
				return err
			}
			// A webhook at a URL does not say which namespace is assay's own.
			return w.ends(ctx, 0, nil, "", "doctor", "kube", "--from", file, "--exempt", assayNamespace)
		}),
		one("command/doctor-names-what-was-opened", func(ctx context.Context) error {
			file, err := w.live(ctx, "Ignore")
			if err != nil {
				return err
			}
			return w.ends(ctx, 1, []string{"webhook.fails_open"}, "", "doctor", "kube", "--from", file, "--exempt", assayNamespace)
		}),
		one("command/doctor-reads-image-policy", func(ctx context.Context) error {
			return w.ends(ctx, 0, nil, "", "doctor", "kube", "--offline", "--image-policy", w.file("review", "admission.yaml"))
		}),
	}
	if w.site == nil {
		return out
	}
	for _, q := range w.site.Questions {
		if q.Case.Want.Exit != 0 && q.Policy != cases.PolicyFile {
			out = append(out, one("no-server-with/"+q.Case.ID, func(ctx context.Context) error {
				return w.ends(ctx, 2, []string{q.Policy}, "", "serve", "--listen", "127.0.0.1:0", "--policies", w.file("range", q.Policy))
			}))
		}
	}
	return out
}

// live saves assay's webhook configurations as the API server has them; failurePolicy is what a change, which is not
// kept, would make of the first webhook's, "" for none.
func (w *world) live(ctx context.Context, failurePolicy string) (string, error) {
	list := object{"apiVersion": "v1", "kind": "List"}
	var items []any
	for _, kind := range []string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"} {
		path := paths[kind] + "/" + assayRelease
		r, err := w.admin.do(ctx, http.MethodGet, path, nil)
		if err == nil && failurePolicy != "" {
			var o object
			if o, err = r.object(); err == nil {
				hook := object{"name": text(o, "webhooks", 0, "name"), "failurePolicy": failurePolicy}
				r, err = w.admin.strategic(ctx, path+"?dryRun=All", object{"webhooks": []any{hook}})
			}
		}
		if err != nil {
			return "", err
		}
		if err := admitted(r); err != nil {
			return "", err
		}
		o, err := r.object()
		if err != nil {
			return "", err
		}
		o["apiVersion"], o["kind"] = "admissionregistration.k8s.io/v1", kind
		items = append(items, o)
	}
	list["items"] = items
	file := w.file(w.name("live") + ".json")
	return file, writeWhole(file, []byte(asJSON(list)))
}
