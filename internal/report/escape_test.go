package report

import (
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/releaseassay/assay/verify"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"refs/tags/v1.0":       "refs/tags/v1.0",
		`^https://a\.b/`:       `^https://a\.b/`,
		"a b":                  "a b",
		" a  b":                `\x20a \x20b`,
		"a ":                   `a\x20`,
		"\x1b[31m\x00\x7f":     `\x1b[31m\x00\x7f`,
		"\x1b[31m\x00\x7f\x1b": `\x1b[31m\x00\x7f...[1 more bytes]`,
		"a\r\n\tb":             `a\r\n\tb`,
		"\xff":                 `\xff`,
		"\ufffd":               `\ufffd`,
		"\uffff":               `\uffff`,
		"\u009b2J":             `\u009b2J`,
		"\u202eabc\u2069":      `\u202eabc\u2069`,
		"gіthub":               `g\u0456thub`,
		"\U000e0041":           `\U000e0041`,
		"\U0001f600\U0001f600": `\U0001f600...[4 more bytes]`,
		"cut …":                "cut …",
		"0123456789abcdef":     "0123456789abcdef",
		"0123456789abcdefg":    "0123456789abcdef...[1 more bytes]",
		"0123456789abcdeé":     "0123456789abcde...[2 more bytes]",
	} {
		if got := Escape(in, 16); got != want {
			t.Errorf("Escape(%q) is %s; wanted %s", in, got, want)
		}
	}
}

// clean wants a report that a terminal can only show.
func clean(t testing.TB, report string) {
	t.Helper()
	if !utf8.ValidString(report) {
		t.Errorf("the report is not UTF-8: %q", report)
	}
	for _, r := range report {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("the report holds %U: %q", r, report)
		}
	}
}

// check wants all that holds of every report, whatever is in the verdict.
func check(t testing.TB, v verify.Verdict) {
	t.Helper()
	few := refusal(t, v)
	for _, page := range []string{text(t, v, TextOptions{}), details(t, v, TextOptions{}), few, md(t, v)} {
		clean(t, page)
		word := headline(v) + " "
		if !strings.HasPrefix(strings.TrimPrefix(page, "## "), word) && (page != few || !v.Passed()) {
			t.Errorf("a report does not begin with %s:\n%s", word, page)
		}
		if strings.Contains(page, "\nPASS") {
			t.Errorf("a line inside a report begins like a verdict:\n%s", page)
		}
	}
	harmless(t, "sample", v)
	if n := strings.Count(few, "\n"); n > RefusalLines || (n == 0) != v.Passed() {
		t.Errorf("the refusal has %d lines:\n%s", n, few)
	}
}

func FuzzText(f *testing.F) {
	for i, a := range attacks {
		f.Add(a, attacks[(i+1)%len(attacks)], byte(i))
	}
	f.Add("", " ", byte(7))
	all := []func() verify.Verdict{passing, impostor, crowded, undecided, ruleless, complete, disagreement, platformLacks, sbomRules, excepted}
	f.Fuzz(func(t *testing.T, a, b string, which byte) {
		v := all[int(which)%len(all)]()
		n := 0
		poison(reflect.ValueOf(&v).Elem(), func() string {
			if n++; n%2 == 0 {
				return a
			}
			return b
		})
		if which&0x80 != 0 { // so that the page for the built-in policy is reached
			v.Policy.BuiltIn = true
		}
		check(t, v)
	})
}
