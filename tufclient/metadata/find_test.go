package metadata_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// fetcher answers what a lookup needs, by role, and notes the order.
type fetcher struct {
	files map[string][]byte
	asked []string
}

func (f *fetcher) find(trusted *metadata.Trusted, path string) (metadata.Target, error) {
	for range 100 {
		found, need, err := trusted.Find(path)
		if need == nil {
			return found, err
		}
		if err := f.give(trusted, need); err != nil {
			return metadata.Target{}, err
		}
	}
	panic("the lookup does not end")
}

func (f *fetcher) give(trusted *metadata.Trusted, need *metadata.Need) error {
	f.asked = append(f.asked, need.Role)
	return trusted.UpdateDelegated(f.files[need.Role], need.Role, need.Delegator)
}

func names(t metadata.Target) string {
	var all []string
	for _, r := range t.Roles {
		all = append(all, r.Name)
	}
	return strings.Join(all, " ")
}

// TestTraversal checks the order in which roles are asked, and the one that is believed.
func TestTraversal(t *testing.T) {
	to := func(name string, more object) delegation { return delegation{name, ed(name), more} }
	all := paths("*")
	for name, c := range map[string]struct {
		graph map[string][]delegation
		lists map[string]string // a role that lists the target x
		asked string
		way   string // "" finds nothing
	}{
		"top level first":  {graph: map[string][]delegation{"targets": {to("a", all)}}, lists: map[string]string{"targets": "x", "a": "x"}, way: "targets"},
		"order":            {graph: map[string][]delegation{"targets": {to("a", all), to("b", all)}}, lists: map[string]string{"a": "x", "b": "x"}, asked: "a", way: "targets a"},
		"second":           {graph: map[string][]delegation{"targets": {to("a", all), to("b", all)}}, lists: map[string]string{"b": "x"}, asked: "a b", way: "targets b"},
		"depth first":      {graph: map[string][]delegation{"targets": {to("a", all), to("b", all)}, "a": {to("c", all), to("d", all)}}, asked: "a c d b"},
		"deep before wide": {graph: map[string][]delegation{"targets": {to("a", all), to("b", all)}, "a": {to("c", all)}}, lists: map[string]string{"c": "x", "b": "x"}, asked: "a c", way: "targets a c"},
		"terminating":      {graph: map[string][]delegation{"targets": {to("a", final(paths("*"))), to("b", all)}, "a": {to("c", all)}}, lists: map[string]string{"b": "x"}, asked: "a c"},
		"terminating deep": {graph: map[string][]delegation{"targets": {to("a", all), to("b", all)}, "a": {to("c", final(paths("*"))), to("d", all)}}, lists: map[string]string{"b": "x", "d": "x"}, asked: "a c"},
		"terminating elsewhere": {
			graph: map[string][]delegation{"targets": {to("a", final(paths("y*"))), to("b", all)}},
			lists: map[string]string{"b": "x"}, asked: "b", way: "targets b",
		},
		"other path":         {graph: map[string][]delegation{"targets": {to("a", paths("y", "*/x", "?x")), to("b", all)}}, lists: map[string]string{"a": "x"}, asked: "b"},
		"other path between": {graph: map[string][]delegation{"targets": {to("a", all)}, "a": {to("b", paths("y"))}, "b": nil}, lists: map[string]string{"b": "x"}, asked: "a"},
		"no path":            {graph: map[string][]delegation{"targets": {to("a", nil), to("b", paths())}}, lists: map[string]string{"a": "x", "b": "x"}},
		"cycle":              {graph: map[string][]delegation{"targets": {to("a", all), to("b", all)}, "b": {to("c", all)}, "c": {to("d", all)}, "d": {to("b", all)}}, asked: "a b c d"},
		"self":               {graph: map[string][]delegation{"targets": {to("a", all)}, "a": {to("a", all)}}, asked: "a"},
		"diamond":            {graph: map[string][]delegation{"targets": {to("a", all), to("b", all)}, "a": {to("c", all)}, "b": {to("c", all)}}, asked: "a c b"},
		"visited and terminating": {
			graph: map[string][]delegation{"targets": {to("a", all), to("b", final(paths("*"))), to("d", all)}, "a": {to("b", all)}},
			lists: map[string]string{"d": "x"}, asked: "a b",
		},
		"hash": {
			graph: map[string][]delegation{"targets": {to("a", prefixes("0", "1")), to("b", prefixes(digest("x")[:2])), to("c", all)}},
			lists: map[string]string{"a": "x", "b": "x", "c": "x"}, asked: "b", way: "targets b",
		},
		"whole hash": {graph: map[string][]delegation{"targets": {to("a", prefixes(digest("x")))}}, lists: map[string]string{"a": "x"}, asked: "a", way: "targets a"},
		"every hash": {graph: map[string][]delegation{"targets": {to("a", prefixes(""))}}, lists: map[string]string{"a": "x"}, asked: "a", way: "targets a"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fetcher{files: map[string][]byte{}}
			var roles []string
			for _, role := range []string{"a", "b", "c", "d"} {
				roles = append(roles, role)
				f.files[role] = sign(t, delegate(targetsDoc(1, list(c.lists[role])...), c.graph[role]...), ed(role))
			}
			trusted := mustRun(t, delegated(t, delegate(targetsDoc(1, list(c.lists["targets"])...), c.graph["targets"]...), roles...), metadata.Options{})
			found, err := f.find(trusted, "x")
			if asked := strings.Join(f.asked, " "); asked != c.asked {
				t.Errorf("asked %s; wanted %s", asked, c.asked)
			}
			if c.way == "" {
				e := want(t, err, metadata.NotListed, "targets", "5.7.2")
				if wanted := strings.ReplaceAll(strings.TrimSpace("targets "+c.asked), " ", ", "); !strings.HasSuffix(e.Found, ": "+wanted) {
					t.Errorf("found %q, which does not name the roles %s", e.Found, wanted)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if names(found) != c.way || found.Path != "x" {
				t.Errorf("found %s by %s; wanted %s", found.Path, names(found), c.way)
			}
			visited := ""
			for _, r := range found.Visited {
				visited += " " + r.Name
			}
			if wanted := strings.TrimSuffix(" targets "+c.asked, " "); visited != wanted {
				t.Errorf("visited%s; wanted%s", visited, wanted)
			}
			for i, r := range found.Roles[1:] {
				if a := r.Authorizations; len(a) != 1 || a[0].By != found.Roles[i].Name || a[0].ByVersion != 1 {
					t.Errorf("%s was authorised by %+v", r.Name, a)
				}
			}
		})
	}
}

func list(path string) []string {
	if path == "" {
		return nil
	}
	return []string{path}
}

func prefixes(p ...string) object { return object{"path_hash_prefixes": p} }

func digest(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:])
}

