package lab_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	fulcio "github.com/sigstore/fulcio/pkg/api"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// doors are the services of an instance, started, with a clock that a test may turn.
type doors struct {
	*lab.Services
	sigstore *lab.Sigstore
	now      *time.Time
}

func openDoors(t *testing.T, opts lab.ServicesOptions) doors {
	t.Helper()
	now := then
	d := doors{sigstore: newSigstore(t, lab.Options{}), now: &now}
	opts.Clock = d.clock
	d.Services = lab.NewServices(d.sigstore, opts)
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d doors) clock() time.Time { return *d.now }

// token asks an endpoint as a job would.
func (d doors) token(t *testing.T, endpoint string, query url.Values) string {
	t.Helper()
	resp, body := get(t, http.MethodGet, endpoint+"&"+query.Encode(), http.Header{"Authorization": {"bearer " + d.RequestToken()}})
	var answer struct{ Value string }
	if err := json.Unmarshal(body, &answer); err != nil || answer.Value == "" {
		t.Fatalf("token endpoint answers %s: %s", resp.Status, body)
	}
	return answer.Value
}

func sigstoreAudience(more ...string) url.Values {
	q := url.Values{"audience": {"sigstore"}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set("claim."+more[i], more[i+1])
	}
	return q
}

// signing is how a client signs.
type signing struct {
	rekor     uint32 // the version; 0 for no log
	timestamp bool
	algorithm protocommon.PublicKeyDetails
}

// bundle signs a statement with the clients of sigstore-go.
func (d doors) bundle(t *testing.T, token string, statement []byte, how signing) ([]byte, error) {
	t.Helper()
	pair, err := sign.NewEphemeralKeypair(&sign.EphemeralKeypairOptions{Algorithm: how.algorithm})
	must(t, pair, err)
	opts := sign.BundleOptions{
		CertificateProvider:        sign.NewFulcio(&sign.FulcioOptions{BaseURL: d.URL()}),
		CertificateProviderOptions: &sign.CertificateProviderOptions{IDToken: token},
		Context:                    t.Context(),
	}
	if how.rekor > 0 {
		opts.TransparencyLogs = []sign.Transparency{sign.NewRekor(&sign.RekorOptions{BaseURL: d.URL(), Version: how.rekor})}
	}
	if how.timestamp {
		opts.TimestampAuthorities = []*sign.TimestampAuthority{sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: d.TimestampURL()})}
	}
	b, err := sign.Bundle(&sign.DSSEData{Data: statement, PayloadType: lab.InTotoPayloadType}, pair, opts)
	if err != nil {
		return nil, err
	}
	raw, err := protojson.Marshal(b)
	return must(t, raw, err), nil
}

// judge lets assay judge a bundle as the only evidence of the image.
func (d doors) judge(t *testing.T, raw []byte, rule string) verify.Verdict {
	t.Helper()
	p, err := policy.Parse("test.yaml", []byte("apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: test}\nimages:\n"+
		"  - match: registry.example/acme/widget\n"+rule))
	must(t, p, err)
	rootJSON, err := d.sigstore.TrustedRoot()
	trusted, err2 := verify.NewTrustedRoot(policy.PublicGood, "lab", must(t, rootJSON, err), p.Trust[policy.PublicGood].Thresholds)
	ref, err3 := verify.ParseReference("registry.example/acme/widget:1.2.3@" + digest)
	must(t, ref, err3)
	sum := sha256.Sum256(raw)
	piece := verify.Piece{Layout: verify.Bundle, Place: "memory", Digest: "sha256:" + hex.EncodeToString(sum[:]), MediaType: lab.BundleMediaType, Bytes: raw}
	trust := verify.Trust{Roots: []*verify.TrustedRoot{must(t, trusted, err2)}}
	o := verify.Options{At: then.Add(24 * time.Hour), Limits: verify.DefaultLimits()}
	facts := verify.Authenticate(verify.Image{Reference: ref, Digest: digest}, verify.Evidence{Pieces: []verify.Piece{piece}}, trust, o.Limits)
	return verify.Judge(facts, p, trust, o)
}

