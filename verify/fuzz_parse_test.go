package verify

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	cosignbundle "github.com/sigstore/cosign/v2/pkg/cosign/bundle"

	"github.com/releaseassay/assay/internal/lab"
)

// The parsers of foreign bytes, each held to what the libraries behind them read in
// the same bytes. Whole pieces of evidence are fuzzed in fuzz_test.go.

const fuzzDigest = "sha256:5d41402abc4b2a76b9719d911017c592ae1f2c3d4e5f60718293a4b5c6d7e8f9"

// oddJSON is read differently by different parsers, or by none.
var oddJSON = []string{
	"", "null", "7", `"x"`, "[]", "{}", "{}{}", "{} x", `{"a":1,"a":2}`, `{"a":1,"A":2}`, `{"a":{"b":[1,2,{"c":null}]}}`, "{\"a\xff\":1}", `{"\ud800":1}`, `{"a":1e400}`,
	`{"a":[}`, `{"a"}`, "[1,]", strings.Repeat("[", 100), strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64), "\ufeff{}",
}

func addAll[T ~string | ~[]byte](f *testing.F, seeds ...T) {
	f.Helper()
	for _, s := range seeds {
		f.Add([]byte(s))
	}
}

func good[T any](f *testing.F) func(T, error) T {
	f.Helper()
	return func(v T, err error) T {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
		return v
	}
}

func FuzzJSON(f *testing.F) {
	addAll(f, oddJSON...)
	f.Fuzz(func(t *testing.T, b []byte) {
		if checkJSON(b, 64) != nil {
			return
		}
		if !json.Valid(b) {
			t.Errorf("took %q, which is not JSON", b)
		}
		if checkJSON(b, 0) == nil && bytes.ContainsAny(bytes.TrimSpace(b)[:1], "[{") {
			t.Errorf("took %q at depth 0", b)
		}
		if checkJSON(append(b, "{}"...), 64) == nil {
			t.Errorf("took %q and a second document", b)
		}
		o, err := parseObject(b, "it")
		if err != nil {
			return
		}
		var plain map[string]json.RawMessage
		if err := json.Unmarshal(b, &plain); err != nil || len(plain) != len(o) {
			t.Errorf("read %d keys of %q; encoding/json reads %d (%v)", len(o), b, len(plain), err)
		}
		for key := range o {
			_, _ = o.text(key)
			_, _ = o.integer(key)
			_, _ = o.object(key)
			_, _ = o.array(key, maxKeys)
			_, _ = o.base64(key)
		}
	})
}

func FuzzPayload(f *testing.F) {
	addAll(f, oddJSON...)
	addAll(f, good[[]byte](f)(lab.SignStatement("registry.example/n", fuzzDigest)), good[[]byte](f)(lab.CycloneDX("registry.example/n", fuzzDigest)))
	addAll(f, `{"_type":"https://in-toto.io/Statement/v1","predicateType":"p","predicate":null,"subject":[{"digest":{"sha256":""}}]}`,
		`{"_type":"https://in-toto.io/Statement/v1","predicateType":"p","subject":[{"name":7,"digest":{}}]}`, `{"_type":"https://in-toto.io/Statement/v1","predicateType":"p","subject":[null]}`)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePayload(b, DefaultLimits())
		if err != nil {
			return
		}
		var plain struct {
			Subject []struct {
				Digest map[string]string
			}
			PredicateType string
		}
		if err := json.Unmarshal(b, &plain); err != nil {
			t.Fatalf("took %q: %v", b, err)
		}
		if n := len(p.subjects); n < 1 || n > DefaultLimits().Subjects || p.predicateType == "" {
			t.Errorf("%d subjects, type %q", n, p.predicateType)
		}
		if p.names(fuzzDigest) && !bytes.Contains(b, []byte(fuzzDigest[len("sha256:"):])) && !bytes.Contains(b, []byte(`\u`)) {
			t.Errorf("%q is about %s", b, fuzzDigest)
		}
		if p.names("") || p.names("sha256:") {
			t.Errorf("%q is about nothing", b)
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	addAll(f, oddJSON...)
	statement := base64.StdEncoding.EncodeToString([]byte("{}"))
	addAll(f, `{"payloadType":"application/vnd.in-toto+json","payload":"`+statement+`","signatures":[{"keyid":"","sig":"MEUC"}]}`,
		`{"payloadType":"application/vnd.in-toto+json","payload":"`+statement+`","Payload":"AAAA","signatures":[{"sig":"MEUC"}]}`,
		`{"payloadType":"application/vnd.in-toto+json","payload":"`+statement+`","signatures":[{"sig":"MEUC","SIG":"AAAA"}],"\u017fignatures":[]}`,
		`{"payloadType":"application/vnd.in-toto+json","payload":"e\n30=","signatures":[{"sig":"MEUC"},null]}`)
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseEnvelope(b, DefaultLimits())
		if err != nil {
			return
		}
		// cosign decodes the envelope by itself, without regard to case.
		var theirs dsse.Envelope
		if err := json.Unmarshal(b, &theirs); err != nil {
			t.Fatalf("took %q: %v", b, err)
		}
		payload, err := theirs.DecodeB64Payload()
		if err != nil || !bytes.Equal(payload, e.payload) || theirs.PayloadType != payloadTypeInToto {
			t.Errorf("of %q this package reads %q, cosign %q (%v)", b, e.payload, payload, err)
		}
		if len(theirs.Signatures) != 1 || theirs.Signatures[0].Sig != base64.StdEncoding.EncodeToString(e.signature) {
			t.Errorf("of %q this package reads the signature %x, cosign %v", b, e.signature, theirs.Signatures)
		}
	})
}

