package verifier

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve"
)

const hour = time.Hour

// TestGrace lets in what passed, for as long as the rule says and under this very rule.
func TestGrace(t *testing.T) {
	s := newStage(t)
	head := "grace: {undecided: 24h}"
	s.policy(t, "policy.yaml", head)
	shelf := &store{}
	s.options.Store = shelf
	v := s.verifier(t)
	digest := s.release.Image.Digest()
	pinned := s.question(t, ":1.2.3@"+digest)
	s.ask(t, v, pinned, serve.Passed)
	passed := s.Now()
	s.registry.SetIntercept(shut)
	outage := func(d time.Duration) { s.add(d); asked := v.task(pinned); shelf.drop(asked.key()) }
	outage(23 * hour)
	a := s.ask(t, v, pinned, serve.Graced, "registry.forbidden")
	if !a.Outcome.Admits() || a.Pinned != s.image+":1.2.3@"+digest || !a.Until.Equal(passed.Add(24*hour)) || a.Digest != digest {
		t.Errorf("%+v", a)
	}
	if text, err := a.Verdict.JSON(); err != nil || !strings.Contains(string(text), `"verdict": "fail"`) {
		t.Errorf("the verdict is not fail: %v", err)
	}
	// What passed as 1.2.3 did not pass as another tag, and nothing is known of a tag alone.
	s.ask(t, v, s.question(t, ":latest@"+digest), serve.Undecided)
	s.ask(t, v, s.question(t, ":1.2.3"), serve.Undecided)
	// Another replica knows of it by the store.
	other := s.verifier(t)
	s.ask(t, other, pinned, serve.Graced)
	// An answer that is late is an outage too.
	k := s.stick("/manifests/")
	s.add(s.options.Settings.CacheError)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if a := v.Verify(ctx, pinned); a.Outcome != serve.Graced || !a.Late {
		t.Errorf("%+v", a)
	}
	close(k.goOn)
	v.running.Wait()
	s.registry.SetIntercept(shut)
	// An edit of the policy ends it: what it denies now is not graced.
	s.policy(t, "policy.yaml", head+"\n# edited")
	must(t, v.Reload())
	v.evidence = newShelves(1, 0, s.Now)
	s.ask(t, v, pinned, serve.Undecided)
	s.policy(t, "policy.yaml", head+"\ndeny: {digests: [\""+digest+"\"]}")
	must(t, v.Reload())
	s.ask(t, v, pinned, serve.Refused, "freshness.denied_digest")
	s.policy(t, "policy.yaml", head)
	must(t, v.Reload())
	s.registry.SetIntercept(nil)
	s.ask(t, v, pinned, serve.Passed)
	s.registry.SetIntercept(shut)
	outage(25 * hour)
	s.ask(t, v, pinned, serve.Undecided)
}

// TestGraceIsAsked gives none where the policy grants none, or the clock went back.
func TestGraceIsAsked(t *testing.T) {
	s := newStage(t)
	v := s.verifier(t)
	pinned := s.question(t, ":1.2.3@"+s.release.Image.Digest())
	s.ask(t, v, pinned, serve.Passed)
	s.registry.SetIntercept(shut)
	s.add(hour)
	s.ask(t, v, pinned, serve.Undecided)

	s = newStage(t)
	s.policy(t, "policy.yaml", "grace: {undecided: 24h}")
	v = s.verifier(t)
	pinned = s.question(t, ":1.2.3@"+s.release.Image.Digest())
	s.ask(t, v, pinned, serve.Passed)
	s.registry.SetIntercept(shut)
	s.add(-hour)
	s.ask(t, v, pinned, serve.Undecided)
}

func (s *store) drop(key [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, key)
}

// TestGraceKeepsTheEnd passes while another replica refuses: neither loses what the other
// has noted, whoever writes last and whoever's clock is ahead.
func TestGraceKeepsTheEnd(t *testing.T) {
	s := newStage(t)
	s.policy(t, "policy.yaml", "grace: {undecided: 24h}")
	shelf := &store{}
	s.options.Store = shelf
	v := s.verifier(t)
	asked := v.task(s.question(t, ":1.2.3@"+s.release.Image.Digest()))
	for _, other := range []standing{
		{Passed: s.Now().Add(-hour), Ended: s.Now().Add(time.Second)},
		{Passed: s.Now().Add(time.Second), Ended: s.Now().Add(2 * time.Second)},
	} {
		b, err := json.Marshal(other)
		must(t, err)
		shelf.Set(t.Context(), asked.passKey(), b, s.Now().Add(hour))
		v.judgedBefore(t.Context(), asked, &kept{answer: serve.Answer{Outcome: serve.Passed}, judged: s.Now(), conclusive: true})
		b, _ = shelf.Get(t.Context(), asked.passKey())
		var now standing
		must(t, json.Unmarshal(b, &now))
		here, _ := v.passes.Get(asked.passKey())
		if !now.Ended.Equal(other.Ended) || now.Passed.Before(s.Now()) || !here.Ended.Equal(other.Ended) {
			t.Errorf("the store has %+v, the replica %+v, the other had %+v", now, here, other)
		}
	}
}
