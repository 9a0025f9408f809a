package tufclient

import "errors"

// FetchKind is why a file could not be had.
type FetchKind string

// The kinds of fetch errors.
const (
	NotFound     FetchKind = "not-found"
	Forbidden    FetchKind = "forbidden"
	RateLimited  FetchKind = "rate-limited"
	ServerError  FetchKind = "server-error"
	Unreachable  FetchKind = "unreachable"
	Timeout      FetchKind = "timeout"
	Truncated    FetchKind = "truncated"
	Insecure     FetchKind = "insecure"
	RedirectLoop FetchKind = "redirect-loop"
	// TooMuch is more bytes than are read, or a budget that is spent.
	TooMuch FetchKind = "too-much"
)

// ErrNotKept is the cause of a [FetchError] where a file was to be taken from what is
// kept and is not there, or is not what the metadata lists.
var ErrNotKept = errors.New("no copy of it is kept")

// FetchError is a file that could not be had: it says nothing of the repository.
type FetchError struct {
	Kind FetchKind
	URL  string
	// Status is that of the answer, 0 where there was none.
	Status int
	Err    error
}

// Error implements error.
func (e *FetchError) Error() string {
	s := "fetch " + e.URL + ": " + string(e.Kind)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *FetchError) Unwrap() error { return e.Err }

// absent reports whether the repository said that there is no such file. Object stores
// answer 403 for what is not there; 401 says that somebody else may know.
func absent(err error) bool {
	var e *FetchError
	return errors.As(err, &e) && (e.Kind == NotFound || e.Kind == Forbidden && e.Status != unauthorized)
}

// unauthorized is the status 401.
const unauthorized = 401

// StateError is state that was kept and cannot be used, or not be brought up to date.
type StateError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *StateError) Error() string { return "use the saved state " + e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *StateError) Unwrap() error { return e.Err }
