package policy_test

import (
	"strings"
	"testing"
)

// billed puts one expression, as it is written in YAML, on line 7 from column 27.
func billed(expr string) string { return bom("rules: [{expr: " + expr + "}]") }

const variablesOfBills = "components, dependencies, described, document, image, now, predicate, signed, signer, source, tools, version"

// A mistake in an expression stands at its place in the file, however YAML writes it.
func TestRefuseExpression(t *testing.T) {
	const what = "sbom.rules.expr"
	long := strings.Repeat("a", 2049)
	refuse(t, []refusal{
		{"a field", billed("\"image.digst == 'a'\""), []string{"p.yaml:7:33: " + what + ": undefined field 'digst'"}},
		{"a field of a component", billed("\"components.all(c, c.licence == 'MIT')\""), []string{"p.yaml:7:47: " + what + ": undefined field 'licence'"}},
		{"a field of the signer", billed("signer.name == version"), []string{"p.yaml:7:33: " + what + ": undefined field 'name'"}},
		{"a variable", billed("\"a \\\"\\\\ b\""), []string{
			"p.yaml:7:30: " + what + ": Syntax error: token recognition error at: '\"\\ '", "p.yaml:7:35: " + what + ": Syntax error: extraneous input 'b' expecting <EOF>",
		}},
		{"a variable behind what is escaped", billed("\"image.name == \\\"\\\" || imag.name == ''\""), []string{"p.yaml:7:50: " + what + ": undeclared reference to 'imag'"}},
		{"in single quotes", billed("'image.name == '''' || imag.name == \"\"'"), []string{"p.yaml:7:50: " + what + ": undeclared reference to 'imag'"}},
		{"behind letters of several bytes", billed("\"image.name == 'ä€' || imag.name == ''\""), []string{"p.yaml:7:50: " + what + ": undeclared reference to 'imag'"}},
		{"on several lines", head + `images:
  - match: ghcr.io/o/n
    sbom:
      ` + anybody + `
      rules:
        - expr: |
            image.name == 'a' &&
            imag.name == 'b'
`, []string{"p.yaml:11:13: " + what + ": undeclared reference to 'imag'"}},
		{"on lines that YAML folds", head + `images:
  - match: ghcr.io/o/n
    sbom:
      ` + anybody + `
      rules:
        - expr: >
            image.name == 'a' &&
            imag.name == 'b'
`, []string{"p.yaml:9:17: " + what + ": undeclared reference to 'imag' (line 1, character 22 of the text)"}},
		{"behind an escape that is no quote", billed("\"image.name == '\\u0041' || imag == ''\""), []string{
			"p.yaml:7:27: " + what + ": undeclared reference to 'imag' (line 1, character 22 of the text)",
		}},
		{"no bool", billed("image.name"), []string{"p.yaml:7:27: " + what + " gives string; wanted true or false, as a comparison does"}},
		{"perhaps a bool", billed("predicate.ok"), []string{"p.yaml:7:27: " + what + " gives dyn; wanted true or false, as a comparison does"}},
		{"nothing", billed("1 < 2"), []string{"p.yaml:7:27: " + what + " speaks of nothing; wanted a demand on one of " + variablesOfBills}},
		{"true", billed("true"), []string{"p.yaml:7:27: " + what + " is true, which demands nothing or everything; wanted an expression over the content"}},
		{"quoted truth", billed("'true'"), []string{"p.yaml:7:27: " + what + " speaks of nothing; wanted a demand on one of " + variablesOfBills}},
		{"a number", billed("1"), []string{"p.yaml:7:27: " + what + " is int 1; wanted text: write it in quotes"}},
		{"empty", billed("''"), []string{"p.yaml:7:27: " + what + " is empty"}},
		{"too long", billed("'version == \"" + long + "\"'"), []string{"p.yaml:7:27: " + what + " has 2062 bytes; wanted at most 2048"}},
		{"a comment", billed("\"version == 'a' // && false\""), []string{
			"p.yaml:7:27: " + what + " has a comment (//), which may hide what stands behind it; wanted a comment of YAML (#) beside it",
		}},
		{"a regular expression", billed("\"version.matches('(')\""), []string{"p.yaml:7:44: " + what + ": invalid matches argument: error parsing regexp: missing closing ): `(`"}},
		{"a regular expression that grows", billed("\"version.matches('((a{10}){10}){10}(b{999})')\""), []string{
			"p.yaml:7:44: " + what + ": invalid matches argument: the pattern has 2867 steps with its repeats written out; wanted at most 2000",
		}},
		{"items that it lists itself", billed("'[1].all(x, x == 1)'"), []string{"p.yaml:7:27: " + what + " speaks of nothing; wanted a demand on one of " + variablesOfBills}},
		{"truths that it lists itself", billed("'[true].exists(x, x)'"), []string{"p.yaml:7:27: " + what + " speaks of nothing; wanted a demand on one of " + variablesOfBills}},
		{"items inside items", billed("'[1].all(x, [x].exists(y, y == x))'"), []string{"p.yaml:7:27: " + what + " speaks of nothing; wanted a demand on one of " + variablesOfBills}},
		{"items that hide a variable", billed("'[1].all(predicate, predicate == 1)'"), []string{
			"p.yaml:7:35: " + what + ": the items of a list are called predicate, which hides the variable; wanted another name",
		}},
		{"items that hide another variable", billed("'components.exists(version, version.name != image.name)'"), []string{
			"p.yaml:7:45: " + what + ": the items of a list are called version, which hides the variable; wanted another name",
		}},
		{"a time", billed("\"now < timestamp('yesterday')\""), []string{"p.yaml:7:44: " + what + ": invalid timestamp argument"}},
		{"types that do not fit", billed("\"version > 1\""), []string{"p.yaml:7:36: " + what + ": found no matching overload for '_>_' applied to '(string, int)'"}},
		{"a function that grows", billed("\"version.replace('', version) == ''\""), []string{"p.yaml:7:43: " + what + ": undeclared reference to 'replace'"}},
		{"a calendar of a place", billed("\"now.getHours('Europe/Berlin') > 1\""), []string{"p.yaml:7:40: " + what + ": found no matching overload for 'getHours' applied to 'timestamp.(string)'"}},
		{"no rules", bom("rules: []"), []string{"p.yaml:7:19: sbom.rules is an empty list; leave the key out or name at least one"}},
		{"a rule of nothing", bom("rules: [{name: a}]"), []string{`p.yaml:7:20: sbom.rules has a rule without "expr"; wanted {name, expr}`}},
		{"a rule as text", bom("rules: [version == 'a']"), []string{`p.yaml:7:20: sbom.rules is "version == 'a'"; wanted a mapping with expr, name`}},
		{"a name", bom("rules: [{name: No GPL, expr: version != ''}]"), []string{`p.yaml:7:27: sbom.rules.name is "No GPL"; wanted lower-case letters, digits and '-', at most 63`}},
		{"a name twice", bom("rules: [{name: a, expr: version != ''}, {name: a, expr: version != ''}]"), []string{"p.yaml:7:52: sbom.rules has two rules of the name a"}},
		{"components of no bill of materials", typed("rules: [{expr: \"components.size() > 0\"}]"), []string{"p.yaml:7:41: attestations.a.rules.expr: undeclared reference to 'components'"}},
	})
	for _, expr := range []string{
		"version == 'http://a'", `version == "//"`, `version == '''a'//b'''`, `version == r'\' || version == '//'`, `version == '\'//'`,
	} {
		parse(t, strings.ReplaceAll(head+"images:\n  - match: ghcr.io/o/n\n    sbom:\n      "+anybody+"\n      rules:\n        - expr: |\n            EXPR\n", "EXPR", expr))
	}
}
