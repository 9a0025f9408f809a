package serve_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve/cache"
	"github.com/releaseassay/assay/internal/serve/verifier"
)

// TestRegistryFaults breaks the registry under images that were never seen: no door
// admits them, each says why, and when the registry is back they are admitted.
func TestRegistryFaults(t *testing.T) {
	answer := func(status int, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			return true
		}
	}
	cut := func(w http.ResponseWriter, _ *http.Request) bool {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
		return true
	}
	for name, fault := range map[string]struct {
		intercept func(http.ResponseWriter, *http.Request) bool
		code      string
	}{
		"500":        {answer(http.StatusInternalServerError), "registry.server_error"},
		"429":        {answer(http.StatusTooManyRequests, "Retry-After", "3600"), "registry.rate_limited"},
		"401":        {answer(http.StatusUnauthorized), "registry.unauthorized"},
		"cut off":    {cut, "registry.unreachable"},
		"not a word": {answer(http.StatusOK), "registry."},
		"404": {func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Path != "/v2/" && answer(http.StatusNotFound)(w, r)
		}, "registry.not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.open()
			h.registry.SetIntercept(fault.intercept)
			h.refused(h.good, fault.code)
			h.refused(h.spoiled, fault.code)
			h.registry.SetIntercept(nil)
			h.step(2 * time.Minute) // what was refused for good is remembered for a minute
			h.admitted(h.good)
			h.refused(h.spoiled, "signature.missing")
		})
	}
}

// TestRegistryGone has nobody listen where the registry was.
func TestRegistryGone(t *testing.T) {
	h := newHouse(t)
	h.open()
	h.admitted(h.good)
	must(t, h.registry.Close())
	h.admitted(h.good) // remembered
	h.refused(h.second, "registry.unreachable")
	h.step(time.Hour) // nothing is remembered that long
	h.refused(h.spoiled, "registry.unreachable")
	if text := h.scrape(); !strings.Contains(text, `assay_would_have_failed_open_total{reason="undecided"}`) {
		t.Error("what a gate that fails open would have let in is not counted")
	}
}

// TestRegistrySlow answers late: a refusal in time, and later an admission without a
// second verification.
func TestRegistrySlow(t *testing.T) {
	h := newHouse(t)
	h.settings.Deadline = 300 * time.Millisecond
	h.open()
	held := make(chan struct{})
	h.registry.SetIntercept(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-held:
		case <-r.Context().Done():
		}
		return false
	})
	h.refused(h.good, "server.late")
	text := h.scrape()
	if !strings.Contains(text, `assay_late_answers_total{door="validate"} 1`) || !strings.Contains(text, `assay_would_have_failed_open_total{reason="late"} 5`) {
		t.Errorf("late answers are not counted:\n%s", grep(text, "late"))
	}
	close(held)
	h.eventually("the verification goes on without those who asked", func() bool {
		return strings.Contains(h.scrape(), `assay_verifications_total{late="true",outcome="passed"} 1`)
	})
	h.admitted(h.good)
	if n := strings.Count(h.scrape(), "\nassay_verifications_total{"); n != 1 {
		t.Errorf("got %d kinds of verifications", n)
	}
}

