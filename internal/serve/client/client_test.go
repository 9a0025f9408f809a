package client

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/verify"
)

var digest = "sha256:" + strings.Repeat("a", 64)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func reference(t testing.TB, s string) verify.Reference {
	t.Helper()
	ref, err := verify.ParseReference(s)
	must(t, err)
	return ref
}

// audited makes of a verdict a failure about no digest, under a policy that does not enforce.
func audited(v *verify.Verdict) {
	no, later := false, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	v.Verdict, v.Enforced, v.EnforcedFrom = verify.Fail, &no, &later
	v.Image.Digest, v.Image.Pinned = "", ""
}

// passed is a verdict about a reference.
func passed(ref verify.Reference) verify.Verdict {
	return verify.Verdict{
		Schema: verify.VerdictSchema, Verdict: verify.Pass, Conclusive: true,
		Image:  verify.VerdictImage{Requested: ref.String(), Name: ref.Name(), Tag: ref.Tag(), Digest: digest, Pinned: ref.Pinned(digest)},
		Checks: []verify.Finding{{ID: "signature", Required: true, Result: verify.Passed}},
	}
}

func written(t testing.TB, v verify.Verdict) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, report.JSON(&b, v))
	return b.Bytes()
}

// ask asks a server of one handler.
func ask(t *testing.T, o Options, q serve.Question, h http.HandlerFunc) (verify.Verdict, error) {
	t.Helper()
	s := httptest.NewServer(h)
	defer s.Close()
	o.URL = s.URL
	c, err := New(o)
	must(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return c.Verify(ctx, q)
}

func TestVerify(t *testing.T) {
	ref := reference(t, "ghcr.io/acme/widget:1.2.3")
	file := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(file, []byte("from-file\n"), 0o600))
	for _, c := range []struct {
		options Options
		q       serve.Question
		body    string
		auth    string
	}{
		{Options{Agent: "assay/x"}, serve.Question{Reference: ref}, `{"image":"ghcr.io/acme/widget:1.2.3"}`, ""},
		{Options{Token: "t0ken"}, serve.Question{Reference: ref, Namespace: "prod", Version: "1", Fresh: true}, `{"image":"ghcr.io/acme/widget:1.2.3","namespace":"prod","version":"1","fresh":true}`, "Bearer t0ken"},
		{Options{TokenFile: file}, serve.Question{Reference: ref, Tenant: serve.Tenant{Namespace: "x", Secrets: "y"}}, `{"image":"ghcr.io/acme/widget:1.2.3"}`, "Bearer from-file"},
	} {
		v, err := ask(t, c.options, c.q, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			wait, err := time.ParseDuration(r.URL.Query().Get("timeout"))
			if string(body) != c.body || r.Header.Get("Authorization") != c.auth || r.Method != http.MethodPost || r.URL.Path != "/v1/verify" ||
				r.Header.Get("Content-Type") != "application/json" || r.Header.Get("User-Agent") != c.options.Agent || err != nil || wait <= 0 || wait > 10*time.Second {
				t.Errorf("asked %s %s %v %s", r.Method, r.URL, r.Header, body)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(written(t, passed(ref)))
		})
		if err != nil || !v.Passed() || v.Image.Digest != digest {
			t.Errorf("got %+v, %v", v, err)
		}
	}
}

