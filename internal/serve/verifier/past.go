package verifier

import (
	"slices"
	"sync"

	"github.com/releaseassay/assay/internal/serve"
)

// past are verdicts that were made, by digest, for people. They answer no question.
type past struct {
	mu    sync.Mutex
	all   map[string][]serve.Answer // the newest last
	order []string                  // digests, one for each answer, the oldest first
	bytes int64
	limit int64
}

// Bounds of what is remembered of the past.
const (
	maxPast      = 4096
	maxPastEach  = 16
	pastOverhead = 1024
)

func newPast(limit int64) *past { return &past{all: map[string][]serve.Answer{}, limit: limit} }

func (p *past) add(a serve.Answer) {
	if a.Digest == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[a.Digest] = append(p.all[a.Digest], a)
	p.order = append(p.order, a.Digest)
	p.bytes += weightOf(a)
	if len(p.all[a.Digest]) > maxPastEach {
		p.order = slices.Delete(p.order, slices.Index(p.order, a.Digest), slices.Index(p.order, a.Digest)+1)
		p.drop(a.Digest)
	}
	for len(p.order) > maxPast || p.bytes > p.limit && len(p.order) > 0 {
		oldest := p.order[0]
		p.order = p.order[1:]
		p.drop(oldest)
	}
}

// drop forgets the oldest answer about a digest.
func (p *past) drop(digest string) {
	list := p.all[digest]
	p.bytes -= weightOf(list[0])
	if len(list) == 1 {
		delete(p.all, digest)
		return
	}
	p.all[digest] = slices.Clone(list[1:])
}

func weightOf(a serve.Answer) int64 { return int64(a.Verdict.Size()) + pastOverhead }

// Verdicts returns what was judged of a digest, the newest first, limit at most. What was
// judged with a tenant's credentials is not among it.
func (v *Verifier) Verdicts(digest string, limit int) []serve.Answer {
	v.past.mu.Lock()
	defer v.past.mu.Unlock()
	list := slices.Clone(v.past.all[digest])
	slices.Reverse(list)
	return list[:min(len(list), max(limit, 0))]
}
