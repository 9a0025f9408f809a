package tenant

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// login is one entry of a docker configuration, and for what it is.
type login struct {
	at                        location
	text                      string
	username, password, token string
}

// entry is a login as docker writes it.
type entry struct {
	Username      string `json:"username"`
	Password      string `json:"password"`
	Auth          string `json:"auth"`
	IdentityToken string `json:"identitytoken"`
}

// errForm is a docker configuration that is none. What stands in it is not repeated.
var errForm = errors.New("it is no docker configuration: wanted {\"auths\": {HOST: {…}}}, each entry with username and password, auth, or identitytoken")

// readLogins reads what the kubelet would of a secret. Those of other types hold none.
func readLogins(s object) ([]login, error) {
	var all map[string]entry
	switch s.Type {
	case "kubernetes.io/dockerconfigjson":
		var config struct {
			Auths map[string]entry `json:"auths"`
		}
		if json.Unmarshal(s.Data[".dockerconfigjson"], &config) != nil {
			return nil, errForm
		}
		all = config.Auths
	case "kubernetes.io/dockercfg":
		if json.Unmarshal(s.Data[".dockercfg"], &all) != nil {
			return nil, errForm
		}
	}
	var logins []login
	for key, e := range all {
		at, text, ok := parseLocation(key)
		if !ok {
			continue
		}
		l := login{at: at, text: text, username: e.Username, password: e.Password, token: e.IdentityToken}
		if e.Auth != "" {
			if l.username, l.password, ok = decodeAuth(e.Auth); !ok {
				return nil, errForm
			}
		}
		if l.token != "" || l.username != "" || l.password != "" {
			logins = append(logins, l)
		}
	}
	return logins, nil
}

// decodeAuth reads base64(username:password), with padding or without.
func decodeAuth(auth string) (username, password string, ok bool) {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(auth), "="))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(b), ":")
}

// keychain are the logins of a tenant in the order in which the kubelet tries them: the
// names from the last to the first, so that "host/path" comes before "host", and one
// name's in the order of the secrets.
type keychain []login

var (
	_ authn.Keychain        = keychain(nil)
	_ authn.ContextKeychain = keychain(nil)
)

func newKeychain(logins []login) keychain {
	slices.SortStableFunc(logins, func(a, b login) int { return strings.Compare(b.text, a.text) })
	return logins
}

// Resolve implements authn.Keychain: the first login that is for a repository, or
// authn.Anonymous.
func (k keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	for _, at := range targets(target.String()) {
		for _, l := range k {
			if l.at.matches(at) {
				return authn.FromConfig(authn.AuthConfig{Username: l.username, Password: l.password, IdentityToken: l.token}), nil
			}
		}
	}
	return authn.Anonymous, nil
}

// ResolveContext implements authn.ContextKeychain. It asks nobody.
func (k keychain) ResolveContext(_ context.Context, target authn.Resource) (authn.Authenticator, error) {
	return k.Resolve(target)
}

// principal names a namespace and the logins of its tenant, "" for no logins. Without
// the key it tells nothing of them.
func (k keychain) principal(key []byte, namespace string) string {
	if len(k) == 0 {
		return ""
	}
	h := hmac.New(sha256.New, key)
	add := func(s string) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	add("assay pull secrets v1")
	add(namespace)
	for _, l := range k {
		for _, s := range []string{l.text, l.username, l.password, l.token} {
			add(s)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// weight is about the memory that the logins take, in bytes.
func (k keychain) weight() int64 {
	n := 0
	for _, l := range k {
		n += 256 + 2*len(l.text) + len(l.username) + len(l.password) + len(l.token)
	}
	return int64(n)
}

// String keeps secrets out of logs.
func (k keychain) String() string { return fmt.Sprintf("%d logins", len(k)) }

// GoString does the same.
func (k keychain) GoString() string { return k.String() }
