package verify_test

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
	"github.com/releaseassay/assay/verify"
)

// The release that these tests judge: built by a reusable workflow that the policy
// vouches for, started by hand with inputs, under every demand that can be made.
const (
	vouchedRepo = "acme/build"
	vouchedPath = ".github/workflows/build.yml"
	vouchedID   = "https://github.com/acme/build/.github/workflows/build.yml"
)

func vouched() lab.Identity {
	return reusable(vouchedRepo, vouchedPath, "refs/tags/v3.2.1").WithTrigger("workflow_dispatch")
}

// demanding is a policy with every demand that can stand beside the others.
const demanding = `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: everything}
mode: enforce
trust: {public-good: {builtin: public-good, thresholds: {log_entries: 1, scts: 1, timestamps: 1}}}
builders: [{id: "` + vouchedID + `", level: 3}]
images:
  - match: ` + imageName + `
    tags: {version: ["{version}"], moving: [latest], version_regexp: "[0-9]+[.][0-9]+[.][0-9]+"}
    source: {repository: acme/widget, repository_id: "1001", owner_id: "2002", ref: ["refs/tags/v{version}"], ref_regexp: "refs/tags/v.*",
             versioned_tag: v1.2, commit: ` + lab.DefaultCommit + `, signed: {from: 2025-01-01, until: 2026-01-01}}
    signature:
      trust: public-good
      signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml, repository: acme/widget, ref: ["refs/tags/v{version}"],
               trigger: [push], runner: github-hosted, visibility: public, signed: {from: 2025-01-01, until: 2026-01-01}}
    provenance:
      trust: public-good
      builder: {id: ["` + vouchedID + `"], level: 3}
      inputs: {channel: stable}
      source: {repository: acme/widget, repository_id: "1001", owner_id: "2002", ref: ["refs/tags/v{version}"], ref_regexp: "refs/tags/v.*", branch: main,
               versioned_tag: v1.2, commit: ` + lab.DefaultCommit + `, signed: {from: 2025-01-01, until: 2026-01-01}}
      signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/build.yml, repository: acme/build, ref: [refs/tags/v3.2.1],
               trigger: [workflow_dispatch], runner: github-hosted, visibility: public, signed: {from: 2025-01-01, until: 2026-01-01}}
`

// demand is a policy with the evidence that passes under it.
type demand struct {
	name   string
	text   string
	ref    string
	source memory
	// release and root are of a TUF repository, if one is demanded.
	release *verify.ReleaseEvidence
	root    []byte
	// images take the place of source where there are several, or bytes of one.
	images *cabinet
	// focus matches what the policy is here for: the fields and keys that are changed
	// under it; nil is all.
	focus *regexp.Regexp
}

// from is where the evidence is got.
func (d demand) from() verify.Source {
	switch {
	case d.images != nil:
		return d.images
	case d.release == nil:
		return d.source
	}
	return library{memory: d.source, release: d.release}
}

// digest is the image's.
func (d demand) digest() string {
	_, digest, _ := strings.Cut(d.ref, "@")
	return cmp.Or(digest, d.source.resolve)
}

func (d demand) trust(s *stage, p *policy.Policy) verify.Trust {
	trust := s.trust(p)
	if d.root != nil {
		trust.Pinned = []verify.PinnedRoot{pinnedRoot(d.root)}
	}
	return trust
}

// memory is evidence that lies in one repository, or with GitHub, and is handed out
// only to who wants it of there.
type memory struct {
	repository, gitHub string
	pieces             []verify.Piece
	// resolve is the digest behind a tag.
	resolve string
	// failures are of what else could have been there.
	failures []verify.Failure
}

// Resolve implements verify.Source.
func (m memory) Resolve(_ context.Context, ref verify.Reference) (verify.Image, error) {
	return verify.Image{Reference: ref, Digest: cmp.Or(ref.Digest(), m.resolve)}, nil
}

