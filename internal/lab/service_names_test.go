package lab_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
)

// TestIssuersUnderTheirNames reaches the issuers over TLS through the proxy, and nothing else.
func TestIssuersUnderTheirNames(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{IssuerProxy: true})
	proxy, err := url.Parse(d.IssuerProxyURL())
	must(t, proxy, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(d.IssuerCA()) {
		t.Fatalf("the authority is %s", d.IssuerCA())
	}
	client := &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyURL(proxy), DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, Time: d.clock},
	}}
	for _, issuer := range []string{lab.GitHubIssuer, lab.GitLabIssuer} {
		var discovery struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		fetch(t, client, issuer+"/.well-known/openid-configuration", &discovery)
		if discovery.Issuer != issuer {
			t.Errorf("issuer is %q", discovery.Issuer)
		}
		var set struct {
			Keys []struct{ Kid, Alg, N string }
		}
		fetch(t, client, discovery.Keys, &set)
		if len(set.Keys) != 1 || set.Keys[0].Alg != "RS256" || set.Keys[0].N == "" {
			t.Errorf("keys are %+v", set)
		}
	}
	for request, want := range map[string]int{
		"CONNECT token.actions.githubusercontent.com:80 HTTP/1.1\r\nHost: x\r\n\r\n":                                             http.StatusForbidden,
		"CONNECT github.com:443 HTTP/1.1\r\nHost: token.actions.githubusercontent.com:443\r\n\r\n":                               http.StatusForbidden,
		"CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: token.actions.githubusercontent.com:443\r\n\r\n":                                http.StatusForbidden,
		fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", d.URL()[len("http://"):]):                                          http.StatusForbidden,
		"GET http://token.actions.githubusercontent.com:443/ HTTP/1.1\r\nHost: token.actions.githubusercontent.com:443\r\n\r\n":  http.StatusForbidden,
		"CONNECT token.actions.githubusercontent.com:443 HTTP/1.1\r\nHost: token.actions.githubusercontent.com:443\r\n\r\n":      http.StatusOK,
		"CONNECT evil.token.actions.githubusercontent.com:443 HTTP/1.1\r\nHost: token.actions.githubusercontent.com:443\r\n\r\n": http.StatusForbidden,
	} {
		if got := rawStatus(t, proxy.Host, request); got != want {
			t.Errorf("%q is answered %d, want %d", request, got, want)
		}
	}
}

func fetch(t *testing.T, client *http.Client, address string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	resp, err2 := client.Do(must(t, req, err))
	must(t, resp, err2)
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s answers %s: %v", address, resp.Status, err)
	}
}

// rawStatus sends a request as it is written.
func rawStatus(t *testing.T, host, request string) int {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	must(t, conn, err)
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, resp, err)
	_ = resp.Body.Close()
	return resp.StatusCode
}
