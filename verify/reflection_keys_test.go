package verify_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
)

// impossibleKeys has a value for every key that the parser accepts, by the name
// that its messages give the mapping. All but the refused ones must parse somewhere.
var impossibleKeys = map[string]map[string]any{
	"the policy": {
		"apiVersion": refused{"assay/v2"}, "kind": refused{"Policy"}, "mode": refused{"audit"}, "grace": refused{"on"}, "metadata": refused{map[string]any{}},
		"expires": "2025-06-01", "requires": refused{"impossible"}, "include": refused{[]any{map[string]any{"file": "impossible.yaml"}}},
		"deny":       map[string]any{"versions": []any{map[string]any{"match": imageName, "version": "1.2.3"}}},
		"identities": map[string]any{"signers": impossibleSigners, "sources": impossibleSources},
		"trust":      map[string]any{"public-good": map[string]any{"builtin": "public-good", "thresholds": map[string]any{"log_entries": 8}}},
		"builders":   []any{map[string]any{"id": "https://impossible.example", "level": 1}},
		"images":     []any{map[string]any{"match": "impossible.example/x/y", "signature": map[string]any{"signer": keyOf("0")}}},
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
		"platforms":    map[string]any{"require": []any{"impossible/impossible"}}, "mode": refused{"audit"}, "grace": refused{"on"},
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

// TestEveryKeyOfAFragmentCounts moves what a policy says into a file that it includes,
// and sets each key there as [TestEveryKeyCounts] does.
func TestEveryKeyOfAFragmentCounts(t *testing.T) {
	s := newStage(lab.Options{})
	turned := map[string]bool{}
	for _, d := range demands(s) {
		if d.name != "workflows" && d.name != "around" {
			continue
		}
		fragment := decodeYAML(d.text).(map[string]any)
		top := map[string]any{"metadata": fragment["metadata"], "apiVersion": policy.APIVersion, "kind": policy.Kind, "include": []any{map[string]any{"file": "team.yaml"}}}
		for _, key := range []string{"metadata", "mode", "expires", "requires"} {
			delete(fragment, key)
		}
		if trust, ok := fragment["trust"]; ok { // a fragment may not give the root that all demands mean
			top["trust"] = trust
			delete(fragment, "trust")
		}
		fragment["kind"] = policy.FragmentKind
		g, written := d.grounds(t, s), must(json.Marshal(fragment))
		load := func(key string, value any) (*policy.Policy, error) {
			files := map[string][]byte{"p.yaml": must(json.Marshal(top)), "team.yaml": editJSON(written, []string{key}, value)}
			return policy.Load("p.yaml", func(path string) ([]byte, error) {
				b, ok := files[path]
				if !ok {
					return nil, fs.ErrNotExist
				}
				return b, nil
			})
		}
		wantPass(t, g.judge(t, s, must(load("kind", policy.FragmentKind))))
		_, err := load("unknown-key", 1)
		m := unknownKey.FindStringSubmatch(err.Error())
		if m == nil {
			t.Fatalf("an unknown key is refused by %v; wanted the keys that are known", err)
		}
		for _, key := range strings.Split(m[2], ", ") {
			value, ok := impossibleKeys["the policy"][key]
			never, isRefused := value.(refused)
			if isRefused {
				value = never.value
			}
			if !ok {
				t.Fatalf("the key %s of %s has no impossible value registered", key, m[1])
			}
			isRefused = isRefused || key == "trust"
			p, err := load(key, value)
			if (err != nil) != isRefused {
				t.Errorf("%s: the impossible %s of a fragment gives %v", d.name, key, err)
				continue
			}
			turned[key] = turned[key] || err != nil || !g.judge(t, s, p).Passed()
		}
	}
	for key, ok := range turned {
		if !ok {
			t.Errorf("no verdict turned with an impossible %s of a fragment", key)
		}
	}
}