// Collect implements verify.Source.
func (m memory) Collect(_ context.Context, image verify.Image, want verify.Want) verify.Evidence {
	e := verify.Evidence{Failures: m.failures}
	for _, p := range m.pieces {
		asked := want.Bundles
		switch p.Layout {
		case verify.LegacySignature:
			asked = want.Signatures
		case verify.LegacyAttestation:
			asked = want.Attestations
		case verify.BuildKit:
			asked = want.BuildKit
		}
		here := slices.Contains(want.Repositories, m.repository) || (len(want.Repositories) == 0 && image.Reference.Name() == m.repository)
		if (asked && here) || slices.Contains(want.GitHub, m.gitHub) {
			e.Pieces = append(e.Pieces, p)
		}
	}
	return e
}

// demands are policies that differ in the keys that exclude each other.
func demands(s *stage) []demand {
	signer, key := s.keySigner()
	provenance := bundleBy(s.issue(vouched()), must(lab.ProvenanceGitHub(built(builderID(vouched().SAN), func(o *lab.ProvenanceOptions) {
		o.Event, o.Inputs = "workflow_dispatch", map[string]any{"channel": "stable"}
		o.Edit = func(st map[string]any) {
			set(map[string]any{"channel": "stable"}, "predicate", "buildDefinition", "externalParameters", "inputs")(st)
		}
	}))))
	identities := regexp.MustCompile(`workflow: (\S+), repository: (\S+), ref: \[(\S+)\],\n`)
	byName := func(key string, quote func(string) string) string {
		text := identities.ReplaceAllStringFunc(demanding, func(m string) string {
			part := identities.FindStringSubmatch(m)
			return key + ": '" + quote("https://github.com/"+part[2]+"/"+part[1]+"@"+strings.ReplaceAll(strings.Trim(part[3], `"`), "{version}", "1.2.3")) + "',\n"
		})
		return noBranch(text)
	}
	both := memory{repository: imageName, pieces: []verify.Piece{s.sig(workflow()), provenance}}
	mirror := strings.Replace(noBranch(demanding), "    tags:", "    mirrors: [{prefix: mirror.example/lab, of: registry.example}]\n    evidence: [origin]\n    tags:", 1)
	return slices.Concat(releaseDemands(s), contentDemands(s), []demand{
		{name: "workflows", text: noBranch(demanding), ref: imageRef, source: both},
		{name: "a moving tag", text: noBranch(demanding), ref: imageName + ":latest@" + imageDigest, source: both},
		{name: "an identity", text: byName("identity", func(s string) string { return s }), ref: imageRef, source: both},
		{name: "a regular expression", text: byName("identity_regexp", regexp.QuoteMeta), ref: imageRef, source: both},
		{name: "a branch", text: `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: branch}
images:
  - match: ` + imageName + `
    source: {repository: acme/widget, branch: main}
    signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: .github/workflows/release.yml}}
    provenance: {builder: {id: "` + runnerID + `"}}
`, ref: imageRef, source: memory{repository: imageName, pieces: []verify.Piece{
			s.sig(atRef("refs/heads/main")), bundleBy(s.issue(atRef("refs/heads/main")), must(lab.ProvenanceGitHub(built(func(o *lab.ProvenanceOptions) { o.Ref = "refs/heads/main" })))),
		}}},
		{name: "a mirror", text: mirror, ref: strings.Replace(imageRef, "registry.example", "mirror.example/lab", 1), source: both},
		{name: "kept by GitHub", text: strings.Replace(noBranch(demanding), "    tags:", "    places: [github]\n    tags:", 1), ref: imageRef,
			source: memory{gitHub: "https://github.com/acme/widget", pieces: []verify.Piece{s.signature(), provenance}}},
		{name: "a key", text: `apiVersion: assay/v1
kind: ReleasePolicy
metadata: {name: key}
images:
  - match: ` + imageName + `
    signature: {signer: {key: {file: cosign.pub, sha256: "` + key + `"}, signed: {from: 2025-01-01, until: 2026-01-01}}}
    sbom: {signer: {key: {file: cosign.pub, sha256: "` + key + `"}}}
    attestations: {tests: {type: "` + lab.TestResultPredicateType + `", signer: {key: {file: cosign.pub, sha256: "` + key + `"}}}}
`, ref: imageRef, source: memory{repository: imageName, pieces: []verify.Piece{sigBy(signer), bundleBy(signer, bom()), bundleBy(signer, must(lab.TestResult(imageName, imageDigest)))}}},
	})
}

