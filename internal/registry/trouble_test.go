package registry

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

// TestTroubleAtEachPlace serves each trouble at each place. It is a failure of the
// right code and class there, and the other places are read all the same.
func TestTroubleAtEachPlace(t *testing.T) {
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"unauthorized":      {status(401), "registry.unauthorized definitive"},
		"forbidden":         {status(403), "registry.forbidden definitive"},
		"request timeout":   {status(408), "registry.timeout transient"},
		"teapot":            {status(418), "registry.server_error definitive"},
		"not modified":      {status(304), "registry.server_error definitive"},
		"rate limited":      {status(429), "registry.rate_limited transient"},
		"server error":      {status(500), "registry.server_error transient"},
		"unavailable":       {status(503), "registry.server_error transient"},
		"truncated":         {truncated, "registry.truncated transient"},
		"connection lost":   {hungUp, "registry.unreachable transient"},
		"not JSON":          {text("<html>"), "registry.malformed definitive"},
		"null":              {text("null"), "registry.malformed definitive"},
		"an array":          {text("[]"), "registry.malformed definitive"},
		"two documents":     {text("{} {}"), "registry.malformed definitive"},
		"deep":              {text(strings.Repeat("[", 1<<20)), "registry.malformed definitive"},
		"both kinds":        {text(`{"schemaVersion":2,"Layers":[],"manifests":[]}`), "registry.malformed definitive"},
		"Docker schema 1":   {text(`{"schemaVersion":1,"fsLayers":[]}`), "registry.malformed definitive"},
		"announced too big": {announced(ManifestBytes + 1), "limit.exceeded definitive"},
		"endless":           {endless, "limit.exceeded definitive"},
		"compressed":        {compressed, "registry.malformed definitive"},
		"redirect loop":     {toItself, "registry.redirect_loop definitive"},
		"plain HTTP":        {redirect("http://registry.example/"), "registry.insecure definitive"},
		"a file":            {redirect("file:///etc/passwd"), "registry.insecure definitive"},
		"link-local":        {redirect("http://169.254.169.254/latest/meta-data"), "registry.insecure definitive"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, place := range []string{"v1", ".sig", ".att", ""} {
				s := newStage(t)
				s.legacy(".sig", typeSimpleSigning, "s")
				s.legacy(".att", typeEnvelope, "a")
				s.fallsBack(s.bundle("b"))
				left := map[string]string{".sig": "legacy-signature s", ".att": "legacy-attestation a", "": "bundle b"}
				r, ref := s.play(Options{})
				if place == "v1" {
					s.serve(at("manifests", "v1"), test.serve)
					_, err := r.Resolve(t.Context(), ref)
					var failure *verify.Failure
					if !errors.As(err, &failure) || fmt.Sprint(failure.Code, " ", failure.Class) != test.want {
						t.Errorf("resolve: got %v, want %s", err, test.want)
					}
					continue
				}
				s.serve(at("manifests", fallbackTag(s.image.Digest)+place), test.serve)
				image, err := r.Resolve(t.Context(), ref)
				if err != nil {
					t.Fatal(err)
				}
				evidence := r.Collect(t.Context(), image, everything)
				same(t, "failures at "+place, troubles(evidence), []string{test.want})
				if len(evidence.Pieces) != 2 || slices.Contains(summary(evidence), left[place]) {
					t.Errorf("trouble at %q left %q", place, summary(evidence))
				}
				for _, f := range evidence.Failures {
					if !strings.HasSuffix(f.Place, fallbackTag(s.image.Digest)+place) || len(f.Layouts) == 0 {
						t.Errorf("got %+v", f)
					}
				}
			}
		})
	}
}

