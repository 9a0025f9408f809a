package registry

import (
	"context"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// Stream writes a configuration or layer of an image in the repository of ref to w as it
// comes, at most size bytes and one more. Whoever calls it hashes and counts. Its error is
// a *verify.Failure, or w's.
func (r *Registry) Stream(ctx context.Context, ref verify.Reference, digest string, size int64, w io.Writer) error {
	s, bad := r.session(ctx, ref.Repository())
	if bad == nil {
		bad = (descriptor{Digest: digest, Size: size}).sound(size)
	}
	if bad == nil {
		bad = s.stream(ctx, digest, size, w)
	}
	if bad != nil {
		return bad.at(ref.Name()+"@"+digest, nil)
	}
	return nil
}

// stream asks the mirrors for a blob, and then the registry itself.
func (s *session) stream(ctx context.Context, digest string, size int64, w io.Writer) *trouble {
	for _, m := range s.mirrors {
		switch bad := m.stream(ctx, digest, size, w); {
		case bad == nil:
			return nil
		case bad.status != http.StatusNotFound:
			return bad.of(m)
		}
	}
	if bad := s.ready(ctx); bad != nil {
		return bad
	}
	// The scheme is the handshake's business: it replaces this one for its host.
	req, err := http.NewRequestWithContext(asOurs(ctx), http.MethodGet, "https://"+s.repo.RegistryStr()+s.path("blobs", digest), nil)
	if err != nil {
		return definitive(verify.RegistryMalformed, "%v", plainly(err))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return unanswered(err, s.repo.RegistryStr())
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return statusTrouble(resp.StatusCode, "")
	}
	if _, err := io.Copy(w, io.LimitReader(resp.Body, size+1)); err != nil {
		return bodyTrouble(err)
	}
	return nil
}

// Stream is [Registry.Stream] for a layout.
func (l *Layout) Stream(_ context.Context, ref verify.Reference, digest string, size int64, w io.Writer) error {
	place := "layout@" + digest
	bad := (descriptor{Digest: digest, Size: size}).sound(size)
	if bad != nil {
		return onDisk(bad).at(place, nil)
	}
	name := path.Join("blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
	info, err := l.root.Stat(name) // before it is opened, which would wait for a pipe's writer
	if err == nil && !info.Mode().IsRegular() {
		return unreadable("%s of %s is not a regular file", name, ref.Name()).at(place, nil)
	}
	if err != nil {
		return unreadable("%v", pathless(err)).at(place, nil)
	}
	file, err := l.root.Open(name)
	if err != nil {
		return unreadable("%v", pathless(err)).at(place, nil)
	}
	defer func() { _ = file.Close() }()
	if _, err := io.Copy(w, io.LimitReader(file, size+1)); err != nil {
		return unreadable("%v", pathless(err)).at(place, nil)
	}
	return nil
}