// noBranch takes the demand of a branch away: GitHub's provenance of a tag names none.
func noBranch(text string) string { return strings.ReplaceAll(text, " branch: main,", "") }

// skips reports whether a field's path or a key's name is none of what d is here for.
func (d demand) skips(path string) bool { return d.focus != nil && !d.focus.MatchString(path) }

// ground is a demand's policy as it is written, with the facts under which it passes.
type ground struct {
	demand
	policy *policy.Policy
	roots  verify.Trust
	facts  verify.Facts
}

// grounds wants a demand to pass.
func (d demand) grounds(t *testing.T, s *stage) ground {
	t.Helper()
	p, err := policy.Parse("test.yaml", []byte(d.text))
	if err != nil {
		t.Fatalf("%s: %v", d.name, err)
	}
	trust := d.trust(s, p)
	v, facts := verify.Examine(t.Context(), d.from(), reference(t, d.ref), p, trust, options())
	if wantPass(t, v); facts == nil {
		t.Fatalf("%s: nothing was collected", d.name)
	}
	return ground{d, p, trust, *facts}
}

// judge is verify.Verify under a changed policy, which authenticates again only what
// the change wants otherwise.
func (g ground) judge(t *testing.T, s *stage, p *policy.Policy) verify.Verdict {
	t.Helper()
	ref, trust := reference(t, g.ref), g.roots
	if !reflect.DeepEqual(g.policy.Trust, p.Trust) {
		trust = g.trust(s, p)
	}
	if !g.wantsAlike(p, ref.Name()) {
		return verify.Verify(t.Context(), g.from(), ref, p, trust, options())
	}
	v := verify.Judge(g.facts, p, trust, options())
	if g.images == nil && g.release == nil {
		assertSound(t, v, g.source.pieces)
	}
	return v
}

// wantsAlike reports whether the same evidence is collected under p, and verified alike.
func (g ground) wantsAlike(p *policy.Policy, name string) bool {
	was, _ := g.policy.Rule(name)
	rule, ok := p.Rule(name)
	where := func(r policy.Rule) (all []policy.On) {
		for _, d := range r.Demands() {
			all = append(all, d.On)
		}
		return all
	}
	return ok && reflect.DeepEqual(g.policy.Trust, p.Trust) && slices.Equal(was.Roots(), rule.Roots()) && slices.Equal(where(was), where(rule)) &&
		reflect.DeepEqual(was.Tags, rule.Tags) && reflect.DeepEqual(verify.WantOf(was, name), verify.WantOf(rule, name))
}

// impossible has a value for every field of a policy that demands something, by
// the field's path. Of what the policy denies it is what the evidence is.
var impossible = map[string]any{
	"Trust.LogEntries": 9, "Trust.SCTs": 9, "Trust.Timestamps": 9,
	"Builders.ID": "https://impossible.example", "Builders.Level": 0,
	"Expires":             then,
	"Deny.Versions.Match": policy.Exact(imageName), "Deny.Versions.Version": "1.2.3",
	"Deny.Signed.Issuer": policy.GitHubIssuer, "Deny.Signed.Identity": pattern("**"), "Deny.Signed.Window.From": then, "Deny.Signed.Window.Until": today,
	"Rules.Match": policy.Exact("impossible"), "Rules.Mirrors.Prefix": "impossible", "Rules.Mirrors.Of": "impossible",
	"Rules.Places": []string{"impossible"}, "Rules.Evidence": []string{"impossible.example/x"},
	"Rules.Tags.Moving":  []policy.Pattern{policy.Exact("impossible")},
	"Rules.Tags.Version": []policy.Pattern{pattern("impossible-{version}", "version")}, "Rules.Tags.Grammar": "impossible",
	"Rules.Provenance.Builder.IDs": []string{"https://impossible.example"}, "Rules.Provenance.Builder.Level": 4,
	"Rules.Provenance.Inputs.Name": "impossible", "Rules.Provenance.Inputs.Value": "impossible",
}

