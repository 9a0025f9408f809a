package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Part names a piece of an instance that has a validity of its own.
type Part string

// The parts of an instance. "CA", "Log" and "TSA" are the periods that the trusted root states; "Cert" are the
// periods inside the certificates.
const (
	FulcioCA               Part = "fulcio-ca"
	FulcioRootCert         Part = "fulcio-root-cert"
	FulcioIntermediateCert Part = "fulcio-intermediate-cert"
	CTLog                  Part = "ct-log"
	RekorV1Log             Part = "rekor-v1-log"
	RekorV2Log             Part = "rekor-v2-log"
	TSA                    Part = "tsa"
	TSARootCert            Part = "tsa-root-cert"
	TSAIntermediateCert    Part = "tsa-intermediate-cert"
	TSALeafCert            Part = "tsa-leaf-cert"
)

// Window is a validity period, both ends included. In a trusted root a zero To leaves the end open; in a certificate
// it means ten years after Options.Now. A zero From means one year before Options.Now.
type Window struct {
	From, To time.Time
}

// Options describe an instance.
type Options struct {
	// Now is the instant around which validity lies. Required.
	Now time.Time
	// Name is the prefix of the host names in URIs ("lab" gives https://rekor.lab.example). Empty means "lab".
	Name string
	// Validity overrides the period of single parts.
	Validity map[Part]Window
	// TSAUsage replaces the extended key usage of the TSA's leaf certificate. Nil means timestamping.
	TSAUsage []x509.ExtKeyUsage
}

// Sigstore is one instance: a certificate authority, a certificate transparency log, a Rekor v1 log, a Rekor v2 log
// and a timestamp authority. It is safe for concurrent use.
type Sigstore struct {
	opts   Options
	fulcio *authority
	ct     *ctLog
	rekor1 *rekorV1
	rekor2 *rekorV2
	tsa    *timestamper
}

// NewSigstore makes an instance with new keys.
func NewSigstore(opts Options) (*Sigstore, error) {
	if opts.Now.IsZero() {
		return nil, errors.New("make sigstore instance: no time given")
	}
	if opts.Name == "" {
		opts.Name = "lab"
	}
	s := &Sigstore{opts: opts}
	var err error
	if s.fulcio, err = newFulcio(s); err != nil {
		return nil, fmt.Errorf("make fulcio: %w", err)
	}
	if s.ct, err = newCTLog(); err != nil {
		return nil, fmt.Errorf("make ct log: %w", err)
	}
	if s.rekor1, err = newRekorV1(s.host("rekor")); err != nil {
		return nil, fmt.Errorf("make rekor v1 log: %w", err)
	}
	if s.rekor2, err = newRekorV2(s.host("log2025-1.rekor")); err != nil {
		return nil, fmt.Errorf("make rekor v2 log: %w", err)
	}
	if s.tsa, err = newTimestamper(s); err != nil {
		return nil, fmt.Errorf("make timestamp authority: %w", err)
	}
	return s, nil
}

// Now returns the instant the instance was made for.
func (s *Sigstore) Now() time.Time { return s.opts.Now }

// Name returns the name the instance was made with.
func (s *Sigstore) Name() string { return s.opts.Name }

// host returns the name under which a service of the instance goes.
func (s *Sigstore) host(service string) string {
	return service + "." + s.opts.Name + ".example"
}

// window returns the validity of a part as stated in the trusted root.
func (s *Sigstore) window(p Part) Window {
	w := s.opts.Validity[p]
	if w.From.IsZero() {
		w.From = s.opts.Now.AddDate(-1, 0, 0)
	}
	return w
}

// certWindow returns the validity of a part for a certificate, which cannot leave its end open.
func (s *Sigstore) certWindow(p Part) Window {
	w := s.window(p)
	if w.To.IsZero() {
		w.To = s.opts.Now.AddDate(10, 0, 0)
	}
	return w
}

func newKey() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}
