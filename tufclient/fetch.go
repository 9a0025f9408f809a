package tufclient

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Fetcher gets one file. A Client calls it from several goroutines if
// [Client.Fetch] is.
type Fetcher interface {
	// Fetch returns at most limit bytes of the file at url. Its errors are *FetchError.
	Fetch(ctx context.Context, url string, limit int64) ([]byte, error)
}

// Validator is what a server said of a file, so that it need not send it again.
type Validator struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// Answer is a file, or the word that it has not changed.
type Answer struct {
	Bytes     []byte
	Validator Validator
	Unchanged bool
}

// Conditional is a Fetcher that can ask for a file only if it has changed.
type Conditional interface {
	Fetcher
	// FetchIf is Fetch, but answers Unchanged where the file is still the one of v.
	FetchIf(ctx context.Context, url string, limit int64, v Validator) (Answer, error)
}

// Streamer is a Fetcher that need not hold a file in memory.
type Streamer interface {
	Fetcher
	// Stream writes at most limit bytes of the file at url to w, and one more before it
	// says that there are too many.
	Stream(ctx context.Context, url string, limit int64, w io.Writer) error
}

// fetch gets a file and holds the fetcher to its word.
func fetch(ctx context.Context, f Fetcher, url string, limit int64) ([]byte, error) {
	a, err := fetchIf(ctx, f, url, limit, Validator{})
	return a.Bytes, err
}

// fetchIf asks on condition where the fetcher can and there is one.
func fetchIf(ctx context.Context, f Fetcher, url string, limit int64, v Validator) (Answer, error) {
	if f == nil {
		return Answer{}, &FetchError{Kind: Unreachable, URL: url, Err: errors.New("there is no fetcher")}
	}
	if err := ctx.Err(); err != nil {
		return Answer{}, &FetchError{Kind: Timeout, URL: url, Err: context.Cause(ctx)}
	}
	var a Answer
	var err error
	if c, ok := f.(Conditional); ok {
		a, err = c.FetchIf(ctx, url, limit, v)
	} else {
		a.Bytes, err = f.Fetch(ctx, url, limit)
	}
	if err != nil {
		return Answer{}, typed(url, err)
	}
	if int64(len(a.Bytes)) > limit {
		return Answer{}, tooMuch(url, limit)
	}
	if a.Unchanged && v == (Validator{}) {
		return Answer{}, &FetchError{Kind: ServerError, URL: url, Err: errors.New("it answers that nothing has changed, which was not asked")}
	}
	return a, nil
}

// stream writes a file to w.
func stream(ctx context.Context, f Fetcher, url string, limit int64, w io.Writer) error {
	s, ok := f.(Streamer)
	if !ok {
		b, err := fetch(ctx, f, url, limit)
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	}
	out := &sink{w: w}
	err := s.Stream(ctx, url, limit, out)
	switch {
	case out.err != nil:
		return out.err
	case err != nil:
		return typed(url, err)
	case out.written > limit:
		return tooMuch(url, limit)
	}
	return nil
}

// sink tells errors of writing from those of fetching.
type sink struct {
	w       io.Writer
	written int64
	err     error
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.written += int64(n)
	if err != nil {
		s.err = err
	}
	return n, err
}

// typed makes an error a *FetchError, which it ought to be.
func typed(url string, err error) error {
	var e *FetchError
	if errors.As(err, &e) {
		return err
	}
	return &FetchError{Kind: Unreachable, URL: url, Err: err}
}

func tooMuch(url string, limit int64) error {
	return &FetchError{Kind: TooMuch, URL: url, Err: fmt.Errorf("it has more than %d bytes", limit)}
}

// copyLimited copies at most limit bytes of r, and reports whether there are more.
func copyLimited(w io.Writer, r io.Reader, limit int64) (more bool, err error) {
	n, err := io.Copy(w, io.LimitReader(r, limit))
	if err != nil || n < limit {
		return false, err
	}
	var one [1]byte
	switch _, err = io.ReadFull(r, one[:]); {
	case err == nil:
		return true, nil
	case errors.Is(err, io.EOF):
		return false, nil
	}
	return false, err
}