func FuzzSimpleSigning(f *testing.F) {
	addAll(f, oddJSON...)
	addAll(f, `{"critical":{"identity":{"docker-reference":"n"},"image":{"docker-manifest-digest":"`+fuzzDigest+`"},"type":"cosign container image signature"},"optional":null}`,
		`{"critical":{"identity":7,"image":{"docker-manifest-digest":"x"},"type":"cosign container image signature"}}`, `{"critical":{"image":null,"type":"cosign container image signature"}}`)
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseSimpleSigning(b, DefaultLimits()); err == nil && s.digest == "" {
			t.Errorf("took %q, which names no digest", b)
		}
	})
}

func FuzzRekorBundle(f *testing.F) {
	addAll(f, oddJSON...)
	const payload = `{"body":"e30=","integratedTime":1,"logIndex":1,"logID":"00"}`
	addAll(f, `{"SignedEntryTimestamp":"MEUC","Payload":`+payload+`}`, `{"Payload":{"body":7}}`, `{"SignedEntryTimestamp":"MEUC","Payload":{"body":null,"integratedTime":1,"logIndex":-1,"logID":"00"}}`,
		`{"SignedEntryTimestamp":"MEUC","Payload":{"body":"e30=","integratedTime":1e3,"logIndex":1,"logID":"00"}}`, `{"signedentrytimestamp":"MEUC","Payload":`+payload+`,"payload":{}}`)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRekorBundle(b, DefaultLimits())
		if err != nil {
			return
		}
		var theirs cosignbundle.RekorBundle
		if err := json.Unmarshal(b, &theirs); err != nil || !reflect.DeepEqual(r, theirs) {
			t.Errorf("of %q this package reads %+v, cosign %+v (%v)", b, r, theirs, err)
		}
		body, err := decodeBase64(r.Payload.Body.(string), "the body")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = entryKind(body, DefaultLimits())
	})
}

