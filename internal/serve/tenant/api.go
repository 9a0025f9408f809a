package tenant

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

const (
	// maxObject is the size of an answer in bytes: a secret holds 1 MiB, in base64.
	maxObject = 3 << 20
	// maxToken is the size of a service account token in bytes.
	maxToken = 64 << 10
	// requestTime is how long one request takes at most.
	requestTime = 5 * time.Second
)

// label and subdomain are the names of DNS that Kubernetes gives namespaces, and service
// accounts and secrets. None has a slash, or begins with a dot.
var (
	label     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

func isLabel(s string) bool     { return len(s) <= 63 && label.MatchString(s) }
func isSubdomain(s string) bool { return len(s) <= 253 && subdomain.MatchString(s) }

// api asks the API server as the server's own service account.
type api struct {
	dir, base string
	client    *http.Client
}

// object is what is read of a Secret or a ServiceAccount.
type object struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Type             string            `json:"type"`
	Data             map[string][]byte `json:"data"`
	ImagePullSecrets []struct {
		Name string `json:"name"`
	} `json:"imagePullSecrets"`
}

func newAPI(dir, host, port string) (*api, error) {
	if host == "" || port == "" {
		return nil, errors.New("wanted the address of the API server, as every pod has it in KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT; found none")
	}
	a := &api{dir: dir, base: "https://" + net.JoinHostPort(host, port)}
	if _, err := a.token(); err != nil {
		return nil, err
	}
	if _, err := a.roots(); err != nil {
		return nil, err
	}
	a.client = &http.Client{
		Timeout: requestTime,
		// No proxy: the token is for the API server alone. No redirects, for the same reason.
		Transport: &http.Transport{
			DialTLSContext:      a.dial(host),
			MaxIdleConnsPerHost: 4, MaxConnsPerHost: 16, IdleConnTimeout: time.Minute,
			ResponseHeaderTimeout: requestTime, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return a, nil
}

// dial reads the CA anew for each connection: it is replaced in the mounted folder.
func (a *api) dial(host string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		roots, err := a.roots()
		if err != nil {
			return nil, err
		}
		d := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}}
		return d.DialContext(ctx, network, addr)
	}
}

func (a *api) roots() (*x509.CertPool, error) {
	b, err := os.ReadFile(filepath.Join(a.dir, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("read the API server's CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("read the API server's CA %s: wanted certificates in PEM, found none", filepath.Join(a.dir, "ca.crt"))
	}
	return pool, nil
}

// token reads the service account token, which the kubelet replaces as it ages.
func (a *api) token() (string, error) {
	path := filepath.Join(a.dir, "token")
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the service account token: %w", err)
	}
	b = bytes.TrimSpace(b)
	if len(b) == 0 || len(b) > maxToken || bytes.ContainsFunc(b, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("read the service account token: wanted one line of at most %d bytes in %s", maxToken, path)
	}
	return string(b), nil
}

// errNotGranted is an object that the server's service account may not read: nobody has
// said that it should.
var errNotGranted = errors.New("the API server answers 403: grant it to the server's service account in that namespace (docs/pull-secrets.md)")

// get reads one object; false is one that is not there. kind is "Secret" or
// "ServiceAccount". Its errors hold nothing of an answer but the status.
func (a *api) get(ctx context.Context, kind, namespace, name string) (object, bool, error) {
	resource := map[string]string{"Secret": "secrets", "ServiceAccount": "serviceaccounts"}[kind]
	if resource == "" || !isLabel(namespace) || !isSubdomain(name) {
		return object{}, false, fmt.Errorf("read the %s %.260q in the namespace %.70q: wanted names as DNS has them", kind, name, namespace)
	}
	o, found, err := a.ask(ctx, "/api/v1/namespaces/"+namespace+"/"+resource+"/"+name)
	if err == nil && found && (o.Kind != kind || o.Metadata.Name != name || o.Metadata.Namespace != namespace) {
		err = errors.New("the API server answers with another object")
	}
	if err != nil {
		return object{}, false, fmt.Errorf("read the %s %s in the namespace %s: %w", kind, name, namespace, err)
	}
	return o, found, nil
}

func (a *api) ask(ctx context.Context, path string) (o object, found bool, err error) {
	token, err := a.token()
	if err != nil {
		return object{}, false, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path, nil)
	if err != nil {
		return object{}, false, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	response, err := a.client.Do(request)
	if err != nil {
		return object{}, false, err
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(response.Body, maxObject+1))
	switch {
	case response.StatusCode == http.StatusNotFound:
		return object{}, false, nil
	case response.StatusCode == http.StatusForbidden:
		return object{}, false, errNotGranted
	case response.StatusCode != http.StatusOK:
		return object{}, false, fmt.Errorf("the API server answers %d", response.StatusCode)
	case err != nil:
		return object{}, false, err
	case len(b) > maxObject:
		return object{}, false, fmt.Errorf("the answer has more than %d bytes", maxObject)
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return object{}, false, errors.New("the answer is not the JSON of an object")
	}
	return o, true, nil
}
