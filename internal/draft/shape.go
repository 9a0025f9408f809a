package draft

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxRead is how many bytes of a predicate are read for what could be demanded of it.
const maxRead = 16 << 20

// shapeOf names the typed demand that there is for a predicate type, "" for none.
func shapeOf(kind string) string {
	switch {
	case strings.HasPrefix(kind, "https://in-toto.io/attestation/vulns/"), kind == "https://cosign.sigstore.dev/attestation/vuln/v1":
		return "scan"
	case kind == "https://openvex.dev/ns" || strings.HasPrefix(kind, "https://openvex.dev/ns/"):
		return "vex"
	case strings.HasPrefix(kind, "https://slsa.dev/verification_summary/"):
		return "vsa"
	case strings.HasPrefix(kind, "https://in-toto.io/attestation/test-result/"):
		return "tests"
	}
	return ""
}

// waysOf are demands on the content of a statement, and hints to write behind them.
func (d *drafter) waysOf(l *leg, e exhibit) (ways []way, hints []string) {
	p := read(e.Statement.Predicate())
	shape := shapeOf(e.kind)
	aged := fmt.Sprintf("max_age: %s", age(d.options.At.Sub(e.Statement.Time())))
	add := func(note string, lines ...string) {
		ways = append(ways, way{slices.DeleteFunc(lines, func(l string) bool { return l == "" }), note})
	}
	switch shape {
	case "scan":
		scanner := ""
		uri := text(p, "scanner", "uri")
		if i := strings.LastIndexByte(uri, '@'); i > strings.LastIndexByte(uri, '/') {
			uri = uri[:i] // every version of it
		}
		if uri != "" {
			scanner = "  scanners: " + list([]string{uri})
		}
		at, db := d.since(p, "max_age", "metadata", "scanFinishedOn"), d.since(p, "database_age", "scanner", "db", "lastUpdate")
		add("", aged, "scan:", scanner, at, db, "  deny: [critical, high]")
		add("The scan found vulnerabilities of the severity high: only critical ones are denied.", aged, "scan:", scanner, at, db, "  deny: [critical]")
		if scanner+at != "" {
			add("The scan found critical vulnerabilities, or its result cannot be read: none are denied.", aged, "scan:", scanner, at, db)
		}
	case "vex":
		author := ""
		if a := text(p, "author"); a != "" {
			author = "  authors: " + list([]string{a})
		}
		add("", aged, "vex:", "  statuses: [not_affected, fixed]", author)
		add("The VEX document says that vulnerabilities are under investigation, and they are let through.", aged, "vex:", "  statuses: [not_affected, fixed, under_investigation]", author)
		if author != "" {
			add("The VEX document says that the image is affected by vulnerabilities: no status is demanded.", aged, "vex:", author)
		}
	case "vsa":
		if verifier := text(p, "verifier", "id"); verifier != "" {
			levels, by := "", ""
			if found := words(p["verifiedLevels"]); len(found) > 0 {
				levels = "  levels: " + list(found)
			}
			if uri := text(p, "policy", "uri"); uri != "" {
				by = "  policy: " + quoted(uri)
			}
			id := "  verifier: " + quoted(verifier)
			add("", "vsa:", id, by, levels)
			add("Of the verification summary, the levels cannot be demanded.", "vsa:", id, by)
			add("Of the verification summary, policy and levels cannot be demanded.", "vsa:", id)
		}
		hints = append(hints, "# max_age: 365d # summaries older than that would not count")
	case "tests":
		if passed := words(p["passedTests"]); len(passed) > 0 {
			add("", "tests: {passed: "+list(passed)+"}")
		}
		add("", "tests: passed")
		hints = append(hints, "# max_age: 365d # results older than that would not count")
	default:
		ways = d.metadata(l, e, p)
	}
	note := "Of the attestation of the type " + comment(e.kind) + ", no more than that it exists is demanded."
	if shape != "" {
		note = "The content of the attestation of the type " + comment(e.kind) + " meets no demand that could be written: only that it exists is demanded."
	}
	add(note)
	return ways, hints
}

// ages are what is proposed for max_age.
var ages = []int{7, 30, 90, 365, 3650}

// age is the shortest of ages that a statement of this age is under, with a day to spare.
func age(of time.Duration) string {
	for _, days := range ages {
		if of < time.Duration(days-1)*24*time.Hour {
			return fmt.Sprintf("%dd", days)
		}
	}
	return fmt.Sprintf("%dd", ages[len(ages)-1])
}

// since proposes a bound on how long ago a time in a predicate may lie, "" where it has
// none.
func (d *drafter) since(p map[string]any, key string, path ...string) string {
	t, err := time.Parse(time.RFC3339, text(p, path...))
	if err != nil || t.After(d.options.At) {
		return ""
	}
	return "  " + key + ": " + age(d.options.At.Sub(t))
}

// read reads a predicate for what could be demanded of it; nothing where it is none.
func read(b []byte) map[string]any {
	if len(b) > maxRead {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var p map[string]any
	if dec.Decode(&p) != nil {
		return nil
	}
	return p
}

// text returns the string at a path of members, "" where there is none.
func text(p map[string]any, path ...string) string {
	for _, name := range path[:len(path)-1] {
		p, _ = p[name].(map[string]any)
	}
	s, _ := p[path[len(path)-1]].(string)
	return s
}

// maxWords is how many words of a list are demanded by name.
const maxWords = 50

// words returns a list of strings, nothing where it is none or too long.
func words(v any) []string {
	all, _ := v.([]any)
	if len(all) > maxWords {
		return nil
	}
	var texts []string
	for _, x := range all {
		s, ok := x.(string)
		if !ok || s == "" {
			return nil
		}
		texts = append(texts, s)
	}
	return unique(texts)
}
