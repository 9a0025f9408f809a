package cache

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNewRedisWants(t *testing.T) {
	const hidden = "hunter2-XYZZY"
	good := func() RedisOptions {
		return RedisOptions{URL: "rediss://redis.example", Keys: [][]byte{testKey(1)}, Now: newFakeClock().now}
	}
	password, empty, noCA := file(t, hidden), file(t, "\n"), file(t, "none")
	for _, c := range []struct {
		name   string
		change func(*RedisOptions)
		want   string // in the error, "" for none
	}{
		{"TLS", func(*RedisOptions) {}, ""},
		{"a user and a database", func(o *RedisOptions) { o.URL = "rediss://assay@redis.example:6380/3"; o.PasswordFile = password }, ""},
		{"clear text", func(o *RedisOptions) { o.URL = "redis://redis.example" }, ""},
		{"clear text on loopback with a password", func(o *RedisOptions) { o.URL = "redis://127.0.0.1"; o.PasswordFile = password }, ""},
		{"the same by IPv6", func(o *RedisOptions) { o.URL = "redis://[::1]:7000"; o.PasswordFile = password }, ""},
		{"clear text with a password, allowed", func(o *RedisOptions) {
			o.URL = "redis://redis.example?cleartext=allowed"
			o.PasswordFile = password
		}, ""},
		{"a socket", func(o *RedisOptions) { o.URL = "unix:///run/redis.sock?db=2"; o.PasswordFile = password }, ""},

		{"clear text with a password", func(o *RedisOptions) { o.URL = "redis://redis.example"; o.PasswordFile = password }, "clear text"},
		{"the same by a name like loopback", func(o *RedisOptions) { o.URL = "redis://localhost.example"; o.PasswordFile = password }, "clear text"},
		{"a password in the URL", func(o *RedisOptions) { o.URL = "rediss://u:" + hidden + "@redis.example" }, "without a password"},
		{"no URL", func(o *RedisOptions) { o.URL = "rediss://u:" + hidden + "@redis.example:port" }, "wanted a URL"},
		{"another scheme", func(o *RedisOptions) { o.URL = "https://redis.example" }, "scheme"},
		{"no host", func(o *RedisOptions) { o.URL = "redis:///1" }, "host"},
		{"a host of a socket", func(o *RedisOptions) { o.URL = "unix://run/redis.sock" }, "unix:///"},
		{"another parameter", func(o *RedisOptions) { o.URL += "?read_timeout=1h" }, "parameters"},
		{"a database of letters", func(o *RedisOptions) { o.URL += "/x" }, "database"},
		{"a CA without TLS", func(o *RedisOptions) { o.URL = "redis://redis.example"; o.CAFile = noCA }, "rediss://"},
		{"a CA that is none", func(o *RedisOptions) { o.CAFile = noCA }, "PEM"},
		{"a CA that is not there", func(o *RedisOptions) { o.CAFile = filepath.Join(t.TempDir(), "none") }, "CA"},
		{"an empty password", func(o *RedisOptions) { o.PasswordFile = empty }, "password"},
		{"a password that is not there", func(o *RedisOptions) { o.PasswordFile = filepath.Join(t.TempDir(), "none") }, "password"},
		{"no key", func(o *RedisOptions) { o.Keys = nil }, "key"},
		{"a short key", func(o *RedisOptions) { o.Keys = [][]byte{testKey(1)[:31]} }, "32"},
		{"a short key beside a good one", func(o *RedisOptions) { o.Keys = [][]byte{testKey(1), []byte(hidden)} }, "key 2"},
		{"a key of one byte", func(o *RedisOptions) { o.Keys = [][]byte{[]byte(strings.Repeat("k", 64))} }, "different"},
		{"a namespace with a colon", func(o *RedisOptions) { o.Namespace = "a:b" }, "namespace"},
		{"a long namespace", func(o *RedisOptions) { o.Namespace = strings.Repeat("a", 64) }, "namespace"},
		{"no clock", func(o *RedisOptions) { o.Now = nil }, "clock"},
	} {
		o := good()
		c.change(&o)
		r, err := NewRedis(o)
		if r != nil {
			_ = r.Close()
		}
		switch {
		case (err == nil) != (c.want == ""):
			t.Errorf("%s: got %v", c.name, err)
		case err != nil && !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: got %v, want something of %q", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), hidden) {
			t.Errorf("%s: a secret is told: %v", c.name, err)
		}
	}
}

