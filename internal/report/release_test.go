package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/verify"
)

const tufURL = "https://acme.github.io/app-tuf/metadata"

func yes(b bool) *bool { return &b }

func at(d time.Duration) *time.Time { t := judgedAt.Add(d); return &t }

// roles are held by two persons and a machine, a delegation by a key.
func roles() []verify.VerdictRole {
	const gh = "https://github.com/login/oauth"
	alice := verify.VerdictHolder{Identity: "alice@acme.example", Issuer: gh, Type: "sigstore-oidc", Human: yes(true), Signed: true, Time: at(-300 * time.Hour)}
	bob := verify.VerdictHolder{Identity: "bob@acme.example", Issuer: "https://accounts.google.com", Type: "sigstore-oidc", Human: yes(true)}
	robot := verify.VerdictHolder{
		Identity: acme + "-tuf/.github/workflows/online-sign.yml@refs/heads/main", Issuer: githubIssuer, Type: "sigstore-oidc", Human: yes(false), Signed: true, Time: at(-5 * time.Hour),
	}
	key := verify.VerdictHolder{Key: strings.Repeat("9c", 32), Type: "ecdsa", Human: yes(true), Signed: true}
	role := func(name string, version int64, by string, days int, holders ...verify.VerdictHolder) verify.VerdictRole {
		return verify.VerdictRole{Name: name, Version: version, Expires: judgedAt.AddDate(0, 0, days), By: by, Threshold: 1, Holders: holders}
	}
	return []verify.VerdictRole{
		role("root", 1, "root 1", -20, alice), role("root", 2, "root 1", 200, alice), role("root", 2, "root 2", 200, alice, bob),
		role("timestamp", 120, "root 2", 1, robot), role("snapshot", 14, "root 2", 6, robot),
		role("targets", 14, "root 2", 90, alice, bob), role("apps", 3, "targets 14", 90, key, verify.VerdictHolder{Type: "pgp"}),
	}
}

// released is a pass of a rule that demands a release alone, a moment after the next one.
func released() verify.Verdict {
	v := passing()
	v.Policy = verify.VerdictPolicy{Name: "acme releases", Digest: sha("b1"), Rule: "ghcr.io/acme/*"}
	v.Image.Requested, v.Image.Tag, v.Image.Pinned = "ghcr.io/acme/app:1.4", "1.4", "ghcr.io/acme/app:1.4@"+sha("ab")
	v.Image.VersionFrom = "release"
	v.ValidUntil = at(30 * time.Minute)
	v.Run.Looked = []string{tufURL}
	v.Run.Places = []verify.Place{{Evidence: sha("71"), Place: "https://acme.github.io/app-tuf/targets/app/v1.4.0.json"}}
	v.Checks = []verify.Finding{
		{ID: "signature", Result: verify.NotRequired}, {ID: "provenance", Result: verify.NotRequired},
		{
			ID: "release", Required: true, Result: verify.Passed, Notice: verify.ReleaseLagging,
			Message: "1.4.1 was listed at 2026-03-05T07:30:00Z, and 1.4 has to point to it by 2026-03-05T08:30:00Z",
			Wanted:  []map[string]string{{"repository": tufURL, "root": strings.Repeat("12", 32), "target": "app/v1.4.0.json", "version": "1.4.0", "image": "ghcr.io/acme/app", "digest": sha("ab"), "signers": "human", "people": "1"}},
			Found: []verify.Candidate{{
				Evidence: sha("71"), Layout: verify.TUFTarget, Type: "app/v1.4.0.json", Authenticated: true, Trust: "public-good", Met: number(0),
			}},
			Release: &verify.VerdictRelease{
				Repository: tufURL, Root: sha("12"), State: verify.StateKnown, Refreshed: true, People: 1,
				Target: "app/v1.4.0.json", Manifest: sha("71"), Version: "1.4.0", Commit: strings.Repeat("c0ffee00", 5), Versions: []string{"1.4.0", "1.4.0-rc.2"},
				Lagging: &verify.VerdictLag{Newest: "1.4.1", Until: *at(30 * time.Minute)}, Roles: roles(),
			},
		},
	}
	return v
}

