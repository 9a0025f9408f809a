package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/releaseassay/assay/internal/lab/cases"
)

// listHeader is the SHA-256 of the cases.json that a lab serves.
const listHeader = "Lab-Cases"

// Why a lab cannot be asked, or not to the end.
var (
	errLabGone  = errors.New("the lab ended during the run")
	errLabTaken = errors.New("another run has it; wait for its end, or serve a second lab")
)

// control is the server that turns cases to their acts, and gives the lab to one run at a time: the acts of two would mix.
type control struct {
	listener net.Listener
	site     *cases.Site
	list     string // the header's value
	taken    sync.Mutex
}

func newControl(site *cases.Site) (*control, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, &exit{code: exitUndecided, err: fmt.Errorf("start the lab's control: %w", err)}
	}
	return &control{listener: l, site: site}, nil
}

func (k *control) url() string { return "http://" + k.listener.Addr().String() }

// serve answers until stop; list is the content of cases.json.
func (k *control) serve(list []byte) (stop func()) {
	k.list = listSum(list)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cases/{id}/acts/{act}", func(rw http.ResponseWriter, req *http.Request) {
		n, err := strconv.Atoi(req.PathValue("act"))
		if err == nil {
			err = k.site.Turn(req.Context(), req.PathValue("id"), n)
		}
		if err != nil {
			http.Error(rw, err.Error(), http.StatusNotFound)
			return
		}
		rw.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /runs", k.run)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(k.listener) }() // ends with ErrServerClosed
	return func() { _ = server.Close() }
}

// run gives the lab to a client for as long as it stays.
func (k *control) run(rw http.ResponseWriter, req *http.Request) {
	rw.Header().Set(listHeader, k.list)
	if !k.taken.TryLock() {
		rw.WriteHeader(http.StatusConflict)
		return
	}
	defer k.taken.Unlock()
	rw.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(rw).Flush()
	<-req.Context().Done()
}

func listSum(list []byte) string {
	sum := sha256.Sum256(list)
	return hex.EncodeToString(sum[:])
}

// takeLab has the lab at a control address, which has to serve this cases.json, to itself until release. The context that
// it returns ends with errLabGone if the lab does.
func takeLab(ctx context.Context, address string, list []byte) (_ context.Context, release func(), err error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || onLoopback(u.Host) != nil {
		return nil, nil, fmt.Errorf("found the control address %q; wanted one of loopback", address)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/runs", http.NoBody)
	if err != nil {
		cancel(err)
		return nil, nil, err
	}
	resp, err := (&http.Transport{ResponseHeaderTimeout: 10 * time.Second, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		cancel(err)
		return nil, nil, fmt.Errorf("nobody serves it any more: %w", err)
	}
	switch sum := resp.Header.Get(listHeader); {
	case sum != listSum(list):
		err = fmt.Errorf("%s is not what is served at %s; wanted the file as `assay lab serve` wrote it", cases.CasesFile, address)
	case resp.StatusCode == http.StatusConflict:
		err = errLabTaken
	case resp.StatusCode != http.StatusOK:
		err = fmt.Errorf("its control answered %s", resp.Status)
	}
	if err != nil {
		cancel(err)
		_ = resp.Body.Close()
		return nil, nil, err
	}
	go func() {
		_, _ = io.Copy(io.Discard, resp.Body) // until the lab ends, or the run lets go
		cancel(errLabGone)
		_ = resp.Body.Close()
	}()
	return ctx, func() { cancel(nil) }, nil
}

// turnAt asks a served lab to turn a case to an act.
func turnAt(address string) func(context.Context, string, int) error {
	client := &http.Client{Timeout: 30 * time.Second}
	return func(ctx context.Context, id string, act int) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/cases/%s/acts/%d", address, id, act), http.NoBody)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			return fmt.Errorf("the lab answered %s", resp.Status)
		}
		return nil
	}
}