// TestDiamond is one role that two delegators name with other keys: what the keys of
// one have signed must not pass for the other.
func TestDiamond(t *testing.T) {
	c1, c2 := ed("c1"), ed("c2")
	top := delegate(targetsDoc(1), delegation{"a", aKey, paths("a/*")}, delegation{"b", bKey, paths("b/*")})
	files := map[string][]byte{
		"a": sign(t, delegate(targetsDoc(1), delegation{"c", c1, paths("a/*")}), aKey),
		"b": sign(t, delegate(targetsDoc(1), delegation{"c", c2, paths("b/*")}), bKey),
		"c": sign(t, targetsDoc(1, "a/x", "b/x"), c1),
	}
	r := delegated(t, top, "a", "b", "c")
	f := &fetcher{files: files}
	trusted := mustRun(t, r, metadata.Options{})
	if found, err := f.find(trusted, "a/x"); err != nil || names(found) != "targets a c" {
		t.Fatalf("found %+v, error %v", found, err)
	}
	_, err := f.find(trusted, "b/x")
	want(t, err, metadata.Threshold, "c", "5.6.3")

	// Other bytes for each delegator are refused as well: the snapshot lists one file.
	f.files["c"] = sign(t, targetsDoc(1, "b/x", "b/y"), c2)
	_, err = f.find(trusted, "b/x")
	want(t, err, metadata.MixAndMatch, "c", "5.6.4")

	// The other order, and a file that both have signed.
	trusted = mustRun(t, r, metadata.Options{})
	f.files["c"] = sign(t, targetsDoc(1, "a/x", "b/x"), c1, c2)
	for _, path := range []string{"b/x", "a/x", "b/x"} {
		found, err := f.find(trusted, path)
		if err != nil || names(found) != "targets "+path[:1]+" c" {
			t.Errorf("found %+v, error %v", found, err)
		}
	}
	want(t, trusted.UpdateDelegated(f.files["c"], "c", "a"), metadata.Same, "c", "5.6.7.1")
}

