package verify

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Facts are what authentication made of the evidence about one image: statements
// that were verified, and candidates that were not, each with the reason.
type Facts struct {
	image      Image
	statements []*Statement
	rejected   []Rejected
	failures   []Failure
	places     []string
	// release is nil where nobody read a TUF repository.
	release *Release
	// children are the manifests of an index whose evidence was collected; index is the
	// one that the caller named, and that holds this image.
	children []childFacts
	index    *Facts
	// config is the image's configuration, nil where it was not fetched.
	config []byte
	// inventory is what the image's bytes list; see [Facts.lists].
	inventory *inventory
	// attesting are the attestation manifests that are proved; see [attesting].
	attesting map[string]bool
}

// Rejected is a piece of evidence that did not become a statement.
type Rejected struct {
	layout   Layout
	place    string
	evidence string
	// predicateType and claims are what the piece says of itself, unverified.
	predicateType string
	claims        *Claims
	root          string
	problem       problem
	reason        string
}

// problem is why a candidate was rejected or did not meet a demand. Later ones
// come closer to passing: the closest candidate gives a check its code.
type problem int

// The problems, from far to near.
const (
	problemNone problem = iota
	problemMalformed
	problemPanic
	problemUnknownAuthority
	problemInvalid
	problemSubject
	problemKeySigned
	problemUnsupported
	problemIdentity
	problemBuilder
	problemSource
	problemClaimMismatch
	problemClaimMissing
	problemWindow
	problemFuture
	problemStatement
	problemCertificate
	problemLevel
	problemInputs
	problemDenied
	problemAge
	problemOlder
	problemSpoilt
	problemSchema
	problemContent
	problemRule
)

// rejection is an error that carries its problem.
type rejection struct {
	problem problem
	err     error
}

func (r *rejection) Error() string { return r.err.Error() }
func (r *rejection) Unwrap() error { return r.err }

func reject(p problem, format string, args ...any) error {
	return &rejection{problem: p, err: fmt.Errorf(format, args...)}
}

// Authenticate verifies every piece of evidence about image under every root of
// trust, in memory. It asks nobody and knows no policy but which TUF root is pinned:
// whether a statement's signer is the right one is for [Judge]. A piece that makes a library panic is a
// rejected candidate like any other.
func Authenticate(image Image, evidence Evidence, trust Trust, limits Limits) Facts {
	facts := Facts{image: image, failures: evidence.Failures, places: evidence.Places, config: configOf(image, evidence.Config), inventory: inventoryOf(image, limits)}
	pieces, cut := bounded(image, evidence.Pieces, limits)
	facts.failures = append(facts.failures[:len(facts.failures):len(facts.failures)], cut...)
	facts.attesting = attesting(pieces, limits)
	if demand := evidence.Want.Release; demand != nil && evidence.Release != nil {
		facts.release = authenticateRelease(*evidence.Release, *demand, trust, limits, evidence.sigstore)
	}
	type outcome struct {
		statement *Statement
		rejected  Rejected
	}
	outcomes := make([]outcome, len(pieces)*len(trust.Roots))
	work := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(outcomes)) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range work {
				piece, under := pieces[i/len(trust.Roots)], trust.Roots[i%len(trust.Roots)]
				a := &authenticator{image: image, index: facts.inventory, types: evidence.Want.Types, trust: trust, root: under, limits: limits}
				if len(piece.Bytes) > largePiece {
					largeAlone.Lock()
				}
				outcomes[i].statement, outcomes[i].rejected = a.authenticate(piece)
				if len(piece.Bytes) > largePiece {
					largeAlone.Unlock()
				}
			}
		}()
	}
	for i := range outcomes {
		work <- i
	}
	close(work)
	workers.Wait()
	for _, o := range outcomes {
		if o.statement != nil {
			facts.statements = append(facts.statements, o.statement)
		} else {
			facts.rejected = append(facts.rejected, o.rejected)
		}
	}
	return facts.extend(evidence, trust, limits)
}

// largePiece is the size in bytes above which pieces are read one after the other: what
// decodes and hashes them needs some times their size.
const largePiece = 1 << 20

// largeAlone is held by who reads one: in a server, verifications at the same time share the memory.
var largeAlone sync.Mutex

// bounded keeps of each layout as many pieces as are read, and says what was cut.
func bounded(image Image, pieces []Piece, limits Limits) ([]Piece, []Failure) {
	var kept []Piece
	count := map[Layout]int{}
	for _, p := range pieces {
		if count[p.Layout]++; count[p.Layout] <= limits.Pieces {
			kept = append(kept, p)
		}
	}
	var cut []Failure
	for _, layout := range slices.Sorted(maps.Keys(count)) {
		if count[layout] > limits.Pieces {
			cut = append(cut, Failure{
				Code: LimitExceeded, Class: Definitive, Place: image.Reference.Name(), Layouts: []Layout{layout},
				Detail: fmt.Sprintf("found %d pieces of evidence of the layout %s; at most %d are read", count[layout], layout, limits.Pieces),
			})
		}
	}
	return kept, cut
}

// authenticator verifies one piece under one root.
type authenticator struct {
	image  Image
	index  *inventory // what the image lists
	types  []string   // that are judged; none means all
	trust  Trust
	root   *TrustedRoot
	limits Limits
	// What the piece says of itself, noted on the way for the report.
	predicateType string
	claims        *Claims
}

