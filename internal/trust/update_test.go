package trust

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// edition is a trusted root that differs from the built-in one by name alone.
func edition(name string) []byte {
	return []byte(strings.Replace(embeddedTrustedRoot, "https://rekor.sigstore.dev", "https://"+name+".example", 1))
}

func options(dir string, m *mirror) UpdateOptions {
	return UpdateOptions{CacheDir: dir, Now: time.Now(), MirrorURL: m.url}
}

func mustUpdate(t *testing.T, s seed, o UpdateOptions) Result {
	t.Helper()
	res, err := s.update(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// wantInUse asserts which root counts, and whether a warning comes with it.
func wantInUse(t *testing.T, s seed, dir string, want []byte, warned bool) Root {
	t.Helper()
	r, warning := s.newest(dir)
	if !bytes.Equal(r.JSON, want) || r.SHA256 != digest(want) {
		t.Errorf("root in use: sha256 %s (%s), wanted %s", r.SHA256, r.Source, digest(want))
	}
	if (warning != "") != warned {
		t.Errorf("warning %q, wanted one: %t", warning, warned)
	}
	return r
}

// wantFiles asserts the names in dir, so that no partial file stays behind.
func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("files %q, wanted %q", got, want)
	}
}

func TestUpdate(t *testing.T) {
	first, second := edition("first"), edition("second")
	m := newMirror(t, first)
	s, dir := m.seed(), filepath.Join(t.TempDir(), "cache")
	wantInUse(t, s, dir, s.trusted, false)

	res := mustUpdate(t, s, options(dir, m))
	if !res.Changed || !bytes.Equal(res.Root.JSON, first) || res.Root.Name != PublicGoodName {
		t.Errorf("first update: %+v", res)
	}
	if res.TUFRoot != 1 || res.TUFTargets != 1 || res.TUFTimestamp != 1 || !res.Expires.Equal(m.expires) {
		t.Errorf("first update: %+v", res)
	}
	r := wantInUse(t, s, dir, first, false)
	if !strings.Contains(r.Source, m.url) || !strings.HasPrefix(r.Source, "updated ") {
		t.Errorf("source %q", r.Source)
	}

	if res := mustUpdate(t, s, options(dir, m)); res.Changed {
		t.Errorf("update of nothing new: %+v", res)
	}
	m.publish(second)
	if res := mustUpdate(t, s, options(dir, m)); !res.Changed || res.TUFTargets != 2 {
		t.Errorf("second update: %+v", res)
	}
	wantInUse(t, s, dir, second, false)
	wantFiles(t, dir, "public-good.json")
}

func TestUpdateToTheBuiltInRoot(t *testing.T) {
	m := newMirror(t, []byte(embeddedTrustedRoot))
	s, dir := m.seed(), t.TempDir()
	if res := mustUpdate(t, s, options(dir, m)); res.Changed {
		t.Errorf("changed: %+v", res)
	}
	if r := wantInUse(t, s, dir, s.trusted, false); !strings.HasPrefix(r.Source, "built in") {
		t.Errorf("source %q", r.Source)
	}
}

func TestUpdateFollowsTUFRoots(t *testing.T) {
	first := edition("first")
	m := newMirror(t, first)
	m.publish(first) // to have versions above those that follow the rotation
	s, dir := m.seed(), t.TempDir()
	mustUpdate(t, s, options(dir, m))

	old := m.keys["root"]
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		m.newKey(role)
		m.versions[role] = 0 // a new key starts again, except for root:
	}
	m.versions["root"] = 1
	m.publishRoot(old)
	second := edition("second")
	m.publish(second)
	if res := mustUpdate(t, s, options(dir, m)); res.TUFRoot != 2 || !res.Changed {
		t.Errorf("after rotation: %+v", res)
	}
	wantInUse(t, s, dir, second, false)

	// A binary born with the newer TUF root reads the same file.
	s.anchor = m.files["2.root.json"]
	wantInUse(t, s, dir, second, false)
}

