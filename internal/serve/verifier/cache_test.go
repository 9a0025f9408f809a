package verifier

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/cache"
	"github.com/releaseassay/assay/internal/serve/settings"
)

// TestKeys wants another key for every single difference between two questions.
func TestKeys(t *testing.T) {
	base := question{
		name: "n", requested: "r", tag: "t", digest: "d", given: true, version: "1", policy: "p", rule: "u", position: 1,
		exceptions: "e", release: version{1, 2}, principal: "w", access: "a", program: "0",
	}
	keys := map[cache.Key]string{base.key(): "nothing"}
	value := reflect.ValueOf(&base).Elem()
	check := func(field string, q question) {
		if same, ok := keys[q.key()]; ok {
			t.Errorf("a difference of %s gives the key of a difference of %s", field, same)
		}
		keys[q.key()] = field
	}
	for i := range value.NumField() {
		name := value.Type().Field(i).Name
		q := base
		switch name {
		case "given":
			q.given = false
		case "position":
			q.position++
		case "release":
			q.release.root++
			check("release.root", q)
			q = base
			q.release.snapshot++
		default: // all the others are texts
			f := reflect.ValueOf(&q).Elem().FieldByName(name)
			*(*string)(f.Addr().UnsafePointer()) = "x"
			check(name, q)
			*(*string)(f.Addr().UnsafePointer()) = ""
			check("no "+name, q)
			continue
		}
		check(name, q)
	}
	// The end of one part is not the beginning of the next.
	left, right := base, base
	left.name, left.requested = "ab", "c"
	right.name, right.requested = "a", "bc"
	if left.key() == right.key() {
		t.Error("two parts flow into one another")
	}
	if base.passKey() == base.key() || base.tagKey() == base.shelfKey(base.tag, base.principal) {
		t.Error("keys for two purposes are one")
	}
}

// TestCaches are the entries of attacks.md, number 39: what a remembered answer must
// never be given to.
func TestCaches(t *testing.T) {
	t.Run("the same digest under another tag", func(t *testing.T) {
		s := newStage(t)
		v := s.verifier(t)
		d := s.release.Image.Digest()
		s.ask(t, v, s.question(t, ":1.2.3@"+d), serve.Passed)
		s.ask(t, v, s.question(t, ":1.2.4@"+d), serve.Refused, "signature.identity_mismatch")
		s.ask(t, v, s.question(t, "@"+d), serve.Passed)
		s.ask(t, v, s.question(t, ":1.2.3@"+d), serve.Passed)
	})
	t.Run("another version asked", func(t *testing.T) {
		s := newStage(t)
		v := s.verifier(t)
		q := s.question(t, "@"+s.release.Image.Digest())
		s.ask(t, v, q, serve.Passed)
		q.Version = "1.2.4"
		s.ask(t, v, q, serve.Refused, "signature.identity_mismatch")
	})
	t.Run("the same digest in another repository", func(t *testing.T) {
		s := newStage(t)
		v := s.verifier(t)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
		repo, err := s.registry.Repository("acme/copy")
		must(t, err)
		must(t, lab.PushImage(t.Context(), repo, "1.2.3", s.release.Image, s.registry.Direct()))
		s.image = s.registry.Host() + "/acme/copy"
		s.ask(t, v, s.question(t, ":1.2.3@"+s.release.Image.Digest()), serve.Refused, "signature.missing")
	})
	t.Run("another rule of another namespace", func(t *testing.T) {
		s := newStage(t)
		s.policy(t, "strict.yaml", "", `signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: other.yml}}`)
		s.options.Settings.Policies = append(s.options.Settings.Policies, settings.Policy{File: s.path("strict.yaml"), Namespaces: []string{"prod-*"}})
		v := s.verifier(t)
		q := s.question(t, ":1.2.3")
		s.ask(t, v, q, serve.Passed)
		q.Namespace = "prod-shop"
		a := s.ask(t, v, q, serve.Refused, "signature.identity_mismatch")
		q.Namespace = "my-prod-shop" // a pattern is anchored
		if b := s.ask(t, v, q, serve.Passed); a.Policy != "strict" || b.Policy != "policy" {
			t.Errorf("judged by %s and %s", a.Policy, b.Policy)
		}
	})
	t.Run("the same tag with a new digest", func(t *testing.T) {
		s := newStage(t)
		v := s.verifier(t)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
		evil, err := lab.NewRelease(s.sigstore, lab.ReleaseOptions{Repository: s.image, Seed: "evil"})
		must(t, err)
		must(t, s.push(evil))
		s.ask(t, v, s.question(t, ":1.2.3@"+evil.Image.Digest()), serve.Refused, "signature.missing")
		s.add(s.options.Settings.CacheTag)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Refused, "signature.missing")
	})
	t.Run("an error kept as a failure, a failure as a pass", func(t *testing.T) {
		s := newStage(t)
		v := s.verifier(t)
		s.registry.SetIntercept(shut)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Undecided, "registry.forbidden")
		s.registry.SetIntercept(nil)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Undecided, "registry.forbidden") // for a moment
		s.add(s.options.Settings.CacheError)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
		bare, err := lab.NewRelease(s.sigstore, lab.ReleaseOptions{Repository: s.image, Tag: "2.0.0"})
		must(t, err)
		must(t, s.push(bare))
		s.ask(t, v, s.question(t, ":2.0.0"), serve.Refused, "signature.missing")
		s.publish(t, lab.ReleaseOptions{Tag: "2.0.0"}) // the evidence came later
		s.ask(t, v, s.question(t, ":2.0.0"), serve.Refused, "signature.missing")
		s.add(s.options.Settings.CacheFail)
		s.ask(t, v, s.question(t, ":2.0.0"), serve.Passed)
	})
	t.Run("evidence that could not be read, remembered as none", func(t *testing.T) {
		s := newStage(t)
		v := s.verifier(t)
		s.registry.SetIntercept(func(w http.ResponseWriter, r *http.Request) bool {
			return (strings.Contains(r.URL.Path, "/referrers/") || strings.HasSuffix(r.URL.Path, ".sig")) && shut(w, r)
		})
		q := s.question(t, "@"+s.release.Image.Digest())
		s.ask(t, v, q, serve.Undecided, "registry.forbidden")
		s.registry.SetIntercept(nil)
		s.add(s.options.Settings.CacheError)
		s.ask(t, v, q, serve.Passed)
	})
	t.Run("a time-bound rule that has ended", func(t *testing.T) {
		s := newStage(t)
		s.policy(t, "policy.yaml", "expires: "+s.Now().Add(2*time.Minute).UTC().Format(time.RFC3339))
		v := s.verifier(t)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
		s.add(time.Minute)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
		s.add(time.Minute)
		s.requests()
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Refused, "policy.expired")
		if n := s.requests(); n != 0 {
			t.Errorf("%d requests under a policy that has ended", n)
		}
	})
	t.Run("evidence too old", func(t *testing.T) {
		s := newStage(t)
		s.policy(t, "policy.yaml", "", `signature: {max_age: 10m, signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml}}`)
		s.options.Settings.CachePass = time.Hour
		v := s.verifier(t)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
		s.add(11 * time.Minute)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Refused)
	})
	t.Run("a clock that is set back", func(t *testing.T) {
		s := newStage(t)
		v := s.verifier(t)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
		s.add(-30 * time.Second)
		s.requests()
		if a := s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed); a.Remembered || s.requests() == 0 {
			t.Errorf("an answer of the future was given: %+v", a)
		}
	})
	t.Run("what is asked afresh", func(t *testing.T) {
		s := newStage(t)
		v := s.verifier(t)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
		cold := s.requests()
		q := s.question(t, ":1.2.3")
		q.Fresh = true
		if a := s.ask(t, v, q, serve.Passed); a.Remembered || s.requests() != cold {
			t.Errorf("%+v", a)
		}
		// What is undecided displaces no pass.
		s.registry.SetIntercept(shut)
		s.ask(t, v, q, serve.Undecided)
		s.ask(t, v, s.question(t, ":1.2.3"), serve.Passed)
		s.ask(t, v, s.question(t, ":1.2.3@"+s.release.Image.Digest()), serve.Passed)
	})
}

