package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/releaseassay/assay/verify"
)

// lane is how many requests one kind of evidence has in flight. Legacy tags and
// referrers have lanes of their own, so that one cannot starve the other.
const lane = 8

// session is the authenticated connection to one repository.
type session struct {
	repo    name.Repository
	options Options
	// mirrors are asked first; they have no mirrors themselves.
	mirrors []*session
	notes   *notes
	once    sync.Once
	bad     *trouble
	client  *http.Client

	mu    sync.Mutex
	asked map[string]*asked
}

// asked is a GET that is under way or done: nothing is asked for twice.
type asked struct {
	once sync.Once
	got  answer
	bad  *trouble
}

// answer is a body that was read whole.
type answer struct {
	body      []byte
	mediaType string
	link      []string
	// from is who sent it, the registry or a mirror, and path what it was asked for.
	from *session
	path string
}

// ready opens the session if it is not open yet.
func (s *session) ready(ctx context.Context) *trouble {
	s.once.Do(func() { s.bad = s.open(ctx) })
	return s.bad
}

// open pings the registry and gets a token if it wants one.
func (s *session) open(ctx context.Context) *trouble {
	auth, err := authn.Resolve(ctx, s.options.Keychain, s.repo)
	if err != nil && ctx.Err() != nil {
		return troubleOf(context.Cause(ctx))
	}
	if err != nil {
		return definitive(verify.RegistryUnauthorized, "read credentials for %s: %v", s.repo.RegistryStr(), err)
	}
	host := s.repo.RegistryStr()
	switch {
	case loopback(hostname(host)):
		// Loopback speaks plain HTTP as a rule; where it does not, ask again.
		if err = s.handshake(ctx, auth, "http"); !speaksTLS(err) {
			break
		}
		if again := s.handshake(ctx, auth, "https"); !errors.Is(again, http.ErrSchemeMismatch) {
			err = again
		}
	case s.options.plainHTTPTo(host):
		err = s.handshake(ctx, auth, "")
	default:
		err = s.handshake(ctx, auth, "https")
	}
	if err == nil {
		return nil
	}
	return unanswered(err, host)
}

// unanswered classifies an error in place of an answer. A 404 to a ping or from a token server
// does not say that something is absent.
func unanswered(err error, host string) *trouble {
	bad := troubleOf(err)
	if bad.absent() {
		return definitive(verify.RegistryServerError, "%s is no registry: its handshake is answered %s", host, bad.detail)
	}
	return bad
}

// handshake sets the client up if the registry answers on scheme, or on either for "".
func (s *session) handshake(ctx context.Context, auth authn.Authenticator, scheme string) error {
	host := s.repo.RegistryStr()
	var options []name.Option
	if scheme != "https" {
		options = append(options, name.Insecure)
	}
	reg, err := name.NewRegistry(host, options...)
	if err != nil {
		return err
	}
	door := &guard{
		next:      s.options.Budget.Transport(s.options.Transport),
		host:      host,
		scheme:    scheme,
		plainHTTP: s.options.plainHTTPTo,
	}
	inner := transport.NewUserAgent(door, s.options.UserAgent)
	authenticated, err := transport.NewWithContext(ctx, reg, auth, inner, []string{s.repo.Scope(transport.PullScope)})
	if errors.Is(err, errNotTried) {
		// Of the two schemes that go-containerregistry tries, say what became of ours.
		return cmp.Or(door.pingError(), err)
	}
	if err != nil {
		return err
	}
	s.client = &http.Client{Transport: authenticated}
	return nil
}

// speaksTLS reports whether a plain HTTP ping failed the way it does where the
// registry wants TLS: with a 400, or with bytes that are no HTTP.
func speaksTLS(err error) bool {
	var status *transport.Error
	if errors.As(err, &status) {
		return status.StatusCode == http.StatusBadRequest
	}
	return err != nil && (errors.Is(err, io.EOF) || strings.Contains(err.Error(), "malformed HTTP"))
}

func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}

// manifest fetches the manifest of a tag or digest. The bytes of a digest hash to it.
func (s *session) manifest(ctx context.Context, in chan struct{}, wanted string, accept []string) (answer, *trouble) {
	if strings.Contains(wanted, ":") && !verify.IsDigest(wanted) {
		return answer{}, definitive(verify.RegistryMalformed, "%q is not a sha256 digest", wanted)
	}
	got, bad := s.get(ctx, in, s.path("manifests", wanted), accept, manifestRoom())
	if bad != nil {
		return answer{}, bad
	}
	if found := digestOf(got.body); verify.IsDigest(wanted) && found != wanted {
		return answer{}, got.blame(s, mismatch(found))
	}
	return got, nil
}