// impossibleDemand, impossibleSigner and impossibleSource have them for what all
// demands for signed evidence say.
var (
	impossibleDemand = map[string]any{"Trust": "impossible", "On": policy.OnIndex, "Select": policy.SelectAll, "MaxAge": time.Nanosecond}
	impossibleSigner = map[string]any{
		"Issuer": "https://impossible.example", "Workflow": policy.Exact("impossible"), "Repository": policy.Exact("impossible"),
		"Ref": []policy.Pattern{policy.Exact("impossible")}, "Identity": policy.Exact("impossible"), "IdentityRegexp": must(policy.ParseRegexp("impossible")),
		"Trigger": []string{"impossible"}, "Runner": "impossible", "Visibility": "impossible",
		"Signed.From": today, "Signed.Until": then.AddDate(-1, 0, 0), "Key.SHA256": "impossible",
	}
	impossibleSource = map[string]any{
		"Repository": policy.Exact("impossible"), "RepositoryID": "impossible", "OwnerID": "impossible", "Ref": []policy.Pattern{policy.Exact("impossible")},
		"RefRegexp": must(policy.ParseRegexp("impossible")), "Branch": "impossible", "VersionedTag": "v9", "Commit": "impossible",
		"Signed.From": today, "Signed.Until": then.AddDate(-1, 0, 0),
	}
)

// noDemand names the fields that demand nothing of evidence, with the reason.
var noDemand = map[string]string{
	"Rules.Canonical": "not read from the policy: the name that Policy.Rule found the rule by",
	"Name":            "a name for people", "BuiltIn": "says who made the policy", "Digest": "says which policy it was",
	"Requires":      "judged where the policy is loaded, by Policy.CheckVersion",
	"Audit":         "changes no verdict: it is for the door that admits",
	"AuditUntil":    "as audit",
	"Rules.Audit":   "as the policy's",
	"Rules.Deny":    "not read from the policy: what Policy.Rule takes of Policy.Deny",
	"Deny.Reasons":  "words for people, in the message",
	"Trust.Builtin": "tells the caller where the root comes from; the root itself decides", "Trust.File": "as builtin", "Trust.SHA256": "the caller compares the file with it",
	"Rules.Release.TUF.Root.File": "tells the caller where the root is; its digest decides", "Rules.Release.TUF.Root.Inline": "as file",
	"Rules.AuditUntil": "as audit", "Deny.Versions.Reason": "as reasons", "Deny.Signed.Reason": "as reasons",
	"Rules.Attestations.Name": "what the check is called",
}

// noDemandOfSigners are as noDemand, below the signers of every demand.
var noDemandOfSigners = map[string]string{
	"Key.File": "tells the caller where the key is; its digest decides", "Key.PEM": "read from the file; its digest decides",
}

// demandsNothing returns the entry of noDemand or noDemandOfSigners that a path has.
func demandsNothing(path string) (entry string, ok bool) {
	if strings.HasPrefix(path, "Rules.Deny.") {
		return "Rules.Deny", true
	}
	if _, field, found := strings.Cut(path, ".Signers."); found {
		_, ok = noDemandOfSigners[field]
		return field, ok
	}
	_, ok = noDemand[path]
	return path, ok
}

func pattern(s string, variables ...string) policy.Pattern {
	return must(policy.ParsePattern(s, variables...))
}

// impossibleAt returns the value for a path.
func impossibleAt(d demand, path string) (any, bool) {
	if path == "Deny.Digests" {
		return []string{d.digest()}, true
	}
	for _, check := range []string{"Rules.Signature.", "Rules.Provenance.", "Rules.SBOM.", "Rules.Attestations."} {
		field, ok := strings.CutPrefix(path, check)
		if !ok {
			continue
		}
		values := impossibleDemand
		if rest, ok := strings.CutPrefix(field, "Signers."); ok {
			field, values = rest, impossibleSigner
		} else if rest, ok := strings.CutPrefix(field, "Sources."); ok {
			field, values = rest, impossibleSource
		}
		if v, ok := values[field]; ok {
			return v, true
		}
	}
	for prefix, values := range map[string]map[string]any{"Rules.Release.": impossibleRelease, "": impossible, "Rules.": impossibleContent} {
		if field, ok := strings.CutPrefix(path, prefix); ok {
			if v, ok := values[field]; ok {
				return v, true
			}
		}
	}
	return nil, false
}

