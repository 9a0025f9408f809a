package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/client"
	"github.com/releaseassay/assay/verify"
)

// everyDoor is a registry with images, one policy, and everything that judges by it.
type everyDoor struct {
	dir    string
	env    map[string]string
	server *httptest.Server
	images map[string]string // by what was done to it: the reference by tag
	digest map[string]string
	kind   map[string]string // media type
}

func newEveryDoor(t *testing.T) *everyDoor {
	t.Helper()
	e := &everyDoor{dir: t.TempDir(), env: map[string]string{}, images: map[string]string{}, digest: map[string]string{}, kind: map[string]string{}}
	s, err := lab.NewSigstore(lab.Options{Now: time.Now().Add(-5 * time.Minute), Name: "lab"})
	must(t, err)
	root, err := s.TrustedRoot()
	must(t, err)
	e.env["ROOT"] = filepath.Join(e.dir, "root.json")
	must(t, os.WriteFile(e.env["ROOT"], root, 0o600))
	reg := lab.NewRegistry(lab.RegistryOptions{Clock: time.Now})
	must(t, reg.Start())
	t.Cleanup(func() { _ = reg.Close() })
	repository := reg.Host() + "/acme/widget"
	release, err := lab.GoodRelease(s, lab.ReleaseOptions{Repository: repository})
	must(t, err)
	must(t, release.Push(context.Background()))
	e.add(t, "good", repository, release.Publication)
	attacks, err := lab.Attacks(s, lab.ReleaseOptions{Repository: repository})
	must(t, err)
	for _, a := range attacks {
		must(t, a.Push(context.Background()))
		e.add(t, a.Name, repository, a.Publication)
	}
	exceptions := newExceptions(t, release, e.dir)
	for k, v := range newContainerd(t, release, attacks, exceptions, e.env["ROOT"], e.dir) {
		e.env[k] = v
	}
	policy := "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: every}\nimages:\n  - match: \"**/acme/widget\"\n" +
		"    source: {repository: acme/widget, ref: \"refs/tags/v{version}\"}\n    provenance: {builder: {level: 3}}\n" +
		"    signature: {signer: {issuer: \"https://token.actions.githubusercontent.com\", workflow: .github/workflows/release.yml}}\n"
	must(t, os.WriteFile(e.env["PLUGIN_POLICY"], []byte(policy), 0o600))
	e.server = httptest.NewTLSServer(newDoors(t, e.env, reg.Host(), e.env["ROOT"], e.dir))
	t.Cleanup(e.server.Close)
	must(t, os.WriteFile(filepath.Join(e.dir, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.server.Certificate().Raw}), 0o600))
	must(t, os.WriteFile(filepath.Join(e.dir, "asks.yaml"), []byte("server: {url: \""+e.server.URL+"\", ca: ca.pem}\n"), 0o600))
	return e
}

func (e *everyDoor) add(t *testing.T, name, repository string, p lab.Publication) {
	t.Helper()
	d, err := json.Marshal(p.Image.Descriptor())
	must(t, err)
	var descriptor struct{ MediaType, Digest string }
	must(t, json.Unmarshal(d, &descriptor))
	e.images[name], e.digest[name], e.kind[name] = repository+":"+p.Tag, descriptor.Digest, descriptor.MediaType
}

// command runs assay in this process.
func (e *everyDoor) command(stdin string, args ...string) (stdout string, code int) {
	var out bytes.Buffer
	code = run(context.Background(), args, world{
		stdin: strings.NewReader(stdin), stdout: &out, stderr: io.Discard, now: time.Now,
		getenv: func(string) string { return "" }, environ: func() []string { return nil }, cacheDir: func() string { return filepath.Join(e.dir, "cache") },
		terminal: func(io.Writer) (int, bool) { return 0, false }, ticks: ticks,
	})
	return out.String(), code
}

// verdict is that of the command line, which all others are held against.
func (e *everyDoor) verdict(t *testing.T, image string) (v verify.Verdict, id string, code int) {
	t.Helper()
	out, code := e.command("", "verify", image, "--policy", e.env["PLUGIN_POLICY"], "--trusted-root", e.env["ROOT"])
	v, err := client.Parse([]byte(out))
	must(t, err)
	return v, identify(t, v), code
}

func identify(t *testing.T, v verify.Verdict) string {
	t.Helper()
	b, err := report.Decision(v)
	must(t, err)
	return serve.Identify(b)
}

// post sends a question to a door and reads the answer.
func (e *everyDoor) post(t *testing.T, path, body string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, e.server.URL+path, strings.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	answer, err := e.server.Client().Do(r)
	must(t, err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	must(t, err)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", path, answer.StatusCode, b)
	}
	must(t, json.Unmarshal(b, into))
}

// said is what a door said of one image.
type said struct {
	admitted bool
	verdict  string // the id, "" where the door has no room for it
	text     string
	pinned   string // what it would write
}

