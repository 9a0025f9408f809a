package trust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

const maxRedirects = 3

var topLevel = regexp.MustCompile(`^(?:[0-9]+\.)?(root|timestamp|snapshot|targets)\.json$`)

// fetcher downloads for the TUF client within ctx and keeps the metadata it saw.
// It is used by one goroutine.
type fetcher struct {
	ctx    context.Context //nolint:containedctx // the client's interface carries none
	client *http.Client
	roots  [][]byte          // in the order they came
	roles  map[string][]byte // timestamp, snapshot, targets
	err    error             // why the last download did not arrive, if it did not
}

func newFetcher(ctx context.Context, transport http.RoundTripper) *fetcher {
	return &fetcher{
		ctx:    ctx,
		client: &http.Client{Transport: transport, CheckRedirect: checkRedirect},
		roles:  map[string][]byte{},
	}
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("wanted at most %d redirects", maxRedirects)
	}
	return checkURL(req.URL)
}

// checkURL wants https, or plain http to this machine.
func checkURL(u *url.URL) error {
	if u.Host == "" {
		return fmt.Errorf("mirror wanted as https://HOST[/PATH], found %q", u)
	}
	host := u.Hostname()
	loopback := host == "localhost"
	if ip := net.ParseIP(host); ip != nil {
		loopback = ip.IsLoopback()
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback {
		return nil
	}
	return fmt.Errorf("mirror wanted over https, found %q", u)
}

// DownloadFile implements the fetcher of go-tuf. The duration is not used there
// either; ctx bounds the time.
func (f *fetcher) DownloadFile(from string, maxLength int64, _ time.Duration) ([]byte, error) {
	data, err := f.get(from, min(maxLength, MaxSize))
	f.err = nil
	if err != nil {
		if tooLong := (*metadata.ErrDownloadLengthMismatch)(nil); !errors.As(err, &tooLong) {
			f.err = err
		}
		return nil, err
	}
	if m := topLevel.FindStringSubmatch(path.Base(from)); m != nil {
		if m[1] == metadata.ROOT {
			f.roots = append(f.roots, data)
		} else {
			f.roles[m[1]] = data
		}
	}
	return data, nil
}

func (f *fetcher) get(from string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(f.ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "assay")
	res, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		// The client takes a 404 for the end of the chain of TUF roots.
		return nil, &metadata.ErrDownloadHTTP{StatusCode: res.StatusCode, URL: from}
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", from, err)
	}
	if int64(len(data)) > limit {
		return nil, &metadata.ErrDownloadLengthMismatch{Msg: fmt.Sprintf("get %s: wanted at most %d bytes, found more", from, limit)}
	}
	return data, nil
}