// grep returns the lines of a text with a word.
func grep(text, word string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) && !strings.HasPrefix(line, "#") {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

func (h *house) eventually(what string, done func() bool) {
	h.t.Helper()
	for range 200 {
		if done() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	h.t.Fatalf("waited in vain: %s\n%s", what, h.log)
}

// TestTUFGone demands releases of a repository that was never reached: no door admits.
func TestTUFGone(t *testing.T) {
	h := newHouse(t)
	h.write("policy.yaml", h.policy(h.listed()))
	must(t, h.tuf.Close())
	h.open()
	h.refused(h.good, "tuf.unreachable")
	h.refused(h.spoiled, "signature.missing")
}

// TestStoreGone has nobody listen where the shared store should be: speed is all that is
// lost.
func TestStoreGone(t *testing.T) {
	h := newHouse(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	store, err := cache.NewRedis(cache.RedisOptions{
		URL: "redis://" + l.Addr().String(), Keys: [][]byte{[]byte("0123456789abcdefghijklmnopqrstuv")}, Now: h.now,
	})
	must(t, err)
	h.store = store
	h.open()
	h.admitted(h.good)
	h.refused(h.spoiled, "signature.missing")
	h.end()
	must(t, store.Close())
}

// TestPolicyBroken writes what is no policy over the one in force, and then half of one.
func TestPolicyBroken(t *testing.T) {
	h := newHouse(t)
	h.open()
	h.admitted(h.good)
	whole := h.policy("")
	for _, text := range []string{"", "{", "images: []", whole[:len(whole)/2], "apiVersion: assay/v1\nkind: ReleasePolicy\nimages:\n  - match: \"**\"\n", strings.Repeat("a: &a [*a]\n", 3)} {
		h.write("policy.yaml", text)
		if h.verifier.Reload() == nil {
			t.Errorf("%q was taken for a policy", text)
		}
		h.admitted(h.good)
		h.refused(h.spoiled, "signature.missing")
		if !strings.Contains(h.scrape(), `assay_load_failing{what="policy"} 1`) {
			t.Error("the failure is not counted")
		}
		if v, err := verifier.New(context.Background(), verifier.Options{Settings: h.settings, Now: h.now}); err == nil {
			v.Close()
			t.Errorf("a new server starts with %q", text)
		}
	}
	must(t, os.Remove(h.path("policy.yaml")))
	if h.verifier.Reload() == nil {
		t.Error("a policy that is gone was read")
	}
	h.admitted(h.good)
	h.write("policy.yaml", strings.Replace(whole, "images:", "deny: {digests: [\""+h.good[strings.Index(h.good, "sha256:"):]+"\"]}\nimages:", 1))
	must(t, h.verifier.Reload())
	h.refused(h.good, "freshness.denied_digest") // at once, whatever was remembered
	if !strings.Contains(h.scrape(), `assay_load_failing{what="policy"} 0`) {
		t.Error("the failure is over and still told")
	}
}

// TestCertificateHalfWritten reads the certificate while it is being written: new
// connections get the old one, until the new pair is whole.
func TestCertificateHalfWritten(t *testing.T) {
	h := newHouse(t)
	h.open()
	old, oldRoots := readFile(t, h.path("server.pem")), h.roots
	h.certify()
	newCert, newRoots := readFile(t, h.path("server.pem")), h.roots
	fresh := func() {
		t.Helper()
		h.client.CloseIdleConnections()
		h.client = h.newClient()
		h.admitted(h.good)
	}
	for _, half := range []string{"", newCert[:len(newCert)/2], old + newCert[:40], old} { // the last is a pair of two
		h.write("server.pem", half)
		if h.front.Reload() == nil {
			t.Errorf("%.60q was taken with the new key", half)
		}
		h.roots = oldRoots
		fresh()
	}
	h.write("server.pem", newCert)
	must(t, h.front.Reload())
	h.roots = newRoots
	fresh()
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	return string(raw)
}

// TestClockStepped moves the clock under what is remembered, while nothing can be asked
// anew: what is remembered ends where its time ends, and what was judged in what is now
// the future counts for nothing.
func TestClockStepped(t *testing.T) {
	for name, d := range map[string]time.Duration{"ahead": 3 * time.Hour, "a year ahead": 365 * 24 * time.Hour, "back": -3 * time.Hour, "a year back": -365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.open()
			h.admitted(h.good)
			h.registry.SetIntercept(func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(http.StatusInternalServerError)
				return true
			})
			h.step(d)
			for door, v := range h.ask(h.second) {
				if v.admitted {
					t.Errorf("%s: admitted what was never seen: %.300s", door, v.text)
				}
			}
			for door, v := range h.ask(h.good) {
				if v.admitted && d < 0 {
					t.Errorf("%s: admitted by a verdict of the future: %.300s", door, v.text)
				}
			}
			h.step(-d)
			h.registry.SetIntercept(nil)
			h.step(2 * time.Second)
			h.admitted(h.good)
		})
	}
}

