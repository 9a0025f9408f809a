package verifier

import (
	"context"
	"testing"

	"github.com/releaseassay/assay/internal/serve"
)

// BenchmarkWarm answers what is remembered.
func BenchmarkWarm(b *testing.B) {
	s := newStage(b)
	v := s.verifier(b)
	for name, ref := range map[string]string{"tag": ":1.2.3", "digest": ":1.2.3@" + s.release.Image.Digest()} {
		q := s.question(b, ref)
		s.ask(b, v, q, serve.Passed)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if a := v.Verify(context.Background(), q); a.Outcome != serve.Passed {
					b.Fatal(a)
				}
			}
		})
	}
}