// TestTroubleWithBlobs shows what is wrong with the bytes of one piece.
func TestTroubleWithBlobs(t *testing.T) {
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		want  string
	}{
		"gone":            {http.NotFound, "registry.not_found definitive"},
		"other bytes":     {text("evil."), "registry.digest_mismatch definitive"},
		"fewer bytes":     {text("good"), "registry.size_mismatch definitive"},
		"more bytes":      {text("good, and more"), "registry.size_mismatch definitive"},
		"endless":         {endless, "registry.size_mismatch definitive"},
		"truncated":       {truncated, "registry.size_mismatch definitive"},
		"cut short":       {cutShort, "registry.truncated transient"},
		"server error":    {status(500), "registry.server_error transient"},
		"compressed":      {compressed, "registry.malformed definitive"},
		"an empty answer": {text(""), "registry.size_mismatch definitive"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.legacy(".sig", typeSimpleSigning, "good.", "other")
			s.serve(at("blobs", digestOf([]byte("good."))), test.serve)
			r, ref := s.play(Options{})
			image, err := r.Resolve(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			evidence := r.Collect(t.Context(), image, everything)
			same(t, "pieces", summary(evidence), []string{"legacy-signature other"})
			same(t, "failures", troubles(evidence), []string{test.want})
			if f := evidence.Failures[0]; !strings.HasSuffix(f.Place, ".sig layer 0") || !slices.Equal(f.Layouts, []verify.Layout{verify.LegacySignature}) {
				t.Errorf("got %+v", f)
			}
		})
	}
}

// TestLargeBlobIsNotAskedFor shows that a layer of 10 GB costs no request, and one
// of an unsound digest neither.
func TestLargeBlobIsNotAskedFor(t *testing.T) {
	s := newStage(t)
	huge := s.layer(typeSimpleSigning, "huge")
	huge.Size = 10 << 30
	negative := s.layer(typeSimpleSigning, "negative")
	negative.Size = -1
	escape := s.layer(typeSimpleSigning, "escape")
	escape.Digest = "sha256:../../../v2/other/manifests/latest"
	s.manifest(fallbackTag(s.image.Digest)+".sig", typeOCIManifest, map[string]any{
		"schemaVersion": 2, "layers": []any{huge, negative, escape},
	})
	evidence := s.run(Options{})
	same(t, "failures", troubles(evidence), []string{
		"limit.exceeded definitive", "registry.malformed definitive", "registry.malformed definitive",
	})
	if n := len(s.asked()); n != 6 {
		t.Errorf("got %d requests:\n%s", n, strings.Join(s.asked(), "\n"))
	}
}

// TestResolve shows that bytes decide what a reference is.
func TestResolve(t *testing.T) {
	other := digestOf([]byte("other"))
	for name, test := range map[string]struct {
		set  func(s *stage)
		ref  func(s *stage) string
		want string
	}{
		"by tag":           {nil, func(*stage) string { return ":v1" }, ""},
		"by digest":        {nil, func(s *stage) string { return "@" + s.image.Digest }, ""},
		"tag as a claim":   {nil, func(s *stage) string { return ":v9@" + s.image.Digest }, ""},
		"no such tag":      {nil, func(*stage) string { return ":v2" }, "registry.not_found definitive"},
		"no such digest":   {nil, func(*stage) string { return "@" + other }, "registry.not_found definitive"},
		"another digest":   {func(s *stage) { s.body(at("manifests", other), typeOCIManifest, []byte("{}")) }, func(*stage) string { return "@" + other }, "registry.digest_mismatch definitive"},
		"a false header":   {func(s *stage) { falseDigest(s, other) }, func(*stage) string { return ":v1" }, ""},
		"no type":          {func(s *stage) { s.body(at("manifests", "v1"), "", []byte(`{"layers":[]}`)) }, func(*stage) string { return ":v1" }, "registry.malformed definitive"},
		"a type that lies": {func(s *stage) { s.body(at("manifests", "v1"), typeOCIIndex, []byte(`{"layers":[]}`)) }, func(*stage) string { return ":v1" }, "registry.malformed definitive"},
		"a helm chart's":   {func(s *stage) { s.body(at("manifests", "v1"), "text/plain", []byte(`{"layers":[]}`)) }, func(*stage) string { return ":v1" }, "registry.malformed definitive"},
		"signed schema 1": {func(s *stage) {
			s.body(at("manifests", "v1"), "", []byte(`{"mediaType":"application/vnd.docker.distribution.manifest.v1+prettyjws"}`))
		}, func(*stage) string { return ":v1" }, "registry.malformed definitive"},
		"no registry there": {func(s *stage) { s.serve("/v2/", http.NotFound) }, func(*stage) string { return ":v1" }, "registry.server_error definitive"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			if test.set != nil {
				test.set(s)
			}
			r, ref := s.play(Options{})
			ref = reference(t, ref.Name()+test.ref(s))
			image, err := r.Resolve(t.Context(), ref)
			got := ""
			var failure *verify.Failure
			if errors.As(err, &failure) {
				got = fmt.Sprint(failure.Code, " ", failure.Class)
			}
			if got != test.want {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if err == nil && (image.Digest != s.image.Digest || digestOf(image.Manifest) != image.Digest || image.Reference != ref) {
				t.Errorf("got %+v", image)
			}
		})
	}
}

