package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"github.com/releaseassay/assay/e2e/internal/process"
)

func (s *stack) startTSA(ctx context.Context) error {
	base := strings.TrimSuffix(tsaURL, "/api/v1/timestamp")
	err := s.launch(ctx, process.Server{
		Name:  "timestamp-server",
		Args:  []string{"serve", "--host", "127.0.0.1", "--port", port(tsaURL), "--timestamp-signer", "memory", "--disable-ntp-monitoring"},
		Ready: process.Answers(base + "/ping"),
	})
	if err != nil {
		return err
	}
	return s.save(ctx, "tsa.crt", tsaURL+"/certchain")
}

func (s *stack) startRekor1(ctx context.Context) error {
	tree, err := s.tree(1)
	if err != nil {
		return err
	}
	host, treesPort, _ := strings.Cut(treesAddr, ":")
	err = s.launch(ctx, process.Server{
		Name: "rekor1",
		Args: []string{
			"serve", "--rekor_server.address", "127.0.0.1", "--port", port(rekor1URL), "--rekor_server.hostname", "rekor1.e2e.test",
			"--rekor_server.signer", "memory", "--enable_retrieve_api=false",
			"--trillian_log_server.address", host, "--trillian_log_server.port", treesPort, "--trillian_log_server.tlog_id", tree,
		},
		Ready: process.Answers(rekor1URL + "/api/v1/log"),
	})
	if err != nil {
		return err
	}
	return s.save(ctx, "rekor1.pub", rekor1URL+"/api/v1/log/publicKey")
}

func (s *stack) startRekor2(ctx context.Context) error {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key of rekor v2: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the key of rekor v2: %w", err)
	}
	if err := s.write("rekor2.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return err
	}
	if err := s.writePublic("rekor2.pub", public); err != nil {
		return err
	}
	return s.launch(ctx, process.Server{
		Name: "rekor2",
		Args: []string{
			"serve", "--http-address", "127.0.0.1", "--http-port", port(rekor2URL), "--grpc-address", "127.0.0.1", "--grpc-port", "7103",
			"--http-metrics-port", "7104", "--hostname", rekor2Origin, "--storage-dir", s.file("rekor2.log"),
			"--signer-filepath", s.file("rekor2.key"), "--checkpoint-interval", "500ms", "--batch-max-age", "100ms",
			"--persistent-antispam",
		},
		Ready: process.Answers(rekor2URL + "/healthz"),
	})
}

// startRegistry starts the registry that has no referrers API.
func (s *stack) startRegistry(ctx context.Context) error {
	if err := os.MkdirAll(s.file("blobs"), 0o700); err != nil {
		return fmt.Errorf("make folder of blobs: %w", err)
	}
	return s.launch(ctx, process.Server{
		Name:  "crane",
		Args:  []string{"registry", "serve", "--address", plainHost, "--disk", s.file("blobs")},
		Ready: process.Answers("http://" + plainHost + "/v2/"),
	})
}
