package policy_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/quick"

	"github.com/releaseassay/assay/policy"
)

var variables = []string{"version", "major", "minor", "patch"}

func pattern(t *testing.T, s string) policy.Pattern {
	t.Helper()
	p, err := policy.ParsePattern(s, variables...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Attack 3 of the catalogue: names that nearly match.
func TestPatternNearMisses(t *testing.T) {
	const name = "https://github.com/owner/repo/.github/workflows/release.yml@refs/tags/v1.2.3"
	for _, text := range []string{
		name,
		"https://github.com/owner/repo/.github/workflows/release.yml@refs/tags/v{version}",
		"https://github.com/owner/repo/.github/workflows/*@refs/tags/v{version}",
		"https://github.com/owner/**@refs/tags/*",
	} {
		p := pattern(t, text)
		vars := policy.Vars{Version: "1.2.3"}
		if !p.Match(name, vars) {
			t.Errorf("%s does not match %s", text, name)
		}
		for what, s := range map[string]string{
			"prefix": "x" + name, "prefix with newline": "x\n" + name, "dot": strings.Replace(name, "github.com", "githubxcom", 1),
			"case": strings.Replace(name, "owner", "Owner", 1), "scheme": strings.Replace(name, "https", "http", 1),
			"trailing newline": name + "\n", "leading newline": "\n" + name, "carriage return": name + "\r", "query": name + "?x=y", "query in the path": strings.Replace(name, "@", "?x@", 1),
			"at": name + "@refs/heads/main", "space": name + " ", "null": name + "\x00", "slash in front": "/" + name, "nothing": "",
			"another owner": strings.Replace(name, "owner", "owner.evil", 1), "userinfo": strings.Replace(name, "//", "//x@", 1),
			"look-alike": strings.Replace(name, "owner", "\u043ewner", 1), "full width dot": strings.Replace(name, "github.com", "github\uff0ecom", 1),
			"broken UTF-8": strings.Replace(name, "release", "release\xff", 1), "non-breaking space": strings.Replace(name, "release", "re\u00a0lease", 1),
			"zero width space": strings.Replace(name, "release", "re\u200blease", 1), "line separator": strings.Replace(name, "release", "re\u2028lease", 1),
			"turned around": strings.Replace(name, "release", "re\u202elease", 1), "C1 control": strings.Replace(name, "release", "re\u0085lease", 1),
			"another branch": strings.Replace(name, "refs/tags/v1.2.3", "refs/heads/v1.2.3", 1),
		} {
			if p.Match(s, vars) {
				t.Errorf("%s matches %q (%s)", text, s, what)
			}
		}
	}
}

func TestPatternMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"refs/tags/v1", "refs/tags/v1", true},
		{"refs/tags/v1", "refs/tags/v1-evil", false},
		{"refs/tags/v*", "refs/tags/v1-evil", true},
		{"refs/tags/v*", "refs/tags/v", true},
		{"refs/tags/*", "refs/tags/a/b", false},
		{"refs/tags/**", "refs/tags/a/b", true},
		{"refs/tags/*", "refs/tags/a@b", false},
		{"refs/tags/**", "refs/tags/a@b", false},
		{"refs/tags/*@*", "refs/tags/a@b", true},
		{"refs/tags/*", "refs/tags/a b", false},
		{"refs/tags/*", "refs/tags/a?b", false},
		{"refs/tags/a b", "refs/tags/a b", true},
		{"*", "", false},
		{"**", "", false},
		{"**", "a/b", true},
		{"**", "a\nb", false},
		{"**", "a\tb", false},
		{"*/*", "a/b", true},
		{"*/*", "a/b/c", false},
		{"a.b", "axb", false},
		{"a+", "aa", false},
		{"a+", "a+", true},
		{"(?i)a", "A", false},
		{"a|b", "a", false},
		{"a|b", "a|b", true},
		{`\Aa\z`, "a", false},
		{"[ab]", "a", false},
		{"^a$", "a", false},
		{"a*", "A", false},
		{"*\u00e9", "caf\u00e9", true},
		{"*\u00e9", "cafe\u0301", false},
		{"*\ufffd", "caf\xff", false},
	} {
		if got := pattern(t, c.pattern).Match(c.s, policy.Vars{}); got != c.want {
			t.Errorf("%q matches %q: %v; wanted %v", c.pattern, c.s, got, c.want)
		}
	}
}