func TestBins(t *testing.T) {
	bin := ed("bin")
	succinct := func(bits any, more object) object {
		s := role(1, bin)
		s["bit_length"], s["name_prefix"] = bits, "bin"
		top := targetsDoc(1)
		d := object{"keys": keys(bin), "succinct_roles": s}
		for k, v := range more {
			d[k] = v
		}
		top["delegations"] = d
		return top
	}
	for bits, digits := range map[int]int{1: 1, 4: 1, 5: 2, 8: 2, 10: 3, 32: 8} {
		sum := sha256.Sum256([]byte("x"))
		number := (uint64(sum[0])<<24 | uint64(sum[1])<<16 | uint64(sum[2])<<8 | uint64(sum[3])) >> (32 - bits)
		name := fmt.Sprintf("bin-%0*x", digits, number)
		trusted := mustRun(t, delegated(t, succinct(bits, nil), name), metadata.Options{})
		f := &fetcher{files: map[string][]byte{name: sign(t, targetsDoc(1, "x"), bin)}}
		if found, err := f.find(trusted, "x"); err != nil || names(found) != "targets "+name {
			t.Errorf("%d bits: found %+v, error %v", bits, found, err)
		}
	}
	trusted := mustRun(t, delegated(t, succinct(5, nil), "bin-00", "bin-1f", "bin-20", "bin-0", "bin-1F", "bun-00"), metadata.Options{})
	for _, name := range []string{"bin-20", "bin-0", "bin-1F", "bun-00", "bin-", "bin-+1"} {
		want(t, trusted.UpdateDelegated(nil, name, "targets"), metadata.NotDelegated, name, "5.6.7.2")
	}
	for name, top := range map[string]object{
		"33 bits": succinct(33, nil), "no bits": succinct(0, nil), "a word": succinct("8", nil),
		"both": succinct(8, object{"roles": []object{}}),
	} {
		_, err := delegated(t, top).run(metadata.Options{})
		if e := want(t, err, metadata.Malformed, "targets", "4.5"); e == nil {
			t.Error(name)
		}
	}
	_, _, err := mustRun(t, delegated(t, succinct(32, nil)), metadata.Options{}).List(nil, nil, nil)
	want(t, err, metadata.TooLarge, "targets", "5.6.7")
}

