package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

const granted = "grace: {undecided: 24h}"

// TestGraceAfterARefusal refuses what was found withdrawn, and then cuts the server off:
// the pass of before is over, at this replica and at one that saw it alone.
func TestGraceAfterARefusal(t *testing.T) {
	s := newStage(t)
	tuf, rule := s.tuf(t)
	s.policy(t, "policy.yaml", granted, rule)
	s.options.Store = &store{}
	v, other := s.verifier(t), s.verifier(t)
	pinned := s.question(t, ":1.2.3@"+s.release.Image.Digest())
	s.ask(t, v, pinned, serve.Passed)
	fresh := pinned
	fresh.Fresh = true
	s.add(time.Minute)
	s.ask(t, other, fresh, serve.Passed)
	tuf.RemoveTarget(lab.ReleaseTarget(s.image, "1.2.3"), tuf.Targets.Name)
	must(t, tuf.Publish())
	s.add(time.Minute)
	s.ask(t, v, fresh, serve.Refused)
	s.registry.SetIntercept(shut)
	s.add(hour)
	s.ask(t, v, pinned, serve.Undecided, "registry.forbidden")
	s.ask(t, other, pinned, serve.Undecided, "registry.forbidden")
	// Nobody needs the store to remember what it has refused itself.
	s.options.Store.(*store).drop(passKeyOf(v, pinned))
	s.add(time.Minute)
	s.ask(t, v, pinned, serve.Undecided)
	// Once it is listed again and passes, it has grace again.
	s.registry.SetIntercept(nil)
	_, err := tuf.AddRelease("1.2.3", s.image, s.release.Image.Digest())
	must(t, err)
	must(t, tuf.Publish())
	s.add(time.Minute)
	s.ask(t, v, pinned, serve.Passed)
	s.registry.SetIntercept(shut)
	s.add(hour)
	s.ask(t, v, pinned, serve.Graced)
	s.ask(t, other, pinned, serve.Graced)
}

// TestGraceByTwoClocks: a replica whose clock is ahead passed before another refused.
func TestGraceByTwoClocks(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		standing
		want bool
	}{
		{standing{Passed: at}, true}, {standing{}, false}, {standing{Ended: at}, false}, {standing{Passed: at, Ended: at.Add(-30 * time.Second)}, false},
		{standing{Passed: at, Ended: at.Add(-2 * time.Minute)}, true}, {standing{Passed: at, Ended: at.Add(hour)}, false},
	} {
		if got := c.graces(24*hour, at.Add(hour)); got != c.want {
			t.Errorf("%+v: %v", c.standing, got)
		}
	}
}

func passKeyOf(v *Verifier, q serve.Question) [32]byte {
	t := v.task(q)
	return t.passKey()
}

// TestGraceIsForOutages grants none for what whoever holds the registry, or whoever asks,
// can make.
func TestGraceIsForOutages(t *testing.T) {
	s := newStage(t)
	s.policy(t, "policy.yaml", granted)
	v := s.verifier(t)
	pinned := s.question(t, ":1.2.3@"+s.release.Image.Digest())
	s.ask(t, v, pinned, serve.Passed)
	for code, intercept := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"registry.not_found":       func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true },
		"registry.digest_mismatch": func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write([]byte("{}")); return true },
		"registry.insecure": func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
			return true
		},
	} {
		s.add(hour)
		s.registry.SetIntercept(func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/manifests/") && intercept(w, r)
		})
		s.ask(t, v, pinned, serve.Undecided, code)
	}
	s.registry.SetIntercept(shut)
	s.add(hour)
	s.ask(t, v, pinned, serve.Graced)
}

// TestGraceOfALateAnswer slows the registry down where nothing is out of order: the work
// may find by itself that the image is refused.
func TestGraceOfALateAnswer(t *testing.T) {
	s := newStage(t)
	s.policy(t, "policy.yaml", granted)
	v := s.verifier(t)
	pinned := s.question(t, ":1.2.3@"+s.release.Image.Digest())
	s.ask(t, v, pinned, serve.Passed)
	s.add(hour)
	k := s.stick("/manifests/")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if a := v.Verify(ctx, pinned); a.Outcome != serve.Undecided || !a.Late {
		t.Errorf("%+v", a)
	}
	close(k.goOn)
	v.running.Wait()
}

