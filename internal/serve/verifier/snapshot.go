package verifier

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/releaseassay/assay/internal/files"
	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// snapshot is everything that an administrator has said, as it was read once. It does
// not change; an edit makes another one.
type snapshot struct {
	// mapped are the policies with namespaces, in the order of the settings.
	mapped []*mapping
	// fallback is the policy for all others, nil where there is none.
	fallback   *mapping
	exceptions *policy.Exceptions
	shadow     *load.Policy
	access     *load.Access
	// accessDigest is that of the configuration of registries.
	accessDigest string
	loaded       time.Time
}

// mapping is one policy and whom it is for.
type mapping struct {
	*load.Policy
	file string
	// namespaces are what the settings say, patterns the same, compiled.
	namespaces []string
	patterns   []policy.Pattern

	mu    sync.RWMutex
	rules map[string]ruling
}

// ruling is what a policy says of one name.
type ruling struct {
	rule policy.Rule
	// position is the rule's place in the policy; ok is false where none matches.
	position int
	ok       bool
}

// maxRulings is how many names a policy remembers its rule for.
const maxRulings = 8192

func newMapping(p *load.Policy, file string, namespaces []string) (*mapping, error) {
	m := &mapping{Policy: p, file: file, namespaces: namespaces, rules: map[string]ruling{}}
	for _, n := range namespaces {
		pattern, err := policy.ParsePattern(n)
		if err != nil {
			return nil, fmt.Errorf("the namespaces of %s: %w", file, err)
		}
		m.patterns = append(m.patterns, pattern)
	}
	return m, nil
}

// covers reports whether the policy names a namespace.
func (m *mapping) covers(namespace string) bool {
	return slices.ContainsFunc(m.patterns, func(p policy.Pattern) bool { return p.Match(namespace, policy.Vars{}) })
}

// ruling is the rule for an image of this canonical name.
func (m *mapping) ruling(name string) ruling {
	m.mu.RLock()
	r, ok := m.rules[name]
	m.mu.RUnlock()
	if ok {
		return r
	}
	r.rule, r.ok = m.Rule(name)
	r.position = slices.IndexFunc(m.Rules, func(one policy.Rule) bool {
		return r.ok && one.Match.String() == r.rule.Match.String()
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.rules) >= maxRulings {
		clear(m.rules)
	}
	m.rules[name] = r
	return r
}

// all are the policies of the settings, the fallback last.
func (s *snapshot) all() []*mapping {
	all := slices.Clone(s.mapped)
	if s.fallback != nil {
		all = append(all, s.fallback)
	}
	return all
}

// mapping is the policy for a namespace, nil where there is none. "" is no namespace, and
// no pattern matches it.
func (s *snapshot) mapping(namespace string) *mapping {
	for _, m := range s.mapped {
		if m.covers(namespace) {
			return m
		}
	}
	return s.fallback
}

// exceptionsDigest is "" where there are none.
func (s *snapshot) exceptionsDigest() string {
	if s.exceptions == nil {
		return ""
	}
	return s.exceptions.Digest
}

// task is a question on its way.
type task struct {
	question
	asked serve.Question
	// conf is what an administrator said when it was asked, by the policy, nil where none
	// is for the namespace, and under the rule.
	conf  *snapshot
	by    *mapping
	under ruling
	// secrets are the tenant's that concern the image.
	secrets secrets
	// fresh goes around everything that is remembered.
	fresh bool
	// party is for whom it waits in line.
	party party
}

// task looks up what is to be judged, and by what.
func (v *Verifier) task(q serve.Question) task {
	s := v.current.Load()
	t := task{asked: q, conf: s, by: s.mapping(q.Namespace), fresh: q.Fresh, party: party{namespace: q.Namespace}}
	t.question = question{
		name: q.Reference.Name(), requested: q.Reference.String(), tag: q.Reference.Tag(), digest: q.Reference.Digest(),
		given: q.Reference.Digest() != "", version: q.Version,
		exceptions: s.exceptionsDigest(), access: s.accessDigest, program: v.Version,
	}
	if t.by == nil {
		return t
	}
	t.under = t.by.ruling(t.name)
	t.policy, t.position = t.by.Digest, t.under.position
	if t.under.ok {
		t.rule = t.under.rule.Match.String()
		t.release = v.versions.of(t.under.rule)
	}
	return t
}

// over reports whether the policy has ended, so that nothing has to be asked for.
func (t *task) over(now time.Time) bool { return !t.by.Expires.IsZero() && !now.Before(t.by.Expires) }

// options are those of a judgement at a moment.
func (t *task) options(now time.Time) verify.Options {
	return verify.Options{At: now, Version: t.version, Limits: verify.DefaultLimits()}
}

// fileSums hashes files by path. One that cannot be read is hashed as that.
func fileSums(paths []string) string {
	h := sha256.New()
	for _, p := range paths {
		b, err := files.Read(p, maxWatched)
		framed(h, []byte(p))
		if err != nil {
			framed(h, []byte("unread"))
			continue
		}
		framed(h, append([]byte("read"), b...))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// maxWatched is the size of a file that is watched, in bytes: that of a trusted root is
// less.
const maxWatched = 8 << 20

// policyNames are for the log.
func (s *snapshot) policyNames() string {
	var names []string
	for _, m := range s.all() {
		names = append(names, m.Name)
	}
	return strings.Join(names, ", ")
}
