package verifier

import (
	"encoding/binary"
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
