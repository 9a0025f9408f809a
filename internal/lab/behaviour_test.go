package lab_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// published starts a registry of a behaviour with a good release in it.
func published(t *testing.T, opts lab.RegistryOptions) (*lab.Registry, *lab.Release, string) {
	t.Helper()
	reg := startRegistry(t, opts)
	repo, err := reg.Repository(lab.DefaultRepo)
	must(t, reg, err)
	r, err := lab.GoodRelease(newSigstore(t, lab.Options{}), lab.ReleaseOptions{Repository: repo.Name()})
	must(t, r, err)
	if err := lab.Push(t.Context(), repo, r.Publication, reg.Direct()); err != nil {
		t.Fatal(err)
	}
	if n := len(reg.Requests()); n != 0 {
		t.Errorf("publishing left %d lines in the log", n)
	}
	return reg, r, "http://" + reg.Host() + "/v2/" + lab.DefaultRepo
}

func bearer(t *testing.T, challenge, user string) http.Header {
	t.Helper()
	_, rest, ok := strings.Cut(challenge, `realm="`)
	realm, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("the challenge is %q", challenge)
	}
	h := http.Header{}
	if user != "" {
		h = basicAuth(user)
	}
	_, body := get(t, http.MethodGet, realm, h)
	var token struct{ Token string }
	if err := json.Unmarshal(body, &token); err != nil {
		t.Fatalf("got the token %s", body)
	}
	return http.Header{"Authorization": {"Bearer " + token.Token}}
}

func basicAuth(user string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+lab.Password))}}
}

func status(t *testing.T, url string, h http.Header) int {
	t.Helper()
	resp, _ := get(t, http.MethodGet, url, h)
	return resp.StatusCode
}

// TestBehaviours shows what each registry does that others do not.
func TestBehaviours(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, reg *lab.Registry, r *lab.Release, base, challenge string){
		"ghcr": func(t *testing.T, _ *lab.Registry, r *lab.Release, base, challenge string) {
			h := bearer(t, challenge, "")
			resp, body := get(t, http.MethodGet, base+"/referrers/"+r.Image.Digest(), h)
			if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"manifests":[]`) {
				t.Errorf("got %s %s", resp.Status, body)
			}
			if got := status(t, base+"/manifests/"+strings.Replace(r.Image.Digest(), ":", "-", 1), h); got != http.StatusOK {
				t.Errorf("the fallback tag is answered %d", got)
			}
		},
		"dockerhub": func(t *testing.T, reg *lab.Registry, r *lab.Release, base, challenge string) {
			if strings.Contains(challenge, `realm="http://`+reg.Host()) {
				t.Errorf("the token server is at home: %s", challenge)
			}
			h := bearer(t, challenge, lab.User)
			for i := range 100 {
				if got := status(t, base+"/referrers/"+r.Image.Digest(), h); got != http.StatusNotFound {
					t.Fatalf("request %d is answered %d", i, got)
				}
			}
			resp, _ := get(t, http.MethodGet, base+"/manifests/"+r.Tag, h)
			if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
				t.Errorf("got %s", resp.Status)
			}
		},
		"ecr": func(t *testing.T, _ *lab.Registry, r *lab.Release, base, challenge string) {
			if !strings.HasPrefix(challenge, "Basic ") {
				t.Errorf("the challenge is %q", challenge)
			}
			_, body := get(t, http.MethodGet, base+"/referrers/"+r.Image.Digest(), basicAuth(lab.User))
			if text := string(body); strings.Count(text, "oci.empty") != 2 || strings.Contains(text, `"artifactType":"`+lab.BundleMediaType) {
				t.Errorf("got %s", text)
			}
		},
		"harbor": func(t *testing.T, _ *lab.Registry, r *lab.Release, base, challenge string) {
			if got := status(t, base+"/manifests/"+r.Tag, bearer(t, challenge, "")); got != http.StatusNotFound {
				t.Errorf("nobody in particular is answered %d", got)
			}
			if got := status(t, base+"/manifests/"+r.Tag, bearer(t, challenge, lab.User)); got != http.StatusOK {
				t.Errorf("the user is answered %d", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, b := range lab.Behaviours() {
				if b.Name != name {
					continue
				}
				reg, r, base := published(t, lab.RegistryOptions{Behaviour: b})
				resp, _ := get(t, http.MethodGet, "http://"+reg.Host()+"/v2/", nil)
				if resp.StatusCode != http.StatusUnauthorized || !strings.HasSuffix(b.Shows, ".") {
					t.Errorf("the ping is answered %s", resp.Status)
				}
				test(t, reg, r, base, resp.Header.Get("WWW-Authenticate"))
				return
			}
			t.Error("there is no such behaviour")
		})
	}
}

// TestRateLimitEnds shows that the limit is over when Retry-After is.
func TestRateLimitEnds(t *testing.T) {
	var mu sync.Mutex
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	_, r, base := published(t, lab.RegistryOptions{Clock: clock, Behaviour: lab.Behaviour{Requests: 1, RetryAfter: time.Minute}})
	for i, want := range []int{200, 429, 429, 200, 429} {
		if i == 3 {
			mu.Lock()
			now = now.Add(time.Minute)
			mu.Unlock()
		}
		if got := status(t, base+"/manifests/"+r.Tag, nil); got != want {
			t.Errorf("request %d is answered %d, want %d", i, got, want)
		}
	}
}

// TestLog shows start, end, depth and length of what is asked, with latency.
func TestLog(t *testing.T) {
	reg, r, base := published(t, lab.RegistryOptions{Latency: 20 * time.Millisecond})
	_, body := get(t, http.MethodGet, base+"/manifests/"+r.Tag, nil)
	var side sync.WaitGroup
	for range 3 {
		side.Go(func() {
			resp, err := http.Get(base + "/manifests/" + r.Image.Digest())
			if err == nil {
				_ = resp.Body.Close()
			}
		})
	}
	side.Wait()
	get(t, http.MethodGet, "http://"+reg.Host()+"/v2/", nil)
	log := reg.Requests()
	if len(log) != 5 || !log[4].Handshake() || log[0].Handshake() || log[0].Depth != 1 || lab.Depth(log) != log[4].Depth || log[4].Depth < 3 {
		t.Errorf("got %+v", log)
	}
	if log[0].Bytes != int64(len(body)) || log[0].End.Before(log[0].Start) || log[0].Host != reg.Host() {
		t.Errorf("got %+v", log[0])
	}
	reg.ResetRequests()
	if len(reg.Requests()) != 0 || lab.Depth(nil) != 0 {
		t.Error("something is left of the log")
	}
}

// TestDepth counts chains of made-up requests.
func TestDepth(t *testing.T) {
	at := func(from, to int) lab.Request {
		return lab.Request{Start: time.Unix(int64(from), 0), End: time.Unix(int64(to), 0)}
	}
	for name, test := range map[string]struct {
		log  []lab.Request
		want int
	}{
		"side by side": {[]lab.Request{at(0, 2), at(1, 3), at(1, 2)}, 1},
		"in a row":     {[]lab.Request{at(2, 3), at(0, 1), at(1, 2)}, 3},
		"one long":     {[]lab.Request{at(0, 9), at(0, 1), at(2, 3)}, 2},
	} {
		if got := lab.Depth(test.log); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}