// TestDockerManifestWithoutType shows that what was served counts where a manifest
// does not say what it is.
func TestDockerManifestWithoutType(t *testing.T) {
	s := newStage(t)
	s.body(at("manifests", "v1"), typeDockerManifest+"; charset=utf-8", []byte(`{"schemaVersion":2,"layers":[]}`))
	r, ref := s.play(Options{})
	image, err := r.Resolve(t.Context(), ref)
	if err != nil || image.MediaType != typeDockerManifest {
		t.Errorf("got %q, %v", image.MediaType, err)
	}
}

func falseDigest(s *stage, digest string) {
	serve := s.serves[at("manifests", "v1")]
	s.serve(at("manifests", "v1"), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Docker-Content-Digest", digest)
		serve(w, r)
	})
}

// TestNetworkTrouble shows what never becomes an HTTP answer.
func TestNetworkTrouble(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = quiet()
	untrusted.StartTLS()
	defer untrusted.Close()
	fails := func(err error) http.RoundTripper { return roundTrip(func() error { return err }) }
	for name, test := range map[string]struct {
		name      string
		transport http.RoundTripper
		want      string
	}{
		"refused":     {closed.Addr().String(), nil, "registry.unreachable transient"},
		"certificate": {untrusted.Listener.Addr().String(), nil, "registry.unreachable definitive"},
		"no such host": {"registry.example", fails(&net.DNSError{Err: "no such host", Name: "registry.example", IsNotFound: true}),
			"registry.unreachable definitive"},
		"DNS is down": {"registry.example", fails(&net.DNSError{Err: "server misbehaving", IsTemporary: true}),
			"registry.unreachable transient"},
		"time-out":        {"registry.example", fails(os.ErrDeadlineExceeded), "registry.timeout transient"},
		"speaks no TLS":   {"registry.example", fails(http.ErrSchemeMismatch), "registry.insecure definitive"},
		"private address": {"10.1.2.3:5000", fails(http.ErrSchemeMismatch), "registry.insecure definitive"},
		"private, down":   {"10.1.2.3:5000", fails(&net.OpError{Op: "dial", Err: errors.New("refused")}), "registry.unreachable transient"},
	} {
		t.Run(name, func(t *testing.T) {
			r := New(Options{Keychain: anonymous{}, Transport: test.transport, Budget: budget.New(budget.Default(), noWaiting())})
			_, err := r.Resolve(t.Context(), reference(t, test.name+"/o/n:v1"))
			var failure *verify.Failure
			if !errors.As(err, &failure) || fmt.Sprint(failure.Code, " ", failure.Class) != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
			evidence := r.Collect(t.Context(), verify.Image{
				Reference: reference(t, test.name+"/o/n:v1"), Digest: digestOf(nil),
			}, everything)
			same(t, "failures", troubles(evidence), []string{test.want})
		})
	}
}