// authenticate returns a statement or a rejected candidate, never both. It
// recovers whatever the libraries below do with hostile bytes.
func (a *authenticator) authenticate(p Piece) (statement *Statement, rejected Rejected) {
	defer func() {
		if r := recover(); r != nil {
			statement, rejected = nil, a.rejected(p, reject(problemPanic, "reading it ended in a panic: %v", r))
		}
	}()
	s, err := a.read(p)
	if err != nil {
		return nil, a.rejected(p, err)
	}
	if s == nil || (len(s.times) < 1 && s.layout != BuildKit) || s.root != a.root.name {
		return nil, a.rejected(p, reject(problemInvalid, "nothing was verified"))
	}
	return s, Rejected{}
}

// noCause is what sigstore-go writes where a threshold is not met and nothing went wrong.
const noCause = "; error: %!w(<nil>)"

func (a *authenticator) rejected(p Piece, err error) Rejected {
	r := Rejected{
		layout: p.Layout, place: p.Place, evidence: p.Digest, predicateType: a.predicateType, claims: a.claims,
		root: a.root.name, problem: problemInvalid, reason: strings.ReplaceAll(err.Error(), noCause, ""),
	}
	var known *rejection
	if errors.As(err, &known) {
		r.problem = known.problem
	}
	return r
}

func (a *authenticator) read(p Piece) (*Statement, error) {
	if int64(len(p.Bytes)) > a.limits.PieceBytes {
		return nil, reject(problemMalformed, "it has %d bytes; at most %d are read", len(p.Bytes), a.limits.PieceBytes)
	}
	size := 0
	for k, v := range p.Annotations {
		size += len(k) + len(v)
	}
	if size > a.limits.AnnotationBytes {
		return nil, reject(problemMalformed, "its annotations have %d bytes; at most %d are read", size, a.limits.AnnotationBytes)
	}
	switch p.Layout {
	case Bundle:
		return a.bundle(p)
	case LegacySignature:
		return a.legacySignature(p)
	case LegacyAttestation:
		return a.legacyAttestation(p)
	case BuildKit:
		return a.buildKit(p)
	}
	return nil, reject(problemMalformed, "its layout %q is not known", p.Layout)
}

// statementOf parses an in-toto payload and wants it to name the image's digest.
func (a *authenticator) statementOf(b []byte) (payload, error) {
	p, err := parsePayload(b, a.limits)
	if err != nil {
		return payload{}, reject(problemMalformed, "%w", err)
	}
	a.predicateType = p.predicateType
	if len(a.types) > 0 && !slices.Contains(a.types, p.predicateType) {
		return payload{}, reject(problemNone, "it was not verified, since nothing demands its predicate type")
	}
	return p, nil
}

func (a *authenticator) wantSubject(p payload) error {
	if !p.names(a.image.Digest) {
		return reject(problemSubject, "none of its %d subjects is %s (the first is %q)", len(p.subjects), a.image.Digest, p.subjects[0].Digest["sha256"])
	}
	return nil
}

// leaf parses one DER certificate and notes its claims.
func (a *authenticator) leaf(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, reject(problemMalformed, "parse the certificate: %w", err)
	}
	claims, err := parseClaims(cert)
	if err != nil {
		return nil, reject(problemInvalid, "%w", err)
	}
	a.claims = &claims
	if cert.IsCA {
		return nil, reject(problemInvalid, "the signing certificate is a certificate authority's")
	}
	// crypto/x509 takes a certificate without any extended key usage for one that
	// is good for everything.
	if !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageCodeSigning) {
		return nil, reject(problemInvalid, "the signing certificate is not for code signing")
	}
	return cert, nil
}

// onePEM returns the only block of a PEM text, which must be of the wanted type.
func onePEM(text, kind string) ([]byte, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != kind || len(block.Headers) > 0 {
		return nil, fmt.Errorf("found no PEM %s", kind)
	}
	for _, c := range rest {
		if c != '\n' && c != '\r' && c != ' ' {
			return nil, fmt.Errorf("found something after the PEM %s", kind)
		}
	}
	return block.Bytes, nil
}

// simpleSigning is cosign's legacy payload:
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md.
type simpleSigning struct {
	digest          string
	dockerReference string
}

func parseSimpleSigning(b []byte, limits Limits) (simpleSigning, error) {
	if err := checkSmallJSON(b, limits.Depth, maxValues); err != nil {
		return simpleSigning{}, fmt.Errorf("read the payload: %w", err)
	}
	o, err := parseObject(b, "the payload")
	if err != nil {
		return simpleSigning{}, err
	}
	critical, err := o.object("critical")
	if err != nil {
		return simpleSigning{}, fmt.Errorf("read the payload: %w", err)
	}
	kind, err := critical.text("type")
	if err != nil {
		return simpleSigning{}, fmt.Errorf("read the payload's critical part: %w", err)
	}
	if kind != "cosign container image signature" {
		return simpleSigning{}, fmt.Errorf("the payload's critical.type is %q; wanted %q", kind, "cosign container image signature")
	}
	image, err := critical.object("image")
	if err != nil {
		return simpleSigning{}, fmt.Errorf("read the payload's critical part: %w", err)
	}
	var s simpleSigning
	if s.digest, err = image.text("docker-manifest-digest"); err != nil {
		return simpleSigning{}, fmt.Errorf("read the payload's image: %w", err)
	}
	if identity, err := critical.object("identity"); err == nil {
		_ = json.Unmarshal(identity["docker-reference"], &s.dockerReference)
	}
	return s, nil
}

// decodeBase64 reads standard base64 that can be written in one way alone.
func decodeBase64(s, what string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is not base64: %w", what, err)
	case strings.ContainsAny(s, "\r\n"): // which the decoder passes over
		return nil, fmt.Errorf("%s is not base64: it has a line break", what)
	case len(b) == 0:
		return nil, fmt.Errorf("%s is empty", what)
	}
	return b, nil
}