// blob fetches the bytes of a descriptor that plan has found sound.
func (s *session) blob(ctx context.Context, in chan struct{}, d descriptor) ([]byte, *trouble) {
	over := definitive(verify.RegistrySizeMismatch, "the body is longer than the %d bytes that its descriptor says", d.Size)
	got, bad := s.get(ctx, in, s.path("blobs", d.Digest), []string{"*/*"}, room{d.Size, over})
	if bad != nil {
		return nil, bad
	}
	return got.body, got.blame(s, d.check(got.body))
}

func (s *session) path(kind, wanted string) string { return s.root() + kind + "/" + wanted }

func (s *session) root() string { return "/v2/" + s.repo.RepositoryStr() + "/" }

// room is how many bytes an answer may have, and what it is if it has more.
type room struct {
	bytes int64
	over  *trouble
}

func manifestRoom() room {
	return room{ManifestBytes, definitive(verify.LimitExceeded, "it is longer than the %d bytes that are read of a manifest", ManifestBytes)}
}

// get asks for path once, however often it is called. (Descriptors that lie about
// the size of one blob do not share their answer.)
func (s *session) get(ctx context.Context, in chan struct{}, path string, accept []string, most room) (answer, *trouble) {
	key := fmt.Sprintf("%s %d", path, most.bytes)
	s.mu.Lock()
	a, ok := s.asked[key]
	if !ok {
		a = &asked{}
		s.asked[key] = a
	}
	s.mu.Unlock()
	a.once.Do(func() {
		if in != nil {
			select {
			case in <- struct{}{}:
				defer func() { <-in }()
			case <-ctx.Done():
				a.bad = troubleOf(context.Cause(ctx))
				return
			}
		}
		a.got, a.bad = s.fetch(ctx, path, accept, most)
	})
	return a.got, a.bad
}

// send sends one GET and reads its body.
func (s *session) send(ctx context.Context, path string, accept []string, most room) (answer, *trouble) {
	if bad := s.ready(ctx); bad != nil {
		return answer{}, bad
	}
	// The scheme is the handshake's business: it replaces this one for its host.
	req, err := http.NewRequestWithContext(asOurs(ctx), http.MethodGet, "https://"+s.repo.RegistryStr()+path, nil)
	if err != nil {
		return answer{}, definitive(verify.RegistryMalformed, "%v", plainly(err))
	}
	req.Header.Set("Accept", strings.Join(accept, ", "))
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, unanswered(err, s.repo.RegistryStr())
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		var refused *transport.Error
		if err := transport.CheckError(resp, http.StatusOK); errors.As(err, &refused) {
			return answer{}, statusTrouble(resp.StatusCode, diagnostics(refused.Errors))
		}
		return answer{}, statusTrouble(resp.StatusCode, "")
	}
	body, bad := read(resp, most)
	if bad != nil {
		return answer{}, bad
	}
	return answer{
		body: body, mediaType: resp.Header.Get("Content-Type"), link: slices.Clone(resp.Header.Values("Link")), from: s, path: path,
	}, nil
}

// firstRead is how much is read before room is made for all that was announced:
// an announcement alone costs no memory.
const firstRead = 256 << 10

// read reads a whole body.
func read(resp *http.Response, most room) ([]byte, *trouble) {
	announced := resp.ContentLength
	if announced > most.bytes {
		return nil, most.over
	}
	first := min(most.bytes, firstRead)
	if announced >= 0 {
		first = min(first, announced)
	}
	body := make([]byte, 0, first+1)
	for {
		n, err := resp.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > most.bytes:
			return nil, most.over
		case errors.Is(err, io.EOF):
			if cap(body)-len(body) > len(body)/4+512 {
				return append(make([]byte, 0, len(body)), body...), nil // a server remembers it for long
			}
			return slices.Clip(body), nil
		case err != nil:
			return nil, bodyTrouble(err)
		case len(body) == cap(body) && announced > int64(len(body)):
			body = slices.Grow(body, int(announced)-len(body)+1)
		case len(body) == cap(body):
			body = slices.Grow(body, min(len(body), int(most.bytes)-len(body)+1))
		}
	}
}

// mismatch is bytes of another digest than the one asked for.
func mismatch(found string) *trouble {
	return definitive(verify.RegistryDigestMismatch, "the bytes hash to %s", found)
}
