package verifier

import (
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/settings"
)

// TestRemembered is what is answered without a wait, and everything that is not: there
// every check of Verify has to be made as well.
func TestRemembered(t *testing.T) {
	s := newStage(t)
	start := s.Now()
	s.policy(t, "policy.yaml", "expires: "+start.Add(8*time.Minute).UTC().Format(time.RFC3339))
	s.options.Settings.Policies = []settings.Policy{{File: s.path("policy.yaml"), Namespaces: []string{"shop"}}}
	v := s.verifier(t)
	in := func(q serve.Question, namespace string) serve.Question { q.Namespace = namespace; return q }
	pinned, tag := in(s.question(t, ":1.2.3@"+s.release.Image.Digest()), "shop"), in(s.question(t, ":1.2.3"), "shop")
	want := func(what string, q serve.Question, remembered bool) {
		t.Helper()
		if a, ok := v.Remembered(q); ok != remembered || ok && (a.Outcome != serve.Passed || !a.Remembered) || !ok && a.Outcome.Admits() {
			t.Errorf("%s: found %t, %+v", what, ok, a)
		}
	}
	want("nothing judged yet", pinned, false)
	s.ask(t, v, pinned, serve.Passed)
	s.ask(t, v, tag, serve.Passed)
	s.requests()
	want("judged", pinned, true)
	want("judged, a tag", tag, true)
	fresh := pinned
	fresh.Fresh = true
	want("asked anew", fresh, false)
	want("of a namespace without a policy", in(pinned, "other"), false)
	want("without a namespace", in(pinned, ""), false)
	if n := s.requests(); n != 0 {
		t.Errorf("%d requests", n)
	}

	s.add(-5 * time.Second) // less than what drops all that is remembered
	want("judged in the future", pinned, false)
	s.add(36 * time.Second)
	want("the tag's life is over", tag, false)
	s.ask(t, v, tag, serve.Passed)
	want("the tag resolved again", tag, true)
	s.add(-5 * time.Second)
	want("the tag resolved in the future", tag, false)
	want("judged before that", pinned, true)

	s.add(8 * time.Minute)
	want("the policy has ended", pinned, false)
	s.ask(t, v, pinned, serve.Refused, "policy.expired")
	want("the policy has ended, and that was said", pinned, false)
	s.policy(t, "policy.yaml", "# another")
	must(t, v.Reload())
	want("of another policy", pinned, false)
	s.ask(t, v, pinned, serve.Passed)
	want("judged by that", pinned, true)
}