// TestSlowRegistry shows that a drip of bytes ends with the context or the budget.
func TestSlowRegistry(t *testing.T) {
	drip := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	}
	for name, bounds := range map[string]func(t *testing.T) (context.Context, *budget.Budget){
		"context": func(t *testing.T) (context.Context, *budget.Budget) {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			t.Cleanup(cancel)
			return ctx, nil
		},
		"budget": func(t *testing.T) (context.Context, *budget.Budget) {
			limits := budget.Default()
			limits.Time = 300 * time.Millisecond
			return t.Context(), budget.New(limits, budget.Clock{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.legacy(".sig", typeSimpleSigning, "s")
			s.serve(at("referrers", s.image.Digest), drip)
			s.serve(at("manifests", fallbackTag(s.image.Digest)), func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			ctx, b := bounds(t)
			r, ref := s.play(Options{Budget: b})
			image, err := r.Resolve(ctx, ref)
			if err != nil {
				t.Fatal(err)
			}
			evidence := r.Collect(ctx, image, everything)
			same(t, "pieces", summary(evidence), []string{"legacy-signature s"})
			same(t, "failures", troubles(evidence), []string{"registry.timeout transient", "registry.timeout transient"})
		})
	}
}

// TestBudgetIsAFailure shows the codes of spent requests and bytes.
func TestBudgetIsAFailure(t *testing.T) {
	s := newStage(t)
	limits := budget.Default()
	limits.Requests = 3
	r, ref := s.play(Options{Budget: budget.New(limits, noWaiting())})
	image, err := r.Resolve(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	evidence := r.Collect(t.Context(), image, everything)
	same(t, "requests", troubles(evidence), []string{"limit.exceeded definitive", "limit.exceeded definitive", "limit.exceeded definitive"})

	s = newStage(t)
	s.legacy(".sig", typeSimpleSigning, strings.Repeat("x", 1<<20))
	limits = budget.Default()
	limits.Bytes = 512 << 10
	evidence = s.run(Options{Budget: budget.New(limits, noWaiting())})
	same(t, "bytes", troubles(evidence), []string{"limit.exceeded definitive"})
}

// TestRetryAfter shows that a registry which asks to wait is waited for.
func TestRetryAfter(t *testing.T) {
	s := newStage(t)
	s.legacy(".sig", typeSimpleSigning, "s")
	path := at("manifests", fallbackTag(s.image.Digest)+".sig")
	serve := s.serves[path]
	var asked atomic.Int64
	s.serve(path, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		serve(w, r)
	})
	r, ref := s.play(Options{})
	image, err := r.Resolve(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	evidence := r.Collect(t.Context(), image, everything)
	same(t, "pieces", summary(evidence), []string{"legacy-signature s"})
	same(t, "failures", troubles(evidence), nil)
}

// TestDetailIsHarmless shows that text from a registry reaches no terminal as it is.
func TestDetailIsHarmless(t *testing.T) {
	s := newStage(t)
	s.serve(at("manifests", "v1"), func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":"DENIED","message":"\u001b[2J\u202eevil\n%s"}]}`, strings.Repeat("é", 5000))
	})
	r, ref := s.play(Options{})
	_, err := r.Resolve(t.Context(), ref)
	var failure *verify.Failure
	if !errors.As(err, &failure) || failure.Code != verify.RegistryForbidden {
		t.Fatalf("got %v", err)
	}
	if d := failure.Detail; strings.ContainsAny(d, "\x1b\n\u202e") || len(d) > maxDetail+4 || !utf8.ValidString(d) || !strings.Contains(d, "DENIED") {
		t.Errorf("got %q", d)
	}
}

func truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`{"schemaVersion":2`))
}

// cutShort ends a body of unknown length before its end, at a length that fits.
func cutShort(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte("goo"))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func hungUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func announced(n int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(n))
		w.WriteHeader(http.StatusOK)
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for chunk := bytes.Repeat([]byte(" "), 64<<10); ; {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func compressed(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

func toItself(w http.ResponseWriter, r *http.Request) { redirect(r.URL.Path)(w, r) }

type roundTrip func() error

func (f roundTrip) RoundTrip(*http.Request) (*http.Response, error) { return nil, f() }
