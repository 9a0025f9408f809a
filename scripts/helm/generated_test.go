package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve/cache"
)

// TestGenerated looks at what the chart makes at random: a certificate for the Service's
// name that the CA in both webhooks vouches for, a token, a store key that the server
// takes; and that two releases share none.
func TestGenerated(t *testing.T) {
	h := built(t)
	seen := map[string]bool{}
	for range 2 {
		out, err := h.run(t.Context(), "template", "assay", filepath.Join(folder, "assay"), "--kube-version", kubeVersion, "--namespace", "assay-system",
			"--values", filepath.Join(folder, "testdata", "minimal.values.yaml"), "--set", "redis.url=redis://r:6379")
		if err != nil {
			t.Fatal(err)
		}
		all := objects(t, out)
		secrets := map[string]map[string][]byte{}
		for _, s := range kind(all, "Secret") {
			data := map[string][]byte{}
			for k, v := range s.at("data").(map[string]any) {
				b, err := base64.StdEncoding.DecodeString(v.(string))
				if err != nil {
					t.Fatal(err)
				}
				data[k] = b
				if seen[string(b)] {
					t.Errorf("%s %s is that of another release", s.text("metadata", "name"), k)
				}
				seen[string(b)] = true
			}
			secrets[s.text("metadata", "name")] = data
		}
		checkCertificate(t, secrets["assay-tls"], all)
		if n := len(secrets["assay-tokens"]["token"]); n < 40 {
			t.Errorf("the token has %d characters", n)
		}
		key := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(key, secrets["assay-store-keys"]["key"], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := cache.ReadKeys([]string{key}); err != nil {
			t.Error(err)
		}
	}
}

func checkCertificate(t *testing.T, secret map[string][]byte, all []object) {
	t.Helper()
	pair, err := tls.X509KeyPair(secret["tls.crt"], secret["tls.key"])
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(secret["ca.crt"])
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "assay.assay-system.svc", CurrentTime: time.Now()}); err != nil {
		t.Error(err)
	}
	for _, k := range []string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"} {
		bundle := one(t, all, k).text("webhooks", "0", "clientConfig", "caBundle")
		if bundle != base64.StdEncoding.EncodeToString(secret["ca.crt"]) {
			t.Errorf("%s trusts another CA", k)
		}
	}
	if len(secret) != 3 {
		t.Errorf("the Secret has %d members; wanted no key of the CA", len(secret))
	}
}

func objects(t *testing.T, b []byte) []object {
	t.Helper()
	file := filepath.Join(t.TempDir(), "all.yaml")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return readObjects(t, file)
}
