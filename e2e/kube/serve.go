package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/releaseassay/assay/e2e/internal/process"
)

// Where assay listens.
const (
	doorsAddress  = "127.0.0.1:8443"
	probesAddress = "127.0.0.1:8080"
)

// account is where Kubernetes puts the token of a pod's service account.
const account = "/var/run/secrets/kubernetes.io/serviceaccount"

// startAssay starts the server under test, as a container of the chart would be.
func (w *world) startAssay(ctx context.Context) error {
	p, err := process.Launch(ctx, w.options.assay, w.file("server"), process.Server{
		Name:  "assay",
		Args:  []string{"serve", "--config", w.file("serve.yaml")},
		Env:   w.assayEnvironment(),
		Ready: process.Answers("http://" + probesAddress + "/readyz"),
	})
	if err != nil {
		return err
	}
	w.assay = p
	return nil
}

func (w *world) assayEnvironment() []string {
	return []string{
		"KUBERNETES_SERVICE_HOST=127.0.0.1", "KUBERNETES_SERVICE_PORT=" + apiPort,
		"DOCKER_CONFIG=" + w.file("range", "docker"),
	}
}

// endAssay asks the server to stop, and wants it to do so by itself.
func (w *world) endAssay(ctx context.Context) error {
	if err := w.assay.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	code, err := w.assay.Wait(ctx)
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("assay serve ended with %d; wanted 0\n%s", code, w.assay.Tail())
	}
	return nil
}

// mountAccount puts a service account's token where Kubernetes would.
func (w *world) mountAccount(token string) error {
	run, err := filepath.EvalSymlinks("/var/run")
	if err != nil {
		return fmt.Errorf("find /var/run: %w", err)
	}
	if err := process.Cover(run); err != nil {
		return err
	}
	ca, err := os.ReadFile(w.file("pki", "ca.crt"))
	if err != nil {
		return fmt.Errorf("read the CA: %w", err)
	}
	return errors.Join(
		writeWhole(filepath.Join(account, "token"), []byte(token)),
		writeWhole(filepath.Join(account, "ca.crt"), ca),
		writeWhole(filepath.Join(account, "namespace"), []byte(assayNamespace)),
	)
}

// caller asks assay's doors with a client certificate of the run, none for "".
func (w *world) caller(name string) (*client, error) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.serving.pem)
	config := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if name != "" {
		pair, err := tls.LoadX509KeyPair(w.file("pki", name+".crt"), w.file("pki", name+".key"))
		if err != nil {
			return nil, fmt.Errorf("read the certificate of %s: %w", name, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &client{
		base: "https://" + doorsAddress,
		http: &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 30 * time.Second},
	}, nil
}
