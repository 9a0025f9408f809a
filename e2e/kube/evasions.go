package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// evasion is a request of the tenant that means to have an image run that nobody signed. Whatever the API server makes
// of it: what is stored names images that were verified, and nothing else.
type evasion struct {
	name         string
	method, path string
	contentType  string
	body         string
}

// evasionScenarios are requests in unusual words, and by unusual ways.
func (w *world) evasionScenarios() []scenario {
	var out []scenario
	for _, e := range slices.Concat(w.spellings(), w.references()) {
		out = append(out, one("evasion/"+e.name, func(ctx context.Context) error {
			r, err := w.raw(ctx, e)
			if err != nil {
				return err
			}
			return w.verified(r)
		}))
	}
	for _, e := range w.changes() {
		out = append(out, one("evasion/update/"+e.name, func(ctx context.Context) error { return w.evade(ctx, e) }))
	}
	return append(out,
		one("evasion/deleted-stays-deleted", w.undelete),
		one("evasion/namespace-that-calls-itself-another", w.misnamed),
	)
}

// raw sends bytes as the tenant.
func (w *world) raw(ctx context.Context, e evasion) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, orElse(e.method, http.MethodPost), w.tenant.base+orElse(e.path, pods(plainNamespace)), strings.NewReader(e.body))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Authorization", "Bearer "+w.tenant.token)
	req.Header.Set("Content-Type", orElse(e.contentType, "application/json"))
	resp, err := w.tenant.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	return reply{status: resp.StatusCode, body: b}, err
}

// verified wants a denial, or an object whose images were all verified.
func (w *world) verified(r reply) error {
	if !r.good() {
		if c := control(r.message()); c != "" {
			return fmt.Errorf("found the character %s in the denial", c)
		}
		return nil
	}
	o, err := r.object()
	if err != nil {
		return err
	}
	images := imagesIn(o, nil)
	if len(images) == 0 {
		return fmt.Errorf("found no image in what was stored: %s", r.body[:min(len(r.body), 500)])
	}
	tags := text(o, "kind") != "Pod" // its Pods are pinned
	for _, image := range images {
		if !w.isGood(image, tags) {
			return fmt.Errorf("ADMITTED: found the image %q", image)
		}
	}
	return nil
}

func (w *world) isGood(image string, tags bool) bool {
	for _, r := range []release{w.releases.good, w.releases.other} {
		if image == r.pinned() || image == r.repository+"@"+r.digest || tags && image == r.tagged() {
			return true
		}
	}
	return false
}

// imagesIn are the images that an object names anywhere but in its metadata and status.
func imagesIn(v any, all []string) []string {
	switch v := v.(type) {
	case object:
		for key, x := range v {
			s, isText := x.(string)
			switch {
			case key == "metadata" || key == "status":
			case isText && (strings.EqualFold(key, "image") || key == "reference"):
				all = append(all, s)
			default:
				all = imagesIn(x, all)
			}
		}
	case []any:
		for _, x := range v {
			all = imagesIn(x, all)
		}
	}
	return all
}