// TestGraceOfAnother has a tenant whose secrets cannot be read profit from what passed
// with the server's own credentials.
func TestGraceOfAnother(t *testing.T) {
	s := newStage(t)
	s.policy(t, "policy.yaml", granted)
	s.options.Tenants = reader{"none": {Keychain: emptyKeychain{}}, "shut": {Keychain: wrongKeychain{}, Principal: "shut's"}}
	v := s.verifier(t)
	q := s.question(t, ":1.2.3@"+s.release.Image.Digest())
	s.ask(t, v, q, serve.Passed)
	q.Tenant = serve.Tenant{Namespace: "unknown", Secrets: "broken"}
	s.ask(t, v, q, serve.Undecided, "secrets.unreadable")
	s.registry.SetIntercept(shut)
	s.add(hour)
	q.Tenant = serve.Tenant{Namespace: "shut", Secrets: "pull"}
	s.ask(t, v, q, serve.Undecided, "registry.forbidden")
}

// TestWithdrawnInFlight withdraws a release while a verification that has read the
// repository waits for the registry, and the server learns of it elsewhere.
func TestWithdrawnInFlight(t *testing.T) {
	s := newStage(t)
	tuf, rule := s.tuf(t)
	s.policy(t, "policy.yaml", "", rule)
	v := s.verifier(t)
	v.look(t.Context())
	pinned := s.question(t, ":1.2.3@"+s.release.Image.Digest())
	k := s.stick("/referrers/")
	done := make(chan serve.Answer)
	go func() { done <- v.Verify(context.Background(), pinned) }()
	<-k.held
	for len(tuf.Requests()) == 0 || !strings.HasPrefix(tuf.Requests()[len(tuf.Requests())-1].Path, "/targets/") {
		time.Sleep(time.Millisecond) // until the manifest of the release was read
	}
	time.Sleep(20 * time.Millisecond)
	tuf.RemoveTarget(lab.ReleaseTarget(s.image, "1.2.3"), tuf.Targets.Name)
	must(t, tuf.Publish())
	s.add(10 * time.Second)
	v.look(t.Context())
	close(k.goOn)
	if a := <-done; a.Outcome != serve.Passed {
		t.Fatalf("%+v", a) // it was asked before
	}
	v.running.Wait()
	s.registry.SetIntercept(nil)
	s.ask(t, v, pinned, serve.Refused)
	s.policy(t, "policy.yaml", "# edited", rule) // nor does the evidence of before serve
	must(t, v.Reload())
	s.ask(t, v, pinned, serve.Refused)
}

// TestWithdrawalSeenByOne has one question find a release withdrawn: no other question
// gets a pass of before.
func TestWithdrawalSeenByOne(t *testing.T) {
	s := newStage(t)
	tuf, rule := s.tuf(t)
	s.policy(t, "policy.yaml", "", rule)
	v := s.verifier(t)
	tag, pinned := s.question(t, ":1.2.3"), s.question(t, ":1.2.3@"+s.release.Image.Digest())
	s.ask(t, v, tag, serve.Passed)
	s.ask(t, v, pinned, serve.Passed)
	tuf.RemoveTarget(lab.ReleaseTarget(s.image, "1.2.3"), tuf.Targets.Name)
	must(t, tuf.Publish())
	s.add(10 * time.Second)
	tag.Fresh = true
	s.ask(t, v, tag, serve.Refused)
	s.ask(t, v, pinned, serve.Refused)
}

// TestOlderVerdictLast has an older judgement end after a newer one.
func TestOlderVerdictLast(t *testing.T) {
	s := newStage(t)
	v := s.verifier(t)
	task := v.task(s.question(t, ":1.2.3@"+s.release.Image.Digest()))
	now := s.Now()
	s.add(2 * time.Second)
	ends := s.Now().Add(hour)
	newer := &kept{answer: serve.Answer{Outcome: serve.Refused}, judged: now.Add(time.Second), until: ends, conclusive: true}
	older := &kept{answer: serve.Answer{Outcome: serve.Passed}, judged: now, until: ends, conclusive: true}
	v.keep(task, newer)
	v.keep(task, older)
	if k := v.remembered(&task); k != newer {
		t.Errorf("%+v", k)
	}
}

