package registry

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"testing"

	"github.com/releaseassay/assay/verify"
)

// TestForbiddenHosts shows which hosts nobody is sent to, however they are spelt, and that a proxy
// is not sent there either.
func TestForbiddenHosts(t *testing.T) {
	proxied, err := url.Parse("http://proxy.example:3128")
	if err != nil {
		t.Fatal(err)
	}
	through := Network{Proxy: proxied}.proxy()
	for host, want := range map[string]bool{
		"169.254.169.254": true, "169.254.169.254.": true, "100.100.100.200": true, "168.63.129.16": true, "192.0.0.192": true,
		"[fd00:ec2::254]": true, "[fd20:ce::254]": true, "[fe80::1%25eth0]": true, "[fd00:ec2::254%25eth0]": true, "[ff02::1]": true,
		"[::ffff:100.100.100.200]": true, "[::ffff:a9fe:a9fe]": true, "[64:ff9b::a9fe:a9fe]": true, "[2002:a9fe:a9fe::1]": true,
		"[::a9fe:a9fe]": true, "0.0.0.0": true, "[::]": true, "[64:ff9b::]": true,
		"2852039166": true, "0xA9FEA9FE": true, "0xa9.0xfe.0xa9.0xfe": true, "169.254.43518": true, "0251.0376.0251.0376": true,
		"registry.0x": true, "127.1": true,
		"10.0.0.1": false, "100.64.0.1": false, "[fd00:ec2::255]": false, "[2001:db8::1]": false, "[64:ff9b::a00:1]": false,
		"registry.example": false, "registry.example.": false, "1.registry.example": false, "registry0x.example": false, "registry.0xg": false,
		"node1": false, "127.0.0.1": false, "[::1]": false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+":8443/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := forbidden(req.URL.Hostname()); got != want {
			t.Errorf("forbidden(%q) is %v", host, got)
		}
		var no *refusal
		if _, err := through(req); errors.As(err, &no) != want || no != nil && no.code != verify.RegistryInsecure {
			t.Errorf("a proxy for %s: %v", host, err)
		}
	}
	for address, want := range map[string]bool{
		"fd00:ec2::254": true, "100.100.100.200": true, "64:ff9b::a9fe:a9fe": true, "10.0.0.1": false,
	} {
		if err := (direct{}).allows("registry.example", netip.MustParseAddr(address)); (err != nil) != want {
			t.Errorf("dialling %s: %v", address, err)
		}
	}
}