// spellings are Pods whose JSON two readers could read differently.
func (w *world) spellings() []evasion {
	good, bad := w.releases.good.tagged(), w.releases.bad.tagged()
	digest := w.releases.bad.pinned()
	in := func(container string) string {
		return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"` + w.name("evasion") + `"},"spec":{"containers":[` + container + `]}}`
	}
	app := func(members string) string { return in(`{"name":"app",` + members + `}`) }
	whole := func(spec string) string {
		return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"` + w.name("evasion") + `"},` + spec + `}`
	}
	list := func(image string) string { return `"containers":[{"name":"app","image":"` + image + `"}]` }
	all := map[string]string{
		"image-twice":              app(`"image":"` + good + `","image":"` + bad + `"`),
		"image-twice-turned":       app(`"image":"` + bad + `","image":"` + good + `"`),
		"image-in-capitals":        app(`"image":"` + good + `","Image":"` + bad + `"`),
		"image-in-capitals-turned": app(`"IMAGE":"` + digest + `","image":"` + good + `"`),
		"image-folded":             app(`"\u0130mage":"` + bad + `","image":"` + good + `"`),
		"key-in-escapes":           app(`"im\u0061ge":"` + digest + `"`),
		"value-in-escapes":         app(`"image":"` + strings.Replace(bad, "/", `\/`, 1) + `"`),
		"null-after-it":            app(`"image":"` + bad + `","image":null`),
		"null-before-it":           app(`"image":null,"image":"` + bad + `"`),
		"containers-twice":         whole(`"spec":{` + list(good) + `,` + list(bad) + `}`),
		"containers-in-capitals":   whole(`"spec":{` + list(good) + `,` + strings.Replace(list(digest), "containers", "Containers", 1) + `}`),
		"spec-twice":               whole(`"spec":{` + list(good) + `},"spec":{` + list(bad) + `}`),
		"spec-in-capitals":         whole(`"spec":{` + list(good) + `},"Spec":{` + list(bad) + `}`),
		"kind-twice":               `{"kind":"ConfigMap",` + strings.TrimPrefix(app(`"image":"`+bad+`"`), "{"),
		"null-container":           in(`null,{"name":"app","image":"` + digest + `"}`),
		"two-of-one-name":          in(`{"name":"app","image":"` + good + `"},{"name":"app","image":"` + digest + `"}`),
		"image-is-a-list":          app(`"image":["` + bad + `"]`),
		"image-is-an-object":       app(`"image":{"a":"` + bad + `"}`),
		"no-image":                 app(`"imagePullPolicy":"Never"`),
		"no-containers":            whole(`"spec":{"containers":[],"initContainers":[{"name":"i","image":"` + bad + `"}]}`),
		"ephemeral-from-the-start": whole(`"spec":{` + list(good) + `,"ephemeralContainers":[{"name":"e","image":"` + digest + `"}]}`),
		"huge-number":              whole(`"spec":{"activeDeadlineSeconds":1e400,` + list(bad) + `}`),
		"after-the-end":            app(`"image":"`+good+`"`) + app(`"image":"`+bad+`"`),
		"volume-and-more":          whole(`"spec":{` + list(good) + `,"volumes":[{"name":"v","emptyDir":{},"image":{"reference":"` + digest + `"}}]}`),
		"many-good-one-bad":        in(strings.Repeat(`{"name":"a","image":"`+good+`"},`, 1) + manyContainers(good, 60) + `,{"name":"last","image":"` + digest + `"}`),
		"mirror-of-a-static-pod":   strings.Replace(app(`"image":"`+digest+`"`), `"metadata":{`, `"metadata":{"annotations":{"kubernetes.io/config.mirror":"x","kubernetes.io/config.source":"file"},`, 1),
		"another-namespace-inside": strings.Replace(app(`"image":"`+digest+`"`), `"metadata":{`, `"metadata":{"namespace":"kube-system",`, 1),
		"owned-by-the-system": strings.Replace(app(`"image":"`+digest+`"`), `"metadata":{`,
			`"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"1","controller":true}],`, 1),
	}
	var out []evasion
	for name, body := range all {
		for _, validation := range []string{"Ignore", "Strict"} {
			out = append(out, evasion{name: name + "/" + strings.ToLower(validation), path: pods(plainNamespace) + "?fieldValidation=" + validation, body: body})
		}
	}
	unnamed := strings.Replace(app(`"image":"`+digest+`"`), `"name":"`, `"generateName":"`, 1)
	out = append(out,
		evasion{name: "generated-name", body: unnamed},
		evasion{name: "yaml-twice", contentType: "application/yaml", path: pods(plainNamespace) + "?fieldValidation=Ignore", body: "apiVersion: v1\nkind: Pod\nmetadata: {name: " + w.name("evasion") +
			"}\nspec:\n  containers:\n  - name: app\n    image: " + good + "\n    image: " + bad + "\n"},
		evasion{name: "yaml-anchor", contentType: "application/yaml", body: "apiVersion: v1\nkind: Pod\nmetadata: {name: " + w.name("evasion") +
			", annotations: {a: &x '" + digest + "'}}\nspec:\n  containers:\n  - {name: app, image: *x}\n"},
		evasion{name: "v1-list", body: `{"apiVersion":"v1","kind":"List","items":[` + app(`"image":"`+digest+`"`) + `]}`},
	)
	return append(out, w.workerSpellings()...)
}

func manyContainers(image string, n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`{"name":"c%d","image":%q}`, i, image))
	}
	return strings.Join(all, ",")
}

