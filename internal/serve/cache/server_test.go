package cache

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a redis-server of a test.
type server struct {
	t      *testing.T
	addr   string
	args   []string
	binary string
	cmd    *exec.Cmd
}

// newServer starts a redis-server on loopback, and skips the test where there is none.
func newServer(t *testing.T, args ...string) *server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if binary, err = exec.LookPath("valkey-server"); err != nil {
			t.Skip("SKIPPED: neither redis-server nor valkey-server is installed")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, addr: l.Addr().String(), args: args, binary: binary}
	_ = l.Close()
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	dir := s.t.TempDir()
	args := append([]string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", dir}, s.args...)
	s.cmd = exec.Command(s.binary, args...)
	var out bytes.Buffer
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for range 500 {
		if conn, err := net.Dial("tcp", s.addr); err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.kill()
	s.t.Fatalf("redis-server does not answer:\n%s", out.String())
}

// kill ends the server without a word to its clients.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// raw is a stranger's client, with the same rights as the replicas'.
func (s *server) raw() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.addr, Protocol: 2, DisableIdentity: true})
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// testKey is a store key that is another one for each n.
func testKey(n byte) []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)*7 + n
	}
	return key
}

// store makes a store of one replica.
func (s *server) store(c *fakeClock, change func(*RedisOptions)) *Redis {
	s.t.Helper()
	o := RedisOptions{URL: "redis://" + s.addr, Keys: [][]byte{testKey(1)}, Namespace: "test", Now: c.now}
	if change != nil {
		change(&o)
	}
	r, err := NewRedis(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = r.Close() })
	eventually(s.t, func() error { return r.Ready(context.Background()) })
	return r
}

// counted counts what a store counts from now on; the function returns one count and
// begins again.
func counted(r *Redis) func(what string) int {
	var mu sync.Mutex
	counts := map[string]int{}
	r.count = func(cache, result string) {
		mu.Lock()
		defer mu.Unlock()
		counts[cache+" "+result]++
	}
	return func(what string) int {
		mu.Lock()
		defer mu.Unlock()
		n := counts[what]
		clear(counts)
		return n
	}
}

// eventually waits for something that another process does.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	err := errors.New("not tried")
	for range 500 {
		if err = f(); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal(err)
}

// file writes a file of a test.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// got is what a store gives for a key, "" for nothing. A machine that is busy may make a
// request late, so that it is asked again.
func got(t *testing.T, r *Redis, key Key) string {
	t.Helper()
	for range 20 {
		if v, ok := r.Get(t.Context(), key); ok {
			return string(v)
		}
		if r.Ready(t.Context()) == nil {
			if v, ok := r.Get(t.Context(), key); ok {
				return string(v)
			}
			return ""
		}
	}
	return ""
}

func overwrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