const (
	gitHubRule = `    source: {repository: acme/widget, repository_id: "1001", owner_id: "2002", ref: "refs/tags/v{version}"}
    signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml, trigger: [push], runner: github-hosted}}
`
	gitLabRule = `    source: {repository: "https://gitlab.com/acme/widget", ref: "refs/tags/v{version}"}
    signature: {signer: {issuer: "https://gitlab.com", workflow: .gitlab-ci.yml}}
`
)

// TestServicesSign signs with sigstore-go's own clients and lets sigstore-go and assay verify.
func TestServicesSign(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{})
	for name, how := range map[string]signing{
		"rekor v1":               {rekor: 1},
		"rekor v1 and timestamp": {rekor: 1, timestamp: true},
		"rekor v2":               {rekor: 2, timestamp: true},
		"rekor v2, P-384":        {rekor: 2, timestamp: true, algorithm: protocommon.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := d.bundle(t, d.token(t, d.GitHubTokenURL(), sigstoreAudience()), statement(t), how)
			must(t, raw, err)
			res, err := check(t, d.sigstore, raw, release().SAN)
			must(t, res, err)
			if got, want := res.Signature.Certificate.Extensions.SourceRepositoryIdentifier, lab.DefaultRepositoryID; got != want {
				t.Errorf("certificate says repository id %q, want %q", got, want)
			}
			if got := res.VerifiedTimestamps[0].Timestamp; !got.Equal(then) {
				t.Errorf("dated %s", got)
			}
			if v := d.judge(t, raw, gitHubRule); v.Verdict != verify.Pass {
				t.Errorf("assay says %v: %+v", v.Verdict, v.Checks)
			}
		})
	}
}

// TestServicesIdentities certifies who a token stands for, and assay lets only the wanted one pass.
func TestServicesIdentities(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{})
	for name, c := range map[string]struct {
		endpoint, rule string
		given          []string
		pass           bool
	}{
		"github":             {d.GitHubTokenURL(), gitHubRule, nil, true},
		"gitlab":             {d.GitLabTokenURL(), gitLabRule, nil, true},
		"gitlab for github":  {d.GitLabTokenURL(), gitHubRule, nil, false},
		"other repository":   {d.GitHubTokenURL(), gitHubRule, []string{"repository", "evil/widget"}, false},
		"other id":           {d.GitHubTokenURL(), gitHubRule, []string{"repository_id", "666"}, false},
		"pull request":       {d.GitHubTokenURL(), gitHubRule, []string{"event_name", "pull_request_target"}, false},
		"self-hosted":        {d.GitHubTokenURL(), gitHubRule, []string{"runner_environment", "self-hosted"}, false},
		"branch":             {d.GitHubTokenURL(), gitHubRule, []string{"ref", "refs/heads/main"}, false},
		"called workflow":    {d.GitHubTokenURL(), gitHubRule, []string{"job_workflow_ref", "evil/ci/.github/workflows/release.yml@refs/tags/v1.2.3"}, false},
		"gitlab other group": {d.GitLabTokenURL(), gitLabRule, []string{"project_path", "evil/widget"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := d.bundle(t, d.token(t, c.endpoint, sigstoreAudience(c.given...)), statement(t), signing{rekor: 1})
			v := d.judge(t, must(t, raw, err), c.rule)
			if pass := v.Verdict == verify.Pass; pass != c.pass {
				t.Errorf("assay says %v, want a pass: %t; %+v", v.Verdict, c.pass, v.Checks)
			}
			for _, check := range v.Checks {
				if check.Code == "signature.missing" || check.Code == "signature.malformed" {
					t.Errorf("refused for its form: %s", check.Message)
				}
			}
		})
	}
}

