package front

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
)

// The bounds of tokens. A short one could be guessed.
const (
	minToken  = 16 // bytes
	maxToken  = 4096
	maxTokens = 1000
)

// tokenText is the grammar of a bearer token (RFC 6750, section 2.1), tokenName that of
// the name before it.
var (
	tokenText = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)
	tokenName = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,100}$`)
)

// token is what is kept of one: its hash and whose it is.
type token struct {
	sum  [sha256.Size]byte
	name string
}

// tokens are those of all files, each read again when it changes.
type tokens struct {
	files []*tokenFile
	held  atomic.Pointer[[]token]
}

type tokenFile struct {
	watched
	last []token
}

func loadTokens(paths []string) (*tokens, error) {
	t := &tokens{}
	for _, p := range paths {
		t.files = append(t.files, &tokenFile{watched: watched{paths: []string{p}}})
	}
	return t, t.reload()
}

// reload reads the files. One that cannot be used keeps the tokens that it had, and
// holds up no other: a token that was taken out of a good file is out.
func (t *tokens) reload() error {
	var errs []error
	for _, f := range t.files {
		if err := f.load(); err != nil {
			errs = append(errs, fmt.Errorf("read the tokens: %w", err))
		}
	}
	var all []token
	names := map[[sha256.Size]byte]string{}
	for _, f := range t.files {
		for _, one := range f.last {
			if name, twice := names[one.sum]; twice && name != one.name {
				errs = append(errs, fmt.Errorf("read the tokens: %s and %s have the same token", name, one.name))
			}
			names[one.sum] = one.name
			all = append(all, one)
		}
	}
	if len(all) > maxTokens {
		return errors.Join(append(errs, fmt.Errorf("read the tokens: there are %d; wanted at most %d", len(all), maxTokens))...)
	}
	t.held.Store(&all)
	return errors.Join(errs...)
}

func (f *tokenFile) load() error {
	content, err := f.read()
	if err != nil {
		return err
	}
	all, err := parseTokens(f.paths[0], content[0])
	if err == nil {
		f.last = all
	}
	return err
}

// parseTokens reads a file: a token on each line, or NAME:TOKEN; the name of one without
// is that of the file. Errors repeat nothing of a line.
func parseTokens(path string, text []byte) ([]token, error) {
	var all []token
	number := 0
	for line := range bytes.Lines(text) {
		number++
		s := strings.TrimSpace(string(line))
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		name, secret, named := strings.Cut(s, ":")
		if !named {
			name, secret = filepath.Base(path), s
		}
		switch {
		case named && !tokenName.MatchString(name):
			return nil, fmt.Errorf("%s:%d: the name before the colon is none; wanted letters, digits, '.', '_', '@' and '-'", path, number)
		case len(secret) < minToken || len(secret) > maxToken:
			return nil, fmt.Errorf("%s:%d: the token has %d bytes; wanted %d to %d, as `openssl rand -hex 32` makes them", path, number, len(secret), minToken, maxToken)
		case !tokenText.MatchString(secret):
			return nil, fmt.Errorf("%s:%d: the token has characters that a header cannot carry; wanted letters, digits, - . _ ~ + / and = at the end", path, number)
		}
		all = append(all, token{sha256.Sum256([]byte(secret)), name})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no token", path)
	}
	return all, nil
}

// admit returns the name of a token that is held. It takes as long for one that is not.
func (t *tokens) admit(secret string) (name string, ok bool) {
	sum := sha256.Sum256([]byte(secret))
	found := -1
	all := *t.held.Load()
	for i := range all {
		if subtle.ConstantTimeCompare(sum[:], all[i].sum[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return "", false
	}
	return all[found].name, true
}
