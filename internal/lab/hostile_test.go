package lab_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// TestHostilesAreDescribed checks that each has a name of its own, a sentence, and a code that exists.
func TestHostilesAreDescribed(t *testing.T) {
	codes, seen := map[string]bool{"": true}, map[string]bool{}
	for _, r := range verify.Reasons() {
		codes[string(r.Code)] = true
	}
	for _, h := range lab.Hostiles() {
		if found, ok := lab.HostileNamed(h.Name); !ok || found.Shows != h.Shows || seen[h.Name] {
			t.Errorf("%q is not found by its name, or is there twice", h.Name)
		}
		seen[h.Name] = true
		if !strings.HasSuffix(h.Shows, ".") || strings.Contains(strings.TrimSuffix(h.Shows, "."), ". ") {
			t.Errorf("%s is described as %q; want one sentence", h.Name, h.Shows)
		}
		if !codes[h.WantCode] {
			t.Errorf("%s wants %q, which is no code", h.Name, h.WantCode)
		}
		if h.Class < 27 || h.Class > 33 || (h.WantCheck == "") != (h.WantCode == "") {
			t.Errorf("%s is of class %d and found by the check %q", h.Name, h.Class, h.WantCheck)
		}
		if h.Refused && h.WantCode == "" {
			t.Errorf("%s is refused without a code", h.Name)
		}
	}
	if _, ok := lab.HostileNamed("kind"); ok {
		t.Error("found one that is not there")
	}
}

// get asks a registry and reads a little of the answer.
func get(t *testing.T, method, url string, header http.Header) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	must(t, req, err)
	if header != nil {
		req.Header = header
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	must(t, resp, err)
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // some end early
	_ = resp.Body.Close()
	return resp, body
}

