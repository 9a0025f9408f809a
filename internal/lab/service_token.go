package lab

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Lifetimes of a token: GitHub's are valid for a few minutes from before the request on.
const (
	tokenLifetime = 5 * time.Minute
	tokenBackdate = 10 * time.Minute
)

// tokenLimit is the longest token that is read, in bytes.
const tokenLimit = 32 << 10

// claims are those of a token: text, or a [json.Number].
type claims map[string]any

// text returns a claim that is text; empty when it is missing or something else.
func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return s
}

// issuer signs tokens (RFC 7519, with RS256 as GitHub and GitLab do) and says whom they stand for.
type issuer struct {
	url      string // "iss"
	keysPath string // of the key set, below the issuer's URL
	// fill completes the claims that a client gave.
	fill func(given map[string]string) claims
	// identify is what Fulcio writes into a certificate for verified claims.
	identify func(claims) (Identity, error)
	// key is made when it is first needed.
	key func() (*rsa.PrivateKey, error)
}

func newIssuer(url, keysPath string, fill func(map[string]string) claims, identify func(claims) (Identity, error)) *issuer {
	return &issuer{
		url: url, keysPath: keysPath, fill: fill, identify: identify,
		key: sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }),
	}
}

// keyID names a key after itself.
func (i *issuer) keyID(key *rsa.PrivateKey) string {
	sum := sha256.Sum256(key.N.Bytes())
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// token signs claims. The times of exp, iat and nbf may be given as Unix seconds, to make tokens that are not valid.
func (i *issuer) token(audience string, given map[string]string, now time.Time) (string, error) {
	key, err := i.key()
	if err != nil {
		return "", fmt.Errorf("make issuer key: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return "", err
	}
	content := claims{
		"iss": i.url, "aud": audience, "jti": serial.String(),
		"iat": now.Unix(), "nbf": now.Add(-tokenBackdate).Unix(), "exp": now.Add(tokenLifetime).Unix(),
	}
	for name, value := range i.fill(given) {
		content[name] = value
	}
	for _, name := range []string{"iat", "nbf", "exp"} {
		if value, ok := given[name]; ok {
			content[name] = json.Number(value)
		}
	}
	header, err := json.Marshal(map[string]string{"typ": "JWT", "alg": "RS256", "kid": i.keyID(key)})
	if err != nil {
		return "", fmt.Errorf("encode token header: %w", err)
	}
	body, err := json.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("encode token claims: %w", err)
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

// unverifiedIssuer reads "iss" of a token, to find the issuer whose key must have signed it.
func unverifiedIssuer(token string) (string, error) {
	_, content, _, err := splitToken(token)
	if err != nil {
		return "", err
	}
	return content.text("iss"), nil
}

// verify returns the claims of a token that this issuer signed for an audience and that is valid now.
func (i *issuer) verify(token, audience string, now time.Time) (claims, error) {
	key, err := i.key()
	if err != nil {
		return nil, fmt.Errorf("make issuer key: %w", err)
	}
	header, content, sig, err := splitToken(token)
	if err != nil {
		return nil, err
	}
	if alg, kid := header.text("alg"), header.text("kid"); alg != "RS256" || kid != i.keyID(key) {
		return nil, fmt.Errorf("verify token: want algorithm RS256 with key %s, found %q with key %q", i.keyID(key), alg, kid)
	}
	sum := sha256.Sum256([]byte(token[:strings.LastIndexByte(token, '.')]))
	if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], sig); err != nil {
		return nil, errors.New("verify token: the issuer's key did not sign this token")
	}
	if iss := content.text("iss"); iss != i.url {
		return nil, fmt.Errorf("verify token: want issuer %q, found %q", i.url, iss)
	}
	if found := content.audiences(); !slices.Contains(found, audience) {
		return nil, fmt.Errorf("verify token: want audience %q, found %q; ask for the token with ?audience=%s", audience, found, audience)
	}
	return content, content.validAt(now)
}

// audiences reads "aud", one text or a list of them.
func (c claims) audiences() []string {
	switch aud := c["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		var out []string
		for _, a := range aud {
			if s, ok := a.(string); ok {
				out = append(out, s)
			}
		}
		return out
	default:
		return nil
	}
}

// validAt compares "nbf", if there is one, and "exp", which there must be, with a time.
func (c claims) validAt(now time.Time) error {
	exp, err := c.seconds("exp")
	if err != nil {
		return err
	}
	if !now.Before(exp) {
		return fmt.Errorf("verify token: it expired at %s and it is %s; ask for a new one", exp.UTC(), now.UTC())
	}
	if _, ok := c["nbf"]; !ok {
		return nil
	}
	nbf, err := c.seconds("nbf")
	if err != nil {
		return err
	}
	if now.Before(nbf) {
		return fmt.Errorf("verify token: it is valid from %s on and it is %s", nbf.UTC(), now.UTC())
	}
	return nil
}

func (c claims) seconds(name string) (time.Time, error) {
	n, ok := c[name].(json.Number)
	if !ok {
		return time.Time{}, fmt.Errorf("verify token: want a number of seconds in claim %s, found %v", name, c[name])
	}
	f, err := n.Int64()
	if err != nil {
		return time.Time{}, fmt.Errorf("verify token: read claim %s: %w", name, err)
	}
	return time.Unix(f, 0), nil
}

// splitToken decodes the three parts of a compact JWS (RFC 7515, section 7.1) without verifying them.
func splitToken(token string) (header, content claims, sig []byte, err error) {
	parts := strings.Split(token, ".")
	if len(token) > tokenLimit || len(parts) != 3 {
		return nil, nil, nil, fmt.Errorf("read token: want three parts in at most %d bytes, found %d in %d", tokenLimit, len(parts), len(token))
	}
	for i, into := range []*claims{&header, &content} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, nil, nil, fmt.Errorf("read token: part %d: %w", i+1, err)
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(into); err != nil {
			return nil, nil, nil, fmt.Errorf("read token: part %d: %w", i+1, err)
		}
	}
	if sig, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return nil, nil, nil, fmt.Errorf("read token: part 3: %w", err)
	}
	return header, content, sig, nil
}
