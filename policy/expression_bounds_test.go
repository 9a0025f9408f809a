package policy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/releaseassay/assay/policy"
)

// hostile returns variables whose predicate is large in every way.
func hostile() policy.Variables {
	v := known()
	list := func(item string, n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	members := make([]string, 20_000)
	for i := range members {
		members[i] = fmt.Sprintf(`"k%d": 1`, i)
	}
	v.Predicate = json.RawMessage(`{"l": ` + list("1", 30_000) + `, "texts": ` + list(`"ab"`, 20_000) + `, "m": {` + strings.Join(members, ",") +
		`}, "s": "` + strings.Repeat("a", 64<<10) + `", "t": "` + strings.Repeat("a", 16<<10) + `b", "repeat": "(a{100}){10}", "word": "` + strings.Repeat("a", 600) + `", "version": "^v1[.]2{1}[.]3$"}`)
	return v.Bind()
}

// A call is charged for before it is made: no predicate makes one of them take long.
func TestExpressionCostOfCalls(t *testing.T) {
	v := hostile()
	for _, expr := range []string{
		"predicate.s.indexOf(predicate.t) == 1",
		"predicate.s.lastIndexOf(predicate.t) == 1",
		"predicate.s.indexOf(predicate.t, 1) == 1",
		"predicate.s.lastIndexOf(predicate.t, 60000) == 1",
		"predicate.s.indexOf('" + strings.Repeat("a", 1500) + "b') == 1",
		"predicate.texts.join(predicate.t) == ''",
		"predicate.l.map(x, predicate.l + predicate.l).size() == 0",
		"predicate.l.map(x, [x] + predicate.l).size() == 0",
		"predicate.l.map(x, predicate.s + predicate.s).size() == 0",
		"predicate.l.map(x, predicate.s.split('')).size() == 0",
		"predicate.l.map(x, predicate.texts.join()).size() == 0",
		"predicate.l.map(x, {'a': {'b': {'c': {'d': x}}}}).size() == 0",
		"predicate.l.all(x, predicate.m.exists(k, true))",
		"predicate.l.all(x, predicate.s.startsWith('a'))",
		"predicate.l.all(x, predicate.s.endsWith('a'))",
		"predicate.l.all(x, predicate.s.size() > 0)",
		"predicate.l.all(x, predicate.s.matches('^a'))",
		"predicate.s.matches('(a|aa|aaa){150}b')",
		"predicate.l.exists(x, predicate.m[predicate.s] == 1)",
		"predicate.l.exists(x, has(predicate.m[predicate.s].x))",
		"predicate.l.exists(x, 'a'.matches('^[^b]*$' + string(x) + 'b'))",
		"predicate.l.exists(x, 'aaa' in predicate.texts)",
		"predicate.l.exists(x, predicate.l == predicate.texts)",
	} {
		held, err := compile(t, "attestation", expr).Holds(v)
		if held || err == nil || !strings.HasPrefix(err.Error(), "the rule costs more than 5000000 to evaluate") {
			t.Errorf("%s: %v, %v", expr, held, err)
		}
	}
}

// What is written by hand is far from the bound.
func TestExpressionWithinCost(t *testing.T) {
	v := hostile()
	v.Document = many(10_000)
	v = v.Bind()
	for _, expr := range []string{
		"components.all(c, c.hashes.all(h, h.value.matches('^[0-9a-f]{64}$')))",
		"components.all(c, c.name.indexOf('-') == 9 && c.purl.split('@')[1] == '1.2.3')",
		"components.all(c, c.license in ['MIT', 'MIT OR Apache-2.0', 'Zlib'])",
		"components.map(c, c.name).join(',').startsWith('component-0,component-1,')",
		"(components.map(c, c.name) + ['x']).size() == 10001",
		"'k7' in predicate.m && !('x' in predicate.m) && predicate.m['k7'] == 1",
		"predicate.s.indexOf('b') == -1 && predicate.s.matches('^a+$')",
	} {
		if held, err := compile(t, "sbom", expr).Holds(v); !held || err != nil {
			t.Errorf("%s: %v, %v", expr, held, err)
		}
	}
}

// What this package calls in place of cel-go gives the same.
func TestExpressionCalls(t *testing.T) {
	for expr, want := range map[string]bool{
		"predicate.list + ['x'] == ['a', 'b', {'c': 1}, 'x'] && ([] + predicate.list)[1] == 'b'": true,
		"([1] + [2] + [3]).map(x, x + predicate.count) == [4, 5, 6]":                             true,
		"[1, 2, 3, 4].filter(x, x > predicate.count) + [5] == [4, 5]":                            true,
		"predicate.tag + '!' == 'v1.2.3!' && predicate.count + 1 == 4":                           true,
		"predicate.count != 3 || predicate.count == 3.0":                                         true,
		"predicate.count in [1, 2, 3] && predicate.count in [3.0] && !(predicate.tag in [1])":    true,
		"dyn(b'a') in ['a', image.tag]":                                                          false,
		"signed + duration('1h') > signed && b'a' + b'b' == b'ab'":                               true,
		"-predicate.count == -3 && !(predicate.ok == false)":                                     true,
		"predicate[predicate.list[0] == 'a' ? 'tag' : 'x'] == 'v1.2.3'":                          true,
		"predicate.tag.matches('^v' + '[0-9.]+' + '$') && matches(version, '^1')":                true,
	} {
		if got, err := compile(t, "attestation", expr).Holds(known()); got != want || err != nil {
			t.Errorf("%s: %v, %v; wanted %v", expr, got, err, want)
		}
	}
}

func TestExpressionPatterns(t *testing.T) {
	v := hostile()
	for expr, want := range map[string]string{
		"source.commit.matches('^[0-9a-f]{40}$')":                             "true, <nil>",
		"source.commit.matches('^[0-9a-f]{39}$')":                             "false, <nil>",
		"image.digest.matches('^sha256:[0-9a-f]{64,}$')":                      "true, <nil>",
		"image.tag.matches('^v[0-9]{1,3}([.][0-9]+){2,2}')":                   "true, <nil>",
		"image.tag.matches(predicate.version)":                                "true, <nil>",
		"image.tag.matches(predicate.word)":                                   "false, the pattern has 600 bytes; wanted at most 512 where it is not written out",
		"image.tag.matches('(' + predicate.repeat + ')?' + predicate.repeat)": "false, the pattern has 2319 steps with its repeats written out; wanted at most 2000",
		"image.tag.matches('(' + version)":                                    "false, error parsing regexp: missing closing ): `(1.2.3`",
		"image.tag.matches(predicate.l)":                                      "false, a value is not of the type that the rule takes it for (no such overload: matches)",
	} {
		held, err := compile(t, "attestation", expr).Holds(v)
		if got := fmt.Sprintf("%v, %v", held, err); got != want {
			t.Errorf("%s: %s; wanted %s", expr, got, want)
		}
	}
}

// What the documentation says of nothing and of other types.
func TestExpressionOfNothing(t *testing.T) {
	v := known()
	v.Predicate = json.RawMessage(`{"list": [], "map": {}, "state": 1, "text": "failed"}`)
	for expr, want := range map[string]bool{
		"predicate.list.all(c, c.ok == true) && predicate.map.all(k, k == '') && !predicate.list.exists(c, c.ok == true)": true,
		"size(predicate.list) > 0 && predicate.list.all(c, c.ok == true)":                                                 false,
		"size(predicate.map) > 0 && predicate.map.all(k, k == '')":                                                        false,
		"predicate.state != 'failed' && !(predicate.state == 'failed') && predicate.list != 'failed'":                     true,
		"predicate.state == 'passed' || predicate.state in ['passed', 'skipped']":                                         false,
		"type(predicate.state) == string && predicate.state != 'failed'":                                                  false,
		"type(predicate.text) == string && predicate.text != 'passed'":                                                    true,
	} {
		if got, err := compile(t, "attestation", expr).Holds(v); got != want || err != nil {
			t.Errorf("%s: %v, %v; wanted %v", expr, got, err, want)
		}
	}
}

// A message does not carry the predicate along.
func TestExpressionLongErrors(t *testing.T) {
	for _, expr := range []string{"timestamp(predicate.s) < now", "predicate[predicate.s] == 1"} {
		if _, err := compile(t, "attestation", expr).Holds(hostile()); err == nil || len(err.Error()) > 700 {
			t.Errorf("%s: %.800v", expr, err)
		}
	}
}