// signatureBlob is the digest of the first legacy signature.
func signatureBlob(scene *lab.Scene) string {
	sum := sha256.Sum256(scene.Release.Signatures[0].Bytes)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// TestHostileAnswers asks some of the behaviours what a client would, to see that they do what they say.
func TestHostileAnswers(t *testing.T) {
	s := newSigstore(t, lab.Options{})
	for name, want := range map[string]func(t *testing.T, scene *lab.Scene, base string){
		"tag-moves": func(t *testing.T, scene *lab.Scene, base string) {
			_, first := get(t, http.MethodGet, base+"/manifests/1.2.3", nil)
			_, second := get(t, http.MethodGet, base+"/manifests/1.2.3", nil)
			if bytes.Equal(first, second) {
				t.Error("the tag did not move")
			}
			must(t, scene, scene.Arm())
			if _, again := get(t, http.MethodGet, base+"/manifests/1.2.3", nil); !bytes.Equal(first, again) {
				t.Error("it did not begin anew")
			}
		},
		"head-differs": func(t *testing.T, scene *lab.Scene, base string) {
			head, _ := get(t, http.MethodHead, base+"/manifests/1.2.3", nil)
			body, _ := get(t, http.MethodGet, base+"/manifests/1.2.3", nil)
			if d := body.Header.Get("Docker-Content-Digest"); d != scene.Pinned || d == head.Header.Get("Docker-Content-Digest") {
				t.Errorf("GET names %s, HEAD %s", d, head.Header.Get("Docker-Content-Digest"))
			}
		},
		"user-agent-differs": func(t *testing.T, scene *lab.Scene, base string) {
			resp, _ := get(t, http.MethodGet, base+"/manifests/1.2.3", http.Header{"User-Agent": {"containerd/2.1"}})
			if d := resp.Header.Get("Docker-Content-Digest"); d == scene.Pinned {
				t.Error("containerd gets the good release")
			}
		},
		"layer-of-10-gb": func(t *testing.T, scene *lab.Scene, base string) {
			tag := strings.Replace(scene.Pinned, ":", "-", 1)
			_, body := get(t, http.MethodGet, base+"/manifests/"+tag+".sig", nil)
			if !bytes.Contains(body, []byte(`"size":10737418240`)) {
				t.Errorf("the manifest is %s", body)
			}
			if _, blob := get(t, http.MethodGet, base+"/blobs/"+scene.Pinned, nil); len(blob) != 1<<20 {
				t.Errorf("the layer ends after %d bytes", len(blob))
			}
		},
		"gzip-bomb": func(t *testing.T, scene *lab.Scene, base string) {
			resp, body := get(t, http.MethodGet, base+"/referrers/"+scene.Pinned, http.Header{"Accept-Encoding": {"identity"}})
			if resp.Header.Get("Content-Encoding") != "gzip" || !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
				t.Errorf("got %v", resp.Header)
			}
		},
		"referrers-100000": func(t *testing.T, scene *lab.Scene, base string) {
			resp, body := get(t, http.MethodGet, base+"/referrers/"+scene.Pinned+"?from=99000", nil)
			if n := bytes.Count(body, []byte(`"digest"`)); n != 1000 || !strings.Contains(resp.Header.Get("Link"), "from=100000") {
				t.Errorf("the hundredth page lists %d and links to %q", n, resp.Header.Get("Link"))
			}
			digest := string(body[bytes.Index(body, []byte("sha256:"))+7:][:64])
			if resp, _ := get(t, http.MethodGet, base+"/manifests/sha256:"+digest, nil); resp.StatusCode != http.StatusOK {
				t.Errorf("a listed manifest is answered %s", resp.Status)
			}
		},
		"store-wants-password": func(t *testing.T, scene *lab.Scene, _ string) {
			blob := "http://" + scene.Elsewhere.Host() + "/v2/" + lab.DefaultRepo + "/blobs/" + signatureBlob(scene)
			if resp, _ := get(t, http.MethodGet, blob, nil); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("who shows nothing gets %s", resp.Status)
			}
			req := &http.Request{Header: http.Header{}}
			req.SetBasicAuth(lab.User, lab.Password)
			if resp, body := get(t, http.MethodGet, blob, req.Header); resp.StatusCode != http.StatusOK || len(body) == 0 {
				t.Errorf("who shows the password gets %s and %d bytes", resp.Status, len(body))
			}
		},
		"redirect-unspecified": func(t *testing.T, scene *lab.Scene, base string) {
			sig := "/manifests/" + strings.Replace(scene.Pinned, ":", "-", 1) + ".sig"
			resp, _ := get(t, http.MethodGet, base+sig, nil)
			_, port, _ := strings.Cut(scene.Elsewhere.Host(), ":")
			if to := resp.Header.Get("Location"); to != "http://0.0.0.0:"+port+"/v2/"+lab.DefaultRepo+sig {
				t.Errorf("it leads to %q", to)
			}
			if _, body := get(t, http.MethodGet, "http://"+scene.Elsewhere.Host()+"/v2/"+lab.DefaultRepo+sig, nil); !bytes.Contains(body, []byte("simplesigning")) {
				t.Errorf("where it leads lies %s", body)
			}
		},
		"downgrade-att-429": func(t *testing.T, scene *lab.Scene, base string) {
			tag := strings.Replace(scene.Pinned, ":", "-", 1)
			if resp, _ := get(t, http.MethodGet, base+"/manifests/"+tag+".att", nil); resp.StatusCode != http.StatusTooManyRequests {
				t.Errorf("got %s", resp.Status)
			}
			if resp, _ := get(t, http.MethodGet, base+"/manifests/"+tag+".sig", nil); resp.StatusCode != http.StatusOK {
				t.Errorf("got %s", resp.Status)
			}
		},
		"fallback-poisoned": func(t *testing.T, scene *lab.Scene, base string) {
			_, body := get(t, http.MethodGet, base+"/manifests/"+strings.Replace(scene.Pinned, ":", "-", 1), nil)
			if n := bytes.Count(body, []byte(`"digest"`)); n != 11 {
				t.Errorf("the tag lists %d, want nine that are poison and two that are good: %s", n, body)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := lab.HostileNamed(name)
			scene, err := h.Open(context.Background(), s, lab.RegistryOptions{})
			must(t, scene, err)
			defer func() { _ = scene.Close() }()
			want(t, scene, "http://"+scene.Registry.Host()+"/v2/"+lab.DefaultRepo)
		})
	}
}