// TestAnswersThatAreNone: whatever a server sends that is not a verdict about the image
// is an error, and the verdict is the zero one.
func TestAnswersThatAreNone(t *testing.T) {
	ref := reference(t, "ghcr.io/acme/widget:1.2.3@"+digest)
	good := passed(ref)
	change := func(f func(*verify.Verdict)) string {
		v := good
		f(&v)
		return string(written(t, v))
	}
	other := "sha256:" + strings.Repeat("b", 64)
	whole := string(written(t, good))
	for name, c := range map[string]struct {
		status  int
		kind    string
		body    string
		refusal bool
		says    string
	}{
		"an HTML page":          {200, "text/html", "<html>pass</html>", false, "text/html"},
		"no type":               {200, "", whole, false, "wanted application/json"},
		"nothing":               {200, "application/json", "", false, "EOF"},
		"cut off":               {200, "application/json", whole[:len(whole)-3], false, "EOF"},
		"twice":                 {200, "application/json", whole + whole, false, "written again"},
		"an empty object":       {200, "application/json", "{}\n", false, "schema"},
		"an unknown field":      {200, "application/json", strings.Replace(whole, `"conclusive"`, `"new": 1, "conclusive"`, 1), false, "unknown field"},
		"a key in capitals":     {200, "application/json", strings.Replace(whole, `"verdict": "pass"`, `"verdict": "fail", "VERDICT": "pass"`, 1), false, "written again"},
		"a key twice":           {200, "application/json", strings.Replace(whole, `"verdict": "pass"`, `"verdict": "fail", "verdict": "pass"`, 1), false, "written again"},
		"another schema":        {200, "application/json", strings.Replace(whole, "assay.verdict/v1", "assay.verdict/v2", 1), false, "schema"},
		"a strange decision":    {200, "application/json", strings.Replace(whole, `"pass"`, `"PASS"`, 1), false, "decision"},
		"too large":             {200, "application/json", strings.Repeat(" ", maxVerdict+1), false, "more than"},
		"another reference":     {200, "application/json", change(func(v *verify.Verdict) { v.Image.Requested = "ghcr.io/acme/widget:1.2.4" }), false, "was asked about"},
		"another tag":           {200, "application/json", change(func(v *verify.Verdict) { v.Image.Tag = "1.2.4" }), false, "tag"},
		"another digest":        {200, "application/json", change(func(v *verify.Verdict) { v.Image.Digest = other; v.Image.Pinned = ref.Pinned(other) }), false, "bbbb"},
		"another name pinned":   {200, "application/json", change(func(v *verify.Verdict) { v.Image.Pinned = strings.Replace(v.Image.Pinned, "acme", "evil", 1) }), false, "pins"},
		"a pass of nothing":     {200, "application/json", change(func(v *verify.Verdict) { v.Image.Digest, v.Image.Pinned = "", "" }), false, "pins"},
		"a hypothetical pass":   {200, "application/json", change(func(v *verify.Verdict) { v.Hypothetical = true }), false, "hypothetical"},
		"a hypothetical audit":  {200, "application/json", change(func(v *verify.Verdict) { audited(v); v.Hypothetical = true }), false, "hypothetical"},
		"an exception for none": {200, "application/json", change(func(v *verify.Verdict) { audited(v); v.Exception = &verify.VerdictException{} }), false, "pins"},
		"an undecided pass":     {200, "application/json", change(func(v *verify.Verdict) { v.Conclusive = false }), false, "undecided"},
		"an excepted pass":      {200, "application/json", change(func(v *verify.Verdict) { v.Exception = &verify.VerdictException{} }), false, "excepted"},
		"a pass with a failure": {200, "application/json", change(func(v *verify.Verdict) {
			v.Checks = []verify.Finding{{ID: "signature", Required: true, Result: verify.Failed}}
		}), false, `check "signature" is "fail"`},
		"a redirect":             {302, "application/json", whole, false, "status 302"},
		"another success":        {204, "application/json", "", false, "status 204"},
		"a pass in an error":     {503, "application/json", whole, false, "status 503"},
		"an error":               {503, "application/json", `{"error":{"code":"server.late","message":"not yet"}}`, false, "server.late: not yet"},
		"an error of a stranger": {500, "text/plain", "\x1b[2Joops", false, "status 500"},
		"terminal escapes":       {503, "application/json", `{"error":{"code":"x","message":"\u001b[2J"}}`, false, `\x1b[2J`},
		"a bad token":            {401, "application/json", `{"error":{"code":"x","message":"y"}}`, true, "status 401"},
		"turned away":            {401, "text/plain", "assay: wanted the header\x1b[2J Authorization\n", true, `status 401: wanted the header\x1b[2J Authorization`},
		"too much at once":       {429, "application/json", "", false, "status 429"},
		"a question not read":    {400, "application/json", `{"error":{"code":"request.malformed","message":"z"}}`, true, "request.malformed"},
	} {
		v, err := ask(t, Options{}, serve.Question{Reference: ref}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/verify" {
				t.Errorf("%s: a redirect was followed", name)
			}
			w.Header()["Content-Type"] = nil
			if c.kind != "" {
				w.Header().Set("Content-Type", c.kind)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		var refusal *Refusal
		if err == nil || !strings.Contains(err.Error(), c.says) || errors.As(err, &refusal) != c.refusal || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %v; wanted %q", name, err, c.says)
		}
		if v.Passed() || v.Verdict == verify.Pass {
			t.Errorf("%s: a pass came with %v", name, err)
		}
	}
}

