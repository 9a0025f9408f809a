package report

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/releaseassay/assay/verify"
)

// constants returns the values of verify's constants of one type, as its source
// has them. A value that is there twice is returned twice.
func constants(t *testing.T, typ string) []string {
	t.Helper()
	files, err := filepath.Glob("../../verify/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				values = append(values, constantsOf(t, g, typ)...)
			}
		}
	}
	return values
}

func constantsOf(t *testing.T, g *ast.GenDecl, typ string) []string {
	t.Helper()
	var values []string
	for _, s := range g.Specs {
		spec := s.(*ast.ValueSpec)
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != typ {
			continue
		}
		for i := range spec.Names {
			literal, ok := spec.Values[i].(*ast.BasicLit)
			if !ok {
				t.Fatalf("the constant %s is not a literal", spec.Names[i].Name)
			}
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
	}
	return values
}

// TestEveryCodeHasAReason walks constants and reasons both ways: each code is
// there exactly once.
func TestEveryCodeHasAReason(t *testing.T) {
	count := func(values []string) map[string]int {
		counts := map[string]int{}
		for _, v := range values {
			counts[v]++
		}
		return counts
	}
	var listed []string
	for _, r := range verify.Reasons() {
		listed = append(listed, string(r.Code))
		if r.Meaning == "" || r.Next == "" {
			t.Errorf("%s has no meaning, or nothing to do next", r.Code)
		}
	}
	declared, reasons := count(constants(t, "Code")), count(listed)
	if len(declared) == 0 {
		t.Fatal("no constants of type Code were found")
	}
	pattern := regexp.MustCompile(schemaDocument(t)["$defs"].(map[string]any)["code"].(map[string]any)["pattern"].(string))
	for code, n := range declared {
		if n != 1 || reasons[code] != 1 {
			t.Errorf("%s is declared %d times and explained %d times; wanted once each", code, n, reasons[code])
		}
		if !pattern.MatchString(code) {
			t.Errorf("%s does not fit %s", code, pattern)
		}
	}
	for code := range reasons {
		if declared[code] == 0 {
			t.Errorf("%s is explained and no constant", code)
		}
	}
}

// subjects says what the codes of one subject are about, in the order of the page.
var subjects = []struct{ name, about string }{
	{"policy", "The policy could not be applied to this image."},
	{"trust", "The evidence rests on somebody whom the trusted root does not know."},
	{"signature", "The check `signature`: a cosign signature over the image."},
	{"provenance", "The check `provenance`: SLSA provenance of the image by a trusted builder."},
	{"release", "The check `release`: the project's TUF repository lists the image, and people signed for it."},
	{"sbom", "The check `sbom`: a signed bill of materials about the image, and what it says."},
	{"attestation", "A check `attestations.<name>`: a statement of a type that the policy names, and what it says."},
	{"platforms", "The check `platforms`: every image of an index has the evidence that it needs."},
	{"consistency", "The check `consistency`: all evidence that counts tells one story."},
	{"freshness", "The check `freshness`: the evidence is not too old."},
	{"exception", "The file of `--exceptions`. An exception excuses a failure, which stays one."},
	{"registry", "The registry did not give what was needed. The check that needed it is `error`, and nothing is decided."},
	{"github", "GitHub's attestations API did not give what was needed. The check that needed it is `error`."},
	{"tuf", "The server of the TUF repository did not give what was needed. The check that needed it is `error`."},
	{"layout", "The OCI layout on disk did not give what was needed. The check that needed it is `error`."},
	{"place", "A place that the policy names could not be asked. The check that needed it is `error`."},
	{"limit", "A bound was reached, so that not everything was read. The check that needed it is `error`."},
	{"reference", "A door of the server: the image is named in a way that no verdict can be held to."},
	{"secrets", "The server: a pod's pull secrets. Nothing is decided."},
	{"server", "The server had no answer yet, or takes no more questions. Nothing is decided."},
	{"request", "A door of the server: what it was sent."},
	{"internal", "A fault of this program, or of a library in it."},
}

// reasonsPage writes docs/reasons.md.
func reasonsPage(t *testing.T) string {
	t.Helper()
	rows := map[string][]string{}
	for _, r := range verify.Reasons() {
		subject, _, _ := strings.Cut(string(r.Code), ".")
		rows[subject] = append(rows[subject], fmt.Sprintf("| `%s` | %s | %s |\n", r.Code, column(r.Meaning), column(r.Next)))
	}
	var b strings.Builder
	b.WriteString("<!-- Written by go test ./internal/report -update from verify.Reasons(). Do not edit. -->\n\n")
	b.WriteString("# Reasons\n\n")
	b.WriteString("Every finding that is not a pass has a code, `subject.problem`. Codes are stable: new ones are added, none\n")
	b.WriteString("is renamed or given another meaning, so scripts may compare them. What was wanted and what was found, for\n")
	b.WriteString("each candidate, is in the verdict beside the code ([its schema](schema/verdict.v1.json)).\n\n")
	b.WriteString("A check whose result is `fail` refused what it found. A check whose result is `error` could not decide: if\n")
	b.WriteString("nothing else failed, the verdict is `fail` with `conclusive: false`, and `class` says whether asking again\n")
	b.WriteString("can help.\n")
	for _, s := range subjects {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| code | meaning | what to do |\n|---|---|---|\n%s", s.name, s.about, strings.Join(rows[s.name], ""))
		if rows[s.name] == nil {
			t.Errorf("there are no codes of the subject %s", s.name)
		}
		delete(rows, s.name)
	}
	if len(rows) > 0 {
		t.Errorf("the subjects %v have no place on the page", slices.Sorted(maps.Keys(rows)))
	}
	return b.String()
}

func column(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func TestReasonsPage(t *testing.T) {
	golden(t, "../../docs/reasons.md", reasonsPage(t))
}
