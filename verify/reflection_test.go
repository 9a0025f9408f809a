package verify_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
)

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
	"Requires":      "judged where the policy is loaded, by policy.CheckVersion",
	"Audit":         "changes no verdict: it is for the door that admits",
	"AuditUntil":    "as audit",
	"Rules.Audit":   "as the policy's",
	"Grace":         "changes no verdict: it is for the door that admits",
	"Rules.Grace":   "as the policy's",
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