// TestEveryFieldCounts sets every field of a parsed policy to a value that nothing
// can meet. A field that is silently ignored, or that nobody registered here, fails.
func TestEveryFieldCounts(t *testing.T) {
	s := newStage(lab.Options{})
	turned, explained := map[string]bool{}, map[string]bool{}
	for _, d := range demands(s) {
		g, quiet := d.grounds(t, s), map[string]bool{}
		changed := must(policy.Parse("test.yaml", []byte(d.text)))
		for _, path := range fieldsOf(reflect.TypeFor[policy.Policy](), "") {
			if d.skips(path) {
				continue
			}
			if entry, ok := demandsNothing(path); ok {
				turned[path], explained[entry] = true, true
				continue
			}
			value, ok := impossibleAt(d, path)
			if !ok {
				t.Fatalf("the policy's field %s has no impossible value registered; what does it demand, and is it judged?", path)
			}
			if !setField(reflect.ValueOf(changed).Elem(), strings.Split(path, "."), reflect.ValueOf(value)) {
				turned[path] = turned[path] || false
				continue // this policy has no such demand to change
			}
			v := g.judge(t, s, changed)
			changed = must(policy.Parse("test.yaml", []byte(d.text)))
			if !v.Passed() {
				turned[path] = true
				continue
			}
			quiet[path] = true
			if !slices.Contains(inert[d.name], path) && !quietBut(path, d.name) {
				t.Errorf("%s: the verdict is a pass with the impossible %s = %v", d.name, path, value)
			}
		}
		for _, path := range inert[d.name] {
			if !quiet[path] {
				t.Errorf("%s: %s is said to be inert, and is not", d.name, path)
			}
		}
	}
	for path, ok := range turned {
		if !ok {
			t.Errorf("no verdict turned with an impossible %s", path)
		}
	}
	for _, entry := range slices.Concat(slices.Collect(maps.Keys(noDemand)), slices.Collect(maps.Keys(noDemandOfSigners))) {
		if !explained[entry] {
			t.Errorf("%s is said to demand nothing, and no policy has it", entry)
		}
	}
}

// quietBut reports whether a field or key has a say under other policies alone.
func quietBut(path, policy string) bool {
	only, ok := onlyUnder[path]
	return ok && !slices.Contains(only, policy)
}

// inert names fields that cannot matter under one of the policies, since another
// key takes their place. They do under another policy.
var inert = map[string][]string{
	"a moving tag":   {"Rules.Tags.Version"},
	"kept by GitHub": {"Rules.Evidence"},
	"a branch":       {"Rules.Tags.Version", "Rules.Tags.Grammar"},
	// A key has no certificate that a log could sign.
	"a key": {"Trust.SCTs", "Rules.Tags.Version", "Rules.Tags.Grammar"},

	"a release":                   append(inertReleases, "Rules.Release.TUF.StateRequired", "Rules.Release.TUF.Refresh", "Rules.Release.Moving.Lag", "Rules.Release.Moving.Prereleases", "Rules.Release.OfflineMaxAge"),
	"a release behind latest":     append(inertReleases, "Rules.Tags.Version"),
	"a release by listed signers": append(inertReleases, "Rules.Tags.Version", "Rules.Release.TUF.Refresh", "Rules.Release.Moving.Lag", "Rules.Release.Moving.Prereleases", "Rules.Release.OfflineMaxAge"),
	"an old release":              {"Rules.Freshness.MaxAge"},

	// What is required is compared in any case.
	"labels": {"Rules.Consistency.Claims"},
	// Its evidence is on the index already.
	"BuildKit": {"Rules.SBOM.On"},
}

// inertReleases have no say where nothing lies in a registry.
var inertReleases = []string{"Rules.Places", "Rules.Evidence"}

// fieldsOf lists the paths of all fields below a type, through pointers, slices and maps.
func fieldsOf(typ reflect.Type, path string) []string {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Map || (typ.Kind() == reflect.Slice && isDemand(typ.Elem())) {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || !isDemand(typ) {
		return []string{path}
	}
	var all []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		name := "." + f.Name
		if f.Anonymous { // whose fields are found by their own names
			name = ""
		}
		all = append(all, fieldsOf(f.Type, strings.TrimPrefix(path+name, "."))...)
	}
	return all
}