func FuzzBuild(f *testing.F) {
	addAll(f, oddJSON...)
	opts := lab.ProvenanceOptions{Subjects: lab.Subjects("n", fuzzDigest), Event: "workflow_dispatch", Inputs: map[string]any{"a": "b", "c": 1}}
	for _, write := range []func(lab.ProvenanceOptions) ([]byte, error){lab.ProvenanceV02, lab.ProvenanceContainerBased, lab.ProvenanceBYOB, lab.ProvenanceGitHub} {
		p, err := parsePayload(good[[]byte](f)(write(opts)), DefaultLimits())
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(p.predicate))
	}
	claims := Claims{
		Identity: generatorWorkflows + "generator_container_slsa3.yml@refs/tags/v2.1.0", Issuer: lab.GitHubIssuer,
		Repository: "https://github.com/acme/widget", Ref: "refs/tags/v1.2.3", Commit: lab.DefaultCommit, Trigger: "workflow_dispatch",
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, kind := range []string{PredicateProvenanceV02, PredicateProvenanceV1, "another"} {
			build, err := parseBuild(kind, b)
			if err != nil {
				continue
			}
			if kind == "another" || build.builderID == "" || build.buildType == "" || build.triggerURI == "" || build.sourceURI == "" {
				t.Errorf("took %q: %+v", b, build)
			}
			_ = build.branch()
			for _, path := range []string{"generator_container_slsa3.yml", "builder_container-based_slsa3.yml", "delegator_generic_slsa3.yml", "unknown.yml"} {
				c := claims
				c.Identity = generatorWorkflows + path + "@refs/tags/v2.1.0"
				who, diff := identifyBuilder(&c, kind, build, nil)
				if diff == nil && build.agrees(&c, who.kind) == nil && !strings.HasPrefix(build.sourceURI, "git+"+c.Repository) {
					t.Errorf("%q agrees with a certificate of %s", b, c.Repository)
				}
			}
		}
	})
}

func FuzzReference(f *testing.F) {
	for _, s := range []string{
		"", "alpine", "ghcr.io/o/n:1", "ghcr.io/o/n@" + fuzzDigest, "ghcr.io/o/n:v1@" + fuzzDigest, "localhost:5000/n", "localhost:5000/n:tag", "n:", "n@sha256:", "@", ":", "[::1]:5000/n", "127.0.0.1/n", "o/n:a/b",
		"GHCR.IO/o/n", "ghcr.io/o/../n", "ghcr.io//n", "http://ghcr.io/o/n", "ghcr.io/o/n:1\n", "ghcr.io:443/o/n", "docker.io/n", "index.docker.io/library/n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseReference(s)
		if err != nil {
			return
		}
		if r.String() != s || r.Name() == "" || (r.Tag() == "" && r.Digest() == "") {
			t.Errorf("%q is %+v", s, r)
		}
		if strings.ContainsAny(r.Name(), " \n\t@?*{}") || strings.ContainsAny(r.Tag(), " \n\t@/:") {
			t.Errorf("%q has the name %q and the tag %q", s, r.Name(), r.Tag())
		}
		again, err := ParseReference(r.Pinned(fuzzDigest))
		if err != nil || again.Name() != r.Name() || again.Tag() != r.Tag() || again.Digest() != fuzzDigest {
			t.Errorf("%q is pinned as %q, which is read as %+v (%v)", s, r.Pinned(fuzzDigest), again, err)
		}
	})
}

func FuzzCertificate(f *testing.F) {
	at := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	s := good[*lab.Sigstore](f)(lab.NewSigstore(lab.Options{Now: at}))
	old := lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow)
	two := old
	old.OnlyDeprecated, two.SANs = true, []string{"https://evil.example"}
	for _, id := range []lab.Identity{
		lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow), old, two,
		lab.GitLab("gitlab.com", "g/n", "refs/tags/v1", lab.DefaultCommit), lab.Person("a@example.com", "https://accounts.example"),
	} {
		f.Add(good[*lab.Signer](f)(s.Issue(id, at)).Certificate.Raw)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return
		}
		c, err := parseClaims(cert)
		if err != nil {
			return
		}
		if c.Identity == "" || c.Issuer == "" || len(cert.URIs)+len(cert.EmailAddresses)+len(cert.DNSNames)+len(cert.IPAddresses) > 1 {
			t.Errorf("%+v of %d names", c, len(cert.URIs)+len(cert.EmailAddresses))
		}
		if id, ok := parseIdentity(&c); ok && strings.Contains(id.path+id.repository, "@") {
			t.Errorf("%q is taken apart as %+v", c.Identity, id)
		}
	})
}

func FuzzPEM(f *testing.F) {
	addAll(f, "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\na: b\n\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := onePEM(string(b), "CERTIFICATE"); err == nil {
			if _, err := onePEM(string(b)+string(b), "CERTIFICATE"); err == nil {
				t.Errorf("took %q twice over", b)
			}
		}
	})
}
