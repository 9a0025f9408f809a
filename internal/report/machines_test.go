package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/releaseassay/assay/verify"
)

// machines are the formats for other programs, by the ends of their golden files.
var machines = map[string]func(io.Writer, verify.Verdict) error{"sarif": SARIF, "junit.xml": JUnit, "vsa": VSA}

func machine(t testing.TB, format string, v verify.Verdict) string {
	t.Helper()
	var b bytes.Buffer
	if err := machines[format](&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGoldenMachines(t *testing.T) {
	for _, name := range []string{"complete", "several-candidates", "undecided-content", "excepted", "no-rule", "hostile"} {
		for format := range machines {
			golden(t, filepath.Join("testdata", name+"."+format), machine(t, format, samples[name]()))
		}
	}
}

// changed is a sample with a change.
func changed(sample func() verify.Verdict, change func(*verify.Verdict)) func() verify.Verdict {
	return func() verify.Verdict {
		v := sample()
		change(&v)
		return v
	}
}

// notNow are verdicts that look like a pass and let nothing run, or nothing by themselves.
var notNow = map[string]func() verify.Verdict{
	"zero":         func() verify.Verdict { return verify.Verdict{} },
	"hypothetical": changed(complete, func(v *verify.Verdict) { v.Hypothetical = true }),
	"nothing":      changed(passing, func(v *verify.Verdict) { v.Verdict = verify.Fail }),
	"none required": changed(passing, func(v *verify.Verdict) {
		v.Verdict, v.Checks[0].Required, v.Checks[1].Required = verify.Fail, false, false
	}),
	"audit failure": changed(impostor, func(v *verify.Verdict) { v.Enforced = yes(false) }),
	"excused":       excepted,
	"not judged":    changed(impostor, func(v *verify.Verdict) { v.Checks[0].Result, v.Checks[0].Code = verify.NotRequired, "" }),
	"no code":       changed(impostor, func(v *verify.Verdict) { v.Checks[0].Code = "" }),
}

// TestMachinesTellAPassApart wants the one thing that a careless reader looks at to be
// right in each format: results, failures and errors, PASSED.
func TestMachinesTellAPassApart(t *testing.T) {
	judge := func(name string, v verify.Verdict, pass bool) {
		var log sarifLog
		if err := json.Unmarshal([]byte(machine(t, "sarif", v)), &log); err != nil {
			t.Fatal(err)
		}
		if got := len(log.Runs[0].Results) == 0; got != pass {
			t.Errorf("%s: SARIF has no results: %v", name, got)
		}
		for _, r := range log.Runs[0].Results {
			if r.Level != "error" || r.RuleID == "" || log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
				t.Errorf("%s: the result is %+v", name, r)
			}
		}
		var suites junitSuites
		if err := xml.Unmarshal([]byte(machine(t, "junit.xml", v)), &suites); err != nil {
			t.Fatal(err)
		}
		count := junitSuite{}
		for _, c := range suites.Suites[0].Cases {
			count.add(c)
		}
		if got := suites.Failures+suites.Errors == 0; got != pass || suites.Tests == 0 {
			t.Errorf("%s: JUnit has no failures: %v, of %d tests", name, got, suites.Tests)
		}
		if one := suites.Suites[0]; count.Tests != suites.Tests || count.Failures != suites.Failures || count.Errors != suites.Errors || count.Skipped != suites.Skipped ||
			one.Tests != suites.Tests || one.Failures != suites.Failures || one.Errors != suites.Errors || one.Skipped != suites.Skipped {
			t.Errorf("%s: JUnit counts %+v; wanted %+v", name, suites, count)
		}
		summary := machine(t, "vsa", v)
		if got := strings.Contains(summary, "PASSED"); got != pass || strings.Contains(summary, "FAILED") == pass || strings.Contains(summary, "LEVEL") && !pass {
			t.Errorf("%s: the summary is\n%s", name, summary)
		}
	}
	for name, make := range samples {
		v := make()
		if !strings.HasPrefix(name, "hostile") {
			judge(name, v, v.Passed() && !v.Hypothetical)
		}
	}
	for name, make := range notNow {
		judge(name, make(), false)
	}
	judge("audit pass", changed(complete, func(v *verify.Verdict) { v.Enforced = yes(false) })(), true)
}

// TestMachinesAreHarmless wants nothing from outside to be more than text, whichever
// string of a verdict it is.
func TestMachinesAreHarmless(t *testing.T) {
	for name, make := range samples {
		for shift, all := range [][]string{attacks, append(markup, "]]>", "\x00\x01\ufffe", "{0} {version}", "&amp;<!DOCTYPE x>"), {"PASSED", "pass", "SLSA_BUILD_LEVEL_3"}} {
			v, n := make(), shift
			poison(reflect.ValueOf(&v).Elem(), func() string { n++; return all[n%len(all)] })
			harmless(t, name, v)
			if vouched(v) {
				t.Errorf("%s: a verdict of nonsense is vouched for", name)
			}
		}
	}
}

func harmless(t testing.TB, name string, v verify.Verdict) {
	t.Helper()
	for format := range machines {
		doc := machine(t, format, v)
		clean(t, doc)
		switch format {
		case "junit.xml":
			wellFormed(t, name, doc)
			continue
		case "vsa": // the decision is its own word, not a name's
			var s summaryStatement
			if err := json.Unmarshal([]byte(doc), &s); err != nil || !vouched(v) && (s.Predicate.Result != "FAILED" || !reflect.DeepEqual(s.Predicate.Levels, []string{"FAILED"})) {
				t.Errorf("%s: %v: the summary is %+v", name, err, s)
			}
			continue
		}
		var log sarifLog
		if err := json.Unmarshal([]byte(doc), &log); err != nil {
			t.Fatal(err)
		}
		for _, r := range log.Runs[0].Results {
			if strings.ContainsAny(r.Message.Text, "[]") || placeholder.MatchString(r.Message.Text) {
				t.Errorf("%s: there is a link or a placeholder in %s", name, r.Message.Text)
			}
			if uri := r.Locations[0].Physical.Artifact.URI; uri == "" || strings.ContainsAny(uri, ": \\?#") || strings.HasPrefix(uri, "/") || strings.Contains("/"+uri+"/", "/../") {
				t.Errorf("%s: the path is %s", name, uri)
			}
		}
	}
}

// wellFormed wants XML with the elements and attributes of JUnit alone.
func wellFormed(t testing.TB, name, doc string) {
	t.Helper()
	allowed := map[string]string{
		"testsuites": "name tests failures errors skipped time", "testsuite": "name tests failures errors skipped time timestamp",
		"properties": "", "property": "name value", "testcase": "name classname time", "failure": "message type", "error": "message type",
		"skipped": "message", "system-out": "",
	}
	dec := xml.NewDecoder(strings.NewReader(doc))
	for {
		token, err := dec.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, doc)
		}
		start, ok := token.(xml.StartElement)
		if _, directive := token.(xml.Directive); directive {
			t.Errorf("%s: there is a directive", name)
		}
		if !ok {
			continue
		}
		attributes, ok := allowed[start.Name.Local]
		var found []string
		for _, a := range start.Attr {
			found = append(found, a.Name.Local)
		}
		if got := strings.Join(found, " "); !ok || got != attributes {
			t.Errorf("%s: <%s> has %q; wanted %q", name, start.Name.Local, got, attributes)
		}
	}
}