// isDemand reports whether a type is one of the policy's own structs with fields
// to set, rather than one value.
func isDemand(typ reflect.Type) bool {
	switch typ {
	case reflect.TypeFor[policy.Pattern](), reflect.TypeFor[policy.Regexp](), reflect.TypeFor[policy.Expression](), reflect.TypeFor[sbom.Pattern](), reflect.TypeFor[time.Time]():
		return false
	}
	return typ.Kind() == reflect.Struct
}

// setField writes a value at a path in every element of the slices and maps on the
// way; false if there is nothing there to write into. What a policy does not demand
// at all is left so: that it is demanded would turn the verdict, and not the field. But
// a key in a signer's place is another signer.
func setField(v reflect.Value, path []string, value reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			if len(path) > 0 && v.Type() != reflect.TypeFor[*policy.Key]() {
				return false
			}
			v.Set(reflect.New(v.Type().Elem()))
		}
		return setField(v.Elem(), path, value)
	case reflect.Slice:
		if len(path) > 0 {
			done := false
			for i := range v.Len() {
				done = setField(v.Index(i), path, value) || done
			}
			return done
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			entry := reflect.New(v.Type().Elem()).Elem()
			entry.Set(v.MapIndex(key))
			if !setField(entry, path, value) {
				return false
			}
			v.SetMapIndex(key, entry)
		}
		return v.Len() > 0
	case reflect.Struct:
		if len(path) > 0 {
			return setField(v.FieldByName(path[0]), path[1:], value)
		}
	}
	v.Set(value.Convert(v.Type()))
	return true
}

// impossibleKeys has a value for every key that the parser accepts, by the name
// that its messages give the mapping. All but the refused ones must parse somewhere.
var impossibleKeys = map[string]map[string]any{
	"the policy": {
		"apiVersion": refused{"assay/v2"}, "kind": refused{"Policy"}, "mode": refused{"audit"}, "metadata": refused{map[string]any{}},
		"expires": "2025-06-01", "requires": refused{"impossible"}, "include": refused{[]any{map[string]any{"file": "impossible.yaml"}}},
		"deny":       map[string]any{"versions": []any{map[string]any{"match": imageName, "version": "1.2.3"}}},
		"identities": map[string]any{"signers": impossibleSigners, "sources": impossibleSources},
		"trust":      refused{map[string]any{"public-good": map[string]any{}}}, "builders": []any{map[string]any{"id": "https://impossible.example", "level": 1}},
		"images": []any{map[string]any{"match": "impossible.example/x/y", "signature": map[string]any{"signer": keyOf("0")}}},
	},
	"metadata":                     {"name": refused{""}},
	"trust.public-good":            {"builtin": refused{"impossible"}, "file": refused{"impossible.json"}, "sha256": refused{strings.Repeat("0", 64)}, "thresholds": map[string]any{"log_entries": 8}},
	"trust.public-good.thresholds": {"log_entries": 8, "scts": 8, "timestamps": 8},
	"a builder":                    {"id": "https://impossible.example", "level": 0},
	"images": {
		"places": []any{"github"}, "evidence": []any{"impossible.example/x"}, "mirrors": []any{map[string]any{"prefix": "impossible.example", "of": "registry.example"}},
		"match": "impossible.example/x/y", "tags": map[string]any{"version": "impossible-{version}"},
		"source": map[string]any{"repository": "impossible/widget", "ref": "refs/tags/v{version}"}, "signature": map[string]any{"signer": keyOf("0")},
		"provenance":   map[string]any{"builder": map[string]any{"id": "https://impossible.example"}, "source": map[string]any{"repository": "acme/widget"}},
		"release":      map[string]any{"tuf": impossibleTUF, "target": "impossible/{version}"},
		"sbom":         map[string]any{"signer": keyOf("0")},
		"attestations": map[string]any{"impossible": map[string]any{"type": "https://impossible.example", "signer": keyOf("0")}},
		"platforms":    map[string]any{"require": []any{"impossible/impossible"}}, "mode": refused{"audit"},
		"consistency": map[string]any{"claims": []any{"built"}, "required": []any{"built"}}, "freshness": map[string]any{"max_age": "1s", "listed": true},
	},
	"a mirror":  {"prefix": "impossible.example", "of": "impossible.example"},
	"tags":      {"version": "impossible-{version}", "moving": "impossible", "version_regexp": "impossible"},
	"signature": {"signer": keyOf("0"), "source": map[string]any{"repository": "impossible/widget", "ref": "refs/tags/v{version}"}},
	"provenance": {
		"builder": map[string]any{"id": "https://impossible.example"}, "signer": map[string]any{"issuer": "https://gitlab.com"},
		"source": map[string]any{"repository": "impossible/widget"}, "inputs": map[string]any{"channel": "impossible"},
	},
	"provenance.builder": {"id": "https://impossible.example", "level": refused{4}},
}

