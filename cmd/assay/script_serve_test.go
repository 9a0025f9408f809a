package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// serveCommands are the commands of scripts that run `assay serve`.
var serveCommands = map[string]func(*testscript.TestScript, bool, []string){"free": free, "answers": answers, "asks": asks}

// newServe writes what `assay serve` needs to reach the fixture's registry:
// SERVE_REGISTRIES.
func newServe(t *testing.T, host, dir string) map[string]string {
	t.Helper()
	file := filepath.Join(dir, "serve-registries.yaml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, "registries: [{host: '%s', plain_http: true, network: loopback}]\n", host), 0o600))
	return map[string]string{"SERVE_REGISTRIES": file}
}

// free sets a variable to a port that nobody listens on: free VARIABLE.
func free(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: free VARIABLE")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
	ts.Setenv(args[0], port)
}

// answers waits until GET has a status and a text: answers URL STATUS TEXT.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: answers URL STATUS TEXT")
	}
	expect(ts, args[1], args[2], func(c *http.Client) (*http.Response, error) { return c.Get(args[0]) })
}

// asks puts an image to /v1/verify: asks URL IMAGE TEXT.
func asks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: asks URL IMAGE TEXT")
	}
	question, err := json.Marshal(map[string]string{"image": args[1]})
	ts.Check(err)
	expect(ts, "", args[2], func(c *http.Client) (*http.Response, error) {
		return c.Post(args[0], "application/json", bytes.NewReader(question))
	})
}

// expect asks until the answer is as wanted, for ten seconds.
func expect(ts *testscript.TestScript, status, text string, ask func(*http.Client) (*http.Response, error)) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	wanted, last := regexp.MustCompile(text), ""
	for range 100 {
		resp, err := ask(client)
		if err != nil {
			last = err.Error()
			time.Sleep(100 * time.Millisecond)
			continue
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		ts.Check(err)
		if last = fmt.Sprintf("%d %s", resp.StatusCode, b); (status == "" || status == fmt.Sprint(resp.StatusCode)) && wanted.Match(b) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("the last answer is %s; wanted %s %s", last, status, text)
}
