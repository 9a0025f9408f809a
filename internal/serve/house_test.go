package serve_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/serve/cache"
	"github.com/releaseassay/assay/internal/serve/doors"
	"github.com/releaseassay/assay/internal/serve/front"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/internal/serve/verifier"
)

// house is the whole server, as `assay serve` puts it together, over TLS, and the world
// around it: a registry with good releases and a spoiled one, and a TUF repository.
type house struct {
	t        *testing.T
	registry *lab.Registry
	tuf      *lab.TUF
	dir      string
	settings settings.Settings
	store    cache.Store

	good, second, spoiled string // NAME:TAG@DIGEST

	mu    sync.Mutex
	ahead time.Duration // of the server's clock before the true one

	front    *front.Front
	verifier *verifier.Verifier
	metrics  *observe.Metrics
	log      *said
	client   *http.Client
	roots    *x509.CertPool
	before   counts
	end      func()
}

// said is what the server logged.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newHouse builds the world; open starts the server.
func newHouse(t *testing.T) *house {
	t.Helper()
	sigstore, err := lab.NewSigstore(lab.Options{Now: time.Now().Add(-5 * time.Minute), Name: "lab"})
	must(t, err)
	h := &house{t: t, dir: t.TempDir(), registry: lab.NewRegistry(lab.RegistryOptions{}), log: &said{}}
	must(t, h.registry.Start())
	t.Cleanup(func() { _ = h.registry.Close() })
	repo, err := h.registry.Repository("acme/widget")
	must(t, err)
	publish := func(tag string, make func(*lab.Sigstore, lab.ReleaseOptions) (*lab.Release, error)) string {
		r, err := make(sigstore, lab.ReleaseOptions{Repository: repo.Name(), Tag: tag, Form: lab.BundleForm})
		must(t, err)
		must(t, lab.Push(context.Background(), repo, r.Publication, h.registry.Direct()))
		return r.Reference() + "@" + r.Image.Digest()
	}
	h.good, h.second = publish("1.2.3", lab.GoodRelease), publish("1.2.4", lab.GoodRelease)
	h.spoiled = publish("6.6.6", lab.NewRelease) // an image that nobody signed
	h.tuf, err = lab.NewTUF(lab.TUFOptions{Now: sigstore.Now()})
	must(t, err)
	for tag, image := range map[string]string{"1.2.3": h.good, "1.2.4": h.second} {
		_, digest, _ := strings.Cut(image, "@")
		_, err := h.tuf.AddRelease(tag, repo.Name(), digest)
		must(t, err)
	}
	must(t, h.tuf.Publish())
	must(t, h.tuf.Start())
	t.Cleanup(func() { _ = h.tuf.Close() })
	root, err := sigstore.TrustedRoot()
	must(t, err)
	h.write("root.json", string(root))
	h.write(lab.RootFile, string(h.tuf.FirstRoot()))
	tufHost := strings.TrimSuffix(strings.TrimPrefix(h.tuf.MetadataURL(), "http://"), "/metadata")
	entry := "  - host: %s\n    plain_http: true\n    network: loopback\n"
	h.write("registries.yaml", fmt.Sprintf("registries:\n"+entry+entry, h.registry.Host(), tufHost))
	h.write("policy.yaml", h.policy(""))
	h.certify()
	h.settings = settings.Settings{
		Listen: "127.0.0.1:0", Auth: "none", Certificate: h.path("server.pem"), Key: h.path("server.key"),
		Policies: []settings.Policy{{File: h.path("policy.yaml")}}, Registries: h.path("registries.yaml"),
		TrustedRoot: h.path("root.json"), State: h.path("state"),
		Deadline: 8 * time.Second, Verification: 20 * time.Second, Refresh: time.Hour, TrustAge: time.Hour, Drain: time.Second,
		Connections: 512, Concurrency: 64, Verifications: 4, ClientRate: 10_000, ClientBurst: 10_000, RegistryRate: 10_000, RegistryBurst: 10_000,
		CacheBytes: 8 << 20, EvidenceBytes: 8 << 20, CachePass: 10 * time.Minute, CacheFail: time.Minute, CacheError: time.Millisecond, CacheTag: 30 * time.Second,
	}
	return h
}