// refused is a value that the parser must not accept at all.
type refused struct{ value any }

func keyOf(digit string) map[string]any {
	return map[string]any{"key": map[string]any{"file": "impossible.pub", "sha256": strings.Repeat(digit, 64)}}
}

// impossibleKeysOf are the keys of mappings that stand in several places.
func impossibleKeysOf(mapping string) (map[string]any, bool) {
	if keys, ok := impossibleContentKeys(mapping); ok {
		return keys, true
	}
	switch {
	case strings.HasSuffix(mapping, ".signed"):
		return map[string]any{"from": "2025-12-01", "until": "2025-02-01"}, true
	case strings.HasSuffix(mapping, ".key"):
		return map[string]any{"file": refused{""}, "sha256": strings.Repeat("0", 64)}, true
	case strings.HasSuffix(mapping, "signer"):
		keys := map[string]any{
			"issuer": "https://gitlab.com", "workflow": ".github/workflows/impossible.yml", "repository": "impossible/widget", "ref": "refs/tags/impossible",
			"identity": "https://github.com/acme/widget/impossible", "identity_regexp": "https://github[.]com/acme/widget/impossible",
			"trigger": "impossible", "runner": "self-hosted", "visibility": "internal", "key": keyOf("0")["key"], "signed": map[string]any{"until": "2020-01-01"},
		}
		if mapping == "provenance.signer" {
			keys["key"] = refused{keys["key"]}
		}
		return keys, true
	case strings.HasSuffix(mapping, "source"):
		return map[string]any{
			"repository": "impossible/widget", "repository_id": "1", "owner_id": "1", "ref": "refs/tags/impossible", "ref_regexp": "refs/tags/impossible", "branch": "impossible",
			"versioned_tag": "v9", "commit": strings.Repeat("0", 40), "signed": map[string]any{"until": "2020-01-01"},
		}, true
	}
	if strings.HasPrefix(mapping, "release") {
		keys, ok := impossibleReleaseKeys()[mapping]
		return keys, ok
	}
	keys, ok := impossibleKeys[mapping]
	if mapping == "signature" || mapping == "provenance" {
		keys = maps.Clone(keys)
		maps.Copy(keys, impossibleDemandKeys)
	}
	return keys, ok
}

var unknownKey = regexp.MustCompile(`found unknown key "unknown-key" in (.+); wanted one of (.+)`)