// TestServicesLegacyCertificate gets a certificate as cosign 2 does.
func TestServicesLegacyCertificate(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{})
	base, err := url.Parse(d.URL())
	client := fulcio.NewClient(must(t, base, err))
	signer, err := d.sigstore.NewKeySigner()
	proof, err2 := must(t, signer, err).Sign([]byte("repo:acme/widget:ref:refs/tags/v1.2.3"))
	resp, err := client.SigningCert(fulcio.CertificateRequest{
		PublicKey: fulcio.Key{Algorithm: "ecdsa", Content: signer.PublicKeyPEM()}, SignedEmailAddress: must(t, proof, err2),
	}, d.token(t, d.GitHubTokenURL(), sigstoreAudience()))
	must(t, resp, err)
	if !bytes.Contains(resp.CertPEM, []byte("BEGIN CERTIFICATE")) || !bytes.Equal(bytes.TrimSpace(resp.ChainPEM), bytes.TrimSpace(d.sigstore.FulcioChainPEM())) {
		t.Errorf("got certificate %s and chain %s", resp.CertPEM, resp.ChainPEM)
	}
	rootResp, err := client.RootCert()
	if !bytes.Equal(must(t, rootResp, err).ChainPEM, d.sigstore.FulcioChainPEM()) {
		t.Errorf("root certificate is %s", rootResp.ChainPEM)
	}
}

// TestSigningConfig reads the configuration as clients do.
func TestSigningConfig(t *testing.T) {
	if _, err := lab.NewServices(newSigstore(t, lab.Options{}), lab.ServicesOptions{}).SigningConfig(); err == nil {
		t.Error("services without an address have a configuration")
	}
	d := openDoors(t, lab.ServicesOptions{})
	for want, write := range map[uint32]func() ([]byte, error){2: d.SigningConfig, 1: d.SigningConfigRekorV1} {
		raw, err := write()
		config, err2 := root.NewSigningConfigFromJSON(must(t, raw, err))
		must(t, config, err2)
		logs, err := root.SelectServices(config.RekorLogURLs(), config.RekorLogURLsConfig(), sign.RekorAPIVersions, then)
		if must(t, logs, err); len(logs) != 1 || logs[0].MajorAPIVersion != want || logs[0].URL != d.URL() {
			t.Errorf("clients log to %+v, want version %d at %s", logs, want, d.URL())
		}
		ca, err := root.SelectService(config.FulcioCertificateAuthorityURLs(), sign.FulcioAPIVersions, then)
		if must(t, ca, err).URL != d.URL() {
			t.Errorf("clients get certificates from %s", ca.URL)
		}
	}
}

// post sends a body and returns status and answer.
func post(t *testing.T, address, mediaType string, header http.Header, body []byte) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(body))
	must(t, req, err)
	if header != nil {
		req.Header = header.Clone()
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	must(t, resp, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(must(t, raw, err))
}

// TestTokenEndpoint wants the request token and lets a request replace claims.
func TestTokenEndpoint(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{GitHubClaims: map[string]string{"actor": "hubot"}, RequestToken: "secret"})
	for name, header := range map[string]http.Header{
		"none": {}, "other": {"Authorization": {"bearer other"}}, "basic": {"Authorization": {"Basic secret"}},
	} {
		if got := status(t, d.GitHubTokenURL()+"&audience=sigstore", header); got != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, got)
		}
	}
	if got := status(t, d.GitHubTokenURL()+"&claim.exp=soon", http.Header{"Authorization": {"bearer secret"}}); got != http.StatusBadRequest {
		t.Errorf("expiry in words: status %d", got)
	}
	part := strings.Split(d.token(t, d.GitHubTokenURL(), sigstoreAudience("repository", "acme/other", "event_name", "schedule")), ".")[1]
	raw, err := base64.RawURLEncoding.DecodeString(part)
	var claims map[string]any
	if err := json.Unmarshal(must(t, raw, err), &claims); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"iss": lab.GitHubIssuer, "aud": "sigstore", "sub": "repo:acme/other:ref:refs/tags/v1.2.3", "event_name": "schedule",
		"job_workflow_ref": "acme/other/.github/workflows/release.yml@refs/tags/v1.2.3", "actor": "hubot",
		"exp": float64(then.Add(5 * time.Minute).Unix()),
	} {
		if claims[name] != want {
			t.Errorf("claim %s is %v, want %v", name, claims[name], want)
		}
	}
}
