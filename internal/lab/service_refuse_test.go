package lab_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // a request that must be refused
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	rekortiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/releaseassay/assay/internal/lab"
)

const gitHubSubject = "repo:acme/widget:ref:refs/tags/v1.2.3"

// certificateRequest is the body of a request for a certificate.
func certificateRequest(t *testing.T, token string, key, proof []byte) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"credentials":      map[string]any{"oidcIdentityToken": token},
		"publicKeyRequest": map[string]any{"publicKey": map[string]any{"algorithm": "ECDSA", "content": string(key)}, "proofOfPossession": proof},
	})
	return must(t, raw, err)
}

// respelled changes a claim in a token and leaves the signature as it is.
func respelled(t *testing.T, token, from, to string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	changed := bytes.ReplaceAll(must(t, raw, err), []byte(from), []byte(to))
	if bytes.Equal(changed, raw) {
		t.Fatalf("the token has no %s", from)
	}
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(changed) + "." + parts[2]
}

// unsigned makes a token of the algorithm "none" that still names the key.
func unsigned(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	header := bytes.Replace(must(t, raw, err), []byte("RS256"), []byte("none"), 1)
	return base64.RawURLEncoding.EncodeToString(header) + "." + parts[1] + "."
}

// TestFulcioRefuses sends what a certificate authority must not certify.
func TestFulcioRefuses(t *testing.T) {
	d, stranger := openDoors(t, lab.ServicesOptions{}), openDoors(t, lab.ServicesOptions{})
	good := d.token(t, d.GitHubTokenURL(), sigstoreAudience())
	signer, err := d.sigstore.NewKeySigner()
	proof, err2 := must(t, signer, err).Sign([]byte(gitHubSubject))
	must(t, proof, err2)
	otherProof, err := signer.Sign([]byte("repo:evil/widget:ref:refs/tags/v1.2.3"))
	must(t, otherProof, err)
	other, err := d.sigstore.NewKeySigner()
	key, otherKey := signer.PublicKeyPEM(), must(t, other, err).PublicKeyPEM()
	weak, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	der, err2 := x509.MarshalPKIXPublicKey(must(t, weak, err).Public())
	weakKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(t, der, err2)})
	ask := func(pairs ...string) string { return d.token(t, d.GitHubTokenURL(), sigstoreAudience(pairs...)) }
	wrongAudience := sigstoreAudience()
	wrongAudience.Set("audience", "https://github.com/acme")

	for name, c := range map[string]struct {
		body   []byte
		status int
		says   string
	}{
		"good":               {certificateRequest(t, good, key, proof), http.StatusOK, "BEGIN CERTIFICATE"},
		"no token":           {certificateRequest(t, "", key, proof), http.StatusUnauthorized, "no identity token"},
		"no jwt":             {certificateRequest(t, "abc", key, proof), http.StatusUnauthorized, "three parts"},
		"changed claim":      {certificateRequest(t, respelled(t, good, "acme/widget", "evil/widget"), key, proof), http.StatusUnauthorized, "did not sign"},
		"algorithm none":     {certificateRequest(t, unsigned(t, good), key, proof), http.StatusUnauthorized, "RS256"},
		"stranger's token":   {certificateRequest(t, stranger.token(t, stranger.GitHubTokenURL(), sigstoreAudience()), key, proof), http.StatusUnauthorized, "RS256 with key"},
		"gitlab for github":  {certificateRequest(t, d.token(t, d.GitLabTokenURL(), sigstoreAudience("iss", lab.GitHubIssuer)), key, proof), http.StatusUnauthorized, "RS256 with key"},
		"unknown issuer":     {certificateRequest(t, ask("iss", "https://issuer.evil.example"), key, proof), http.StatusUnauthorized, "issuer.evil.example"},
		"other audience":     {certificateRequest(t, d.token(t, d.GitHubTokenURL(), wrongAudience), key, proof), http.StatusUnauthorized, "want audience"},
		"expired":            {certificateRequest(t, ask("exp", "1748779199"), key, proof), http.StatusUnauthorized, "expired"},
		"not yet valid":      {certificateRequest(t, ask("nbf", "1748779201"), key, proof), http.StatusUnauthorized, "valid from"},
		"missing claim":      {certificateRequest(t, ask("job_workflow_ref", ""), key, proof), http.StatusBadRequest, "job_workflow_ref"},
		"proof by other key": {certificateRequest(t, good, otherKey, proof), http.StatusBadRequest, "proof of possession"},
		"proof of other":     {certificateRequest(t, good, key, otherProof), http.StatusBadRequest, "proof of possession"},
		"no proof":           {certificateRequest(t, good, key, nil), http.StatusBadRequest, "proof of possession"},
		"no key":             {certificateRequest(t, good, nil, proof), http.StatusBadRequest, "public key"},
		"weak key":           {certificateRequest(t, good, weakKey, proof), http.StatusBadRequest, "256 bits"},
		"no json":            {[]byte("token"), http.StatusBadRequest, "JSON"},
		"large body":         {bytes.Repeat([]byte(" "), 100<<10), http.StatusRequestEntityTooLarge, "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			got, answer := post(t, d.URL()+"/api/v2/signingCert", "application/json", nil, c.body)
			if got != c.status || !strings.Contains(answer, c.says) {
				t.Errorf("answered %d: %s; want %d with %q", got, answer, c.status, c.says)
			}
		})
	}
	*d.now = then.Add(5 * time.Minute) // a token is valid until then, not at it
	if got, answer := post(t, d.URL()+"/api/v2/signingCert", "application/json", nil, certificateRequest(t, good, key, proof)); got != http.StatusUnauthorized {
		t.Errorf("a token that has expired since is answered %d: %s", got, answer)
	}
}

