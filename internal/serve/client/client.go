// Package client asks a server of assay about an image, by POST /v1/verify.
//
// It believes the server and nobody else: the connection is TLS, but to loopback, no
// redirect is followed, and the answer is a verdict about the very image that was asked
// about, byte for byte as assay writes one, or an error. An error is never a pass.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/releaseassay/assay/internal/files"
	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/verify"
)

// Options say which server is asked, and as whom.
type Options struct {
	// URL is the server's: https://HOST[:PORT][/PREFIX], or http:// on loopback.
	URL string
	// CAFile holds the certificates (PEM) that the server's has to lead to; "" is the
	// system's.
	CAFile string
	// Token or TokenFile is the bearer token; none is sent if both are "".
	Token, TokenFile string
	// Certificate and Key are PEM files of the client's own certificate, both or neither.
	Certificate, Key string
	// Agent is the User-Agent.
	Agent string
}

// Bounds of what is read, in bytes.
const (
	maxVerdict = 16 << 20
	maxError   = 64 << 10
	maxFile    = 1 << 20
	maxToken   = 16 << 10
)

// Client asks one server. It is safe for concurrent use.
type Client struct {
	url   string
	token string
	agent string
	http  *http.Client
}

// New reads the files. An error is one of usage or configuration.
func New(o Options) (*Client, error) {
	base, err := address(o.URL)
	if err != nil {
		return nil, err
	}
	c := &Client{url: base.String(), agent: o.Agent}
	if c.token, err = o.token(); err != nil {
		return nil, err
	}
	settings, err := o.tls()
	if err != nil {
		return nil, err
	}
	if base.Scheme == "http" && (o.CAFile != "" || o.Certificate != "") {
		return nil, errors.New("certificates have no meaning for a server without TLS")
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: settings, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10, IdleConnTimeout: time.Minute,
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Close gives the connections back.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// address checks the server's URL and adds the route.
func address(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the server's URL cannot be read: %w", err)
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return nil, fmt.Errorf("the server's URL is %q; wanted https://HOST[:PORT]", u.Redacted())
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("the server's URL is %q; wanted https://, since whoever is on the way could answer", s)
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("the server's URL is %q; wanted https://HOST[:PORT]", s)
	}
	return u.JoinPath("v1", "verify"), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// token returns the bearer token, from where it is said to be.
func (o Options) token() (string, error) {
	token := o.Token
	if o.TokenFile != "" {
		if token != "" {
			return "", errors.New("found a token and a file of one; wanted one of them")
		}
		b, err := files.Read(o.TokenFile, maxToken)
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		if token = strings.TrimSpace(string(b)); token == "" {
			return "", fmt.Errorf("read the token: %s is empty", o.TokenFile)
		}
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("the token has white space in it, or characters that are not ASCII")
	}
	return token, nil
}

// tls is who the server has to be, and who the client is.
func (o Options) tls() (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		b, err := files.Read(o.CAFile, maxFile)
		if err != nil {
			return nil, fmt.Errorf("read the server's authority: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("read the server's authority: %s has no certificate (PEM)", o.CAFile)
		}
	}
	if (o.Certificate == "") != (o.Key == "") {
		return nil, errors.New("found one of a client certificate and its key; wanted both")
	}
	if o.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, fmt.Errorf("read the client certificate: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}

// question is the body of the request.
type question struct {
	Image     string `json:"image"`
	Namespace string `json:"namespace,omitempty"`
	Version   string `json:"version,omitempty"`
	Fresh     bool   `json:"fresh,omitempty"`
}

// Verify asks about an image, by the deadline of ctx. Of q only the reference, the
// version, the namespace and Fresh are sent. An error says why there is no verdict; one
// that is a [*Refusal] will be the same when asked again.
func (c *Client) Verify(ctx context.Context, q serve.Question) (verify.Verdict, error) {
	v, err := c.verify(ctx, q)
	if err != nil {
		return verify.Verdict{}, fmt.Errorf("ask the server: %w", err)
	}
	return v, nil
}

func (c *Client) verify(ctx context.Context, q serve.Question) (verify.Verdict, error) {
	var none verify.Verdict
	body, err := json.Marshal(question{q.Reference.String(), q.Namespace, q.Version, q.Fresh})
	if err != nil {
		return none, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.target(ctx), bytes.NewReader(body))
	if err != nil {
		return none, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", c.agent)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return none, advised(err)
	}
	defer answer.Body.Close()
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case answer.StatusCode != http.StatusOK:
		return none, failure(answer)
	case media != "application/json":
		return none, fmt.Errorf("found an answer of the type %q, wanted application/json; this is not assay", media)
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxVerdict+1))
	switch {
	case err != nil:
		return none, fmt.Errorf("read the verdict: %w", err)
	case len(b) > maxVerdict:
		return none, fmt.Errorf("the verdict has more than %d bytes", maxVerdict)
	}
	v, err := Parse(b)
	if err != nil {
		return none, err
	}
	return v, About(v, q.Reference)
}

// advised adds what to do to an error of the connection, where that is known.
func advised(err error) error {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return fmt.Errorf("%w; wanted a certificate of the authority that is named, or of one of the system's where none is", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w; nothing listens there: is the server running, and at this address?", err)
	}
	return err
}

// target is the route, with how long the caller waits.
func (c *Client) target(ctx context.Context) string {
	due, ok := ctx.Deadline()
	if !ok {
		return c.url
	}
	return c.url + "?timeout=" + max(time.Until(due).Truncate(time.Millisecond), time.Millisecond).String()
}

// Refusal is an answer of the server that is no verdict and will stay the same: the
// question cannot be read, no policy is for it, or this client may not ask.
type Refusal struct {
	Status int
	Text   string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Text }

// failure says what an answer without a verdict means.
func failure(answer *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(answer.Body, maxError)) // a broken body has no words
	var said struct {
		Error struct{ Code, Message string }
	}
	text := fmt.Sprintf("found HTTP status %d", answer.StatusCode)
	if json.Unmarshal(b, &said) == nil && said.Error.Code != "" {
		text += ": " + report.Escape(said.Error.Code, 100) + ": " + report.Escape(said.Error.Message, 1000)
	} else if words, ours := strings.CutPrefix(strings.TrimSpace(string(b)), "assay: "); ours { // turned away before any door
		text += ": " + report.Escape(words, 1000)
	}
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return &Refusal{answer.StatusCode, text}
	}
	return errors.New(text)
}
