package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	_ "embed" // Fulcio's configuration
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/releaseassay/assay/e2e/internal/process"
)

// Where the servers listen. They have a network namespace to themselves, so that the ports are always free.
const (
	fulcioURL = "http://127.0.0.1:7001"
	ctURL     = "http://127.0.0.1:7002/e2e"
	rekor1URL = "http://127.0.0.1:7003"
	rekor2URL = "http://127.0.0.1:7004"
	tsaURL    = "http://127.0.0.1:7005/api/v1/timestamp"
	plainHost = "127.0.0.1:7006"
	treesAddr = "127.0.0.1:7007"

	// rekor2Origin is the name in the checkpoints of the Rekor v2 log; verifiers take it from the host of its address in
	// the trusted root.
	rekor2Origin = "rekor2.e2e.test"
)

//go:embed fulcio.yaml
var fulcioConfig []byte

// stack is a whole Sigstore of real servers, and a registry without the referrers API.
type stack struct {
	dir string
	bin map[string]string
	// issuerProxy is the way to GitHub's issuer, and issuerCA the certificate in PEM by which it is trusted there.
	issuerProxy string
	issuerCA    []byte
	running     []*process.Process
}

// step starts one server.
type step struct {
	name string
	// after names the steps that must have been made.
	after []string
	start func(context.Context) error
}

// steps are in an order in which they can be made.
func (s *stack) steps() []step {
	return []step{
		{"trillmem", nil, s.startTrees},
		{"fulcio", nil, s.startFulcio},
		{"ct_server", []string{"trillmem", "fulcio"}, s.startCT},
		// Both serve metrics at one port, which cannot be changed: the first dies where it is taken, the second does not.
		{"timestamp-server", nil, s.startTSA},
		{"rekor1", []string{"trillmem", "timestamp-server"}, s.startRekor1},
		{"rekor2", nil, s.startRekor2},
		{"crane", nil, s.startRegistry},
	}
}

// start makes all steps, and stops what runs if one fails.
func (s *stack) start(ctx context.Context) error {
	for _, step := range s.steps() {
		if err := step.start(ctx); err != nil {
			s.stop()
			return err
		}
	}
	return nil
}

// stop ends the servers, the last one first.
func (s *stack) stop() {
	for len(s.running) > 0 {
		last := len(s.running) - 1
		s.running[last].Stop()
		s.running = s.running[:last]
	}
}

// file is the path of a file of the stack.
func (s *stack) file(name string) string { return filepath.Join(s.dir, name) }

// launch starts a server, whose folder is named for it.
func (s *stack) launch(ctx context.Context, sv process.Server) error {
	p, err := process.Launch(ctx, s.bin[sv.Name], s.file(sv.Name), sv)
	if err != nil {
		return err
	}
	s.running = append(s.running, p)
	return nil
}

// startTrees makes one tree for the CT log and one for Rekor v1.
func (s *stack) startTrees(ctx context.Context) error {
	return s.launch(ctx, process.Server{
		Name:  "trillmem",
		Args:  []string{"-listen", treesAddr, "-trees", "2", "-ids", s.file("trees")},
		Ready: process.Appears(s.file("trees")),
	})
}

// tree returns the id of the n-th tree.
func (s *stack) tree(n int) (string, error) {
	raw, err := os.ReadFile(s.file("trees"))
	if err != nil {
		return "", fmt.Errorf("read ids of trees: %w", err)
	}
	ids := strings.Fields(string(raw))
	if n >= len(ids) {
		return "", fmt.Errorf("found %d trees; wanted more than %d", len(ids), n)
	}
	return ids[n], nil
}

// startFulcio starts the CA with a root of its own. To Fulcio alone, GitHub's issuer is at the other end of a proxy.
func (s *stack) startFulcio(ctx context.Context) error {
	if err := errors.Join(s.write("fulcio.yaml", fulcioConfig), s.write("issuer.crt", s.issuerCA)); err != nil {
		return err
	}
	err := s.launch(ctx, process.Server{
		Name: "fulcio",
		Args: []string{
			"serve", "--ca", "ephemeralca", "--config-path", s.file("fulcio.yaml"), "--ct-log-url", ctURL,
			"--host", "127.0.0.1", "--port", port(fulcioURL), "--grpc-host", "127.0.0.1", "--grpc-port", "7101",
			"--metrics-port", "7102", "--legacy-unix-domain-socket", s.file("fulcio.sock"),
		},
		Env: []string{
			"HTTPS_PROXY=" + s.issuerProxy, "NO_PROXY=127.0.0.1",
			"SSL_CERT_FILE=" + s.file("issuer.crt"), "SSL_CERT_DIR=" + s.file("no-certificates"),
		},
		Ready: process.Answers(fulcioURL + "/healthz"),
	})
	if err != nil {
		return err
	}
	raw, err := process.Fetch(ctx, fulcioURL+"/api/v2/trustBundle")
	if err != nil {
		return err
	}
	var bundle struct {
		Chains []struct{ Certificates []string }
	}
	if err := json.Unmarshal(raw, &bundle); err != nil || len(bundle.Chains) != 1 {
		return fmt.Errorf("read fulcio's trust bundle: found %d chains (%w); wanted one", len(bundle.Chains), err)
	}
	return s.write("fulcio.crt", []byte(strings.Join(bundle.Chains[0].Certificates, "\n")))
}

// startCT starts the certificate transparency log, which takes what Fulcio has issued.
func (s *stack) startCT(ctx context.Context) error {
	tree, err := s.tree(0)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the ct log's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the ct log's key: %w", err)
	}
	if err := s.writePublic("ct.pub", key.Public()); err != nil {
		return err
	}
	if err := s.write("ct.cfg", ctConfig(tree, s.file("fulcio.crt"), der)); err != nil {
		return err
	}
	return s.launch(ctx, process.Server{
		Name: "ct_server",
		Args: []string{
			"--http_endpoint", "127.0.0.1:" + port(ctURL), "--log_rpc_server", treesAddr, "--log_config", s.file("ct.cfg"),
			"--quota_remote=false", "--quota_intermediate=false", "--logtostderr",
		},
		Ready: process.Answers(ctURL + "/ct/v1/get-sth"),
	})
}

// ctConfig writes a LogConfigSet (certificate-transparency-go, trillian/ctfe/configpb) in protobuf's text form.
func ctConfig(tree, roots string, key []byte) []byte {
	var octets strings.Builder
	for _, b := range key {
		fmt.Fprintf(&octets, `\x%02x`, b)
	}
	return fmt.Appendf(nil, `config {
  log_id: %s
  prefix: "e2e"
  roots_pem_file: %q
  private_key { [type.googleapis.com/keyspb.PrivateKey] { der: "%s" } }
  ext_key_usages: "CodeSigning"
  max_merge_delay_sec: 86400
  expected_merge_delay_sec: 60
}
`, tree, roots, octets.String())
}

// save keeps what a server answers as a file.
func (s *stack) save(ctx context.Context, name, url string) error {
	raw, err := process.Fetch(ctx, url)
	if err != nil {
		return err
	}
	return s.write(name, raw)
}

func (s *stack) writePublic(name string, key crypto.PublicKey) error {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return s.write(name, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func (s *stack) write(name string, raw []byte) error {
	if err := os.WriteFile(s.file(name), raw, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// port returns the port of one of the addresses above.
func port(url string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	number, _, _ := strings.Cut(rest, "/")
	return number
}
