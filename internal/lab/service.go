package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Limits of the doors. A signed document reaches the logs as a whole, and nothing else that is sent is large.
const (
	serviceSmallBody  = 64 << 10
	serviceEntryBody  = 16 << 20
	serviceLogMemory  = 128 << 20 // log entries that are kept, in bytes of their bodies
	serviceConnection = 30 * time.Second
	serviceRequests   = 64 // at once; others wait
)

// DefaultRequestToken is what the token endpoints ask for: the lab's ACTIONS_ID_TOKEN_REQUEST_TOKEN.
const DefaultRequestToken = "lab-request-token"

// ServicesOptions describe the doors of an instance.
type ServicesOptions struct {
	// Address is where Start listens. Default: a free port of 127.0.0.1.
	Address string
	// Clock dates tokens, certificates, log entries and timestamps. It must lie in the validity of the instance's parts.
	// Default: time.Now.
	Clock func() time.Time
	// RequestToken is the bearer token that the token endpoints ask for. Default: [DefaultRequestToken].
	RequestToken string
	// GitHubClaims and GitLabClaims replace claims of every token, as a request does with claim.NAME for one.
	GitHubClaims, GitLabClaims map[string]string
	// IssuerProxy also serves the issuers over TLS under their real names, behind a CONNECT proxy that knows no other
	// host. A real Fulcio needs that: it wants the name it is configured with to be the name in the token.
	IssuerProxy bool
}

// Services are the doors of a [Sigstore]: with them a client such as cosign signs as it would with a real instance. On
// one loopback address they speak the protocols of Fulcio (v1 and v2), Rekor v1, Rekor v2 and a timestamp authority,
// and give out tokens as GitHub Actions and GitLab do. Unlike the rest of the lab they verify what they are sent, as
// the real services do. They are safe for concurrent use.
type Services struct {
	sigstore *Sigstore
	opts     ServicesOptions
	github   *issuer
	gitlab   *issuer
	entries  *entryStore
	tiles    *entryStore
	handler  http.Handler
	slots    chan struct{}

	servers []*http.Server
	host    string
	named   *issuerNames
}

// NewServices makes the doors of an instance. The handler works at once; [Services.Start] gives it an address. Entries
// that reach the instance's Rekor v1 log from now on, through the doors or not, can be asked for; an instance has one
// set of doors.
func NewServices(s *Sigstore, opts ServicesOptions) *Services {
	if opts.Clock == nil {
		opts.Clock = time.Now //nolint:forbidigo // the default of an injected clock
	}
	opts.Address = orDefault(opts.Address, "127.0.0.1:0")
	opts.RequestToken = orDefault(opts.RequestToken, DefaultRequestToken)
	v := &Services{
		sigstore: s,
		opts:     opts,
		github:   newIssuer(GitHubIssuer, "/.well-known/jwks", gitHubClaims, gitHubIdentity),
		gitlab:   newIssuer(GitLabIssuer, "/oauth/discovery/keys", gitLabClaims, gitLabIdentity),
		entries:  newEntryStore(serviceLogMemory),
		tiles:    newEntryStore(serviceLogMemory),
		slots:    make(chan struct{}, serviceRequests),
	}
	s.rekor1.kept.Store(v.entries)
	v.handler = v.routes()
	return v
}

