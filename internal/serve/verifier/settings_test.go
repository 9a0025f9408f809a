package verifier

import (
	"encoding/binary"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve/cache"
)

// TestMemoryBySettings: each cache holds what its setting says, and not much less.
func TestMemoryBySettings(t *testing.T) {
	s := newStage(t)
	s.options.Settings.CacheBytes, s.options.Settings.EvidenceBytes = 1<<20, 2<<20
	v := s.verifier(t)
	for i := range 10_000 {
		var key cache.Key
		binary.BigEndian.PutUint32(key[:], uint32(i*2654435761)) //nolint:gosec // spread over all parts
		v.verdicts.Set(key, &kept{}, 1000, s.Now().Add(time.Hour))
		v.evidence.memory.Set(key, &shelf{}, 1000, s.Now().Add(time.Hour))
	}
	for name, c := range map[string]struct{ got, most int64 }{
		"verdicts": {second(v.verdicts.Len()), 1 << 20}, "evidence": {second(v.evidence.memory.Len()), 2 << 20},
	} {
		if c.got > c.most || c.got < c.most/2 {
			t.Errorf("%s: %d bytes; wanted at most %d", name, c.got, c.most)
		}
	}
}

func second(_ int, bytes int64) int64 { return bytes }

// TestStateIsKept: what was seen of a TUF repository lies in the folder that is set, and
// outlives the verifier; without one it does not.
func TestStateIsKept(t *testing.T) {
	s := newStage(t)
	tuf, rule := s.tuf(t)
	s.policy(t, "policy.yaml", "", rule)
	must(t, tuf.Publish())
	for _, state := range []string{s.path("kept"), ""} {
		s.options.Settings.State = state
		v := s.verifier(t)
		v.look(t.Context())
		seen, err := os.ReadDir(v.tufDir())
		if err != nil || len(seen) == 0 || state != "" && filepath.Dir(v.tufDir()) != state {
			t.Errorf("state %q: %v, %v in %s", state, seen, err, v.tufDir())
		}
		v.Close()
		if _, err := os.Stat(v.tufDir()); (err == nil) != (state != "") {
			t.Errorf("state %q after the end: %v", state, err)
		}
	}
}

// TestCAIsWatched wants the CA of a registry to be read again when it changes.
func TestCAIsWatched(t *testing.T) {
	s := newStage(t)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	s.write(t, "ca.pem", ca)
	registries, err := os.ReadFile(s.path("registries.yaml"))
	must(t, err)
	s.write(t, "registries.yaml", string(registries)+"  - host: other.example\n    ca: ca.pem\n")
	v := s.verifier(t)
	if v.changed() {
		t.Error("something changed before it did")
	}
	s.write(t, "ca.pem", ca+ca)
	if !v.changed() {
		t.Error("another CA is not seen")
	}
}