func TestPatternVersionIsLiteral(t *testing.T) {
	for _, c := range []struct {
		pattern, version, s string
		want                bool
	}{
		{"v{version}", "1.2.3", "v1.2.3", true},
		{"v{version}", "1.2.3", "v1x2.3", false},
		{"v{version}", "1.2.3", "v1.2.3-evil", false},
		{"v{version}", "1.*", "v1.2.3", false},
		{"v{version}", "1.*", "v1.*", true},
		{"*/v{version}", "1.*", "a/v1.2.3", false},
		{"*/v{version}", "1.*", "a/v1.*", true},
		{"*/v{version}", "**", "a/vb", false},
		{"v{version}", "1.2.3|x", "x", false},
		{"v{version}*", "1.2.3|v9", "v9", false},
		{"v{version}", "[0-9]+", "v1", false},
		{"*v{version}", "(?i)a", "vA", false},
		{"*v{version}", "1)|(.*", "anything", false},
		{"*v{version}", `\E.*`, "vx", false},
		{"v{version}", "{version}", "v{version}", true},
		{"v{version}", "", "v", false},
		{"v{version}*", "", "v", false},
		{"*v{version}", "\xff", "v\xff", false},
		{"{major}.{minor}", "1.2.3", "1.2", true},
		{"{major}.{minor}*", "1.2.3-rc.1+b", "1.2", true},
		{"{major}.{minor}.{patch}", "1.2.3-rc.1+b", "1.2.3", true},
		{"{major}", "1.2", "1", false},
		{"{major}", "a.b.c", "a", false},
	} {
		if got := pattern(t, c.pattern).Match(c.s, policy.Vars{Version: c.version}); got != c.want {
			t.Errorf("%q with version %q matches %q: %v; wanted %v", c.pattern, c.version, c.s, got, c.want)
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	for s, want := range map[string]string{
		"":             `the pattern is empty; wanted text, or "**" for anything`,
		"***":          `the pattern "***": three stars have no meaning; wanted * (no slash) or ** (anything)`,
		"a/***/b":      `the pattern "a/***/b": three stars have no meaning; wanted * (no slash) or ** (anything)`,
		"****":         `the pattern "****": three stars have no meaning; wanted * (no slash) or ** (anything)`,
		"{":            `the pattern "{": a { has no }`,
		"}":            `the pattern "}": a } has no {`,
		"{}":           `the pattern "{}": found {}; wanted one of {version}, {major}, {minor}, {patch}`,
		"{Version}":    `the pattern "{Version}": found {Version}; wanted one of {version}, {major}, {minor}, {patch}`,
		"{tag}":        `the pattern "{tag}": found {tag}; wanted one of {version}, {major}, {minor}, {patch}`,
		"{{version}}":  `the pattern "{{version}}": found {{version}; wanted one of {version}, {major}, {minor}, {patch}`,
		"{version}}":   `the pattern "{version}}": a } has no {`,
		"a\nb":         `the pattern "a\nb" has the character U+000A, which cannot be seen`,
		"a\x7f":        `the pattern "a\x7f" has the character U+007F, which cannot be seen`,
		"a\u200b":      `the pattern "a\u200b" has the character U+200B, which cannot be seen`,
		"a\xff":        `the pattern "a\xff" has the character 0xff, which cannot be seen`,
		"a\u00a0b":     `the pattern "a\u00a0b" has the character U+00A0, which cannot be seen`,
		"a/{version":   `the pattern "a/{version": a { has no }`,
		"{major}{x}/*": `the pattern "{major}{x}/*": found {x}; wanted one of {version}, {major}, {minor}, {patch}`,
	} {
		p, err := policy.ParsePattern(s, variables...)
		if err == nil || err.Error() != want || !p.IsZero() {
			t.Errorf("pattern %q gives %v; wanted %s", s, err, want)
		}
	}
	if _, err := policy.ParsePattern("{version}"); err == nil || err.Error() != `the pattern "{version}": found {version}; no variable is allowed here` {
		t.Errorf("a variable where none is allowed gives %v", err)
	}
}

func TestPatternProperties(t *testing.T) {
	for _, c := range []struct {
		s                    string
		exact, uses          bool
		expanded             string
		expands, withVersion bool
	}{
		{"a", true, false, "a", true, true},
		{"*", false, false, "", false, false},
		{"v{version}", true, true, "", false, true},
		{"*{version}", false, true, "", false, false},
	} {
		p := pattern(t, c.s)
		equal(t, c.s+" is exact", p.IsExact(), c.exact)
		equal(t, c.s+" uses the version", p.UsesVersion(), c.uses)
		got, ok := p.Expand(policy.Vars{})
		equal(t, c.s+" expands", ok, c.expands)
		equal(t, c.s+" expanded", got, c.expanded)
		_, ok = p.Expand(policy.Vars{Version: "1.2.3"})
		equal(t, c.s+" expands with a version", ok, c.withVersion)
	}
	var zero policy.Pattern
	for _, p := range []policy.Pattern{zero, policy.Exact("")} {
		_, expands := p.Expand(policy.Vars{Version: "1"})
		_, version := p.Version("1.2.3", "")
		if !p.IsZero() || p.IsExact() || p.UsesVersion() || expands || version || p.Match("", policy.Vars{}) || p.Match("a", policy.Vars{}) || p.Fits("", "") || p.Fits("a", "") {
			t.Error("the zero pattern says something")
		}
	}
}

func TestExactMatchesItselfAlone(t *testing.T) {
	alone := func(s, other string) bool {
		p := policy.Exact(s)
		return p.Match(s, policy.Vars{}) == (s != "") && (s == other || !p.Match(other, policy.Vars{}))
	}
	if err := quick.Check(alone, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
	for _, s := range []string{"\xff", "\ufffd", "*", "**", "***", "{version}", "{", "a\nb", `\Q.\E`} {
		if !alone(s, "\ufffd") || !alone(s, "x") || !alone(s, s+"\n") {
			t.Errorf("%q does not match itself alone", s)
		}
	}
	suffixed := func(s, more string) bool {
		return more == "" || !policy.Exact(s).Match(s+more, policy.Vars{}) && !policy.Exact(s).Match(more+s, policy.Vars{})
	}
	if err := quick.Check(suffixed, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}

func TestRegexp(t *testing.T) {
	for _, c := range []struct {
		re, s string
		want  bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"a", "ba", false},
		{"a", "a\n", false},
		{"^a$", "a", true},
		{"^a$", "a\n", false},
		{"(?m)^a$", "a", true},
		{"(?m)^a$", "b\na", false},
		{"(?m)^a$", "a\nb", false},
		{"(?m)a$", "a\n", false},
		{"a|b", "ax", false},
		{"a|b", "xb", false},
		{"a|b", "b", true},
		{"^a|b$", "ax", false},
		{"^a|b$", "xb", false},
		{"a|", "", false},
		{".*", "", false},
		{".*", "a\nb", false},
		{".*", "a\xff", false},
		{"a.c", "abc", true},
		{`a\.c`, "abc", false},
		{"(?i)a", "A", true},
		{"(?U)a+", "aa", true},
		{`\Aa\z`, "a", true},
	} {
		re, err := policy.ParseRegexp(c.re)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, c.re, re.String(), c.re)
		if got := re.Match(c.s); got != c.want {
			t.Errorf("%q matches %q: %v; wanted %v", c.re, c.s, got, c.want)
		}
	}
	for _, s := range []string{"", "(", ")", "a)|(b", `\Qa`, `a\`, "(?x) a", "a{1001}", "(?=a)"} {
		if re, err := policy.ParseRegexp(s); err == nil || !re.IsZero() {
			t.Errorf("%q is taken for a regular expression", s)
		}
	}
	if (policy.Regexp{}).Match("") || (policy.Regexp{}).Match("a") || !(policy.Regexp{}).IsZero() {
		t.Error("the zero expression matches")
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"a", "*", "**", "***", "v{version}", "refs/tags/*", "{major}.{minor}", "a|b", "\xff", "\\"} {
		f.Add(s, s, "1.2.3")
		f.Add(s, "refs/tags/v1.2.3", "1.2.3")
	}
	hidden := regexp.MustCompile(`[\p{Z}\p{C}@?]`)
	f.Fuzz(func(t *testing.T, text, s, version string) {
		p, err := policy.ParsePattern(text, variables...)
		if err != nil {
			if !p.IsZero() {
				t.Errorf("a refused pattern is %q", p)
			}
			return
		}
		vars := policy.Vars{Version: version}
		matched := p.Match(s, vars)
		want, expands := p.Expand(vars)
		if p.IsExact() && matched != (expands && s == want && s != "") {
			t.Errorf("%q with version %q matches %q: %v", text, version, s, matched)
		}
		if matched && !p.UsesVersion() && hidden.MatchString(s) && !hidden.MatchString(text) {
			t.Errorf("a wildcard of %q stands for a character in %q that it must not", text, s)
		}
		if v, ok := p.Version(s, ""); ok && (!policy.IsVersion(v, "") || !strings.Contains(s, v)) {
			t.Errorf("%q reads the version %q out of %q", text, v, s)
		} else if ok && !p.Match(s, policy.Vars{Version: v}) && !strings.Contains(text, "{m") && !strings.Contains(text, "{p") {
			t.Errorf("%q does not match %q with the version %q that it reads", text, s, v)
		}
		p.Fits(s, "")
	})
}