// TestEveryKeyCounts asks the parser for the keys of every mapping and sets each to
// a value that nothing can meet, in every policy that has the mapping: the parser
// refuses it or the verdict turns.
func TestEveryKeyCounts(t *testing.T) {
	s := newStage(lab.Options{})
	seen, parsed, tried := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, d := range demands(s) {
		g := d.grounds(t, s)
		quiet, kind, turned := map[string]any{}, map[string]string{}, map[string]bool{}
		written := must(json.Marshal(decodeYAML(d.text)))
		for _, path := range mappings(decodeYAML(d.text), nil) {
			_, err := policy.Parse("test.yaml", editJSON(written, append(slices.Clone(path), "unknown-key"), 1))
			if err == nil {
				if !freeKeys(path) {
					t.Fatalf("%s: took an unknown key in %v", d.name, path)
				}
				continue
			}
			m := unknownKey.FindStringSubmatch(err.Error())
			if m == nil {
				if !freeKeys(path) {
					t.Fatalf("%s: an unknown key in %v is refused by %v; wanted the keys that are known", d.name, path, err)
				}
				continue
			}
			mapping, keys := m[1], strings.Split(m[2], ", ")
			values, ok := impossibleKeysOf(mapping)
			if !ok {
				t.Fatalf("the mapping %s of a policy is not registered here; what do its keys %v demand?", mapping, keys)
			}
			for _, key := range keys {
				value, ok := values[key]
				if !ok {
					t.Fatalf("the key %s of %s has no impossible value registered; what does it demand, and is it judged?", key, mapping)
				}
				name := mapping + "." + key
				if d.skips(name) {
					continue
				}
				tried[kindOfMapping(mapping)+"."+key], seen[kindOfMapping(mapping)] = true, true
				never, isRefused := value.(refused)
				if isRefused {
					value = never.value
				}
				p, err := policy.Parse("test.yaml", editJSON(written, append(slices.Clone(path), key), value))
				if err != nil {
					continue
				}
				parsed[kindOfMapping(mapping)+"."+key] = true
				if isRefused {
					t.Errorf("%s: took %s = %v", d.name, name, value)
				}
				if g.judge(t, s, p).Passed() {
					quiet[name], kind[name] = value, kindOfMapping(mapping)+"."+key
				} else {
					turned[name] = true
				}
			}
		}
		for name, value := range quiet { // of a list of mappings, one has to turn the verdict
			if !turned[name] && !slices.Contains(inertKeys[d.name], name) && !quietBut(kind[name], d.name) {
				t.Errorf("%s: the verdict is a pass with the impossible %s = %v", d.name, name, value)
			}
		}
		for _, name := range inertKeys[d.name] {
			if _, ok := quiet[name]; !ok || turned[name] {
				t.Errorf("%s: %s is said to be inert, and is not", d.name, name)
			}
		}
	}
	for name := range tried {
		mapping, key := name[:strings.LastIndexByte(name, '.')], name[strings.LastIndexByte(name, '.')+1:]
		values, _ := impossibleKeysOf(mapping)
		if _, isRefused := values[key].(refused); !isRefused && !parsed[name] {
			t.Errorf("%s = %v never parses, so it says nothing of the verdict", name, values[key])
		}
	}
	for _, mapping := range slices.Concat(slices.Collect(maps.Keys(impossibleKeys)), slices.Collect(maps.Keys(impossibleReleaseKeys())), contentMappings, []string{"source", "signature.signer", "signature.signer.key", "signature.signer.signed", "provenance.signer", "provenance.source", "provenance.signer.signed", "provenance.source.signed", "source.signed"}) {
		if !seen[mapping] {
			t.Errorf("no policy here has the mapping %s", mapping)
		}
	}
	t.Logf("%d keys", len(tried))
}

// inertKeys are as inert, for keys.
var inertKeys = map[string][]string{
	"a moving tag":   {"tags.version"},
	"kept by GitHub": {"images.places", "images.evidence"},
	"a branch":       {"images.tags"},
	"a key":          {"images.tags"},

	"a release":                   {"release.tuf.state", "release.tuf.refresh", "release.moving", "release.moving.lag", "release.moving.prereleases", "release.offline", "release.offline.max_age", "release.signers.identities", "release.signers.keys"},
	"a release behind latest":     {"tags.version", "release.signers.identities", "release.signers.keys"},
	"a release by listed signers": {"images.tags", "release.tuf.refresh", "release.moving", "release.offline"},
	"an old release":              {"freshness.max_age"},

	"BuildKit": {"sbom.on", "sbom.format"},
}

// freeKeys reports whether the keys of a mapping are names that the author chooses.
func freeKeys(path []string) bool {
	switch {
	case len(path) == 0:
		return false
	case len(path) == 2 && path[0] == "identities":
		return true
	}
	last := path[len(path)-1]
	return last == "inputs" || last == "min" || last == "attestations" || len(path) == 1 && last == "trust"
}

func decodeYAML(text string) any {
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}

// mappings lists the paths of all mappings in a document.
func mappings(v any, path []string) [][]string {
	var all [][]string
	switch v := v.(type) {
	case map[string]any:
		all = append(all, path)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, mappings(v[key], append(slices.Clone(path), key))...)
		}
	case []any:
		for i := range v {
			all = append(all, mappings(v[i], append(slices.Clone(path), strconv.Itoa(i)))...)
		}
	}
	return all
}

// editJSON writes a value into a document. A policy may be JSON, which is read faster.
func editJSON(text []byte, path []string, value any) []byte {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		panic(err)
	}
	return must(json.Marshal(editTree(v, path, func() any { return value })))
}
