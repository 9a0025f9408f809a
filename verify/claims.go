package verify

//lint:file-ignore SA1019 certificates of 2023 have only the extensions .1 to .6, deprecated since

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"

	"github.com/sigstore/fulcio/pkg/certificate"

	"github.com/releaseassay/assay/policy"
)

// Claims are what a Fulcio certificate says of its holder (the extensions of
// https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md). Extensions .1 to
// .6 of older certificates fill the fields of the newer ones where those are
// absent; where both are present they agree, or the certificate is refused. An
// empty field is a claim that the certificate does not make.
type Claims struct {
	// Identity is the certificate's only subject alternative name.
	Identity string `json:"identity"`
	Issuer   string `json:"issuer"`
	// Repository is a URL, as all fields named URI.
	Repository   string `json:"repository,omitempty"`
	RepositoryID string `json:"repository_id,omitempty"`
	OwnerURI     string `json:"owner_uri,omitempty"`
	OwnerID      string `json:"owner_id,omitempty"`
	Ref          string `json:"ref,omitempty"`
	Commit       string `json:"commit,omitempty"`
	SignerURI    string `json:"signer_uri,omitempty"`
	SignerDigest string `json:"signer_digest,omitempty"`
	ConfigURI    string `json:"config_uri,omitempty"`
	ConfigDigest string `json:"config_digest,omitempty"`
	WorkflowName string `json:"workflow_name,omitempty"`
	Trigger      string `json:"trigger,omitempty"`
	Runner       string `json:"runner,omitempty"`
	Visibility   string `json:"visibility,omitempty"`
	RunURI       string `json:"run_uri,omitempty"`
	Environment  string `json:"environment,omitempty"`
}

// parseClaims reads the claims of a leaf certificate.
func parseClaims(leaf *x509.Certificate) (Claims, error) {
	identity, err := onlySAN(leaf)
	if err != nil {
		return Claims{}, err
	}
	e := &extensions{leaf: leaf}
	c := Claims{
		Identity:     identity,
		Issuer:       e.either(certificate.OIDIssuer, certificate.OIDIssuerV2, "issuer"),
		RepositoryID: e.text(certificate.OIDSourceRepositoryIdentifier),
		OwnerURI:     e.text(certificate.OIDSourceRepositoryOwnerURI),
		OwnerID:      e.text(certificate.OIDSourceRepositoryOwnerIdentifier),
		Ref:          e.either(certificate.OIDGitHubWorkflowRef, certificate.OIDSourceRepositoryRef, "ref"),
		Commit:       e.either(certificate.OIDGitHubWorkflowSHA, certificate.OIDSourceRepositoryDigest, "commit"),
		SignerURI:    e.text(certificate.OIDBuildSignerURI),
		SignerDigest: e.text(certificate.OIDBuildSignerDigest),
		ConfigURI:    e.text(certificate.OIDBuildConfigURI),
		ConfigDigest: e.text(certificate.OIDBuildConfigDigest),
		WorkflowName: e.raw(certificate.OIDGitHubWorkflowName),
		Trigger:      e.either(certificate.OIDGitHubWorkflowTrigger, certificate.OIDBuildTrigger, "trigger"),
		Runner:       e.text(certificate.OIDRunnerEnvironment),
		Visibility:   e.text(certificate.OIDSourceRepositoryVisibilityAtSigning),
		RunURI:       e.text(certificate.OIDRunInvocationURI),
		Environment:  e.text(certificate.OIDDeploymentEnvironment),
	}
	c.Repository = e.repository(c.Issuer)
	if e.err != nil {
		return Claims{}, e.err
	}
	if c.Issuer == "" {
		return Claims{}, errors.New("the certificate names no OIDC issuer")
	}
	if policy.KnownIssuer(c.Issuer) && c.SignerURI != "" && c.SignerURI != c.Identity {
		return Claims{}, fmt.Errorf("the certificate's subject alternative name is %q, its build signer URI %q", c.Identity, c.SignerURI)
	}
	return c, nil
}

// extensions reads Fulcio's extensions and keeps the first error.
type extensions struct {
	leaf *x509.Certificate
	err  error
}

// raw returns the value of an extension that is a string without DER around it (.1 to .6).
func (e *extensions) raw(id asn1.ObjectIdentifier) string {
	for _, x := range e.leaf.Extensions {
		if x.Id.Equal(id) {
			return string(x.Value)
		}
	}
	return ""
}