func TestDelegationsMalformed(t *testing.T) {
	for name, c := range map[string][]delegation{
		"the root's name":       {{"root", aKey, paths("*")}},
		"the timestamp's name":  {{"timestamp", aKey, paths("*")}},
		"the snapshot's name":   {{"snapshot", aKey, paths("*")}},
		"the targets' name":     {{"targets", aKey, paths("*")}},
		"no name":               {{"", aKey, paths("*")}},
		"one name twice":        {{"a", aKey, paths("*")}, {"a", bKey, paths("*")}},
		"paths and hashes":      {{"a", aKey, object{"paths": []string{"*"}, "path_hash_prefixes": []string{"0"}}}},
		"no hexadecimal":        {{"a", aKey, prefixes("xy")}},
		"upper case":            {{"a", aKey, prefixes("AB")}},
		"longer than a hash":    {{"a", aKey, prefixes(strings.Repeat("0", 65))}},
		"a backslash":           {{"a", aKey, paths(`a\*`)}},
		"an open bracket":       {{"a", aKey, paths("a[b")}},
		"a bracket and a slash": {{"a", aKey, paths("a[b/c]")}},
		"an empty class":        {{"a", aKey, paths("a[]b]")}},
		"a caret":               {{"a", aKey, paths("[^a]")}},
		"a named class":         {{"a", aKey, paths("[[:alpha:]]")}},
		"a list of numbers":     {{"a", aKey, object{"paths": []int{1}}}},
		"a word for a list":     {{"a", aKey, object{"paths": "*"}}},
		"a word for a truth":    {{"a", aKey, object{"paths": []string{"*"}, "terminating": "yes"}}},
		"a word for a number":   {{"a", aKey, object{"paths": []string{"*"}, "threshold": "1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := delegated(t, delegate(targetsDoc(1), c...)).run(metadata.Options{})
			want(t, err, metadata.Malformed, "targets", "4.5")
		})
	}
	// A threshold of none is refused where it is used.
	top := delegate(targetsDoc(1, "x"), delegation{"a", aKey, object{"paths": []string{"*"}, "threshold": 0}})
	trusted := mustRun(t, delegated(t, top, "a"), metadata.Options{})
	want(t, trusted.UpdateDelegated(sign(t, targetsDoc(1), aKey), "a", "targets"), metadata.Threshold, "a", "5.6.3")
}

// TestPatterns are those of the specification (4.5) and of glob(7).
func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		fits          bool
	}{
		{"targets/*.tgz", "targets/foo.tgz", true},
		{"targets/*.tgz", "targets/foo.txt", false},
		{"targets/*.tgz", "targets/a/foo.tgz", false},
		{"foo-version-?.tgz", "foo-version-a.tgz", true},
		{"foo-version-?.tgz", "foo-version-alpha.tgz", false},
		{"*.tgz", "targets/foo.tgz", false},
		{"foo.tgz", "foo.tgz", true},
		{"foo.tgz", "fooxtgz", false},
		{"*", "a/b", false},
		{"*/*", "a/b", true},
		{"a?b", "a/b", false},
		{"a[!x]b", "a/b", false},
		{"a[!x]b", "ayb", true},
		{"a[!x]b", "axb", false},
		{"[a-c]x", "bx", true},
		{"**", "a", true},
		{"", "", true},
		{"é?", "éé", true},
	} {
		top := delegate(targetsDoc(1), delegation{"a", aKey, paths(c.pattern)})
		_, need, err := mustRun(t, delegated(t, top, "a"), metadata.Options{}).Find(c.path)
		if (need != nil) != c.fits || (err == nil) != c.fits {
			t.Errorf("the pattern %q fits %q: %t (%v); wanted %t", c.pattern, c.path, need != nil, err, c.fits)
		}
	}
}

func TestDelegatedRefused(t *testing.T) {
	top := delegate(targetsDoc(1), delegation{"a", aKey, paths("*")})
	r := delegated(t, top, "a")
	doc := func(change func(object)) []byte {
		o := targetsDoc(1, "x")
		change(o)
		return sign(t, o, aKey)
	}
	for name, c := range map[string]struct {
		b    []byte
		o    metadata.Options
		kind metadata.Kind
		step string
	}{
		"by another":         {b: sign(t, targetsDoc(1), bKey), kind: metadata.Threshold, step: "5.6.3"},
		"by the delegator":   {b: sign(t, targetsDoc(1), targetsKey), kind: metadata.Threshold, step: "5.6.3"},
		"of another version": {b: sign(t, targetsDoc(2), aKey), kind: metadata.MixAndMatch, step: "5.6.4"},
		"expired":            {b: doc(func(o object) { o["expires"] = earlier }), kind: metadata.Expired, step: "5.6.5"},
		"of another type":    {b: doc(func(o object) { o["_type"] = "a" }), kind: metadata.WrongType, step: "4.5"},
		"below the policy's": {b: doc(func(object) {}), o: metadata.Options{Min: map[string]int64{"a": 2}}, kind: metadata.BelowMinimum, step: "5.6.4"},
		"without targets":    {b: doc(func(o object) { delete(o, "targets") }), kind: metadata.Malformed, step: "4.5"},
		"target of no hash":  {b: doc(func(o object) { o["targets"].(object)["x"].(object)["hashes"] = object{} }), kind: metadata.Malformed, step: "4.5"},
		"target of a bad hash": {
			b:    doc(func(o object) { o["targets"].(object)["x"].(object)["hashes"] = object{"sha256": "00"} }),
			kind: metadata.Malformed, step: "4.5",
		},
		"target of no length": {b: doc(func(o object) { delete(o["targets"].(object)["x"].(object), "length") }), kind: metadata.Malformed, step: "4.5"},
	} {
		t.Run(name, func(t *testing.T) {
			trusted := mustRun(t, r, c.o)
			want(t, trusted.UpdateDelegated(c.b, "a", "targets"), c.kind, "a", c.step)
			_, need, err := trusted.Find("x")
			if err != nil || need == nil || *need != (metadata.Need{Role: "a", Delegator: "targets", Version: 1}) {
				t.Errorf("after it was refused, needs %+v, error %v", need, err)
			}
		})
	}
	// A role of which the snapshot says nothing.
	_, _, err := mustRun(t, delegated(t, top), metadata.Options{}).Find("x")
	want(t, err, metadata.NotDelegated, "a", "5.6.4")
}