// store is shared memory of a test.
type store struct {
	mu  sync.Mutex
	all map[cache.Key][]byte
	// untils are the ends given.
	untils []time.Time
}

func (s *store) Get(_ context.Context, key cache.Key) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.all[key]
	return bytes.Clone(b), ok
}

func (s *store) Set(_ context.Context, key cache.Key, b []byte, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[cache.Key][]byte{}
	}
	s.all[key], s.untils = b, append(s.untils, until)
}

func (s *store) Ready(context.Context) error { return nil }

// TestReplicas share verdicts, and believe no entry that is not about the question.
func TestReplicas(t *testing.T) {
	s := newStage(t)
	shelf := &store{}
	s.options.Store = shelf
	q := s.question(t, "@"+s.release.Image.Digest())
	first := s.ask(t, s.verifier(t), q, serve.Passed)
	s.requests()
	second := s.ask(t, s.verifier(t), q, serve.Passed)
	if n := s.requests(); n != 0 || !second.Remembered || second.ID != first.ID || !second.JudgedAt.Equal(first.JudgedAt) {
		t.Errorf("%d requests; %+v; first %+v", n, second, first)
	}
	if !reflect.DeepEqual(first.Problems, second.Problems) || first.Pinned != second.Pinned || first.Rule != second.Rule {
		t.Errorf("%+v; first %+v", second, first)
	}
	if len(shelf.all) != 1 || !shelf.untils[0].Equal(s.Now().Add(s.options.Settings.CachePass)) {
		t.Fatalf("kept %d entries until %v", len(shelf.all), shelf.untils)
	}
	var key cache.Key
	var good []byte
	for key, good = range shelf.all {
	}
	evil, err := lab.NewRelease(s.sigstore, lab.ReleaseOptions{Repository: s.image, Tag: "6.6.6"})
	must(t, err)
	must(t, s.push(evil))
	wrong := s.question(t, "@"+evil.Image.Digest())
	v := s.verifier(t)
	task := v.task(wrong)
	for name, entry := range map[string][]byte{
		"nothing": nil, "no JSON": []byte("x"), "an empty entry": []byte("{}"), "cut short": good[:len(good)/2],
		"a pass of another image": good,
	} {
		shelf.all = map[cache.Key][]byte{task.key(): entry}
		if k := v.fetch(t.Context(), task); k != nil {
			t.Errorf("%s: %+v", name, k.answer)
		}
	}
	shelf.all = map[cache.Key][]byte{task.key(): good}
	s.ask(t, v, wrong, serve.Refused, "signature.missing")
	// One that outlived its time, or comes from the future, is none.
	shelf.all = map[cache.Key][]byte{key: good}
	s.add(s.options.Settings.CachePass)
	if k := v.fetch(t.Context(), v.task(q)); k != nil {
		t.Errorf("an old entry is believed: %+v", k.answer)
	}
	s.add(-2 * s.options.Settings.CachePass)
	if k := v.fetch(t.Context(), v.task(q)); k != nil {
		t.Errorf("an entry of the future is believed: %+v", k.answer)
	}
	s.add(s.options.Settings.CachePass)
	// Nobody can make it live longer than what it says of itself lets it.
	var e entry
	must(t, json.Unmarshal(good, &e))
	e.Until = e.Until.Add(1000 * time.Hour)
	long, err := json.Marshal(e)
	must(t, err)
	shelf.all = map[cache.Key][]byte{key: long}
	if k := v.fetch(t.Context(), v.task(q)); k == nil || k.until.After(s.Now().Add(s.options.Settings.CachePass)) {
		t.Errorf("%+v", k)
	}
}