// text returns the value of an extension that is a DER UTF8String (.8 and after).
func (e *extensions) text(id asn1.ObjectIdentifier) string {
	for _, x := range e.leaf.Extensions {
		if !x.Id.Equal(id) {
			continue
		}
		var s string
		if rest, err := asn1.Unmarshal(x.Value, &s); err != nil || len(rest) > 0 {
			e.fail(fmt.Errorf("the certificate's extension %s is not a DER string", id))
		}
		return s
	}
	return ""
}

// either returns the value of the newer extension, or of the older one.
func (e *extensions) either(older, newer asn1.ObjectIdentifier, what string) string {
	o, n := e.raw(older), e.text(newer)
	switch {
	case n == "":
		return o
	case o != "" && o != n:
		e.fail(fmt.Errorf("the certificate's extensions disagree on the %s: %q and %q", what, o, n))
	}
	return n
}

// repository returns the repository's URL. The older extension holds owner/name.
func (e *extensions) repository(issuer string) string {
	older, newer := e.raw(certificate.OIDGitHubWorkflowRepository), e.text(certificate.OIDSourceRepositoryURI)
	if older != "" {
		g, base := policy.IssuerGrammar(issuer)
		if g == policy.UnknownGrammar {
			return newer
		}
		older = base + "/" + older
	}
	switch {
	case newer == "":
		return older
	case older != "" && older != newer:
		e.fail(fmt.Errorf("the certificate's extensions disagree on the repository: %q and %q", older, newer))
	}
	return newer
}

func (e *extensions) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

var oidSAN = asn1.ObjectIdentifier{2, 5, 29, 17}

// otherName is the GeneralName in which Fulcio writes user names (RFC 5280, 4.2.1.6).
type otherName struct {
	ID    asn1.ObjectIdentifier
	Value string `asn1:"utf8,explicit,tag:0"`
}

// onlySAN returns the one subject alternative name of a leaf: a URI, an e-mail
// address or Fulcio's other name. Two names would let a policy match one and a
// person read the other; and since policies name no kind, a name of one kind must
// not be spelt as one of another.
func onlySAN(leaf *x509.Certificate) (string, error) {
	for _, x := range leaf.Extensions {
		if !x.Id.Equal(oidSAN) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(x.Value, &names); err != nil || len(rest) > 0 {
			return "", errors.New("the certificate's subject alternative name is not DER")
		}
		if len(names) != 1 {
			return "", fmt.Errorf("the certificate has %d subject alternative names; wanted exactly one", len(names))
		}
		return sanText(names[0], leaf)
	}
	return "", errors.New("the certificate has no subject alternative name")
}

func sanText(n asn1.RawValue, leaf *x509.Certificate) (string, error) {
	if n.Class != asn1.ClassContextSpecific {
		return "", errors.New("the certificate's subject alternative name is not DER")
	}
	switch {
	case n.Tag == 6 && len(leaf.URIs) == 1:
		// What is compared and shown are the bytes of the certificate. A URI that
		// its parser writes differently could be read differently elsewhere.
		if s := string(n.Bytes); s != leaf.URIs[0].String() {
			return "", fmt.Errorf("the certificate's subject alternative name %q is not in canonical form", n.Bytes)
		} else if strings.Contains(s, "://") {
			return s, nil
		}
		return "", fmt.Errorf("the certificate's subject alternative name %q is a URI without a scheme", n.Bytes)
	case n.Tag == 1 && len(leaf.EmailAddresses) == 1:
		if s := leaf.EmailAddresses[0]; strings.Contains(s, "@") && !strings.Contains(s, "://") {
			return s, nil
		}
		return "", fmt.Errorf("the certificate's subject alternative name %q is in the place of an e-mail address and is none", leaf.EmailAddresses[0])
	case n.Tag == 0:
		var o otherName
		rest, err := asn1.UnmarshalWithParams(n.FullBytes, &o, "tag:0")
		if err != nil || len(rest) > 0 || !o.ID.Equal(certificate.OIDOtherName) || o.Value == "" {
			break
		}
		// Fulcio writes NAME!DOMAIN.
		user, domain, _ := strings.Cut(o.Value, "!")
		if user == "" || domain == "" || strings.Contains(domain, "@") || strings.Contains(o.Value, "://") {
			return "", fmt.Errorf("the certificate's subject alternative name %q is in the place of a user name and is none", o.Value)
		}
		return o.Value, nil
	}
	return "", errors.New("the certificate's subject alternative name is neither a URI nor an e-mail address")
}
