package lab

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
)

// fulcioAudience is what a token must be meant for.
const fulcioAudience = "sigstore"

// fulcioIssuers are those whose tokens are taken.
func (v *Services) fulcioIssuers() []*issuer { return []*issuer{v.github, v.gitlab} }

// keyRequest is what a client wants a certificate for: a public key with a signature over the token's subject, or a
// certificate signing request in PEM or DER.
type keyRequest struct {
	key, proof, csr []byte
}

// certifyV2 answers POST /api/v2/signingCert (CreateSigningCertificate of Fulcio's fulcio.proto).
func (v *Services) certifyV2(w http.ResponseWriter, r *http.Request) error {
	var request struct {
		Credentials struct {
			Token string `json:"oidcIdentityToken"`
		} `json:"credentials"`
		PublicKeyRequest struct {
			PublicKey struct {
				Content string `json:"content"`
			} `json:"publicKey"`
			Proof []byte `json:"proofOfPossession"`
		} `json:"publicKeyRequest"`
		CSR []byte `json:"certificateSigningRequest"`
	}
	if err := readJSON(r, &request); err != nil {
		return err
	}
	chain, err := v.certify(orDefault(request.Credentials.Token, bearer(r)), keyRequest{
		key: []byte(request.PublicKeyRequest.PublicKey.Content), proof: request.PublicKeyRequest.Proof, csr: request.CSR,
	})
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusOK, object{"signedCertificateEmbeddedSct": object{"chain": object{"certificates": pemTexts(chain)}}})
}

// certifyV1 answers POST /api/v1/signingCert, the older interface, which cosign 2 speaks: the chain in PEM. The promise
// of the log is in the certificate, so that there is no SCT header.
func (v *Services) certifyV1(w http.ResponseWriter, r *http.Request) error {
	var request struct {
		PublicKey struct {
			Content []byte `json:"content"`
		} `json:"publicKey"`
		Proof []byte `json:"signedEmailAddress"`
		CSR   []byte `json:"certificateSigningRequest"`
	}
	if err := readJSON(r, &request); err != nil {
		return err
	}
	chain, err := v.certify(bearer(r), keyRequest{key: request.PublicKey.Content, proof: request.Proof, csr: request.CSR})
	if err != nil {
		return err
	}
	return answerBytes(w, http.StatusCreated, "application/pem-certificate-chain", []byte(strings.Join(pemTexts(chain), "")))
}

// certify verifies the token and that the client holds the key, and returns leaf, intermediate and root.
func (v *Services) certify(token string, request keyRequest) ([]*x509.Certificate, error) {
	now := v.opts.Clock()
	content, from, err := v.authenticate(token, now)
	if err != nil {
		return nil, refusal{http.StatusUnauthorized, err}
	}
	id, err := from.identify(content)
	if err != nil {
		return nil, refusal{http.StatusBadRequest, err}
	}
	pub, err := request.verify(content.text("sub"))
	if err != nil {
		return nil, refusal{http.StatusBadRequest, err}
	}
	leaf, err := v.sigstore.certify(id, pub, now)
	if err != nil {
		return nil, err
	}
	return append([]*x509.Certificate{leaf}, v.sigstore.FulcioChain()...), nil
}

// authenticate returns the verified claims of a token and its issuer.
func (v *Services) authenticate(token string, now time.Time) (claims, *issuer, error) {
	if token == "" {
		return nil, nil, fmt.Errorf("issue certificate: no identity token; send one in credentials.oidcIdentityToken or as bearer")
	}
	iss, err := unverifiedIssuer(token)
	if err != nil {
		return nil, nil, err
	}
	for _, i := range v.fulcioIssuers() {
		if i.url == iss {
			content, err := i.verify(token, fulcioAudience, now)
			return content, i, err
		}
	}
	return nil, nil, fmt.Errorf("verify token: want an issuer of %s or %s, found %q", GitHubIssuer, GitLabIssuer, iss)
}

