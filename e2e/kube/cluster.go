package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/releaseassay/assay/e2e/internal/process"
)

// Where everything listens. The run has a network namespace to itself, so that the ports are always free.
const (
	etcdURL     = "http://127.0.0.1:2379"
	etcdPeerURL = "http://127.0.0.1:2380"
	apiPort     = "6443" // the API server that asks the webhooks
	reviewPort  = "6444" // the one that has the admission plugin ImagePolicyWebhook
)

// The bearer tokens of the people in a cluster.
const (
	adminToken  = "admin-of-a-test"
	tenantToken = "tenant-of-a-test"
)

// tokens is a file for --token-auth-file: token, user, uid, groups.
const tokens = adminToken + `,admin,1,"system:masters"` + "\n" + tenantToken + ",tenant,2\n"

// auditPolicy has the annotations of every request that could run something written down.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {level: Metadata, verbs: [create, update, patch]}
  - {level: None}
`

// cluster is etcd and an API server, without nodes and controllers.
type cluster struct {
	dir string // folder of its files
	// pki is the folder of certificates: ca.crt, apiserver.{crt,key}, admission.{crt,key}.
	pki     string
	program string
	port    string
	// plugins are the admission plugins beside the default ones, and admission the configuration of all plugins.
	plugins   []string
	admission string
	process   *process.Process
}

// startEtcd starts the store of all clusters of a run.
func startEtcd(ctx context.Context, program, dir string) (*process.Process, error) {
	return process.Launch(ctx, program, dir, process.Server{
		Name: "etcd",
		Args: []string{
			"--data-dir", filepath.Join(dir, "data"), "--listen-client-urls", etcdURL, "--advertise-client-urls", etcdURL,
			"--listen-peer-urls", etcdPeerURL, "--initial-advertise-peer-urls", etcdPeerURL, "--initial-cluster", "default=" + etcdPeerURL,
			"--unsafe-no-fsync",
		},
		Ready: process.Answers(etcdURL + "/health"),
	})
}

// auditLog is what the API server wrote down.
func (c *cluster) auditLog() string { return filepath.Join(c.dir, "audit.jsonl") }

// start writes the server's files and starts it.
func (c *cluster) start(ctx context.Context) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for name, content := range map[string]string{"tokens.csv": tokens, "audit.yaml": auditPolicy, "admission.yaml": c.admission} {
		if err := writeWhole(filepath.Join(c.dir, name), []byte(content)); err != nil {
			return err
		}
	}
	client, err := c.client(adminToken)
	if err != nil {
		return err
	}
	c.process, err = process.Launch(ctx, c.program, c.dir, process.Server{
		Name: "kube-apiserver",
		Args: c.args(),
		Ready: func(ctx context.Context) error {
			r, err := client.do(ctx, http.MethodGet, "/readyz", nil)
			if err == nil && r.status != http.StatusOK {
				err = fmt.Errorf("found status %d of /readyz: %s", r.status, r.message())
			}
			return err
		},
	})
	return err
}

// args are the API server's.
func (c *cluster) args() []string {
	pki := func(name string) string { return filepath.Join(c.pki, name) }
	args := []string{
		"--etcd-servers=" + etcdURL, "--etcd-prefix=/registry-" + c.port,
		"--bind-address=127.0.0.1", "--secure-port=" + c.port,
		// Nothing is reached there: a namespace with loopback alone has no other address to offer.
		"--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none",
		"--tls-cert-file=" + pki("apiserver.crt"), "--tls-private-key-file=" + pki("apiserver.key"), "--client-ca-file=" + pki("ca.crt"),
		"--anonymous-auth=false", "--token-auth-file=" + filepath.Join(c.dir, "tokens.csv"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + pki("accounts.crt"),
		"--service-account-signing-key-file=" + pki("accounts.key"), "--service-cluster-ip-range=10.0.0.0/24",
		"--audit-policy-file=" + filepath.Join(c.dir, "audit.yaml"), "--audit-log-path=" + c.auditLog(),
		"--admission-control-config-file=" + filepath.Join(c.dir, "admission.yaml"),
		"--feature-gates=ImageVolume=true", "--profiling=false",
	}
	if len(c.plugins) > 0 {
		args = append(args, "--enable-admission-plugins="+strings.Join(c.plugins, ","))
	}
	return args
}

// stop ends the API server.
func (c *cluster) stop() {
	if c.process != nil {
		c.process.Stop()
		c.process = nil
	}
}

// url is where the API server answers.
func (c *cluster) url() string { return "https://127.0.0.1:" + c.port }

// client asks the API server with a bearer token.
func (c *cluster) client(token string) (*client, error) {
	ca, err := os.ReadFile(filepath.Join(c.pki, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("read the CA: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	return &client{base: c.url(), token: token, http: &http.Client{Transport: transport, Timeout: time.Minute}}, nil
}
