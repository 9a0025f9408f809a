package lab

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

// User and Password are the credentials that every registry of the lab accepts. They open nothing else.
const (
	User     = "lab"
	Password = "open-sesame"
)

// tokenPath is where the token server answers.
const tokenPath = "/token"

// Credentials is a keychain that gives [User] and [Password] to whatever registry is asked for: a test that looks for
// credentials which leave home needs some that could.
func Credentials() authn.Keychain { return keychain{} }

type keychain struct{}

// Resolve implements authn.Keychain.
func (keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: User, Password: Password}), nil
}

// serveTokens is the token server at a host of its own.
func (r *Registry) serveTokens(w http.ResponseWriter, req *http.Request) {
	w, done := r.begin(w, req)
	defer done()
	if !r.delay(req.Context()) {
		return
	}
	if req.URL.Path != tokenPath {
		http.NotFound(w, req)
		return
	}
	r.giveToken(w, req)
}

// SetTokenServer puts another token server in the place of the registry's own; nil takes it away.
func (r *Registry) SetTokenServer(h http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokenServer = h
}

// giveToken gives a token to everybody; whether it opens anything depends on who asked.
func (r *Registry) giveToken(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	other := r.tokenServer
	r.mu.Unlock()
	if other != nil {
		other(w, req)
		return
	}
	user, password, named := req.BasicAuth()
	if named && (user != User || password != Password) {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "wrong user or password")
		return
	}
	token := rand.Text()
	r.mu.Lock()
	r.tokens[token] = user
	r.mu.Unlock()
	writeJSON(w, "application/json", map[string]any{"token": token, "expires_in": 300})
}

// admit lets a request in, or asks for authentication.
func (r *Registry) admit(w http.ResponseWriter, req *http.Request) bool {
	switch r.opts.Auth {
	case TokenAuth:
		return r.admitBearer(w, req)
	case BasicAuth:
		user, password, ok := req.BasicAuth()
		if ok && user == User && password == Password {
			return true
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "user and password are needed")
		return false
	case NoAuth:
	}
	return true
}

func (r *Registry) admitBearer(w http.ResponseWriter, req *http.Request) bool {
	token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	r.mu.Lock()
	user, known := r.tokens[token]
	realm := r.realm
	r.mu.Unlock()
	if known && (!r.opts.Private || user == User) {
		return true
	}
	if known && r.opts.HidePrivate {
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "there is no such repository")
		return false
	}
	challenge := fmt.Sprintf("Bearer realm=%q,service=%q", realm, r.host)
	if repo, ok := repositoryOf(req.URL.Path); ok {
		challenge += fmt.Sprintf(",scope=%q", "repository:"+repo+":pull")
	}
	w.Header().Set("WWW-Authenticate", challenge)
	refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "a token is needed")
	return false
}

// repositoryOf takes the repository out of /v2/NAME/KIND/WANTED.
func repositoryOf(path string) (string, bool) {
	parts := strings.Split(strings.TrimPrefix(path, "/v2/"), "/")
	if len(parts) < 3 {
		return "", false
	}
	return strings.Join(parts[:len(parts)-2], "/"), true
}

// allow counts a request against the rate limit, or refuses it with 429.
func (r *Registry) allow(w http.ResponseWriter, req *http.Request) bool {
	if r.opts.Requests <= 0 || req.URL.Path == "/v2/" {
		return true
	}
	now := r.opts.Clock()
	r.mu.Lock()
	if !r.refusing.IsZero() && !now.Before(r.refusing) {
		r.spent, r.refusing = 0, time.Time{}
	}
	if r.spent++; r.spent > r.opts.Requests && r.refusing.IsZero() {
		r.refusing = now.Add(max(r.opts.RetryAfter, time.Second))
	}
	wait := r.refusing.Sub(now)
	r.mu.Unlock()
	if wait <= 0 {
		return true
	}
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "the rate limit is reached")
	return false
}

// refuse answers with an error of the distribution spec.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, message)
}