// TestPolicyEdit judges anew what is remembered of the registry.
func TestPolicyEdit(t *testing.T) {
	s := newStage(t)
	v := s.verifier(t)
	// A single image: of an index that has nothing, the rule wants what lies on its children.
	s.release = s.publish(t, lab.ReleaseOptions{Tag: "3.0.0", Platform: "linux/amd64"})
	q := s.question(t, ":3.0.0")
	first := s.ask(t, v, q, serve.Passed)
	edit := func(head string, rule ...string) {
		s.policy(t, "policy.yaml", head, rule...)
		before := v.current.Load()
		if v.lookAtFiles(); v.current.Load() == before {
			t.Error("the edit was not noticed")
		}
		if now := v.current.Load(); now != before {
			if v.lookAtFiles(); v.current.Load() != now {
				t.Error("files that did not change were read anew")
			}
		}
	}
	s.requests()
	edit("# another text")
	if a := s.ask(t, v, q, serve.Passed); a.Remembered || a.PolicyDigest == first.PolicyDigest || s.requests() != 0 {
		t.Errorf("%+v", a)
	}
	edit("deny: {digests: [\"" + s.release.Image.Digest() + "\"]}")
	s.ask(t, v, q, serve.Refused, "freshness.denied_digest")
	edit("", `signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: other.yml}}`)
	s.ask(t, v, q, serve.Refused, "signature.identity_mismatch")
	if n := s.requests(); n != 0 {
		t.Errorf("%d requests", n)
	}
	edit("", "consistency: {labels: true}", `signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml}}`, "provenance: {builder: {level: 3}}")
	s.ask(t, v, q, serve.Passed)
	if n := s.requests(); n == 0 {
		t.Error("a rule that wants more was judged without asking")
	}
	// A refusal by old evidence is judged by what is there now.
	s.add(s.options.Settings.CacheFail)
	edit("# and again", `signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: other.yml}}`)
	s.requests()
	s.ask(t, v, q, serve.Refused, "signature.identity_mismatch")
	if n := s.requests(); n == 0 {
		t.Error("a refusal rests on old evidence")
	}
	// A policy that is broken changes nothing.
	s.write(t, "policy.yaml", "kind: Nonsense")
	if !v.changed() || v.Reload() == nil || v.Trouble() == nil || v.changed() {
		t.Error("a broken policy was taken, or is tried without end")
	}
	s.ask(t, v, q, serve.Refused, "signature.identity_mismatch")
	if !strings.Contains(s.logged.String(), "last good one stays") {
		t.Error("nothing was logged")
	}
	edit("")
	s.ask(t, v, q, serve.Passed)
	if v.Trouble() != nil || v.changed() {
		t.Error("there is trouble still")
	}
}

// TestEvidenceMakesNothingOlder wants a verdict from remembered evidence to end when the
// first would have.
func TestEvidenceMakesNothingOlder(t *testing.T) {
	s := newStage(t)
	v := s.verifier(t)
	q := s.question(t, "@"+s.release.Image.Digest())
	s.ask(t, v, q, serve.Passed)
	s.add(9 * time.Minute)
	s.policy(t, "policy.yaml", "# edited")
	must(t, v.Reload())
	s.requests()
	s.ask(t, v, q, serve.Passed)
	if n := s.requests(); n != 0 {
		t.Errorf("%d requests", n)
	}
	s.add(time.Minute)
	s.ask(t, v, q, serve.Passed)
	if n := s.requests(); n == 0 {
		t.Error("a pass outlived its evidence")
	}
}