// review asks a door of admission reviews about a Pod.
func (e *everyDoor) review(t *testing.T, door, image string) said {
	t.Helper()
	var got struct {
		Response struct {
			Allowed bool
			Status  struct{ Message string }
			Audit   map[string]string `json:"auditAnnotations"`
			Patch   string
		}
	}
	e.post(t, "/admission/"+door+"?timeout=30s", fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1","kind":{"group":"","version":"v1","kind":"Pod"},
"resource":{"group":"","version":"v1","resource":"pods"},"name":"p","namespace":"prod","operation":"CREATE","userInfo":{"username":"u"},
"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","annotations":{"assay/verdict":"pass"}},"spec":{"containers":[{"name":"c","image":%q}]}}}}`, image), &got)
	patch, err := base64.StdEncoding.DecodeString(got.Response.Patch)
	must(t, err)
	var edits []struct{ Op, Value string }
	if len(patch) > 0 {
		must(t, json.Unmarshal(patch, &edits))
	}
	s := said{admitted: got.Response.Allowed, verdict: idIn(got.Response.Audit["image-0"]), text: got.Response.Status.Message}
	for _, edit := range edits {
		if edit.Op == "replace" {
			s.pinned = edit.Value
		}
	}
	return s
}

// idIn is the verdict's id in an audit annotation.
func idIn(annotation string) string {
	_, rest, _ := strings.Cut(annotation, "verdict=")
	id, _, _ := strings.Cut(rest, " ")
	return id
}

func (e *everyDoor) imageReview(t *testing.T, image string) said {
	t.Helper()
	var got struct {
		Status struct {
			Allowed bool
			Reason  string
			Audit   map[string]string `json:"auditAnnotations"`
		}
	}
	e.post(t, "/imagereview", fmt.Sprintf(`{"kind":"ImageReview","apiVersion":"imagepolicy.k8s.io/v1alpha1","spec":{"containers":[{"image":%q}],"namespace":"prod"}}`, image), &got)
	return said{admitted: got.Status.Allowed, verdict: idIn(got.Status.Audit["image-0"]), text: got.Status.Reason}
}

func (e *everyDoor) gatekeeper(t *testing.T, path, image string) said {
	t.Helper()
	var got struct {
		Response struct {
			Items []struct {
				Key, Error string
				Value      any
			}
		}
	}
	e.post(t, path, fmt.Sprintf(`{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderRequest","request":{"keys":[%q]}}`, image), &got)
	if len(got.Response.Items) != 1 {
		t.Fatalf("%s: %+v", path, got)
	}
	item := got.Response.Items[0]
	s := said{admitted: item.Error == "" && item.Value != nil, text: item.Error}
	switch value := item.Value.(type) {
	case string:
		s.pinned = value
	case map[string]any:
		s.verdict, _ = value["verdict"].(string)
	}
	return s
}

// plugin asks as containerd does.
func (e *everyDoor) plugin(settings, name, image string) said {
	out, code := e.command(fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":1}`, e.kind[name], e.digest[name]),
		"containerd", "-config", settings, "-name", image, "-digest", e.digest[name], "-stdin-media-type", descriptorType)
	return said{admitted: code == exitGood, text: out}
}

// TestSameVerdictBehindEveryDoor: one image is judged alike by the command line, by the
// server for it, by containerd's plugin and by every door, whoever asks first.
func TestSameVerdictBehindEveryDoor(t *testing.T) {
	e := newEveryDoor(t)
	passes := 0
	for name, byTag := range e.images {
		_, tagID, _ := e.verdict(t, byTag)
		pinned := byTag + "@" + e.digest[name]
		v, id, code := e.verdict(t, pinned)
		passed := v.Passed()
		if passed {
			passes++
		}
		if passed != (name == "good") || passed != (code == exitGood) || v.Image.Pinned != pinned {
			t.Fatalf("%s: the command line says %t, %d, %s", name, passed, code, v.Image.Pinned)
		}
		reason := ""
		for _, f := range v.Checks {
			if f.Required && f.Result != verify.Passed && reason == "" {
				reason = string(f.Code)
			}
		}
		var plain verify.Verdict
		e.post(t, "/v1/verify", fmt.Sprintf(`{"image":%q}`, pinned), &plain)
		out, serverCode := e.command("", "verify", pinned, "--server", e.server.URL, "--server-ca", filepath.Join(e.dir, "ca.pem"))
		asked, err := client.Parse([]byte(out))
		must(t, err)
		for door, got := range map[string]said{
			"/v1/verify":           {admitted: plain.Passed(), verdict: identify(t, plain), text: reason},
			"--server":             {admitted: serverCode == exitGood, verdict: identify(t, asked), text: reason},
			"/admission/validate":  e.review(t, "validate", pinned),
			"/admission/mutate":    e.review(t, "mutate", byTag),
			"/imagereview":         e.imageReview(t, pinned),
			"/gatekeeper":          e.gatekeeper(t, "/gatekeeper", pinned),
			"/gatekeeper/mutate":   e.gatekeeper(t, "/gatekeeper/mutate", byTag),
			"containerd":           e.plugin(e.env["PLUGIN"], name, byTag),
			"containerd, a server": e.plugin(filepath.Join(e.dir, "asks.yaml"), name, byTag),
		} {
			want := id
			if strings.HasSuffix(door, "mutate") {
				want = tagID
				if passed != (got.pinned == pinned) {
					t.Errorf("%s, %s: writes %q", name, door, got.pinned)
				}
			}
			if got.admitted != passed || !passed && !strings.Contains(got.text, reason) || got.verdict != "" && got.verdict != want {
				t.Errorf("%s, %s: %t, the verdict %s, %q; wanted %t, %s, %s", name, door, got.admitted, got.verdict, got.text, passed, want, reason)
			}
			if strings.HasPrefix(door, "/admission") && got.verdict == "" {
				t.Errorf("%s, %s: no verdict was named", name, door)
			}
		}
	}
	if passes != 1 || len(e.images) < 5 {
		t.Errorf("%d of %d images passed", passes, len(e.images))
	}
}