// endless is a body that begins like a review and goes on.
func endless(size int64) io.Reader {
	return io.MultiReader(strings.NewReader(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","x":"`),
		io.LimitReader(spaces{}, size))
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// TestEndlessBodies sends 100 MB to every door, with and without saying so.
func TestEndlessBodies(t *testing.T) {
	h := newHouse(t)
	h.open()
	for _, q := range questions {
		for _, announced := range []bool{true, false} {
			r, err := http.NewRequest(http.MethodPost, h.url()+q.door, endless(100<<20))
			must(t, err)
			r.Header.Set("Content-Type", "application/json")
			if announced {
				r.ContentLength = 100<<20 + 84
			}
			w, err := h.client.Do(r)
			if err != nil {
				continue // the connection was cut, which is no admission
			}
			text, _ := io.ReadAll(io.LimitReader(w.Body, 1<<20))
			_ = w.Body.Close()
			if admits(w.StatusCode, text) {
				t.Errorf("%s: admitted: %.300s", q.door, text)
			}
		}
	}
	h.admitted(h.good)
}

// TestSlowClients holds connections that say little, or nothing: others are answered
// meanwhile, and nothing is left of them when the server ends.
func TestSlowClients(t *testing.T) {
	h := newHouse(t)
	h.open()
	h.admitted(h.good)
	var conns []net.Conn
	for i := range 60 {
		conn, err := tls.Dial("tcp", h.front.Address().String(), &tls.Config{RootCAs: h.roots, MinVersion: tls.VersionTLS13})
		must(t, err)
		conns = append(conns, conn)
		text := "POST /admission/validate HTTP/1.1\r\nHost: x\r\n"
		if i%2 == 0 {
			text += "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
		}
		_, err = io.WriteString(conn, text)
		must(t, err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { h.admitted(h.good) })
	}
	all.Wait()
	h.end() // while they are still there
	for _, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		w, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			text, _ := io.ReadAll(io.LimitReader(w.Body, 1<<20))
			_ = w.Body.Close()
			if admits(w.StatusCode, text) {
				t.Errorf("half a review was admitted: %s", text)
			}
		}
		_ = conn.Close()
	}
}

// TestFaultsUnderLoad changes everything at once while many ask: what is good may be
// refused in a fault, what is spoiled is never admitted, and nothing panics.
func TestFaultsUnderLoad(t *testing.T) {
	h := newHouse(t)
	h.settings.CachePass, h.settings.CacheFail = 20*time.Millisecond, time.Millisecond
	h.open()
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				q := questions[(i+n)%len(questions)]
				w, err := h.client.Post(h.url()+q.door, "application/json", strings.NewReader(fmt.Sprintf(q.body, h.spoiled)))
				if err != nil {
					continue
				}
				text, _ := io.ReadAll(w.Body)
				_ = w.Body.Close()
				if admits(w.StatusCode, text) {
					t.Errorf("%s: the spoiled image was admitted: %.400s", q.door, text)
				}
			}
		})
	}
	whole := h.policy("")
	for i := range 30 {
		h.registry.SetIntercept(func(w http.ResponseWriter, _ *http.Request) bool {
			if i%3 != 0 {
				return false
			}
			w.WriteHeader([]int{500, 429, 404, 200}[i%4])
			return true
		})
		text := whole
		if i%5 == 4 {
			text = whole[:100]
		}
		h.write("policy.yaml", text)
		_ = h.verifier.Reload()
		h.step([]time.Duration{time.Minute, -time.Minute}[i%2])
		time.Sleep(10 * time.Millisecond)
	}
	close(stop)
	all.Wait()
	h.registry.SetIntercept(nil)
	h.write("policy.yaml", whole)
	must(t, h.verifier.Reload())
	h.step(10 * time.Minute)
	h.admitted(h.good)
	if strings.Contains(h.log.String(), "panic") {
		t.Errorf("something panicked:\n%s", h.log)
	}
}