// TestFulcioSigningRequest certifies the key of a signing request, and refuses one that its key did not sign.
func TestFulcioSigningRequest(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	csr, err2 := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "ignored"}}, must(t, key, err))
	bearer := http.Header{"Authorization": {"Bearer " + d.token(t, d.GitHubTokenURL(), sigstoreAudience())}}
	for spoil, want := range map[bool]int{false: http.StatusOK, true: http.StatusBadRequest} {
		raw := bytes.Clone(must(t, csr, err2))
		if spoil {
			raw[len(raw)-1] ^= 1
		}
		body, err := json.Marshal(map[string]any{"certificateSigningRequest": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: raw})})
		got, answer := post(t, d.URL()+"/api/v2/signingCert", "application/json", bearer, must(t, body, err))
		if got != want {
			t.Errorf("spoiled %t: answered %d: %s", spoil, got, answer)
		}
	}
}

// TestTimestampAuthority answers requests with nonces, and only those it understands.
func TestTimestampAuthority(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{})
	const query = "application/timestamp-query"
	sum := sha256.Sum256([]byte("signature"))
	for _, certificates := range []bool{false, true} {
		request := timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Nonce: big.NewInt(1234567890), Certificates: certificates}
		raw, err := request.Marshal()
		got, answer := post(t, d.TimestampURL(), query, nil, must(t, raw, err))
		if got != http.StatusCreated {
			t.Fatalf("answered %d: %s", got, answer)
		}
		token, err := timestamp.ParseResponse([]byte(answer))
		must(t, token, err)
		if !token.Time.Equal(then) || !bytes.Equal(token.HashedMessage, sum[:]) || token.Nonce == nil || token.Nonce.Cmp(request.Nonce) != 0 || (len(token.Certificates) > 0) != certificates {
			t.Errorf("token for certificates=%t says %+v", certificates, token)
		}
	}
	weak := sha1.Sum([]byte("signature")) //nolint:gosec // refused
	old, err := (&timestamp.Request{HashAlgorithm: crypto.SHA1, HashedMessage: weak[:]}).Marshal()
	must(t, old, err)
	short, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:31]}).Marshal()
	must(t, short, err)
	for name, c := range map[string]struct {
		mediaType string
		body      []byte
		status    int
	}{
		"sha-1":      {query, old, http.StatusBadRequest},
		"short":      {query, short, http.StatusBadRequest},
		"no request": {query, []byte("hello"), http.StatusBadRequest},
		"json":       {"application/json", []byte("{}"), http.StatusUnsupportedMediaType},
		"large":      {query, make([]byte, 100<<10), http.StatusRequestEntityTooLarge},
	} {
		if got, answer := post(t, d.TimestampURL(), c.mediaType, nil, c.body); got != c.status {
			t.Errorf("%s: answered %d: %s", name, got, answer)
		}
	}
}

