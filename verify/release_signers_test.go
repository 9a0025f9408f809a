package verify_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// delegate lists the image in a role below targets, signed by keys, and there alone.
func delegate(t *testing.T, h *hall, threshold int, keys ...*lab.TUFKey) *lab.TUFRole {
	t.Helper()
	role := must(lab.NewTUFRole("releases", keys...))
	role.Threshold = threshold
	h.Targets.Delegations = []lab.TUFDelegation{{Role: role, Paths: []string{"widget/releases/*"}}}
	path := lab.ReleaseTarget(imageName, "1.2.3")
	h.AddTarget(path, h.Targets.Targets[path], "releases")
	h.RemoveTarget(path, "targets")
	return role
}

// TestReleaseSigners is attack 34's part about who holds the keys, and attack 35's one
// account that was taken over.
func TestReleaseSigners(t *testing.T) {
	const (
		github = `{issuer: "https://github.com/login/oauth", identity: %s}`
		google = "https://accounts.google.com"
	)
	root := func(change func(*hall)) func(*testing.T, *hall) {
		return func(t *testing.T, h *hall) {
			t.Helper()
			if err := h.RotateRoot(func(*lab.TUF) { change(h) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	ordinary := must(lab.NewTUFKey(lab.TUFEd25519))
	key := func(person string) string {
		return fmt.Sprintf("signers: {keys: [{sha256: %q, person: %s}], identities: [%s, %s], people: 2}", ordinary.Fingerprint(), person,
			fmt.Sprintf(github, lab.FirstPerson), fmt.Sprintf(github, lab.SecondPerson))
	}
	targets := func(threshold int, keys func(*hall) []*lab.TUFKey) func(*testing.T, *hall) {
		return root(func(h *hall) { h.Targets.Keys, h.Targets.Threshold = keys(h), threshold })
	}
	delegated := func(threshold int, keys func(*hall) []*lab.TUFKey) func(*testing.T, *hall) {
		return func(t *testing.T, h *hall) { t.Helper(); delegate(t, h, threshold, keys(h)...) }
	}
	as := func(issuer string, emails ...string) func(*hall) []*lab.TUFKey {
		return func(h *hall) []*lab.TUFKey {
			var keys []*lab.TUFKey
			for _, email := range emails {
				keys = append(keys, must(lab.NewSigstoreTUFKey(h.Sigstore, lab.Person(email, issuer))))
			}
			return keys
		}
	}
	runAll(t, []releaseCase{
		{name: "two people", more: []string{twoPeople}},
		{name: "three people", more: []string{"signers: {class: human, people: 3}"}, code: verify.ReleaseTooFewPeople},
		{name: "one account taken over, where one is demanded", prepare: func(_ *testing.T, h *hall) { h.Targets.Signers = h.Targets.Keys[:1] }},
		{name: "one account taken over, where two are demanded", more: []string{twoPeople}, prepare: func(_ *testing.T, h *hall) { h.Targets.Signers = h.Targets.Keys[:1] }, code: verify.ReleaseTooFewPeople},
		{name: "one person under two issuers", more: []string{twoPeople}, prepare: targets(1, func(h *hall) []*lab.TUFKey {
			return append(as(lab.PersonIssuer, lab.FirstPerson)(h), as(google, lab.FirstPerson)(h)...)
		}), code: verify.ReleaseTooFewPeople},
		{name: "one person in two spellings", more: []string{twoPeople}, prepare: targets(2, as(lab.PersonIssuer, "alice@example.com", "Alice@Example.com")), code: verify.ReleaseTooFewPeople},
		{name: "people of two issuers", more: []string{twoPeople}, prepare: targets(2, func(h *hall) []*lab.TUFKey {
			return append(as(lab.PersonIssuer, lab.FirstPerson)(h), as(google, lab.SecondPerson)(h)...)
		})},
		{name: "a person of an issuer that nobody named", prepare: targets(1, as("https://mallory.example", lab.FirstPerson)), code: verify.ReleaseMachineSigners},
		{name: "issuers of the policy", more: []string{"signers: {class: human, issuers: [https://login.corp.example]}"}, code: verify.ReleaseMachineSigners},

		{name: "CI in root", prepare: root(func(h *hall) { h.Root.Keys = append(h.Root.Keys[:2:2], h.machine("acme/ci")) }), code: verify.ReleaseMachineSigners},
		{name: "CI in root, which two must sign", prepare: root(func(h *hall) { h.Root.Keys, h.Root.Threshold = append(h.Root.Keys[:2:2], h.machine("acme/ci")), 2 })},
		{name: "CI in a root that was replaced", prepare: func(t *testing.T, h *hall) {
			t.Helper()
			people := h.Root.Keys
			root(func(h *hall) { h.Root.Keys = append(people[:2:2], h.machine("acme/ci")) })(t, h)
			root(func(h *hall) { h.Root.Keys = people })(t, h)
		}, code: verify.ReleaseMachineSigners},
		{name: "CI in targets", prepare: targets(1, func(h *hall) []*lab.TUFKey { return []*lab.TUFKey{h.machine("acme/ci")} }), code: verify.ReleaseMachineSigners},
		{name: "CI beside people in targets, unsigned", prepare: func(t *testing.T, h *hall) {
			t.Helper()
			people := h.Targets.Keys
			targets(1, func(h *hall) []*lab.TUFKey { return append(people[:2:2], h.machine("acme/ci")) })(t, h)
			h.Targets.Signers = people
		}, code: verify.ReleaseMachineSigners},
		{name: "two CI identities against a threshold of two", prepare: targets(2, func(h *hall) []*lab.TUFKey {
			return append(as(lab.PersonIssuer, lab.FirstPerson, lab.SecondPerson)(h), h.machine("acme/ci"), h.machine("acme/cd"))
		}), code: verify.ReleaseMachineSigners},
		{name: "one person and one CI identity against a threshold of two", prepare: targets(2, func(h *hall) []*lab.TUFKey {
			return append(as(lab.PersonIssuer, lab.FirstPerson)(h), h.machine("acme/ci"))
		}), code: verify.ReleaseMachineSigners},
		{name: "people in a delegated role", more: []string{twoPeople}, prepare: delegated(2, as(lab.PersonIssuer, lab.FirstPerson, lab.SecondPerson))},
		{name: "CI in a delegated role", prepare: delegated(1, func(h *hall) []*lab.TUFKey { return []*lab.TUFKey{h.machine("acme/ci")} }), code: verify.ReleaseMachineSigners},
		{name: "one person in a delegated role", more: []string{twoPeople}, prepare: delegated(1, as(lab.PersonIssuer, lab.FirstPerson)), code: verify.ReleaseTooFewPeople},
		{name: "CI in a delegated role that is not on the way", prepare: func(t *testing.T, h *hall) {
			t.Helper()
			good := h.Targets.Targets[lab.ReleaseTarget(imageName, "1.2.3")]
			delegate(t, h, 1, h.machine("acme/ci"))
			h.AddTarget(lab.ReleaseTarget(imageName, "1.2.3"), good, "targets")
		}},
		{name: "an ed25519 secret", prepare: targets(1, func(*hall) []*lab.TUFKey { return []*lab.TUFKey{must(lab.NewTUFKey(lab.TUFEd25519))} }), code: verify.ReleaseMachineSigners},
		{name: "a key that the policy lists", more: []string{key("carol@example.com")}, prepare: targets(1, func(h *hall) []*lab.TUFKey {
			return append(as(lab.PersonIssuer, lab.FirstPerson)(h), ordinary)
		})},
		{name: "a listed key of who signed already", more: []string{key("Alice@example.com")}, prepare: targets(1, func(h *hall) []*lab.TUFKey {
			return append(as(lab.PersonIssuer, lab.FirstPerson)(h), ordinary)
		}), code: verify.ReleaseTooFewPeople},
		{name: "a service account", prepare: targets(1, as(google, "ci@project.iam.gserviceaccount.com")), code: verify.ReleaseMachineSigners},
		{name: "a service account in capitals", prepare: targets(1, as(google, "ci@project.iam.GServiceAccount.com")), code: verify.ReleaseMachineSigners},
		{name: "a bot", prepare: targets(1, as(lab.PersonIssuer, "41898282+release[bot]@users.noreply.github.com")), code: verify.ReleaseMachineSigners},
		{name: "a workflow of a person's issuer", prepare: targets(1, func(h *hall) []*lab.TUFKey {
			id := lab.GitHub("acme/ci", "refs/heads/main", lab.DefaultCommit, ".github/workflows/sign.yml")
			id.Extensions.Issuer = lab.PersonIssuer
			return []*lab.TUFKey{must(lab.NewSigstoreTUFKey(h.Sigstore, id))}
		}), code: verify.ReleaseMachineSigners},
		{name: "a listed service account", more: []string{`signers: {class: human, identities: [{issuer: "` + google + `", identity: ci@project.iam.gserviceaccount.com}]}`},
			prepare: targets(1, as(google, "ci@project.iam.gserviceaccount.com"))},
		{name: "listed people", more: []string{"signers: {identities: [" + fmt.Sprintf(github, lab.FirstPerson) + ", " + fmt.Sprintf(github, lab.SecondPerson) + "]}"}},
		{name: "one of two people is listed", more: []string{"signers: {identities: [" + fmt.Sprintf(github, lab.FirstPerson) + "]}"}, code: verify.ReleaseMachineSigners},
		{name: "listed people of another issuer", more: []string{`signers: {identities: [{issuer: "` + google + `", identity: ` + lab.FirstPerson + `}]}`}, code: verify.ReleaseMachineSigners},
	})
}

// TestReleaseSignersStand wants a root that machines held to be refused even where
// nothing else could be decided, and newer metadata to be waited for otherwise.
func TestReleaseSignersStand(t *testing.T) {
	ci := func(t *testing.T, h *hall) {
		t.Helper()
		if err := h.RotateRoot(func(r *lab.TUF) { r.Root.Keys = append(r.Root.Keys[:2:2], h.machine("acme/ci")) }); err != nil {
			t.Fatal(err)
		}
	}
	inTargets := func(t *testing.T, h *hall) {
		t.Helper()
		if err := h.RotateRoot(func(r *lab.TUF) { r.Targets.Keys = []*lab.TUFKey{h.machine("acme/ci")} }); err != nil {
			t.Fatal(err)
		}
	}
	stale := func(_ *hall, e *verify.ReleaseEvidence) { e.Refreshed, e.Failures = false, unreachable() }
	late := func(o *verify.Options) { o.At = then.AddDate(0, 0, 3) }
	runAll(t, []releaseCase{
		{name: "root, expired", prepare: ci, options: late, code: verify.ReleaseMachineSigners},
		{name: "root, not refreshed", prepare: ci, evidence: stale, code: verify.ReleaseMachineSigners},
		{name: "root, no timestamp", prepare: ci, evidence: func(_ *hall, e *verify.ReleaseEvidence) { e.Timestamp = nil }, code: verify.ReleaseMachineSigners},
		{name: "targets, expired", prepare: inTargets, options: late, code: verify.ReleaseExpired, class: verify.Transient},
		{name: "targets, not refreshed", prepare: inTargets, evidence: stale, code: verify.TUFUnreachable, class: verify.Transient},
	})
}

// TestReleaseMessagesName wants a refusal over signers to name role, version and holder.
func TestReleaseMessagesName(t *testing.T) {
	v := releaseCase{prepare: func(t *testing.T, h *hall) {
		t.Helper()
		delegate(t, h, 1, h.machine("acme/ci"))
	}, code: verify.ReleaseMachineSigners}.run(t)
	m := finding(t, v, "release").Message
	for _, want := range []string{"releases", "version 1", "targets", "https://github.com/acme/ci/.github/workflows/sign.yml@refs/heads/main of https://token.actions.githubusercontent.com"} {
		if !strings.Contains(m, want) {
			t.Errorf("the message lacks %q: %s", want, m)
		}
	}
}