// rolledBack has an older release behind a moving tag.
func rolledBack() verify.Verdict {
	v := released()
	v.Verdict, v.ValidUntil = verify.Fail, nil
	f := &v.Checks[2]
	f.Result, f.Notice, f.Code = verify.Failed, "", verify.ReleaseRolledBack
	f.Message = "the tag \"1.4\" points to version 1.4.0, and the newest version for it is 1.4.1"
	f.Next = "find out who moved the tag; to run an older release, name its version or digest"
	f.Release.Lagging, f.Release.State, f.Release.People = nil, verify.StateBootstrap, 0
	for i := range f.Release.Roles {
		for j := range f.Release.Roles[i].Holders {
			f.Release.Roles[i].Holders[j].Human = nil
		}
	}
	for i, version := range []string{"1.4.1", "1.4.0"} {
		f.Release.Newest = append(f.Release.Newest, verify.VerdictVersion{
			Version: version, Digest: sha(fmt.Sprintf("c%d", i)), Pinned: "ghcr.io/acme/app@" + sha(fmt.Sprintf("c%d", i)),
		})
	}
	c := &f.Found[0]
	c.Met, c.Code, c.Reason = nil, f.Code, f.Message
	return v
}

// frozen has metadata that expired, and no manifest was looked for.
func frozen() verify.Verdict {
	v := released()
	v.Verdict, v.Conclusive, v.ValidUntil, v.Run.Places = verify.Fail, false, nil, nil
	f := &v.Checks[2]
	f.Result, f.Notice, f.Code, f.Class, f.Found = verify.Errored, "", verify.ReleaseExpired, verify.Definitive, nil
	f.Message = "timestamp 120 expired at 2026-03-04T08:00:00Z"
	f.Next = "ask again once the repository is signed anew"
	f.Release = &verify.VerdictRelease{Repository: tufURL, Root: sha("12"), State: verify.StateKnown, People: 2, Roles: roles()}
	f.Release.Roles[3].Expires, f.Release.Roles[3].Expired = *at(-24 * time.Hour), true
	return v
}

func TestReleaseText(t *testing.T) {
	pass := details(t, released(), TextOptions{Width: 300})
	for _, want := range []string{
		"valid until   2026-03-05T08:30:00Z", "version       1.4.0 (as the TUF repository lists the digest)", "notice        release.lagging: 1.4.1 was listed",
		"manifest      app/v1.4.0.json sha256:717171717171\n", "https://acme.github.io/app-tuf/targets/app/v1.4.0.json", "known: nothing older",
		"1.4.0, and also as 1.4.0-rc.2", "targets 14, expires 2026-06-03T08:00:00Z, by root 2; 1 of 2 holders must sign",
		"alice@acme.example of https://github.com/login/oauth, a person, 2026-02-20T20:00:00Z", "not signed  bob@acme.example", ", a machine, 2026-03-05T03:00:00Z",
		"the ecdsa key sha256:" + strings.Repeat("9c", 32) + ", a person\n", "a key of the unknown type pgp", "roots         2 more before the one below", "not stopped   that one account",
	} {
		if !strings.Contains(pass, want) {
			t.Errorf("the report lacks %q:\n%s", want, pass)
		}
	}
	if strings.Contains(pass, "nobody named") || strings.Contains(pass, "root 1, expires") || strings.Contains(pass, "by root 1") {
		t.Errorf("the report shows a signer of a manifest, or a root that was replaced:\n%s", pass)
	}
	back := details(t, rolledBack(), TextOptions{Width: 300})
	for _, want := range []string{"newest        1.4.1 ghcr.io/acme/app@" + sha("c0") + "\n", "1.4.0 ghcr.io/acme/app@" + sha("c1") + "\n", "bootstrap: a first run", "whoever the pinned root"} {
		if !strings.Contains(back, want) {
			t.Errorf("the report lacks %q:\n%s", want, back)
		}
	}
	if strings.Contains(back, "not stopped") || strings.Contains(back, "a person") || strings.Contains(back, "valid until") {
		t.Errorf("the report of a failure says what a pass means:\n%s", back)
	}
	late := details(t, frozen(), TextOptions{Width: 300})
	for _, want := range []string{"EXPIRED 2026-03-04T08:00:00Z", "a kept copy served", "2 distinct persons", "because       timestamp 120 expired"} {
		if !strings.Contains(late, want) {
			t.Errorf("the report lacks %q:\n%s", want, late)
		}
	}
	unread := rolledBack()
	unread.Checks[2].Found[0].Evidence, unread.Checks[2].Found[0].Authenticated = "", false
	if got := details(t, unread, TextOptions{}); !strings.Contains(got, "found         app/v1.4.0.json (no digest)\n    refused ") {
		t.Errorf("the report of a manifest that was not read is:\n%s", got)
	}
	grace := released()
	grace.Checks[2].Release.Grace = at(time.Hour)
	if got := details(t, grace, TextOptions{Width: 300}); !strings.Contains(got, "grace         metadata has expired; it is accepted until 2026-03-05T09:00:00Z") {
		t.Errorf("the report hides the grace:\n%s", got)
	}
	two := released()
	two.Checks[2].Release.People = 2
	if got := details(t, two, TextOptions{}); strings.Contains(got, "not stopped") {
		t.Errorf("two persons are said to be one:\n%s", got)
	}
}