// TestTileLogRefuses sends Rekor v2 what its log must not hold, and an envelope as cosign 2 does.
func TestTileLogRefuses(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{})
	signer, err := d.sigstore.Issue(release(), then)
	message := []byte("message")
	sig, err2 := must(t, signer, err).Sign(message)
	sum := sha256.Sum256(must(t, message, err2))
	by := &rekortiles.Verifier{
		KeyDetails: protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
		Verifier:   &rekortiles.Verifier_X509Certificate{X509Certificate: &protocommon.X509Certificate{RawBytes: signer.Certificate.Raw}},
	}
	hashed := func(digest, sig []byte) *rekortiles.CreateEntryRequest {
		return &rekortiles.CreateEntryRequest{Spec: &rekortiles.CreateEntryRequest_HashedRekordRequestV002{
			HashedRekordRequestV002: &rekortiles.HashedRekordRequestV002{Digest: digest, Signature: &rekortiles.Signature{Content: sig, Verifier: by}},
		}}
	}
	pae := []byte("DSSEv1 28 application/vnd.in-toto+json 2 {}")
	envelopeSig, err := signer.Sign(pae)
	must(t, envelopeSig, err)
	encoded := func(r *rekortiles.CreateEntryRequest) []byte {
		raw, err := protojson.Marshal(r)
		return must(t, raw, err)
	}
	dsse := func(payload string, sigs ...[]byte) []byte { // as text, because Go calls the type deprecated
		list := []map[string]any{}
		for _, s := range sigs {
			list = append(list, map[string]any{"sig": s})
		}
		raw, err := json.Marshal(map[string]any{"dsseRequestV002": map[string]any{
			"envelope":  map[string]any{"payloadType": lab.InTotoPayloadType, "payload": []byte(payload), "signatures": list},
			"verifiers": []any{map[string]any{"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": map[string]any{"rawBytes": signer.Certificate.Raw}}},
		}})
		return must(t, raw, err)
	}
	for _, c := range []struct {
		name    string
		request []byte
		status  int
	}{
		{"good", encoded(hashed(sum[:], sig)), http.StatusCreated},
		{"again", encoded(hashed(sum[:], sig)), http.StatusConflict},
		{"other digest", encoded(hashed(make([]byte, 32), sig)), http.StatusBadRequest},
		{"short digest", encoded(hashed(sum[:16], sig)), http.StatusBadRequest},
		{"no signature", encoded(hashed(sum[:], nil)), http.StatusBadRequest},
		{"empty", encoded(&rekortiles.CreateEntryRequest{}), http.StatusBadRequest},
		{"envelope", dsse("{}", envelopeSig), http.StatusCreated},
		{"other payload", dsse("[]", envelopeSig), http.StatusBadRequest},
		{"one signature of two", dsse("{}", envelopeSig, sig), http.StatusBadRequest},
		{"unsigned envelope", dsse("{}"), http.StatusBadRequest},
	} {
		if got, answer := post(t, d.URL()+"/api/v2/log/entries", "application/json", nil, c.request); got != c.status {
			t.Errorf("%s: answered %d: %s", c.name, got, answer)
		}
	}
	if got, _ := post(t, d.URL()+"/api/v2/log/entries", "application/json", nil, make([]byte, 17<<20)); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 17 MiB is answered %d", got)
	}
	_, checkpoint := get(t, http.MethodGet, d.URL()+"/api/v2/checkpoint", nil)
	if lines := strings.Split(string(checkpoint), "\n"); lines[0] != "log2025-1.rekor.lab.example" || lines[1] != "5" {
		t.Errorf("the checkpoint is %q", checkpoint)
	}
}