// TestDelegationLimit follows a chain to its last role that is allowed, and no further.
func TestDelegationLimit(t *testing.T) {
	f := &fetcher{files: map[string][]byte{}}
	var roles []string
	for i := range 5 {
		f.files[fmt.Sprint(i)] = sign(t, delegate(targetsDoc(1), delegation{fmt.Sprint(i + 1), aKey, paths("*")}), aKey)
		roles = append(roles, fmt.Sprint(i))
	}
	f.files["4"] = sign(t, targetsDoc(1, "x"), aKey)
	r := delegated(t, delegate(targetsDoc(1), delegation{"0", aKey, paths("*")}), roles...)
	if _, err := f.find(mustRun(t, r, metadata.Options{Limits: metadata.Limits{Delegations: 5}}), "x"); err != nil {
		t.Error(err)
	}
	_, err := f.find(mustRun(t, r, metadata.Options{Limits: metadata.Limits{Delegations: 4}}), "x")
	want(t, err, metadata.TooLarge, "4", "5.6.7.1")
	_, err = f.list(mustRun(t, r, metadata.Options{Limits: metadata.Limits{Listed: 4}}), nil, nil)
	want(t, err, metadata.TooLarge, "4", "5.6.7")
	if all, err := f.list(mustRun(t, r, metadata.Options{Limits: metadata.Limits{Listed: 5}}), nil, nil); err != nil || !slices.Equal(all, []string{"x"}) {
		t.Errorf("listed %v, error %v", all, err)
	}
}

// TestNotListedVisited wants a lookup in vain to say which roles it asked.
func TestNotListedVisited(t *testing.T) {
	top := delegate(targetsDoc(1), delegation{"a", aKey, paths("x")}, delegation{"b", bKey, final(paths("x"))}, delegation{"c", aKey, paths("x")})
	f := &fetcher{files: map[string][]byte{"a": sign(t, targetsDoc(1), aKey), "b": sign(t, targetsDoc(1), bKey), "c": sign(t, targetsDoc(1, "x"), aKey)}}
	found, err := f.find(mustRun(t, delegated(t, top, "a", "b", "c"), metadata.Options{}), "x")
	want(t, err, metadata.NotListed, "targets", "5.7.2")
	if found.Path != "x" || len(found.Roles) != 0 || roleNames(found.Visited) != "targets by root, a by targets, b by targets" {
		t.Errorf("found %+v", found)
	}
}

// TestDelegationsTooLarge refuses files with which each lookup would take long.
func TestDelegationsTooLarge(t *testing.T) {
	many := func(n int, each string) []string { return slices.Repeat([]string{each}, n) }
	for name, c := range map[string]struct {
		more object
		ok   bool
	}{
		"patterns":            {paths(many(4096, "a/*")...), true},
		"too many patterns":   {paths(many(4097, "a/*")...), false},
		"prefixes":            {prefixes(many(65536, "00")...), true},
		"too many prefixes":   {prefixes(many(65537, "00")...), false},
		"a long pattern":      {paths(strings.Repeat("a", 4096)), true},
		"too long a pattern":  {paths(strings.Repeat("a", 4097)), false},
		"patterns of several": {paths(many(4090, "a/*")...), false},
	} {
		to := []delegation{{"a", aKey, c.more}}
		if name == "patterns of several" {
			to = append(to, delegation{"b", aKey, paths(many(7, "b")...)})
		}
		_, err := delegated(t, delegate(targetsDoc(1), to...)).run(metadata.Options{})
		if c.ok && err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !c.ok {
			want(t, err, metadata.TooLarge, "targets", "4.5")
		}
	}
	_, _, err := mustRun(t, basic(t), metadata.Options{}).Find(strings.Repeat("a", 4097))
	want(t, err, metadata.TooLarge, "targets", "5.6.7")
	var roles []delegation
	for i := range 16385 {
		roles = append(roles, delegation{fmt.Sprint(i), aKey, nil})
	}
	_, err = delegated(t, delegate(targetsDoc(1), roles...)).run(metadata.Options{})
	want(t, err, metadata.TooLarge, "targets", "4.5")
}
