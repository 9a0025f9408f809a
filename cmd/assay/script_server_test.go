package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve/doors"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/internal/serve/verifier"
)

// newServers runs a server over the fixture's registry, by the policies of the plugin:
// in the namespace "audited" the one under audit,
// else the one that enforces. SERVER is its URL, SERVER_CA its authority and
// SERVER_TOKEN a file with the token that it wants, which ASSAY_SERVER_TOKEN holds too.
// PLUGIN_SERVER are settings of `assay containerd` that ask it, PLUGIN_NO_SERVER some that
// ask one that is not there.
func newServers(t *testing.T, env map[string]string, registry, root, dir string) map[string]string {
	t.Helper()
	const token = "t0ken"
	handler := newDoors(t, env, registry, root, dir)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	made := map[string]string{"SERVER": s.URL, "ASSAY_SERVER_TOKEN": token}
	write := func(name, file, content string) {
		made[name] = filepath.Join(dir, file)
		must(t, os.WriteFile(made[name], []byte(content), 0o600))
	}
	write("SERVER_CA", "server-ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	write("SERVER_TOKEN", "server-token", token+"\n")
	write("PLUGIN_SERVER", "plugin-server.yaml", "server: {url: \""+s.URL+"\", ca: server-ca.pem, token: server-token}\nlog: server-answers.jsonl\n")
	write("PLUGIN_NO_SERVER", "plugin-no-server.yaml", "server: {url: \"https://127.0.0.1:1\", ca: server-ca.pem}\nlog: server-answers.jsonl\n")
	made["SERVER_ANSWERS"] = filepath.Join(dir, "server-answers.jsonl")
	return made
}

// newDoors are the doors over a real verifier.
func newDoors(t *testing.T, env map[string]string, registry, root, dir string) http.Handler {
	t.Helper()
	registries := filepath.Join(dir, "server-registries.yaml")
	must(t, os.WriteFile(registries, []byte(fmt.Sprintf("registries:\n  - host: %q\n    plain_http: true\n    network: loopback\n", registry)), 0o600))
	s := settings.Settings{
		Policies: []settings.Policy{
			{File: env["PLUGIN_AUDIT_POLICY"], Namespaces: []string{"audited"}}, {File: env["PLUGIN_POLICY"]},
		},
		Registries: registries, TrustedRoot: root, State: filepath.Join(t.TempDir(), "state"),
		Deadline: 20 * time.Second, Verification: 30 * time.Second, Refresh: time.Hour, TrustAge: time.Hour, Verifications: 4,
		CacheBytes: 16 << 20, EvidenceBytes: 16 << 20, CachePass: time.Minute, CacheFail: time.Minute, CacheError: time.Second, CacheTag: time.Minute,
	}
	v, err := verifier.New(context.Background(), verifier.Options{Settings: s, Version: "test", Now: time.Now})
	must(t, err)
	t.Cleanup(v.Close)
	h, err := doors.New(doors.Options{Verifier: v, Policies: v, Past: v, Settings: s, Now: time.Now})
	must(t, err)
	return h
}
