// Package config reads assay's own configuration, config.yaml: how registries are
// reached (CA, mirrors, plain HTTP, proxy) and logged in to. It says nothing about
// what is accepted from them, which is the policy's business, and holds no secret:
// passwords lie in files of their own.
//
// [Find] says which file it is, [Load] reads it, [Parse] reads its bytes. An
// unknown, repeated or empty key is an error with file, line and column.
package config

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"

	"github.com/releaseassay/assay/internal/files"
)

// Variable is the environment variable that names the file where --config does not.
const Variable = "ASSAY_CONFIG"

// maxFile bounds config.yaml, maxCA a file of CA certificates and maxPassword one
// with a password (Google's JSON keys are used as such), all in bytes.
const (
	maxFile     = 1 << 20
	maxCA       = 4 << 20
	maxPassword = 64 << 10
)

// The words of network:. Either keeps the host from being asked through a proxy.
const (
	NetworkPrivate  = "private"  // addresses of private networks too
	NetworkLoopback = "loopback" // this machine alone
)

// Config is what the file says. Its zero value is that of no file.
type Config struct {
	Registries []Registry
	// Proxy is used instead of the environment's. Nil if the file names none.
	Proxy *url.URL
}

// Registry is what the file says of one registry.
type Registry struct {
	// Host is as in references, with docker.io under its proper name, index.docker.io.
	Host string
	// CA is the path of the certificates, in PEM, that alone may vouch for this host.
	CA string
	// Mirrors are HOST or HOST/PREFIX, asked in this order before the host itself.
	Mirrors []string
	// PlainHTTP allows plain HTTP to this host.
	PlainHTTP bool
	// Network is which addresses this host may have beside public ones: NetworkPrivate,
	// NetworkLoopback, or "" where nothing is said of it.
	Network string
	// Anonymous is to send no credentials, whatever keychains have some.
	Anonymous bool
	// Username and PasswordFile are both set or both "".
	Username     string
	PasswordFile string
}

// Find returns the path of the file and whether somebody named it: the flag's, else
// that in ASSAY_CONFIG, else assay/config.yaml in the user's folder. "" is none.
func Find(flag string, getenv func(string) string, userDir func() (string, error)) (path string, named bool) {
	if flag != "" {
		return flag, true
	}
	if path := getenv(Variable); path != "" {
		return path, true
	}
	dir, err := userDir()
	if err != nil {
		return "", false
	}
	return filepath.Join(dir, "assay", "config.yaml"), false
}

// Load reads the file that Find found. One that nobody named may be absent.
func Load(path string, named bool) (Config, error) {
	if path == "" {
		return Config{}, nil
	}
	b, err := files.Read(path, maxFile)
	if !named && errors.Is(err, fs.ErrNotExist) {
		return Config{}, nil
	}
	if err != nil {
		return Config{}, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(path, b)
}

// Roots reads the certificates of CA.
func (r Registry) Roots() (*x509.CertPool, error) {
	pem, err := files.Read(r.CA, maxCA)
	if err != nil {
		return nil, fmt.Errorf("read the ca of %s: %w", r.Host, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read the ca of %s: %s has no certificate in PEM", r.Host, r.CA)
	}
	return roots, nil
}

// Password reads PasswordFile, without the newline at its end.
func (r Registry) Password() (string, error) {
	b, err := files.Read(r.PasswordFile, maxPassword)
	if err != nil {
		return "", fmt.Errorf("read password_file: %w", err)
	}
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	if len(b) == 0 {
		return "", fmt.Errorf("read password_file: %s is empty", r.PasswordFile)
	}
	return string(b), nil
}
