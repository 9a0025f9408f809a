package report

import (
	"reflect"
	"strings"
	"testing"

	"github.com/releaseassay/assay/verify"
)

// markup is what would be more than text if a renderer saw it.
var markup = []string{
	"`| x |", "a|b\\|c", "ends in \\", "<img src=x onerror=alert(1)>", "@mallory look", "[PASS](https://evil.example)", "``` \n# PASS\n",
	"![x](https://evil.example/p.png)", "closes #1", "https://evil.example", "\\`x\\`", "<!-- -->", "", "|",
}

// TestMarkdownIsOnlyText wants everything from outside to stay inside a code span, and
// each row of a table to have the columns of its head.
func TestMarkdownIsOnlyText(t *testing.T) {
	for name, make := range samples {
		for shift := range markup {
			v, n := make(), shift
			poison(reflect.ValueOf(&v).Elem(), func() string { n++; return markup[n%len(markup)] })
			onlyText(t, name, md(t, v))
		}
		onlyText(t, name, md(t, make()))
	}
}

func onlyText(t *testing.T, name, doc string) {
	t.Helper()
	columns := 0
	for _, line := range strings.Split(doc, "\n") {
		parts := strings.Split(line, "`")
		if len(parts)%2 == 0 {
			t.Fatalf("%s: a code span is not closed: %s", name, line)
		}
		outside := ""
		for i := 0; i < len(parts); i += 2 {
			outside += parts[i]
		}
		if strings.ContainsAny(outside, "<>@[]!\\*_") || strings.Contains(outside, "//") {
			t.Fatalf("%s: there is markup outside of the code spans: %s", name, line)
		}
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(line, "|")
		if columns == 0 {
			columns = n
		}
		if n != columns {
			t.Fatalf("%s: a row has %d bars; its head has %d: %s", name, n, columns, line)
		}
	}
}

// TestMarkdownIsBounded wants a thousand of everything to give a page, not a book.
func TestMarkdownIsBounded(t *testing.T) {
	v := excepted()
	for range 1000 {
		v.Notices = append(v.Notices, verify.Notice{Code: "policy.expires_soon", Message: "soon"})
		v.Run.Failed = append(v.Run.Failed, verify.FailedFetch{Code: verify.RegistryTimeout, Place: "x"})
		f, p := of(&v, "consistency"), of(&v, "platforms").Platforms
		f.Story = append(f.Story, f.Story[0])
		f.Story[0].Sources = append(f.Story[0].Sources, verify.VerdictValue{Source: strings.Repeat("s", len(f.Story)), Value: strings.Repeat("v", len(f.Story))})
		p.Children = append(p.Children, p.Children[0])
	}
	for name, page := range map[string]string{"markdown": md(t, v), "text": text(t, v, TextOptions{}), "details": details(t, v, TextOptions{})} {
		if n := strings.Count(page, "\n"); n > 700 {
			t.Errorf("the %s has %d lines", name, n)
		}
		for _, want := range []string{"more claims", "more platforms", "more"} {
			if !strings.Contains(page, want) {
				t.Errorf("the %s does not say that there are %s", name, want)
			}
		}
	}
}