// TestMachinesAreBounded wants a thousand of everything to give a report, not a book.
func TestMachinesAreBounded(t *testing.T) {
	v := excepted()
	for range 1000 {
		v.Notices = append(v.Notices, verify.Notice{Code: "policy.expires_soon", Message: "soon"})
		v.Run.Failed = append(v.Run.Failed, verify.FailedFetch{Code: verify.RegistryTimeout, Place: "x"})
		of(&v, "sbom").Found = append(of(&v, "sbom").Found, sbomOf(sha("56")))
	}
	for format := range machines {
		if got := machine(t, format, v); len(got) > 20_000 {
			t.Errorf("the %s has %d bytes", format, len(got))
		}
	}
	if got := machine(t, "sarif", v); !strings.Contains(got, "more") {
		t.Error("the SARIF does not say that there is more")
	}
}

// TestMachinesRepeat wants the same bytes of the same verdict, and of another run nothing
// else than the run to differ.
func TestMachinesRepeat(t *testing.T) {
	for name, make := range samples {
		for format := range machines {
			if first, again := machine(t, format, make()), machine(t, format, make()); first != again {
				t.Errorf("%s: two %s of one verdict differ", name, format)
			}
		}
	}
	v := complete()
	v.Run.Places, v.Run.Looked, v.Run.Requests, v.Run.Bytes = nil, nil, 7, 7
	for format := range machines {
		if machine(t, format, v) != machine(t, format, complete()) {
			t.Errorf("the %s of a pass depends on where the evidence lay", format)
		}
	}
}