// routes lists every door. Paths of the real services do not collide, so one address serves all; the issuers, which
// have the same paths, stand below their names.
func (v *Services) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, d := range map[string]struct {
		limit  int64
		answer func(http.ResponseWriter, *http.Request) error
	}{
		"POST /api/v1/signingCert":          {serviceSmallBody, v.certifyV1},
		"GET /api/v1/rootCert":              {0, v.rootCert},
		"POST /api/v2/signingCert":          {serviceSmallBody, v.certifyV2},
		"GET /api/v2/trustBundle":           {0, v.trustBundle},
		"GET /api/v2/configuration":         {0, v.fulcioConfiguration},
		"GET /api/v1/log":                   {0, v.logInfo},
		"GET /api/v1/log/publicKey":         {0, v.logPublicKey},
		"POST /api/v1/log/entries":          {serviceEntryBody, v.createEntry},
		"GET /api/v1/log/entries":           {0, v.entryByIndex},
		"GET /api/v1/log/entries/{uuid}":    {0, v.entryByUUID},
		"POST /api/v1/log/entries/retrieve": {serviceEntryBody, v.retrieveEntries},
		"POST /api/v2/log/entries":          {serviceEntryBody, v.createTileEntry},
		"GET /api/v2/checkpoint":            {0, v.tileCheckpoint},
		"POST /api/v1/timestamp":            {serviceSmallBody, v.timestamp},
		"GET /api/v1/timestamp/certchain":   {0, v.timestampChain},
		"GET /github/token":                 {0, v.tokenDoor(v.github, v.opts.GitHubClaims)},
		"GET /gitlab/token":                 {0, v.tokenDoor(v.gitlab, v.opts.GitLabClaims)},
		"GET /github/" + discoveryPath:      {0, v.github.discovery},
		"GET /gitlab/" + discoveryPath:      {0, v.gitlab.discovery},
		"GET /github" + v.github.keysPath:   {0, v.github.keys},
		"GET /gitlab" + v.gitlab.keysPath:   {0, v.gitlab.keys},
		"GET /healthz":                      {0, healthy},
		"GET /ping":                         {0, healthy},
	} {
		mux.Handle(pattern, door(d.limit, d.answer))
	}
	return mux
}

func healthy(w http.ResponseWriter, _ *http.Request) error {
	_, err := io.WriteString(w, "ok\n")
	return err
}

// ServeHTTP implements http.Handler.
func (v *Services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case v.slots <- struct{}{}:
		defer func() { <-v.slots }()
		v.handler.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// Start serves until Close.
func (v *Services) Start() error {
	if v.servers != nil {
		return errors.New("start services: already started")
	}
	l, err := net.Listen("tcp", v.opts.Address)
	if err != nil {
		return fmt.Errorf("start services: %w", err)
	}
	v.host = l.Addr().String()
	v.serve(l, v, nil)
	if v.opts.IssuerProxy {
		if err := v.startIssuerNames(); err != nil {
			return errors.Join(fmt.Errorf("start issuers: %w", err), v.Close())
		}
	}
	return nil
}

// serve answers on a listener; a prepare changes the server before that.
func (v *Services) serve(l net.Listener, h http.Handler, prepare func(*http.Server)) {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       serviceConnection,
		WriteTimeout:      2 * serviceConnection,
		IdleTimeout:       serviceConnection,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	if prepare != nil {
		prepare(server)
	}
	v.servers = append(v.servers, server)
	go func() { // ends with ErrServerClosed at Close
		if server.TLSConfig != nil {
			_ = server.ServeTLS(l, "", "")
			return
		}
		_ = server.Serve(l)
	}()
}

// Close stops serving and cuts the open connections.
func (v *Services) Close() error {
	var all []error
	for _, server := range v.servers {
		all = append(all, server.Close())
	}
	if v.named != nil {
		v.named.cut()
	}
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("close services: %w", err)
	}
	return nil
}

// refusal is an error with the status it is answered with.
type refusal struct {
	status int
	err    error
}

func (r refusal) Error() string { return r.err.Error() }
func (r refusal) Unwrap() error { return r.err }

// refused makes a refusal; its arguments are those of fmt.Errorf.
func refused(status int, format string, args ...any) error {
	return refusal{status: status, err: fmt.Errorf(format, args...)}
}

// door bounds the body of a request and writes an error the way Fulcio and Rekor do.
func door(limit int64, answer func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		err := answer(w, r)
		if err == nil {
			return
		}
		status := http.StatusInternalServerError
		var tooLarge *http.MaxBytesError
		var known refusal
		switch {
		case errors.As(err, &tooLarge):
			status, err = http.StatusRequestEntityTooLarge, fmt.Errorf("request body is larger than the %d bytes that this door takes", limit)
		case errors.As(err, &known):
			status = known.status
		}
		_ = answerJSON(w, status, object{"code": status, "message": err.Error()}) // the client has gone
	})
}

func answerJSON(w http.ResponseWriter, status int, content any) error {
	raw, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return answerBytes(w, status, "application/json", raw)
}

func answerBytes(w http.ResponseWriter, status int, mediaType string, content []byte) error {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(content) // the client has gone
	return nil
}

// readJSON reads a whole body into a value.
func readJSON(r *http.Request, into any) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return refused(http.StatusBadRequest, "read request: want one JSON object: %w", err)
	}
	return nil
}

func readBody(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return nil, refused(http.StatusBadRequest, "read request: %w", err)
	}
	return raw, err
}
