package github

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/verify"
)

// trouble is a verify.Failure whose place its caller knows.
type trouble struct {
	code   verify.Code
	class  verify.Class
	detail string
}

func definitive(code verify.Code, format string, args ...any) *trouble {
	return &trouble{code: code, class: verify.Definitive, detail: printable(fmt.Sprintf(format, args...))}
}

func transient(code verify.Code, format string, args ...any) *trouble {
	return &trouble{code: code, class: verify.Transient, detail: printable(fmt.Sprintf(format, args...))}
}

// at says where it happened.
func (t *trouble) at(place string) verify.Failure {
	return verify.Failure{Code: t.code, Class: t.class, Place: place, Detail: t.detail, Layouts: []verify.Layout{verify.Bundle}}
}

// troubleOf classifies an error of a request.
func troubleOf(err error) *trouble {
	var (
		over        *budget.Exceeded
		refused     *refusal
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		network     net.Error
	)
	if reason, ok := registry.Refused(err); ok {
		return definitive(Insecure, "%s", reason)
	}
	switch {
	case errors.As(err, &over) && over.Resource == budget.Time:
		return transient(Timeout, "%v", over)
	case errors.As(err, &over):
		return definitive(verify.LimitExceeded, "%v", over)
	case errors.As(err, &refused):
		return refused.trouble
	case errors.Is(err, context.Canceled):
		return transient(Timeout, "the verification was cancelled")
	case errors.As(err, &name) && name.IsNotFound:
		return definitive(Unreachable, "%v", name)
	case errors.As(err, &certificate):
		return definitive(Unreachable, "%v", certificate)
	case errors.Is(err, http.ErrSchemeMismatch):
		return definitive(Insecure, "it speaks plain HTTP, which is refused except on loopback")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return transient(Timeout, "no answer in time")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return transient(Unreachable, "the connection was lost before an answer came")
	}
	return transient(Unreachable, "%v", plainly(err))
}

// bodyTrouble classifies an error of reading a body whose status had come.
func bodyTrouble(err error) *trouble {
	t := troubleOf(err)
	if t.code != Unreachable {
		return t
	}
	return transient(Truncated, "the body ended early: %v", plainly(err))
}

// statusTrouble classifies a status other than 200.
func statusTrouble(resp *http.Response) *trouble {
	text := fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if said := message(resp.Body); said != "" {
		text += ": " + said
	}
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized:
		return definitive(Unauthorized, "%s", text)
	case status == http.StatusForbidden:
		return definitive(Forbidden, "%s", text)
	case status == http.StatusNotFound, status == http.StatusGone:
		return definitive(NotFound, "%s", text)
	case status == http.StatusRequestTimeout:
		return transient(Timeout, "%s", text)
	case status == http.StatusTooManyRequests:
		return transient(RateLimited, "%s%s", text, resets(resp.Header))
	case status >= 500:
		return transient(ServerError, "%s", text)
	}
	return definitive(ServerError, "%s", text)
}

// message reads what GitHub says of its error.
func message(body io.Reader) string {
	var said struct {
		Message string `json:"message"`
	}
	raw, err := io.ReadAll(io.LimitReader(body, maxSaid))
	if err != nil || json.Unmarshal(raw, &said) != nil {
		return ""
	}
	return said.Message
}

// resets says when a primary limit ends.
func resets(header http.Header) string {
	reset, err := strconv.ParseInt(header.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil || header.Get("X-Ratelimit-Remaining") != "0" || reset < 0 || reset > maxTime {
		return ""
	}
	return "; the limit resets at " + time.Unix(reset, 0).UTC().Format(time.RFC3339)
}

// plainly unwraps the URL from an error of net/http: the address of a bundle carries
// credentials in its query string, and the place is said elsewhere.
func plainly(err error) error {
	var request *url.Error
	for errors.As(err, &request) {
		err = request.Err
	}
	return err
}

// maxDetail is the length of foreign text that is repeated, in bytes.
const maxDetail = 400

// printable makes foreign text harmless on a terminal and short.
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
