package lab

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

const signingConfigMediaType = "application/vnd.dev.sigstore.signingconfig.v0.2+json"

// URL returns the address of the doors, empty before Start. It is what a client calls the URL of Fulcio and of either
// Rekor.
func (v *Services) URL() string {
	if v.host == "" {
		return ""
	}
	return "http://" + v.host
}

// TimestampURL is where the timestamp authority answers.
func (v *Services) TimestampURL() string { return v.URL() + "/api/v1/timestamp" }

// GitHubTokenURL is the lab's ACTIONS_ID_TOKEN_REQUEST_URL. Further parameters are added with "&".
func (v *Services) GitHubTokenURL() string { return v.URL() + "/github/token?api-version=2.0" }

// GitLabTokenURL gives out tokens of GitLab under the same contract; a pipeline has such a token in a variable.
func (v *Services) GitLabTokenURL() string { return v.URL() + "/gitlab/token?api-version=2.0" }

// RequestToken is what the token endpoints ask for.
func (v *Services) RequestToken() string { return v.opts.RequestToken }

// GitHubToken signs a token as the endpoint does, for tests that need none of HTTP.
func (v *Services) GitHubToken(audience string, given map[string]string) (string, error) {
	return v.github.token(audience, given, v.opts.Clock())
}

// GitLabToken signs a token of GitLab.
func (v *Services) GitLabToken(audience string, given map[string]string) (string, error) {
	return v.gitlab.token(audience, given, v.opts.Clock())
}

// Environment lists what a process needs to sign as a job of GitHub Actions would, as "NAME=VALUE". The variables make
// cosign ask the lab for its token; everything else stands in the signing configuration.
func (v *Services) Environment() []string {
	return []string{
		"ACTIONS_ID_TOKEN_REQUEST_URL=" + v.GitHubTokenURL(),
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=" + v.RequestToken(),
	}
}

// SigningConfig returns the signing_config.json that names the doors: clients take Rekor v2 and a timestamp if they
// can, otherwise Rekor v1. Only for started services.
func (v *Services) SigningConfig() ([]byte, error) {
	return v.signingConfig(v.service(v.URL(), 2), v.service(v.URL(), 1))
}

// SigningConfigRekorV1 is the same without Rekor v2.
func (v *Services) SigningConfigRekorV1() ([]byte, error) {
	return v.signingConfig(v.service(v.URL(), 1))
}

func (v *Services) signingConfig(logs ...*prototrustroot.Service) ([]byte, error) {
	if v.host == "" {
		return nil, errors.New("write signing configuration: the services have no address before they are started")
	}
	anyOf := &prototrustroot.ServiceConfiguration{Selector: prototrustroot.ServiceSelector_ANY}
	raw, err := protojson.Marshal(&prototrustroot.SigningConfig{
		MediaType:       signingConfigMediaType,
		CaUrls:          []*prototrustroot.Service{v.service(v.URL(), 1)},
		OidcUrls:        []*prototrustroot.Service{v.service(GitHubIssuer, 1)},
		RekorTlogUrls:   logs,
		RekorTlogConfig: anyOf,
		TsaUrls:         []*prototrustroot.Service{v.service(v.TimestampURL(), 1)},
		TsaConfig:       anyOf,
	})
	if err != nil {
		return nil, fmt.Errorf("encode signing configuration: %w", err)
	}
	var out bytes.Buffer // protojson varies its white space on purpose
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("indent signing configuration: %w", err)
	}
	return append(out.Bytes(), '\n'), nil
}

func (v *Services) service(url string, version uint32) *prototrustroot.Service {
	return &prototrustroot.Service{
		Url: url, MajorApiVersion: version, Operator: "assay lab", ValidFor: timeRange(v.sigstore.window(FulcioCA)),
	}
}

// FulcioChainPEM returns intermediate and root in PEM: what cosign 2 reads from SIGSTORE_ROOT_FILE.
func (s *Sigstore) FulcioChainPEM() []byte {
	return []byte(strings.Join(pemTexts(s.FulcioChain()), ""))
}

// TSAChainPEM returns leaf, intermediate and root of the timestamp authority in PEM.
func (s *Sigstore) TSAChainPEM() []byte {
	a := s.tsa.authority
	return []byte(strings.Join(pemTexts([]*x509.Certificate{s.tsa.leaf, a.intermediate, a.root}), ""))
}

// RekorPublicKeyPEM returns the key of the Rekor v1 log: what cosign 2 reads from SIGSTORE_REKOR_PUBLIC_KEY.
func (s *Sigstore) RekorPublicKeyPEM() ([]byte, error) { return publicKeyPEM(s.rekor1.key.Public()) }

// RekorV2PublicKeyPEM returns the key of the Rekor v2 log.
func (s *Sigstore) RekorV2PublicKeyPEM() ([]byte, error) { return publicKeyPEM(s.rekor2.key.Public()) }

// CTLogPublicKeyPEM returns the key of the certificate transparency log: what cosign 2 reads from
// SIGSTORE_CT_LOG_PUBLIC_KEY_FILE.
func (s *Sigstore) CTLogPublicKeyPEM() ([]byte, error) { return publicKeyPEM(s.ct.key.Public()) }

func publicKeyPEM(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
