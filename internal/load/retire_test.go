package load

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// TestCloseLeavesNoConnection closes an access while a request runs that was sent
// before, and sends another one afterwards.
func TestCloseLeavesNoConnection(t *testing.T) {
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	held := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			<-held
		}
		_, _ = io.WriteString(w, "here")
	}))
	server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch s {
		case http.StateNew:
			open[c] = true
		case http.StateClosed:
			delete(open, c)
		}
	}
	server.Start()
	defer server.Close()
	a, err := NewAccess(AccessOptions{ConfigOptional: true, Rate: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: a.Transport()}
	get := func(path string) {
		w, err := client.Get(server.URL + path)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, w.Body)
		_ = w.Body.Close()
	}
	get("/")
	var all sync.WaitGroup
	all.Go(func() { get("/held") })
	a.Close()
	all.Go(func() { get("/"); close(held) })
	all.Wait()
	for range 100 {
		mu.Lock()
		n := len(open)
		mu.Unlock()
		if n == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d connections are left", len(open))
}