// TestFailuresComeThrough: a fail, an undecided one and one that could not be resolved
// are verdicts too.
func TestFailuresComeThrough(t *testing.T) {
	ref := reference(t, "alpine")
	for _, digest := range []string{"", digest} {
		want := passed(ref)
		want.Verdict, want.Image.Digest, want.Image.Pinned = verify.Fail, digest, ""
		if digest != "" {
			want.Image.Pinned = ref.Pinned(digest)
		}
		v, err := ask(t, Options{}, serve.Question{Reference: ref}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = w.Write(written(t, want))
		})
		if err != nil || v.Passed() || v.Image.Digest != digest {
			t.Errorf("got %+v, %v", v, err)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c, err := New(Options{URL: s.URL})
	must(t, err)
	if v, err := c.Verify(context.Background(), serve.Question{Reference: reference(t, "alpine")}); err == nil || v.Passed() {
		t.Errorf("got %+v, %v", v, err)
	}
	stuck := make(chan bool)
	s = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	defer s.Close()
	defer close(stuck)
	if c, err = New(Options{URL: s.URL}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if v, err := c.Verify(ctx, serve.Question{Reference: reference(t, "alpine")}); !errors.Is(err, context.DeadlineExceeded) || v.Passed() {
		t.Errorf("got %+v, %v", v, err)
	}
}

// TestTLS: the server has to be who the authority says, and no other one gets the token.
func TestTLS(t *testing.T) {
	ref := reference(t, "alpine")
	asked := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(written(t, passed(ref)))
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are to fail
	s.StartTLS()
	defer s.Close()
	dir := t.TempDir()
	ca, empty := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "empty.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	must(t, os.WriteFile(empty, nil, 0o600))
	for name, c := range map[string]struct {
		o    Options
		says string // "" for an answer, "new: " for an error of configuration
	}{
		"the authority":         {Options{CAFile: ca, Token: "t"}, ""},
		"the system's":          {Options{Token: "t"}, "authority that is named"},
		"none in the file":      {Options{CAFile: empty}, "new: has no certificate"},
		"no such file":          {Options{CAFile: dir + "/none"}, "new: no such file"},
		"a certificate alone":   {Options{CAFile: ca, Certificate: ca}, "new: wanted both"},
		"no key in it":          {Options{CAFile: ca, Certificate: ca, Key: ca}, "new: client certificate"},
		"two tokens":            {Options{CAFile: ca, Token: "t", TokenFile: ca}, "new: wanted one of them"},
		"an empty token":        {Options{CAFile: ca, TokenFile: empty}, "new: is empty"},
		"a token of two lines":  {Options{CAFile: ca, Token: "a\r\nX: y"}, "new: white space"},
		"another port's server": {Options{CAFile: ca, URL: "https://127.0.0.1:1"}, "is the server running"},
	} {
		if c.o.URL == "" {
			c.o.URL = s.URL
		}
		client, err := New(c.o)
		if says, ok := strings.CutPrefix(c.says, "new: "); ok || err != nil {
			if err == nil || !ok || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v; wanted %q", name, err, c.says)
			}
			continue
		}
		v, err := client.Verify(context.Background(), serve.Question{Reference: ref})
		client.Close()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) || v.Passed() != (c.says == "") {
			t.Errorf("%s: %v; wanted %q", name, err, c.says)
		}
	}
	if asked != 1 {
		t.Errorf("the server was asked %d times", asked)
	}
}

// TestClientCertificate: the certificate that is named is the one that is shown.
func TestClientCertificate(t *testing.T) {
	ref := reference(t, "alpine")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node-7"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600))
		return file
	}
	shown := ""
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown = r.TLS.PeerCertificates[0].Subject.CommonName
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(written(t, passed(ref)))
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}
	s.StartTLS()
	defer s.Close()
	c, err := New(Options{
		URL: s.URL, CAFile: write("ca.pem", "CERTIFICATE", s.Certificate().Raw),
		Certificate: write("cert.pem", "CERTIFICATE", der), Key: write("key.pem", "PRIVATE KEY", private),
	})
	must(t, err)
	defer c.Close()
	if v, err := c.Verify(context.Background(), serve.Question{Reference: ref}); err != nil || !v.Passed() || shown != "node-7" {
		t.Errorf("%v; shown %q", err, shown)
	}
}

func TestURLs(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://assay.example": true, "https://assay.example:8443/": true, "https://assay.example/prefix": true, "http://127.0.0.1:8080": true, "http://[::1]:1": true, "http://localhost:1": true,
		"http://assay.example": false, "http://10.0.0.1": false, "assay.example": false, "https://": false, "ftp://x": false, "https://u:p@x": false, "https://x?y": false,
		"https://x#y": false, "": false, "http://localhost.evil": false, "unix:///x": false,
	} {
		c, err := New(Options{URL: url})
		if (err == nil) != ok || ok && !strings.HasSuffix(c.url, "/v1/verify") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := New(Options{URL: "http://localhost:1", CAFile: "x"}); err == nil {
		t.Error("an authority for a server without TLS")
	}
}

// FuzzParse: what is accepted is what a second reading gives, and says so of itself.
func FuzzParse(f *testing.F) {
	ref, err := verify.ParseReference("ghcr.io/acme/widget:1.2.3")
	must(f, err)
	whole := written(f, passed(ref))
	for _, seed := range [][]byte{whole, whole[:len(whole)-2], bytes.ToUpper(whole), []byte("{}"), nil, []byte("null\n"), bytes.Replace(whole, []byte(`"pass"`), []byte(`"fail"`), 1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Parse(b)
		if err != nil {
			return
		}
		var tree map[string]any
		must(t, json.Unmarshal(b, &tree))
		if v.Passed() && tree["verdict"] != "pass" {
			t.Errorf("%q is a pass", b)
		}
	})
}