func TestReadKeys(t *testing.T) {
	key := testKey(1)
	keys, err := ReadKeys([]string{file(t, base64.StdEncoding.EncodeToString(key)+"\n"), file(t, hex.EncodeToString(key)), file(t, strings.ToUpper(hex.EncodeToString(key)))})
	if err != nil || len(keys) != 3 {
		t.Fatal(keys, err)
	}
	for _, k := range keys {
		if string(k) != string(key) {
			t.Errorf("got %x", k)
		}
	}
	const hidden = "hunter2-XYZZY"
	for _, content := range []string{"", "\n", hidden, strings.Repeat(hidden, 5), hex.EncodeToString(key[:31]), base64.StdEncoding.EncodeToString(key[:16]), strings.Repeat("00", 32), string(key), strings.Repeat("ab", 2000)} {
		if keys, err := ReadKeys([]string{file(t, content)}); err == nil || strings.Contains(err.Error(), hidden) {
			t.Errorf("%q: got %x, %v", content, keys, err)
		}
	}
	if _, err := ReadKeys([]string{filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a key that is not there")
	}
}

// TestRedisTLS: the server's certificate is checked against the CA that is given, for the
// host of the URL.
func TestRedisTLS(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	another := *template
	another.SerialNumber, another.Subject.CommonName = big.NewInt(2), "another"
	otherKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := x509.CreateCertificate(rand.Reader, &another, &another, otherKey.Public(), otherKey)
	if err != nil {
		t.Fatal(err)
	}
	otherCA := filepath.Join(dir, "other.pem")
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pemOf := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	overwrite(t, certFile, pemOf("CERTIFICATE", certificate))
	overwrite(t, otherCA, pemOf("CERTIFICATE", other))
	overwrite(t, keyFile, pemOf("PRIVATE KEY", encoded))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	s, c := newServer(t, "--tls-port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no"), newFakeClock()
	r := s.store(c, func(o *RedisOptions) { o.URL, o.CAFile = "rediss://"+addr, certFile })
	r.Set(t.Context(), keyOf("a"), []byte("v"), start.Add(time.Hour))
	if v := got(t, r, keyOf("a")); v != "v" {
		t.Errorf("got %q", v)
	}
	for what, change := range map[string]func(*RedisOptions){
		"another CA":   func(o *RedisOptions) { o.CAFile = otherCA },
		"another host": func(o *RedisOptions) { o.URL = "rediss://localhost:" + port },
	} {
		o := RedisOptions{URL: "rediss://" + addr, CAFile: certFile, Keys: [][]byte{testKey(1)}, Now: c.now}
		change(&o)
		r, err := NewRedis(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: got %v", what, err)
		}
		_ = r.Close()
	}
}

// TestRedisHostileServer: whatever a server answers, nothing comes of it, and no room is
// made for what it only announces.
func TestRedisHostileServer(t *testing.T) {
	for what, reply := range map[string]string{
		"a length beyond memory":  "$9000000000000000000\r\n",
		"a long string":           "$100000000\r\nx",
		"a negative length":       "$-5\r\n",
		"no number":               "$x\r\n",
		"a long list":             "*100000000\r\n",
		"a list in a list":        "*1\r\n*1\r\n*99999\r\n",
		"a line without end":      "+" + strings.Repeat("x", 100000),
		"an error with escapes":   "-ERR \x1b[31m hunter2-XYZZY\r\n",
		"nothing known":           "?\r\n",
		"an empty line":           "\r\n",
		"a number for a string":   ":7\r\n",
		"a streamed string":       "$?\r\n;4\r\nabcd\r\n",
		"a map":                   "%1\r\n+a\r\n+b\r\n",
		"a forged value":          "$5\r\nhello\r\n",
		"too few bytes":           "$50\r\nhello\r\n",
		"nil":                     "$-1\r\n",
		"a push before the reply": ">2\r\n+message\r\n$99999999999\r\n",
	} {
		t.Run(what, func(t *testing.T) {
			addr := answering(t, reply)
			var log strings.Builder
			r, err := NewRedis(RedisOptions{
				URL: "redis://" + addr, Keys: [][]byte{testKey(1)}, Now: newFakeClock().now,
				Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			if v, ok := r.Get(t.Context(), keyOf("a")); ok {
				t.Errorf("got %q", v)
			}
			r.Set(t.Context(), keyOf("a"), []byte("v"), start.Add(time.Hour))
			if err := r.Ready(t.Context()); err == nil && !strings.HasPrefix(reply, "+") && reply != ":7\r\n" && !strings.HasPrefix(reply, "$5") && reply != "$-1\r\n" {
				t.Error("ready")
			} else if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("foreign text is told: %v", err)
			}
			if floor, err := NewFloors(r).Raise(t.Context(), keyOf("r"), floorOf(1, 7, "t")); err == nil || !floor.IsZero() {
				t.Errorf("raised: %+v", floor)
			} else if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("foreign text is told: %v", err)
			}
			if strings.Contains(log.String(), "hunter2") {
				t.Errorf("foreign text is logged: %s", log.String())
			}
		})
	}
}

// answering is a server that gives every command but those of a new connection one reply.
func answering(t *testing.T, reply string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				in := bufio.NewReader(conn)
				for {
					command, err := readCommand(in)
					if err != nil {
						return
					}
					out := reply
					if command == "HELLO" || command == "CLIENT" {
						out = "-ERR unknown command\r\n"
					}
					if _, err := io.WriteString(conn, out); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// readCommand reads a command and returns its name in capitals.
func readCommand(in *bufio.Reader) (string, error) {
	var n int
	if _, err := fmt.Fscanf(in, "*%d\r\n", &n); err != nil || n < 1 {
		return "", errors.Join(io.ErrUnexpectedEOF, err)
	}
	name := ""
	for i := range n {
		var length int
		if _, err := fmt.Fscanf(in, "$%d\r\n", &length); err != nil {
			return "", err
		}
		b := make([]byte, length+2)
		if _, err := io.ReadFull(in, b); err != nil {
			return "", err
		}
		if i == 0 {
			name = strings.ToUpper(string(b[:length]))
		}
	}
	return name, nil
}

// TestBoundedConn: replies are followed through however they are cut.
func TestBoundedConn(t *testing.T) {
	good := "+OK\r\n$5\r\nhe\r\no\r\n*2\r\n$0\r\n\r\n:1\r\n$-1\r\n*-1\r\n_\r\n-ERR x\r\n$3\r\nabc\r\n"
	bad := good + "$11\r\nhello world\r\n"
	for _, size := range []int{1, 2, 3, 7, 1000} {
		for text, want := range map[string]bool{good: true, bad: false} {
			c := &boundedConn{limit: 10}
			ok := true
			for at := 0; at < len(text) && ok; at += size {
				ok = c.follow([]byte(text[at:min(at+size, len(text))]))
			}
			if ok != want {
				t.Errorf("in pieces of %d: got %t, want %t", size, ok, want)
			}
		}
	}
}

func TestBreaker(t *testing.T) {
	var b breaker
	now := start
	fail := func() { b.done(failed, now) }
	for range breakAfter - 1 {
		if !b.allow(now) {
			t.Fatal("shut too early")
		}
		fail()
	}
	b.allow(now)
	b.done(answered, now)
	for range breakAfter {
		if !b.allow(now) {
			t.Fatal("one answer does not count")
		}
		fail()
	}
	waits := []time.Duration{}
	for range 8 {
		from := now
		for !b.allow(now) {
			now = now.Add(10 * time.Millisecond)
		}
		waits = append(waits, now.Sub(from))
		if b.allow(now) {
			t.Error("two try at once")
		}
		fail()
		fail() // of one that was on its way
	}
	if waits[0] != minBreak || waits[7] != maxBreak || waits[1] != 2*minBreak {
		t.Errorf("got %v", waits)
	}
	now = now.Add(maxBreak)
	b.allow(now)
	b.done(abandoned, now)
	if !b.allow(now) {
		t.Error("one that gave up keeps others out")
	}
	fail()
	if !b.allow(now.Add(-time.Hour)) {
		t.Error("a clock that was set back keeps everybody out")
	}
	b.done(answered, now)
	for range 2 {
		if !b.allow(now) {
			t.Error("it has not recovered")
		}
	}
}