func TestReleaseRefusal(t *testing.T) {
	for _, c := range []struct {
		v    verify.Verdict
		want []string
	}{
		{rolledBack(), []string{"release.rolled_back", "wanted: app/v1.4.0.json in " + tufURL + " to list " + sha("ab"), "found:  the tag \"1.4\" points", "name its version or digest"}},
		{frozen(), []string{"UNDECIDED", "release.expired", "metadata of the TUF repository that can be relied on", "timestamp 120 expired"}},
	} {
		got := refusal(t, c.v)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("the refusal lacks %q:\n%s", want, got)
			}
		}
	}
}

// TestLongRelease wants a repository with very many roles, holders and versions to
// stay readable.
func TestLongRelease(t *testing.T) {
	v := rolledBack()
	r := v.Checks[2].Release
	for i := range 1000 {
		r.Roles = append(r.Roles, r.Roles[3])
		r.Roles[5].Holders = append(r.Roles[5].Holders, r.Roles[5].Holders[0])
		r.Newest, r.Versions = append(r.Newest, r.Newest[0]), append(r.Versions, fmt.Sprintf("0.%d.0", i))
	}
	if got := details(t, v, TextOptions{}); strings.Count(got, "\n") > 200 || strings.Count(got, "more") < 4 {
		t.Errorf("the report has %d lines, and says %d times that there is more", strings.Count(got, "\n"), strings.Count(got, "more"))
	}
}

func TestReleaseJSON(t *testing.T) {
	v := released()
	v.Checks[2].Release.Roles = nil
	if got := asJSON(t, v); !strings.Contains(got, `"roles": []`) || v.Checks[2].Release.Roles != nil {
		t.Errorf("no roles are not an empty list, or the verdict was changed:\n%s", got)
	}
	v = released()
	v.Checks[2].Release.Roles[0].Holders = nil
	if got := asJSON(t, v); !strings.Contains(got, `"holders": []`) || v.Checks[2].Release.Roles[0].Holders != nil {
		t.Errorf("no holders are not an empty list, or the verdict was changed:\n%s", got)
	}
	var back verify.Verdict
	if err := json.Unmarshal([]byte(asJSON(t, rolledBack())), &back); err != nil {
		t.Fatal(err)
	}
	if got, want := asJSON(t, back), asJSON(t, rolledBack()); got != want {
		t.Errorf("read back, the verdict is another:\n%s\n%s", got, want)
	}
	golden(t, "testdata/released.json", asJSON(t, released()))
	golden(t, "testdata/rolled-back.json", asJSON(t, rolledBack()))
}
