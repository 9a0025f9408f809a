package release

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// errOffline is why nothing is fetched in a run that opens no connection.
var errOffline = errors.New("this run opens no connection")

const advice = "run `assay trust tuf init` where it can be reached, or bring a copy of it with --tuf-mirror DIR"

// unavailable is a repository that this run cannot ask.
type unavailable struct{ place, detail string }

// Error implements error.
func (u *unavailable) Error() string { return u.place + ": " + u.detail }

// wrongFile is a manifest that is not the one listed. Its bytes are no evidence, so
// that verify cannot find the same.
type wrongFile struct{ cause *metadata.Error }

// Error implements error.
func (w *wrongFile) Error() string { return w.cause.Error() }

// panicked is a panic that ended one request and not the process.
type panicked struct{ value any }

// Error implements error.
func (p *panicked) Error() string { return fmt.Sprint(p.value) }

// outcome is what a kind of fetch error means to verify.
type outcome struct {
	code  verify.Code
	class verify.Class
}

var outcomes = map[tufclient.FetchKind]outcome{
	tufclient.NotFound:     {verify.TUFNotFound, verify.Definitive},
	tufclient.Forbidden:    {verify.TUFForbidden, verify.Definitive},
	tufclient.RateLimited:  {verify.TUFRateLimited, verify.Transient},
	tufclient.ServerError:  {verify.TUFServerError, verify.Transient},
	tufclient.Unreachable:  {verify.TUFUnreachable, verify.Transient},
	tufclient.Timeout:      {verify.TUFTimeout, verify.Transient},
	tufclient.Truncated:    {verify.TUFTruncated, verify.Transient},
	tufclient.Insecure:     {verify.TUFInsecure, verify.Definitive},
	tufclient.RedirectLoop: {verify.TUFRedirectLoop, verify.Definitive},
	tufclient.TooMuch:      {verify.LimitExceeded, verify.Definitive},
}

// failure says what an error means to verify.
func (g *gathering) failure(err error) verify.Failure {
	var (
		over  *budget.Exceeded
		fetch *tufclient.FetchError
		state *tufclient.StateError
		shut  *unavailable
		wrong *wrongFile
		ended *panicked
		alone *unshared
	)
	f := verify.Failure{Code: verify.TUFUnreachable, Class: verify.Transient, Place: g.place, Detail: printable(err.Error())}
	switch {
	case errors.As(err, &ended):
		f.Code, f.Class = verify.InternalPanic, verify.Definitive
	case errors.As(err, &alone):
		return unsharedFailure(g.place, alone)
	case errors.Is(err, tufclient.ErrNotKept) && g.instead != nil:
		return g.failure(g.instead) // which is why what is kept had to do
	case (errors.Is(err, errOffline) || errors.Is(err, tufclient.ErrNotKept)) && errors.As(err, &fetch):
		f.Code, f.Class, f.Place, f.Detail = verify.PlaceUnavailable, verify.Definitive, printable(fetch.URL), errOffline.Error()+" to the repository, and no copy of this file is kept: "+advice
	case errors.As(err, &over) && over.Resource == budget.Time:
		f.Code, f.Detail = verify.TUFTimeout, over.Error()
	case errors.As(err, &over):
		f.Code, f.Class, f.Detail = verify.LimitExceeded, verify.Definitive, over.Error()
	case errors.As(err, &fetch):
		if o, ok := outcomes[fetch.Kind]; ok {
			f.Code, f.Class = o.code, o.class
		}
		f.Place = printable(fetch.URL)
		if fetch.Err != nil {
			f.Detail = printable(fetch.Err.Error())
		}
		if reason, ok := registry.Refused(err); ok {
			f.Code, f.Class, f.Detail = verify.TUFInsecure, verify.Definitive, reason
		}
	case errors.As(err, &state):
		f.Code, f.Class, f.Place, f.Detail = verify.ReleaseStateUnreadable, verify.Definitive, state.Path, printable(state.Err.Error())
	case errors.As(err, &wrong):
		f.Code, f.Class = verify.ReleaseHashMismatch, verify.Definitive
	case errors.As(err, &shut):
		f.Code, f.Class, f.Place, f.Detail = verify.PlaceUnavailable, verify.Definitive, shut.place, shut.detail
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		f.Code = verify.TUFTimeout
	}
	return f
}

// stateMissing is a policy that demands state where there is none.
func (g *gathering) stateMissing() verify.Failure {
	detail := "the policy demands the state of an earlier run, and there is none: run `assay trust tuf init`, or bring it with --tuf-state FILE"
	if g.want.Hypothetical {
		detail = "the policy demands the state of an earlier run, and a question about another time (--at) reads none"
	}
	return verify.Failure{Code: verify.ReleaseStateMissing, Class: verify.Definitive, Place: g.place, Detail: detail}
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