func (h *house) path(name string) string { return filepath.Join(h.dir, name) }

func (h *house) write(name, text string) {
	h.t.Helper()
	must(h.t, os.WriteFile(h.path(name), []byte(text), 0o600))
}

// policy is what the good releases meet, with one more line of a rule.
func (h *house) policy(line string) string {
	return fmt.Sprintf(`apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: house}
images:
  - match: %s/**
    source: {repository: acme/widget, ref: "refs/tags/v{version}"}
    signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml}}
    %s
`, h.registry.Host(), line)
}

// listed is the line that demands a release of the TUF repository.
func (h *house) listed() string {
	sum := sha256.Sum256(h.tuf.FirstRoot())
	name, _, _ := strings.Cut(h.good, ":1.2.3@")
	return fmt.Sprintf(`release: {tuf: {metadata_url: "%s", targets_url: "%s", root: {file: ./%s, sha256: "%s"}}, target: "%s", moving: {lag: 1s}}`,
		h.tuf.MetadataURL(), h.tuf.TargetsURL(), lab.RootFile, hex.EncodeToString(sum[:]), lab.ReleasePattern(name))
}

// certify writes a certificate for the server, and trusts it.
func (h *house) certify() {
	h.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(h.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(h.t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(h.t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	h.write("server.pem", string(text))
	h.write("server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	h.roots = x509.NewCertPool()
	h.roots.AppendCertsFromPEM(text)
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.ahead)
}

// step moves the server's clock.
func (h *house) step(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead += d
}

// open starts the server. At the end of the test it is stopped, and leaves nothing.
func (h *house) open() {
	t := h.t
	t.Helper()
	h.before = count()
	log := slog.New(slog.NewTextHandler(h.log, nil))
	h.metrics = observe.NewMetrics("test", "")
	file, err := observe.OpenLog(h.path("audit.log"))
	must(t, err)
	audit := observe.QueueAudit(file, h.metrics)
	h.verifier, err = verifier.New(context.Background(), verifier.Options{
		Settings: h.settings, Version: "test", Now: h.now, Metrics: h.metrics, Store: h.store, Log: log,
	})
	must(t, err)
	all, err := doors.New(doors.Options{
		Verifier: h.verifier, Policies: h.verifier, Past: h.verifier, Metrics: h.metrics, Audit: audit, Settings: h.settings, Log: log, Now: h.now, Client: front.Client,
	})
	must(t, err)
	h.front, err = front.New(front.Options{Settings: h.settings, Doors: all, Ready: h.verifier.Ready, Metrics: h.metrics, Log: log, Now: h.now})
	must(t, err)
	must(t, h.front.Listen())
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.verifier.Run(ctx) })
	running.Go(func() {
		if err := h.front.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	h.client = h.newClient()
	h.end = sync.OnceFunc(func() {
		h.client.CloseIdleConnections()
		stop()
		running.Wait()
		h.verifier.Close()
		if err := audit.Close(); err != nil {
			t.Error(err)
		}
		must(t, file.Close())
	})
	t.Cleanup(func() {
		h.end()
		h.empty()
	})
}

// newClient makes one with connections of its own.
func (h *house) newClient() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: h.roots, MinVersion: tls.VersionTLS13}}}
}

func (h *house) url() string { return "https://" + h.front.Address().String() }

// counts are what a leak would let grow.
type counts struct{ goroutines, descriptors int }

func count() counts {
	c := counts{goroutines: runtime.NumGoroutine()}
	if all, err := os.ReadDir("/proc/self/fd"); err == nil {
		c.descriptors = len(all)
	}
	return c
}