// TestExceptionUnderAnEndedPolicy: nothing excuses that a policy has ended.
func TestExceptionUnderAnEndedPolicy(t *testing.T) {
	s := newStage(t)
	bare, err := lab.NewRelease(s.sigstore, lab.ReleaseOptions{Repository: s.image, Tag: "2.0.0", Platform: "linux/amd64"})
	must(t, err)
	must(t, s.push(bare))
	s.write(t, "exceptions.yaml", "apiVersion: assay/v1\nkind: Exceptions\nexceptions:\n  - digest: "+bare.Image.Digest()+
		"\n    checks: [signature, provenance, consistency]\n    reason: it has to\n    approver: kim\n    expires: "+s.Now().Add(hour).UTC().Format(time.RFC3339)+"\n")
	s.options.Settings.Exceptions = s.path("exceptions.yaml")
	s.policy(t, "policy.yaml", "expires: "+s.Now().Add(20*time.Second).UTC().Format(time.RFC3339))
	v := s.verifier(t)
	q := s.question(t, ":2.0.0@"+bare.Image.Digest())
	s.ask(t, v, q, serve.Excepted)
	s.add(25 * time.Second)
	s.ask(t, v, q, serve.Refused, "policy.expired")
}

// TestQuestionAboutNothing asks what no door asks.
func TestQuestionAboutNothing(t *testing.T) {
	s := newStage(t)
	v := s.verifier(t)
	if a := v.Verify(t.Context(), serve.Question{}); a.Outcome.Admits() {
		t.Errorf("%+v", a)
	}
	v.current.Store(nil) // which panics wherever it is looked at first
	if a := v.Verify(t.Context(), s.question(t, ":1.2.3")); a.Outcome.Admits() {
		t.Errorf("%+v", a)
	}
	v.current.Store(&snapshot{})
	fixed, err := v.read()
	must(t, err)
	v.current.Store(fixed)
}

// TestResolvedPrivately has a second judgement go on from a tag that the server's own
// credentials resolved for a first.
func TestResolvedPrivately(t *testing.T) {
	s := newStage(t, lab.RegistryOptions{Behaviour: lab.Behaviour{Auth: lab.TokenAuth, Private: true}})
	s.write(t, "password", lab.Password)
	s.write(t, "registries.yaml", "registries:\n  - host: "+s.registry.Host()+"\n    plain_http: true\n    network: loopback\n    username: "+lab.User+"\n    password_file: password\n")
	v := s.verifier(t)
	task := v.task(s.question(t, ":1.2.3"))
	r := v.resolve(task)
	if r.failure != nil || r.opened.take() == nil || r.opened.take() != nil {
		t.Fatalf("%+v", r)
	}
	task.digest = r.image.Digest
	from := v.told(task, nil, r)
	if _, err := from.Resolve(t.Context(), task.asked.Reference); err != nil || !from.commit(version{}) {
		t.Errorf("what the server's credentials read is not known as that: %v", err)
	}
}

// TestFragmentEditedWhileRead changes a file that the policy includes after it was read:
// what is in force must not be taken for what lies there.
func TestFragmentEditedWhileRead(t *testing.T) {
	s := newStage(t)
	fragment := func(deny string) string {
		return "apiVersion: assay/v1\nkind: ReleasePolicyFragment\ndeny: {digests: [" + deny + "]}\n"
	}
	digest := s.release.Image.Digest()
	s.write(t, "deny.yaml", fragment(`"sha256:`+strings.Repeat("0", 64)+`"`))
	s.policy(t, "policy.yaml", "include:\n  - {file: ./deny.yaml}")
	edit := false
	s.options.Getenv = func(string) string { // which is asked for once the policies were read
		if edit {
			edit = false
			s.write(t, "deny.yaml", fragment(`"`+digest+`"`))
		}
		return ""
	}
	v := s.verifier(t)
	q := s.question(t, ":1.2.3@"+digest)
	s.ask(t, v, q, serve.Passed)
	edit = true
	_ = v.Reload()
	v.look(t.Context())
	s.ask(t, v, q, serve.Refused, "freshness.denied_digest")
}

