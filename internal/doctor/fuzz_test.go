package doctor

import (
	"os"
	"testing"
)

// FuzzTOML: no text makes the parser panic, and what it reads it reads again alike.
func FuzzTOML(f *testing.F) {
	if b, err := os.ReadFile(deploy + "containerd/config.toml"); err == nil {
		f.Add(b)
	}
	for _, s := range []string{"a.b = [1, 'x', {c = true}] # y", "[[a]]\nb = \"\\u00e9\"\n[[a]]\n[a.c]\n", "a = '''\nx\n'''", "a = 1979-05-27T07:32:00Z", "[a]\n[a]", "a=1\na=2", "x = {", "a = [[[[", "\"\"=1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		t, err := parseTOML(b)
		if err == nil {
			t.at("plugins", imagesPlugin, "registry", "mirrors")
		}
		Examine(Input{Containerd: []ContainerdFile{{"f", b, func(string) ([]Entry, error) { return nil, nil }}}}, Options{})
	})
}

// FuzzExamine: no object makes the examination panic, and nothing but objects is closed.
func FuzzExamine(f *testing.F) {
	for _, name := range []string{"helm/testdata/minimal.yaml", "gatekeeper/template.yaml", "kyverno/policy.yaml"} {
		if b, err := os.ReadFile(deploy + name); err == nil {
			f.Add(b)
		}
	}
	f.Add([]byte(`{"kind":"List","items":[{"apiVersion":"a/b","kind":"X"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		objects, err := Read(b)
		r := Examine(Input{Objects: objects}, Options{})
		if r.Closed() && (err != nil || len(objects) == 0) {
			t.Errorf("%q is closed", b)
		}
		none := func(string) ([]byte, error) { return nil, os.ErrNotExist }
		Examine(Input{ImagePolicies: []AdmissionFile{{"f", b, none}}}, Options{})
	})
}

// TestTOML holds the parser against what TOML 1.0 says.
func TestTOML(t *testing.T) {
	text := "# c\nversion = 3\n'a b' = \"x\\ty\\u00e9\"\n[plugins.'io.x'.y]\n  n = -1_000\n  on = true\n  l = [ 'a', # c\n 'b', ]\n" +
		"  t = {a = 1, b.c = 'd', e = {}}\n  f = 1.5\n  m = \"\"\"\nfirst\nsecond\"\"\"\n[[list]]\nk = 1\n[[list]]\nk = 2\n[list.under]\nz = 0x10\n"
	c, err := parseTOML([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		got, want any
	}{
		{c.at("version"), int64(3)},
		{c.at("a b"), "x\tyé"},
		{c.at("plugins", "io.x", "y", "n"), int64(-1000)},
		{c.at("plugins", "io.x", "y", "on"), true},
		{c.at("plugins", "io.x", "y", "t", "b", "c"), "d"},
		{c.at("plugins", "io.x", "y", "f"), literal("1.5")},
		{c.at("plugins", "io.x", "y", "m"), "first\nsecond"},
		{len(c.at("plugins", "io.x", "y", "l").([]any)), 2},
		{c.at("list").([]any)[1].(table).at("under", "z"), int64(16)},
		{c.at("version", "x"), nil},
	} {
		if x.got != x.want {
			t.Errorf("got %#v; wanted %#v", x.got, x.want)
		}
	}
	for _, bad := range []string{
		"a", "a =", "a = b", "= 1", "a = 'x", "a = \"x\ny\"", "[a", "[[a]", "[]", "a = 1 b = 2", "a = 1\na = 2", "[a]\n[a]", "a = 1\n[a]", "a = [1", "a = {b = 1", "a = \"\\x\"",
		"a = \"\\ud800\"", "a = 'b' 'c'", "[a]\nb = 1\n[a.b]", "\xff", "a.b = 1\na = 2", "a = {b = 1}\n[[a]]",
	} {
		if v, err := parseTOML([]byte(bad)); err == nil {
			t.Errorf("%q: read %v", bad, v)
		}
	}
}
