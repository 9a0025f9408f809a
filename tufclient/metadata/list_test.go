package metadata_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/tufclient/metadata"
)

func (f *fetcher) list(trusted *metadata.Trusted, wants func(string) bool, reach func([]string) bool) ([]string, error) {
	for range 100 {
		found, need, err := trusted.List(wants, reach, nil)
		if need == nil {
			return found.Paths, err
		}
		if err := f.give(trusted, need); err != nil {
			return nil, err
		}
	}
	panic("the enumeration does not end")
}

func TestList(t *testing.T) {
	top := delegate(targetsDoc(1, "r/1", "other"),
		delegation{"a", aKey, final(paths("r/*"))},
		delegation{"b", bKey, paths("q/*")},
		delegation{"c", aKey, prefixes("00")},
		delegation{"d", aKey, nil})
	f := &fetcher{files: map[string][]byte{
		"a": sign(t, delegate(targetsDoc(1, "r/2", "r/1"), delegation{"e", aKey, paths("r/*")}, delegation{"a", aKey, paths("r/*")}), aKey),
		"b": sign(t, targetsDoc(1, "r/never"), bKey),
		"c": sign(t, targetsDoc(1, "r/3"), aKey),
		"e": sign(t, targetsDoc(1, "r/4"), aKey),
	}}
	trusted := mustRun(t, delegated(t, top, "a", "b", "c", "d", "e"), metadata.Options{})
	got, err := f.list(trusted, func(path string) bool { return strings.HasPrefix(path, "r/") },
		func(patterns []string) bool { return slices.Contains(patterns, "r/*") })
	if err != nil || !slices.Equal(got, []string{"r/1", "r/2", "r/3", "r/4"}) {
		t.Errorf("listed %v, error %v", got, err)
	}
	if asked := sorted(f.asked); !slices.Equal(asked, []string{"a", "c", "e"}) {
		t.Errorf("asked %v", asked)
	}
}

// TestListEnters leaves roles out that do not count, before their metadata is needed, and
// whatever only they lead to.
func TestListEnters(t *testing.T) {
	all := paths("*")
	to := func(name string, by signer) delegation { return delegation{name, by, all} }
	top := delegate(targetsDoc(1, "t"), to("a", aKey), to("b", bKey), to("garbage", bKey))
	f := &fetcher{files: map[string][]byte{
		"a": sign(t, delegate(targetsDoc(1, "a"), to("c", aKey), to("d", bKey)), aKey),
		"b": sign(t, delegate(targetsDoc(1, "b"), to("e", aKey)), bKey),
		"c": sign(t, delegate(targetsDoc(1, "c"), to("a", aKey), to("c", aKey)), aKey),
		"d": sign(t, targetsDoc(1, "d"), bKey),
	}}
	trusted := mustRun(t, delegated(t, top, "a", "b", "c", "d", "e"), metadata.Options{})
	enter := func(r metadata.Role) bool {
		a := r.Authorizations
		if len(a) != 1 || a[0].Threshold != 1 || len(a[0].Keys) != 1 || a[0].ByVersion != 1 || a[0].Signed != nil {
			t.Errorf("%s was named as %+v", r.Name, a)
		}
		return a[0].Keys[0].ID == aKey.id
	}
	var got metadata.Listing
	for range 10 {
		found, need, err := trusted.List(nil, nil, enter)
		if err != nil {
			t.Fatal(err)
		}
		if need == nil {
			got = found
			break
		}
		if err := f.give(trusted, need); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(got.Paths, []string{"a", "c", "t"}) || roleNames(got.Roles) != "targets by root, a by targets, c by a" {
		t.Errorf("listed %v in %s", got.Paths, roleNames(got.Roles))
	}
	if !slices.Equal(f.asked, []string{"a", "c"}) {
		t.Errorf("asked %v", f.asked)
	}
}

func roleNames(roles []metadata.Role) string {
	var all []string
	for _, r := range roles {
		all = append(all, r.Name+" by "+r.Authorizations[0].By)
	}
	return strings.Join(all, ", ")
}

// TestListEveryDelegator wants a role once for each delegator by which a lookup could come
// to it, and not for those below it.
func TestListEveryDelegator(t *testing.T) {
	all := paths("*")
	to := func(names ...string) object {
		var ds []delegation
		for _, n := range names {
			ds = append(ds, delegation{n, aKey, all})
		}
		return delegate(targetsDoc(1), ds...)
	}
	f := &fetcher{files: map[string][]byte{
		"a": sign(t, to("c", "a"), aKey), "b": sign(t, to("c", "d"), aKey),
		"c": sign(t, to("a", "e"), aKey), "d": sign(t, to("d", "b"), aKey), "e": sign(t, to("c"), aKey),
	}}
	trusted := mustRun(t, delegated(t, to("a", "b"), "a", "b", "c", "d", "e"), metadata.Options{})
	if _, err := f.list(trusted, nil, nil); err != nil {
		t.Fatal(err)
	}
	got, _, err := trusted.List(nil, nil, nil)
	// By c comes a lookup to a that went around it, through b; by d comes none to b, nor by e to c.
	wanted := "targets by root, a by targets, b by targets, c by a, d by b, e by c, c by b, a by c"
	if err != nil || roleNames(got.Roles) != wanted {
		t.Errorf("found %s, error %v", roleNames(got.Roles), err)
	}
	_, _, err = trusted.Find("nothing")
	want(t, err, metadata.NotListed, "targets", "5.7.2")
	few := mustRun(t, delegated(t, to("a", "b"), "a", "b", "c", "d", "e"), metadata.Options{Limits: metadata.Limits{Listed: 6}})
	_, err = f.list(few, nil, nil)
	want(t, err, metadata.TooLarge, "a", "5.6.7")
}