// TestStateThatCannotBe is a folder below a file, and a file in its place.
func TestStateThatCannotBe(t *testing.T) {
	s := newStage(t)
	for _, state := range []string{filepath.Join(s.path("policy.yaml"), "state"), s.path("policy.yaml")} {
		s.options.Settings.State = state
		if v, err := New(t.Context(), s.options); err == nil || !strings.Contains(err.Error(), "state: ") {
			v.Close()
			t.Errorf("%s: %v", state, err)
		}
	}
	s.options.Settings.State = s.path("new/state")
	s.verifier(t)
	if left, err := os.ReadDir(s.path("new/state")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// partFloors cannot read the floor of one repository, and find nothing wrong beside it.
type partFloors struct {
	asked  map[[sha256.Size]byte]bool
	broken [sha256.Size]byte
}

func (f *partFloors) Raise(_ context.Context, of [sha256.Size]byte, floor metadata.Floor) (metadata.Floor, error) {
	f.asked[of] = true
	if of == f.broken {
		return metadata.Floor{}, errors.New("it is not authentic")
	}
	return floor, nil
}

func (f *partFloors) Ready(context.Context) error { return nil }

// TestReadyReadsEveryFloor: one that nobody has asked about yet counts too, that of a
// policy for one namespace as any, and that of a policy that is loaded later.
func TestReadyReadsEveryFloor(t *testing.T) {
	s := newStage(t)
	_, rule := s.tuf(t)
	s.policy(t, "second.yaml", "")
	s.options.Settings.Policies = append(s.options.Settings.Policies, settings.Policy{File: s.path("second.yaml"), Namespaces: []string{"shop"}})
	f := &partFloors{asked: map[[sha256.Size]byte]bool{}}
	s.options.Floors = f
	v := s.verifier(t)
	if err := v.Ready(); err != nil || len(f.asked) != 0 {
		t.Fatalf("%v, asked for %d floors", err, len(f.asked))
	}
	s.policy(t, "second.yaml", "", rule)
	must(t, v.Reload())
	if err := v.Ready(); err != nil || len(f.asked) != 1 {
		t.Fatalf("%v, asked for %d floors", err, len(f.asked))
	}
	for f.broken = range f.asked {
		if err := v.Ready(); err == nil || !strings.Contains(err.Error(), "share_floor: it is not authentic") {
			t.Errorf("ready without a floor: %v", err)
		}
	}
}

// panicking is a source whose registry panics, while its TUF repository waits for the image.
type panicking struct{ heard chan bool }

func (panicking) Resolve(context.Context, verify.Reference) (verify.Image, error) { panic("no") }

func (panicking) Collect(context.Context, verify.Image, verify.Want) verify.Evidence {
	return verify.Evidence{}
}

func (p panicking) Release(_ context.Context, _ verify.ReleaseWant, resolved func() (verify.Image, bool)) verify.ReleaseEvidence {
	_, ok := resolved()
	p.heard <- ok
	return verify.ReleaseEvidence{}
}

// TestPanicLeavesNobodyWaiting: what reads the TUF repository hears of it, and ends.
func TestPanicLeavesNobodyWaiting(t *testing.T) {
	s := newStage(t)
	_, rule := s.tuf(t)
	s.policy(t, "policy.yaml", "", rule)
	v := s.verifier(t)
	from := panicking{make(chan bool, 1)}
	verdict := v.safely(t.Context(), v.task(s.question(t, ":1.2.3")), from, s.Now())
	if verdict.Passed() || verdict.Conclusive {
		t.Errorf("%+v", verdict)
	}
	select {
	case ok := <-from.heard:
		if ok {
			t.Error("the image was resolved")
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for ever")
	}
}