// verify returns the key that the client has shown to hold.
func (k keyRequest) verify(subject string) (crypto.PublicKey, error) {
	if len(k.csr) > 0 {
		return verifyCSR(k.csr)
	}
	pub, err := parsePublicKey(k.key)
	if err != nil {
		return nil, err
	}
	verifier, err := signature.LoadDefaultVerifier(pub)
	if err != nil {
		return nil, fmt.Errorf("load public key: %w", err)
	}
	if err := verifier.VerifySignature(bytes.NewReader(k.proof), strings.NewReader(subject)); err != nil {
		return nil, fmt.Errorf("verify proof of possession: want a signature over the token's subject %q by the key: %w", subject, err)
	}
	return pub, nil
}

func verifyCSR(raw []byte) (crypto.PublicKey, error) {
	if block, _ := pem.Decode(raw); block != nil {
		raw = block.Bytes
	}
	csr, err := x509.ParseCertificateRequest(raw)
	if err != nil {
		return nil, fmt.Errorf("read certificate signing request: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("verify certificate signing request: %w", err)
	}
	return csr.PublicKey, strongKey(csr.PublicKey)
}

func parsePublicKey(raw []byte) (crypto.PublicKey, error) {
	if block, _ := pem.Decode(raw); block != nil {
		raw = block.Bytes
	}
	pub, err := x509.ParsePKIXPublicKey(raw)
	if err != nil {
		return nil, fmt.Errorf("read public key: want PKIX in PEM or DER: %w", err)
	}
	return pub, strongKey(pub)
}

// strongKey refuses keys that Fulcio does not certify.
func strongKey(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		if bits := k.Curve.Params().BitSize; bits < 256 {
			return fmt.Errorf("check public key: want a curve of at least 256 bits, found %d", bits)
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < 2048 || bits > 4096 {
			return fmt.Errorf("check public key: want RSA of 2048 to 4096 bits, found %d", bits)
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("check public key: want ECDSA, RSA or Ed25519, found %T", pub)
	}
	return nil
}

// certify issues a leaf for somebody else's key, with the promise of the certificate transparency log.
func (s *Sigstore) certify(id Identity, pub crypto.PublicKey, at time.Time) (*x509.Certificate, error) {
	template, err := leafTemplate(id, at, newLeafConfig(nil))
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	bare, err := createCertificate(template, s.fulcio.intermediate, pub, s.fulcio.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	sct, err := s.ct.promise(bare, s.fulcio.intermediate.RawSubjectPublicKeyInfo, at)
	if err != nil {
		return nil, fmt.Errorf("issue certificate: %w", err)
	}
	template.ExtraExtensions = append(template.ExtraExtensions, sct)
	return createCertificate(template, s.fulcio.intermediate, pub, s.fulcio.key)
}

func (v *Services) rootCert(w http.ResponseWriter, _ *http.Request) error {
	return answerBytes(w, http.StatusOK, "application/pem-certificate-chain", v.sigstore.FulcioChainPEM())
}

func (v *Services) trustBundle(w http.ResponseWriter, _ *http.Request) error {
	return answerJSON(w, http.StatusOK, object{"chains": []object{{"certificates": pemTexts(v.sigstore.FulcioChain())}}})
}

func (v *Services) fulcioConfiguration(w http.ResponseWriter, _ *http.Request) error {
	var issuers []object
	for _, i := range v.fulcioIssuers() {
		issuers = append(issuers, object{"issuerUrl": i.url, "audience": fulcioAudience, "challengeClaim": "sub", "issuerType": "ci-provider"})
	}
	return answerJSON(w, http.StatusOK, object{"issuers": issuers})
}

// pemTexts renders certificates one by one.
func pemTexts(certs []*x509.Certificate) []string {
	var out []string
	for _, c := range certs {
		out = append(out, string(certificatePEM(c)))
	}
	return out
}
