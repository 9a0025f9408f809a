package metadata_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestRealRepositoryMutated changes every value in what is signed and what is beside it in
// a signature, one by one. Nothing may pass.
func TestRealRepositoryMutated(t *testing.T) {
	r, o := realRepository(t)
	files := map[string]*[]byte{"root": &r.roots[0], "timestamp": &r.timestamp, "snapshot": &r.snapshot, "targets": &r.targets}
	count := 0
	for name, file := range files {
		original := *file
		for _, m := range mutations(t, original) {
			count++
			*file = m.bytes
			_, err := r.run(o)
			if err == nil {
				t.Errorf("%s passes with another %s", name, m.at)
			}
		}
		*file = original
	}
	if count < 60 {
		t.Errorf("only %d mutations were tried", count)
	}
	mustRun(t, r, o)
}

type mutation struct {
	at    string
	bytes []byte
}

// mutations returns the file once for each value of signed and each sig, changed.
func mutations(t *testing.T, file []byte) []mutation {
	t.Helper()
	var all []mutation
	change := func(at string, set func(tree object, v any)) {
		tree := decode(t, file)
		set(tree, nil)
		all = append(all, mutation{at, toJSON(t, tree)})
	}
	var walk func(at []any)
	walk = func(at []any) {
		tree := decode(t, file)
		v := get(tree["signed"], at)
		switch v := v.(type) {
		case object:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(append(slices.Clone(at), k))
			}
			change(path(at)+"+", func(tree object, _ any) { get(tree["signed"], at).(object)["x"] = 1 })
		case []any:
			for i := range v {
				walk(append(slices.Clone(at), i))
			}
		default:
			change(path(at), func(tree object, _ any) { put(tree["signed"], at, other(v)) })
		}
		if len(at) > 0 {
			if _, ok := at[len(at)-1].(string); ok {
				change(path(at)+"-", func(tree object, _ any) {
					delete(get(tree["signed"], at[:len(at)-1]).(object), at[len(at)-1].(string))
				})
			}
		}
	}
	walk(nil)
	change("sig", func(tree object, _ any) {
		s := tree["signatures"].([]any)[0].(object)
		b, _ := base64.StdEncoding.DecodeString(s["sig"].(string))
		b[len(b)-1] ^= 1
		s["sig"] = base64.StdEncoding.EncodeToString(b)
	})
	change("sig without padding", func(tree object, _ any) {
		s := tree["signatures"].([]any)[0].(object)
		s["sig"] = s["sig"].(string) + "\n"
	})
	change("keyid", func(tree object, _ any) { tree["signatures"].([]any)[0].(object)["keyid"] = "another" })
	change("bundle", func(tree object, _ any) { delete(tree["signatures"].([]any)[0].(object), "bundle") })
	return all
}

func get(v any, at []any) any {
	for _, k := range at {
		switch k := k.(type) {
		case string:
			v = v.(object)[k]
		case int:
			v = v.([]any)[k]
		}
	}
	return v
}

func put(v any, at []any, to any) {
	parent := get(v, at[:len(at)-1])
	switch k := at[len(at)-1].(type) {
	case string:
		parent.(object)[k] = to
	case int:
		parent.([]any)[k] = to
	}
}

// other is a value of the same type.
func other(v any) any {
	switch v := v.(type) {
	case bool:
		return !v
	case json.Number:
		return json.Number(v.String() + "0")
	case string:
		return v + "0"
	}
	return "other"
}

func path(at []any) string {
	return strings.ReplaceAll(strings.Trim(string(must(json.Marshal(at))), "[]"), ",", ".")
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// meaningless are the members of a bundle that say again what the log entry's body,
// which is verified, says itself.
var meaningless = []string{
	`"verificationMaterial"."tlogEntries".0."kindVersion"."kind"`,
	`"verificationMaterial"."tlogEntries".0."kindVersion"."version"`,
}

// TestRealBundlesMutated changes every value of the real bundles, and takes each away.
func TestRealBundlesMutated(t *testing.T) {
	r, o := realRepository(t)
	passed := map[string]bool{}
	count := 0
	for name, file := range map[string]*[]byte{"root": &r.roots[0], "timestamp": &r.timestamp, "snapshot": &r.snapshot, "targets": &r.targets} {
		original := *file
		bundle := func(tree object) any { return tree["signatures"].([]any)[0].(object)["bundle"] }
		for _, at := range leaves(bundle(decode(t, original)), nil) {
			for _, remove := range []bool{false, true} {
				tree := decode(t, original)
				if last, ok := at[len(at)-1].(string); remove && ok {
					delete(get(bundle(tree), at[:len(at)-1]).(object), last)
				} else {
					put(bundle(tree), at, flip(get(bundle(tree), at)))
				}
				count++
				*file = toJSON(t, tree)
				_, err := r.run(o)
				switch {
				case err == nil && slices.Contains(meaningless, path(at)):
					passed[path(at)] = true
				case err == nil:
					t.Errorf("%s passes with its bundle's %s changed (taken away: %t)", name, path(at), remove)
				}
			}
		}
		*file = original
	}
	if count < 100 || len(passed) != len(meaningless) {
		t.Errorf("%d mutations were tried; %v passed", count, passed)
	}
}

// leaves are the ways to everything that is neither object nor array.
func leaves(v any, at []any) [][]any {
	var all [][]any
	switch v := v.(type) {
	case object:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			all = append(all, leaves(v[k], append(slices.Clone(at), k))...)
		}
	case []any:
		for i := range v {
			all = append(all, leaves(v[i], append(slices.Clone(at), i))...)
		}
	default:
		all = append(all, at)
	}
	return all
}

// flip changes one bit of base64, and anything else as other does.
func flip(v any) any {
	s, ok := v.(string)
	if !ok || strings.Trim(s, "0123456789") == "" {
		return other(v)
	}
	if b, err := base64.StdEncoding.DecodeString(s); err == nil && len(b) > 0 {
		b[len(b)/2] ^= 1
		return base64.StdEncoding.EncodeToString(b)
	}
	return other(v)
}