// empty wants goroutines and descriptors back at what they were, within five seconds.
func (h *house) empty() {
	h.t.Helper()
	var now counts
	for range 100 {
		if now = count(); now.goroutines <= h.before.goroutines && now.descriptors <= h.before.descriptors {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	h.t.Errorf("%+v are left of %+v\n%s", now, h.before, stacks[:runtime.Stack(stacks, true)])
}

// verdict is what one door said of one image.
type verdict struct {
	admitted bool
	status   int
	text     string
}

// questions are the doors, each with its question about an image.
var questions = []struct{ door, body string }{
	{"/admission/validate", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","kind":{"group":"","version":"v1","kind":"Pod"},` +
		`"resource":{"group":"","version":"v1","resource":"pods"},"name":"web","namespace":"shop","operation":"CREATE","userInfo":{"username":"anna"},` +
		`"object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"shop"},"spec":{"containers":[{"name":"web","image":%q}]}},"oldObject":null,"dryRun":false}}`},
	{"/admission/mutate", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","kind":{"group":"","version":"v1","kind":"Pod"},` +
		`"resource":{"group":"","version":"v1","resource":"pods"},"name":"web","namespace":"shop","operation":"CREATE","userInfo":{"username":"anna"},` +
		`"object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"shop"},"spec":{"containers":[{"name":"web","image":%q}]}},"oldObject":null,"dryRun":false}}`},
	{"/imagereview", `{"apiVersion":"imagepolicy.k8s.io/v1alpha1","kind":"ImageReview","spec":{"containers":[{"image":%q}],"namespace":"shop"}}`},
	{"/gatekeeper", `{"apiVersion":"externaldata.gatekeeper.sh/v1beta1","kind":"ProviderRequest","request":{"keys":[%q]}}`},
	{"/v1/verify?status=verdict", `{"image":%q}`},
}

// ask asks every door about an image.
func (h *house) ask(image string) map[string]verdict {
	h.t.Helper()
	all := map[string]verdict{}
	for _, q := range questions {
		r, err := http.NewRequest(http.MethodPost, h.url()+q.door, strings.NewReader(fmt.Sprintf(q.body, image)))
		must(h.t, err)
		r.Header.Set("Content-Type", "application/json")
		w, err := h.client.Do(r)
		must(h.t, err)
		text, err := io.ReadAll(w.Body)
		_ = w.Body.Close()
		must(h.t, err)
		all[q.door] = verdict{admitted: admits(w.StatusCode, text), status: w.StatusCode, text: string(text)}
	}
	return all
}

// admits reports whether a caller of any door takes the answer for an admission.
func admits(status int, text []byte) bool {
	var a struct {
		Response struct {
			Allowed     bool
			SystemError string
			Items       []struct{ Error string }
		}
		Status  struct{ Allowed bool }
		Verdict string
	}
	if status != http.StatusOK || json.Unmarshal(text, &a) != nil {
		return false
	}
	items := a.Response.Items
	return a.Response.Allowed || a.Status.Allowed || a.Verdict == "pass" || len(items) > 0 && items[0].Error == "" && a.Response.SystemError == ""
}

// admitted wants the image admitted behind every door.
func (h *house) admitted(image string) {
	h.t.Helper()
	for door, v := range h.ask(image) {
		if !v.admitted {
			h.t.Errorf("%s: refused: %d %.600s\n%s", door, v.status, v.text, h.log)
		}
	}
}

// refused wants it refused behind every door, each naming the code.
func (h *house) refused(image, code string) {
	h.t.Helper()
	for door, v := range h.ask(image) {
		if v.admitted || !strings.Contains(v.text, code) {
			h.t.Errorf("%s: admitted %t; wanted a refusal by %s: %d %.900s", door, v.admitted, code, v.status, v.text)
		}
	}
}

// scrape reads the metrics.
func (h *house) scrape() string {
	h.t.Helper()
	w, err := h.client.Get(h.url() + "/metrics")
	must(h.t, err)
	defer func() { _ = w.Body.Close() }()
	text, err := io.ReadAll(w.Body)
	must(h.t, err)
	return string(text)
}