// workerSpellings are those of a kind whose fields the API server does not know.
func (w *world) workerSpellings() []evasion {
	good, bad := w.releases.good.tagged(), w.releases.bad.tagged()
	var out []evasion
	for name, spec := range map[string]string{
		"key-twice":        `"workers":[{"image":"` + good + `","image":"` + bad + `"}]`,
		"key-in-capitals":  `"workers":[{"image":"` + good + `","Image":"` + bad + `"}]`,
		"list-in-capitals": `"workers":[{"image":"` + good + `"}],"Workers":[{"image":"` + bad + `"}]`,
		"list-twice":       `"workers":[{"image":"` + good + `"}],"workers":[{"image":"` + bad + `"}]`,
		"object-for-list":  `"workers":{"a":{"image":"` + good + `"},"b":{"image":"` + bad + `"}}`,
		"list-in-list":     `"workers":[[{"image":"` + bad + `"}]]`,
		"null":             `"workers":null,"other":[{"image":"` + bad + `"}]`,
		"kelvin":           `"workers":[{"image":"` + good + `"}],"wor\u212aers":[{"image":"` + bad + `"}]`,
	} {
		out = append(out, evasion{name: "worker/" + name, path: workersAPI + "?fieldValidation=Ignore",
			body: `{"apiVersion":"example.com/v1","kind":"Worker","metadata":{"name":"` + w.name("evasion") + `"},"spec":{` + spec + `}}`})
	}
	return out
}

// references are Pods whose image is written in unusual words.
func (w *world) references() []evasion {
	good, bad := w.releases.good, w.releases.bad
	host, path, _ := strings.Cut(bad.repository, "/")
	other := strings.Repeat("0", 64)
	var out []evasion
	for name, image := range map[string]string{
		"space-behind": bad.tagged() + " ", "space-before": " " + bad.tagged(), "tab-behind": bad.tagged() + "\t", "line-behind": good.tagged() + "\n" + bad.tagged(),
		"nul-behind": bad.tagged() + "\x00", "zero-width": bad.tagged() + "\u200b", "full-width": strings.ReplaceAll(bad.tagged(), "/", "\uff0f"),
		"upper-case-host": strings.ToUpper(host) + "/" + path, "upper-case-path": host + "/" + strings.ToUpper(path),
		"scheme": "http://" + bad.tagged(), "percent": host + "%2F" + path, "dot-host": strings.Replace(host, ":", ".:", 1) + "/" + path,
		"zero-port": strings.Replace(host, ":", ":0", 1) + "/" + path, "dots": host + "/" + strings.TrimPrefix(good.repository, host) + "/../" + path,
		"double-slash": host + "//" + path, "sha512": bad.repository + "@sha512:" + other + other, "two-digests": bad.repository + "@" + bad.digest + "@" + good.digest,
		"good-digest-bad-name": bad.repository + "@" + good.digest, "bad-digest-good-name": good.repository + "@" + bad.digest,
		"good-tag-bad-digest": good.tagged() + "@" + bad.digest, "upper-case-digest": bad.repository + "@" + strings.ToUpper(bad.digest),
		"digest-as-tag": bad.repository + ":" + bad.digest, "no-tag": bad.repository, "digest-alone": bad.digest, "user": "user@" + bad.tagged(),
		"loopback-by-number": "2130706433:1/" + path, "empty-digest": good.tagged() + "@", "local": "localhost/" + path + "@" + bad.digest,
		"a-command": "$(reboot)/" + path, "variable": "{{ element.image }}@" + bad.digest, "key-with-namespace": plainNamespace + "|" + bad.tagged(),
	} {
		raw, err := json.Marshal(pod(w.name("evasion"), podSpec(image)))
		if err != nil {
			continue
		}
		out = append(out, evasion{name: "reference/" + name, body: string(raw)})
	}
	return out
}

// misnamed makes a namespace whose label says that it is one of those that are left out, and a Pod at once.
func (w *world) misnamed(ctx context.Context) error {
	name := w.name("kube-system")
	r, err := w.admin.do(ctx, http.MethodPost, "/api/v1/namespaces", object{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": object{"name": name, "labels": object{"kubernetes.io/metadata.name": "kube-system"}},
	})
	if err != nil {
		return err
	}
	if r.good() {
		if err := makeAccount(ctx, w.admin, name, "default"); err != nil {
			return err
		}
	}
	if r, err = w.admin.do(ctx, http.MethodPost, pods(name), pod(w.name("evasion"), podSpec(w.releases.bad.pinned()))); err != nil {
		return err
	}
	return w.verified(r)
}
