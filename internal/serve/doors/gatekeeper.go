package doors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/kube"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/verify"
)

// Gatekeeper's external data, the one version that is spoken.
const (
	externalDataVersion = "externaldata.gatekeeper.sh/v1beta1"
	maxKeys             = 1000
)

// providerItem is the answer to one key: a value, or an error and no value.
type providerItem struct {
	Key   string `json:"key"`
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

// providerValue is what a ConstraintTemplate gets of an image that is let in. There is
// none of an image that is not: that is an error.
type providerValue struct {
	Outcome string `json:"outcome"`
	Pinned  string `json:"pinned,omitempty"`
	Digest  string `json:"digest,omitempty"`
	Policy  string `json:"policy_digest,omitempty"`
	Verdict string `json:"verdict"`
	Warning string `json:"warning,omitempty"`
}

// gatekeeper answers POST /gatekeeper, for validation.
func (d *doors) gatekeeper(ctx context.Context, c *call) (reply, *fault) {
	return d.provide(ctx, c, func(x decision) providerItem {
		a := x.answer
		return providerItem{Value: providerValue{
			Outcome: a.Outcome.String(), Pinned: a.Pinned, Digest: a.Digest, Policy: a.PolicyDigest, Verdict: a.ID, Warning: x.warning,
		}}
	}, false)
}

// gatekeeperMutate answers POST /gatekeeper/mutate: the value is the reference to write
// into the object.
func (d *doors) gatekeeperMutate(ctx context.Context, c *call) (reply, *fault) {
	return d.provide(ctx, c, func(x decision) providerItem {
		if x.pin != "" {
			return providerItem{Value: x.pin}
		}
		return providerItem{Value: x.ref.Image} // let in under audit: as it was
	}, true)
}

func (d *doors) provide(ctx context.Context, c *call, value func(decision) providerItem, mutate bool) (reply, *fault) {
	named, f := keysWithNamespace(c, mutate)
	if f != nil {
		return reply{}, f
	}
	b, done, f := d.body(c)
	defer done()
	if f != nil {
		return reply{}, f
	}
	keys, err := readKeys(b)
	if err != nil {
		return reply{}, malformed("read the provider request: %v", err)
	}
	items := make([]providerItem, 0, len(keys))
	for _, x := range d.keys(ctx, c, keys, named, mutate) {
		item := providerItem{Error: kube.Message([]kube.Denial{x.denial})}
		if x.admitted {
			item = value(x)
		}
		item.Key = x.ref.Name
		items = append(items, item)
	}
	return encodeItems(http.StatusOK, items, "")
}

// keys judges each distinct key once.
func (d *doors) keys(ctx context.Context, c *call, keys []string, named, mutate bool) []decision {
	seen := map[string]bool{}
	var all []decision
	var questions []serve.Question
	var asked []int
	for _, key := range keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		image, namespace, err := splitKey(key, named)
		x := decision{ref: kube.Ref{Image: image, Path: "key", Name: key, Role: kube.Field}}
		var q serve.Question
		if err == nil {
			q, err = question(image, namespace, "", false)
		}
		if err != nil {
			x.refuse(verify.ReferenceMalformed, "NAME:TAG, NAME@sha256:HEX or NAME:TAG@sha256:HEX", err.Error())
		} else {
			questions, asked = append(questions, q), append(asked, len(all))
			x.pinned = q.Reference.Digest() != ""
		}
		all = append(all, x)
	}
	answers := d.ask(ctx, questions)
	for i, q := range questions {
		x := &all[asked[i]]
		x.answer = answers[q]
		x.judge(terms{mutate: mutate, tags: d.Settings.AllowTags})
		x.denial.Run = command(c, q.Namespace, *x)
		x.namespace = q.Namespace
	}
	for _, x := range all {
		d.note(c, x, observe.Record{Namespace: x.namespace, Image: x.ref.Image})
		d.count(c, x)
	}
	return all
}

// keysWithNamespace reads ?keys=namespace: the administrator who wrote the provider's URL
// says there that keys are NAMESPACE|IMAGE. It is not told by the key itself: an image
// is written by whoever makes the object, and would choose its own policy.
func keysWithNamespace(c *call, mutate bool) (bool, *fault) {
	named := false
	for name, values := range c.http.URL.Query() {
		switch {
		case name == "timeout":
		case name == "keys" && len(values) == 1 && values[0] == "namespace" && !mutate:
			named = true
		default:
			return false, malformed("found %.100q in the query; wanted timeout=DURATION, and at /gatekeeper keys=namespace, at most", name)
		}
	}
	return named, nil
}

func splitKey(key string, named bool) (image, namespace string, err error) {
	if !named {
		return key, "", nil
	}
	namespace, image, ok := strings.Cut(key, "|")
	if !ok || !isNamespace(namespace) {
		return key, "", errors.New("the key has no namespace; wanted NAMESPACE|IMAGE")
	}
	return image, namespace, nil
}

// readKeys reads a ProviderRequest.
func readKeys(b []byte) ([]string, error) {
	top, err := parse(b)
	if err != nil {
		return nil, err
	}
	version, err := top.text("apiVersion")
	if err != nil {
		return nil, err
	}
	kind, err := top.text("kind")
	if err != nil {
		return nil, err
	}
	if version != externalDataVersion || kind != "ProviderRequest" {
		return nil, fmt.Errorf("found %.100q %.100q, wanted %s ProviderRequest", version, kind, externalDataVersion)
	}
	request, err := object(top["request"])
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	raw, err := request.list("keys", maxKeys)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	keys := make([]string, len(raw))
	for i, r := range raw {
		var s *string
		if err := json.Unmarshal(r, &s); err != nil || s == nil {
			return nil, fmt.Errorf("request.keys[%d] is %s, wanted a string", i, opening(r))
		}
		keys[i] = *s
	}
	return keys, nil
}

// refuseKeys says no to all keys, as an error of the system.
func refuseKeys(c *call, f *fault) reply {
	answer, failed := encodeItems(f.status, nil, "assay: "+string(f.code)+": "+f.said())
	if failed != nil {
		return refusePlain(c, failed)
	}
	if f.allow != "" {
		answer.header = map[string]string{"Allow": f.allow}
	}
	return answer
}

// encodeItems writes a ProviderResponse. It is always idempotent: Gatekeeper refuses
// to mutate by one that is not, and in validation does not ask.
func encodeItems(status int, items []providerItem, systemError string) (reply, *fault) {
	type response struct {
		Idempotent  bool           `json:"idempotent"`
		Items       []providerItem `json:"items"`
		SystemError string         `json:"systemError,omitempty"`
	}
	if items == nil {
		items = []providerItem{}
	}
	answer, f := asJSON(struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Response   response `json:"response"`
	}{externalDataVersion, "ProviderResponse", response{true, items, report.Escape(systemError, 2*maxText)}})
	answer.status = status
	return answer, f
}