func TestUpdateRefuses(t *testing.T) {
	good := edition("good")
	tests := map[string]func(*mirror){
		"tampered target": func(m *mirror) {
			name := "targets/" + digest(good) + "." + target
			m.files[name] = bytes.Replace(good, []byte("good.example"), []byte("evil.example"), 1)
		},
		"longer target": func(m *mirror) {
			m.files["targets/"+digest(good)+"."+target] = append(bytes.Clone(good), ' ')
		},
		"tampered targets":   func(m *mirror) { flip(m.files, "1.targets.json") },
		"tampered snapshot":  func(m *mirror) { flip(m.files, "1.snapshot.json") },
		"tampered timestamp": func(m *mirror) { flip(m.files, "timestamp.json") },
		"foreign timestamp key": func(m *mirror) {
			m.newKey("timestamp")
			m.publish(good)
		},
		"foreign TUF root": func(m *mirror) {
			m.newKey("root")
			m.publishRoot()
		},
		"expired": func(m *mirror) {
			m.expires = time.Now().Add(-time.Minute)
			m.publish(good)
		},
		"too large":          func(m *mirror) { m.publish(append(bytes.Clone(good), bytes.Repeat([]byte{32}, MaxSize)...)) },
		"not a trusted root": func(m *mirror) { m.publish([]byte("{}")) },
		"trusts nobody": func(m *mirror) {
			m.publish([]byte(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`))
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			m := newMirror(t, good)
			s, dir := m.seed(), t.TempDir()
			spoil(m)
			_, err := s.update(t.Context(), options(dir, m))
			if !errors.Is(err, ErrRefused) || errors.Is(err, ErrMirror) {
				t.Errorf("error %v, wanted ErrRefused", err)
			}
			wantFiles(t, dir)
			wantInUse(t, s, dir, s.trusted, false)
		})
	}
}

// flip makes the signed part another one without breaking the JSON.
func flip(files map[string][]byte, name string) {
	files[name] = bytes.Replace(files[name], []byte(`"version":1`), []byte(`"version":7`), 1)
}

func TestUpdateRefusesAnOlderState(t *testing.T) {
	m := newMirror(t, edition("first"))
	older := map[string][]byte{}
	for name, data := range m.files {
		older[name] = data
	}
	second := edition("second")
	m.publish(second)
	s, dir := m.seed(), t.TempDir()
	mustUpdate(t, s, options(dir, m))

	m.files = older
	_, err := s.update(t.Context(), options(dir, m))
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "timestamp wanted version 2 or newer, found 1") {
		t.Errorf("error %v", err)
	}
	wantInUse(t, s, dir, second, false)
}

func TestUpdateMirrorDown(t *testing.T) {
	m := newMirror(t, edition("first"))
	s, dir := m.seed(), t.TempDir()
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer failing.Close()
	empty := httptest.NewServer(http.NotFoundHandler())
	defer empty.Close()
	for name, url := range map[string]string{"closed": down.URL, "503": failing.URL, "empty": empty.URL} {
		t.Run(name, func(t *testing.T) {
			o := options(dir, m)
			o.MirrorURL = url
			_, err := s.update(t.Context(), o)
			if !errors.Is(err, ErrMirror) || !strings.Contains(err.Error(), url) {
				t.Errorf("error %v, wanted ErrMirror with the URL", err)
			}
			wantFiles(t, dir)
		})
	}
}

func TestUpdateRedirects(t *testing.T) {
	m := newMirror(t, edition("first"))
	var to string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to+r.URL.Path, http.StatusFound)
	}))
	defer server.Close()
	for name, tt := range map[string]struct{ to, want string }{
		"to the mirror":   {m.url, ""},
		"out of https":    {"http://tuf.example", "mirror wanted over https"},
		"round in circle": {server.URL, "wanted at most 3 redirects"},
	} {
		to = tt.to
		o := options(t.TempDir(), m)
		o.MirrorURL = server.URL
		_, err := m.seed().update(t.Context(), o)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, wanted %q", name, err, tt.want)
		}
	}
}

func TestUpdateEndsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(release)
	m := newMirror(t, edition("first"))
	o := options(t.TempDir(), m)
	o.MirrorURL = slow.URL
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.seed().update(ctx, o); !errors.Is(err, ErrMirror) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, wanted ErrMirror and the deadline", err)
	}
}

func TestUpdateFromAnotherTUFRoot(t *testing.T) {
	corp := edition("corp")
	m := newMirror(t, corp)
	dir := t.TempDir()
	o := options(dir, m)
	o.Root = m.anchor()
	res, err := Update(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if res.Root.Name == PublicGoodName || !bytes.Equal(res.Root.JSON, corp) {
		t.Errorf("result %+v", res)
	}
	wantInUse(t, publicGood(), dir, []byte(embeddedTrustedRoot), false)

	// Nor when it is put where the public-good update would be.
	data, err := os.ReadFile(res.Path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, savedPath(dir, PublicGoodName), data)
	wantInUse(t, publicGood(), dir, []byte(embeddedTrustedRoot), true)
}

func TestUpdateOptions(t *testing.T) {
	now := time.Now()
	for name, o := range map[string]UpdateOptions{
		"no directory": {Now: now},
		"no time":      {CacheDir: t.TempDir()},
		"plain HTTP":   {CacheDir: t.TempDir(), Now: now, MirrorURL: "http://tuf.example"},
		"no host":      {CacheDir: t.TempDir(), Now: now, MirrorURL: "tuf.example"},
		"not a URL":    {CacheDir: t.TempDir(), Now: now, MirrorURL: "https://%zz"},
	} {
		if _, err := Update(t.Context(), o); err == nil || errors.Is(err, ErrMirror) || errors.Is(err, ErrRefused) {
			t.Errorf("%s: error %v, wanted one about the options", name, err)
		}
	}
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
