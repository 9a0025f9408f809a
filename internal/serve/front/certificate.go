package front

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/releaseassay/assay/internal/files"
)

// maxFile bounds every file of the front, in bytes.
const maxFile = 1 << 20

// certificate is the server's own, read again when its files change.
type certificate struct {
	files watched
	now   func() time.Time
	held  atomic.Pointer[tls.Certificate]
}

func loadCertificate(cert, key string, now func() time.Time) (*certificate, error) {
	c := &certificate{files: watched{paths: []string{cert, key}}, now: now}
	return c, c.reload()
}

func (c *certificate) current() *tls.Certificate { return c.held.Load() }

// valid reports whether the certificate can be shown now.
func (c *certificate) valid() error {
	leaf, now := c.current().Leaf, c.now()
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("the certificate expired at %s", leaf.NotAfter.Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("the certificate is not valid before %s", leaf.NotBefore.Format(time.RFC3339))
	}
	return nil
}

// reload reads the files. What cannot be used leaves the certificate as it is.
func (c *certificate) reload() error {
	content, err := c.files.read()
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	file := c.files.paths[0]
	if _, err := certificates(file, content[0]); err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(content[0], content[1])
	if err != nil {
		return fmt.Errorf("read the certificate %s with the key %s: %w", file, c.files.paths[1], err)
	}
	fresh := &certificate{now: c.now}
	fresh.held.Store(&pair)
	if err := fresh.valid(); err != nil && c.current() != nil && c.valid() == nil {
		return fmt.Errorf("read the certificate: %s: %w; the old one is still valid and stays", file, err)
	}
	c.held.Store(&pair)
	return nil
}

// certificates parses a file of certificates alone, whole to its last byte.
func certificates(file string, text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for len(bytes.TrimSpace(text)) > 0 {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil, fmt.Errorf("%s has something after certificate %d that is no PEM, as a file that is being written has", file, len(all))
		}
		text = rest
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s has a block of type %.40q; wanted certificates alone", file, block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d: %w", file, len(all)+1, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return all, nil
}

// clientCA vouches for clients.
type clientCA struct {
	files watched
	names []string
	now   func() time.Time
	held  atomic.Pointer[authorities]
}

// authorities are certificates of CAs. They are compared by pointer: a connection that
// other ones vouched for is judged anew.
type authorities struct {
	pool  *x509.CertPool
	until time.Time // when the last of them expires
}

func loadClientCA(file string, names []string, now func() time.Time) (*clientCA, error) {
	c := &clientCA{files: watched{paths: []string{file}}, names: names, now: now}
	return c, c.reload()
}

func (c *clientCA) current() (*x509.CertPool, *authorities) {
	a := c.held.Load()
	return a.pool, a
}

func (c *clientCA) reload() error {
	content, err := c.files.read()
	if err != nil {
		return fmt.Errorf("read client_ca: %w", err)
	}
	all, err := certificates(c.files.paths[0], content[0])
	if err != nil {
		return fmt.Errorf("read client_ca: %w", err)
	}
	a := &authorities{pool: x509.NewCertPool()}
	for _, one := range all {
		if !one.IsCA {
			return fmt.Errorf("read client_ca: %s has a certificate that is no authority, %q", c.files.paths[0], one.Subject)
		}
		a.pool.AddCert(one)
		if one.NotAfter.After(a.until) {
			a.until = one.NotAfter
		}
	}
	c.held.Store(a)
	return nil
}

// admit judges the certificate that a connection showed, by the authorities of now, and
// returns the client's name.
func (c *clientCA) admit(chain []*x509.Certificate) (name string, until time.Time, by *authorities, err error) {
	pool, by := c.current()
	if len(chain) == 0 {
		return "", time.Time{}, by, errors.New("there is no client certificate")
	}
	between := x509.NewCertPool()
	for _, one := range chain[1:] {
		between.AddCert(one)
	}
	verified, err := chain[0].Verify(x509.VerifyOptions{
		Roots: pool, Intermediates: between, CurrentTime: c.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return "", time.Time{}, by, fmt.Errorf("verify the client certificate: %w", err)
	}
	until = verified[0][0].NotAfter
	for _, one := range verified[0] {
		if one.NotAfter.Before(until) {
			until = one.NotAfter
		}
	}
	names := namesOf(chain[0])
	if len(names) == 0 {
		return "", until, by, errors.New("the client certificate has no name")
	}
	if len(c.names) == 0 {
		return names[0], until, by, nil
	}
	for _, n := range names {
		if slices.Contains(c.names, n) {
			return n, until, by, nil
		}
	}
	return "", until, by, fmt.Errorf("the client certificate of %q is not among client_names", names[0])
}

func namesOf(c *x509.Certificate) (names []string) {
	if c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	names = append(names, c.DNSNames...)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	return names
}

// watched are files whose content matters.
type watched struct {
	paths []string
	held  [][]byte // what was read last
	seen  [][]byte // what the last look found
}

func (w *watched) read() ([][]byte, error) {
	content, err := readAll(w.paths)
	if err == nil {
		w.held, w.seen = content, content
	}
	return content, err
}

// changed reports whether the files are others than those that were read last, and as
// they were at the last look: a file that is being written is left to the next one.
func (w *watched) changed() bool {
	content, err := readAll(w.paths)
	if err != nil {
		content = [][]byte{[]byte(err.Error())} // said once, by read
	}
	settled := slices.EqualFunc(content, w.seen, bytes.Equal)
	w.seen = content
	return settled && !slices.EqualFunc(content, w.held, bytes.Equal)
}

// tried notes that what changed has been looked at, so that what is wrong with it is
// said once.
func (w *watched) tried() { w.held = w.seen }

func readAll(paths []string) ([][]byte, error) {
	var all [][]byte
	for _, p := range paths {
		b, err := readRegular(p)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// readRegular reads a file of at most maxFile bytes. A pipe would be waited for: for ever
// when the server starts, and later in place of every other file.
func readRegular(path string) ([]byte, error) {
	if about, err := os.Stat(path); err == nil && !about.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return files.Read(path, maxFile)
}
