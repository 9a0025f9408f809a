package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"unicode"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/verify"
)

// allLayouts are the forms of evidence that an image's registry may hold.
var allLayouts = []verify.Layout{verify.LegacySignature, verify.LegacyAttestation, verify.Bundle}

// trouble is a verify.Failure whose place and layouts its caller knows.
type trouble struct {
	code   verify.Code
	class  verify.Class
	detail string
	// status is the HTTP status that it was, or 0.
	status int
}

func definitive(code verify.Code, format string, args ...any) *trouble {
	return &trouble{code: code, class: verify.Definitive, detail: printable(fmt.Sprintf(format, args...))}
}

func transient(code verify.Code, format string, args ...any) *trouble {
	return &trouble{code: code, class: verify.Transient, detail: printable(fmt.Sprintf(format, args...))}
}

// at says where it happened, and which layouts the missing bytes could have been.
func (t *trouble) at(place string, layouts []verify.Layout) *verify.Failure {
	return &verify.Failure{Code: t.code, Class: t.class, Place: place, Detail: t.detail, Layouts: layouts}
}

// absent reports whether the registry says that there is no such thing.
func (t *trouble) absent() bool { return t.code == verify.RegistryNotFound }

// troubleOf classifies an error of a request, or of the handshake before it.
func troubleOf(err error) *trouble {
	var (
		over    *budget.Exceeded
		status  *transport.Error
		refused *refusal
	)
	switch {
	case errors.As(err, &over) && over.Resource == budget.Time:
		return transient(verify.RegistryTimeout, "%v", over)
	case errors.As(err, &over):
		return definitive(verify.LimitExceeded, "%v", over)
	case errors.As(err, &refused):
		return definitive(refused.code, "%s", refused.reason)
	case errors.As(err, &status):
		return statusTrouble(status.StatusCode, diagnostics(status.Errors))
	case errors.Is(err, context.Canceled):
		return transient(verify.RegistryTimeout, "the verification was cancelled")
	}
	if t := connectionTrouble(err); t != nil {
		return t
	}
	// go-containerregistry checks the realm and its redirects itself, with errors of
	// no type.
	if text := err.Error(); strings.Contains(text, "invalid realm") || strings.Contains(text, "refusing token-server redirect") {
		return definitive(verify.RegistryInsecure, "the registry names a token server that is refused: %v", plainly(err))
	}
	var request *url.Error
	if errors.As(err, &request) {
		return transient(verify.RegistryUnreachable, "%v", plainly(err))
	}
	return definitive(verify.RegistryMalformed, "%v", plainly(err))
}

// connectionTrouble classifies what went wrong below HTTP, or returns nil.
func connectionTrouble(err error) *trouble {
	var (
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		network     net.Error
		operation   *net.OpError
		late        *budget.Late
	)
	switch {
	case errors.As(err, &late):
		return transient(verify.RegistryTimeout, "%v", late)
	case errors.As(err, &name) && name.IsNotFound:
		return definitive(verify.RegistryUnreachable, "%v", name)
	case errors.As(err, &certificate):
		return definitive(verify.RegistryUnreachable, "%v", certificate)
	case errors.Is(err, http.ErrSchemeMismatch):
		return definitive(verify.RegistryInsecure, "the registry speaks plain HTTP, which is refused except on loopback")
	case errors.Is(err, context.DeadlineExceeded), timedOut(err, &network):
		return transient(verify.RegistryTimeout, "no answer in time")
	case errors.As(err, &operation):
		return transient(verify.RegistryUnreachable, "%v", operation)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return transient(verify.RegistryUnreachable, "the connection was lost before an answer came")
	}
	return nil
}

func timedOut(err error, as *net.Error) bool { return errors.As(err, as) && (*as).Timeout() }

// bodyTrouble classifies an error of reading a body whose status had come.
func bodyTrouble(err error) *trouble {
	var over *budget.Exceeded
	var network net.Error
	if errors.As(err, &over) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) || timedOut(err, &network) {
		return troubleOf(err)
	}
	return transient(verify.RegistryTruncated, "the body ended early: %v", plainly(err))
}

// statusTrouble classifies an HTTP status other than 200.
func statusTrouble(status int, said string) *trouble {
	t := byStatus(status, said)
	t.status = status
	return t
}

func byStatus(status int, said string) *trouble {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if said != "" {
		text += ": " + said
	}
	switch {
	case status == http.StatusUnauthorized:
		return definitive(verify.RegistryUnauthorized, "%s", text)
	case status == http.StatusForbidden:
		return definitive(verify.RegistryForbidden, "%s", text)
	case status == http.StatusNotFound:
		return definitive(verify.RegistryNotFound, "%s", text)
	case status == http.StatusRequestTimeout:
		return transient(verify.RegistryTimeout, "%s", text)
	case status == http.StatusTooManyRequests:
		return transient(verify.RegistryRateLimited, "%s", text)
	case status >= 500:
		return transient(verify.RegistryServerError, "%s", text)
	default:
		return definitive(verify.RegistryServerError, "%s", text)
	}
}

// diagnostics joins what a registry says of its error.
func diagnostics(said []transport.Diagnostic) string {
	var texts []string
	for _, d := range said {
		texts = append(texts, string(d.Code)+": "+d.Message)
	}
	return strings.Join(texts, "; ")
}

// plainly unwraps the URL from an error of net/http: redirects carry credentials in
// their query strings, and the place is said elsewhere.
func plainly(err error) error {
	var request *url.Error
	for errors.As(err, &request) {
		err = request.Err
	}
	return err
}

// maxDetail is the length of text from a registry that is repeated, in bytes.
const maxDetail = 400

// printable makes text from a registry harmless on a terminal and short.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "") + "…"
	}
	return s
}
