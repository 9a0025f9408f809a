package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// JUnit writes the verdict as the XML in which test results are exchanged: one test case
// for each check, a failure for one that is not a pass, an error for one that could not
// be decided, skipped for one that nothing demands. Failures and errors are both none
// for a pass of now, and only for that.
func JUnit(w io.Writer, v verify.Verdict) error {
	suite := junitSuite{
		Name: value(reference(v)), Time: seconds(v.Run.DurationMS), Timestamp: v.Run.JudgedAt.UTC().Format("2006-01-02T15:04:05"),
		Properties: junitProperties(v),
	}
	for _, f := range v.Checks {
		suite.add(junitCaseOf(v, f))
	}
	if g := shortfallOf(v); g.code != "" {
		c := junitCase{Name: "verdict", Class: value(nameOf(v.Image))}
		c.Failure = &junitOutcome{Message: g.message, Type: g.code, junitBody: junitBody{"found: " + g.message + "\nnext: " + g.next}}
		suite.add(c)
	}
	all := junitSuites{
		Name: "assay", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Skipped: suite.Skipped,
		Time: suite.Time, Suites: []junitSuite{suite},
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("write the verdict as JUnit XML: %w", err)
	}
	b.WriteByte('\n')
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write the verdict as JUnit XML: %w", err)
	}
	return nil
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitOutcome `xml:"failure"`
	Error   *junitOutcome `xml:"error"`
	Skipped *junitSkipped `xml:"skipped"`
	Output  *junitBody    `xml:"system-out"`
}

type junitOutcome struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	junitBody
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

// junitBody is text of several lines, which only a CDATA section leaves readable.
type junitBody struct {
	Text string `xml:",cdata"`
}

// add counts a test case. No check is timed by itself.
func (s *junitSuite) add(c junitCase) {
	c.Time = "0"
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// junitCaseOf is one check. Classes are images, so that the same check of two of them is
// not one test case.
func junitCaseOf(v verify.Verdict, f verify.Finding) junitCase {
	c := junitCase{Name: value(f.ID), Class: value(nameOf(v.Image))}
	switch {
	case !f.Required:
		c.Skipped = &junitSkipped{Message: "not required"}
	case f.Result == verify.Passed:
		if text := fact(v, f); text != "" {
			c.Output = &junitBody{text}
		}
	case f.Result == verify.Errored:
		c.Error = junitOutcomeOf(v, f)
	default:
		c.Failure = junitOutcomeOf(v, f)
	}
	return c
}

func junitOutcomeOf(v verify.Verdict, f verify.Finding) *junitOutcome {
	says := summarise(v, f)
	lines := []string{"wanted: " + says.wanted, "found: " + says.found, "next: " + says.next}
	if f.Reproduce != "" {
		lines = append(lines, "by hand: "+command(f.Reproduce))
	}
	code := string(f.Code)
	if code == "" {
		code = codeUnexplained
	}
	return &junitOutcome{Message: "wanted " + says.wanted + "; found " + says.found, Type: value(code), junitBody: junitBody{strings.Join(lines, "\n")}}
}

// junitProperties are what a reader of the test cases alone would not know.
func junitProperties(v verify.Verdict) []junitProperty {
	decision := "fail"
	if v.Passed() {
		decision = "pass"
	}
	all := []junitProperty{
		{"verdict", decision}, {"conclusive", fmt.Sprint(v.Conclusive)}, {"requested", value(v.Image.Requested)}, {"digest", value(v.Image.Digest)},
		{"policy", value(v.Policy.Name)}, {"policy.digest", value(v.Policy.Digest)}, {"policy.rule", value(v.Policy.Rule)},
		{"assay", value(v.Run.Assay)},
	}
	if v.Hypothetical {
		all = append(all, junitProperty{"hypothetical", "judged as of " + stamp(v.Run.JudgedAt)})
	}
	if line := audit(v); line != "" {
		all = append(all, junitProperty{"audit", line})
	}
	if e := v.Exception; e != nil {
		checks, verb := exceptedChecks(e)
		all = append(all, junitProperty{"excepted", checks + " " + verb + " excused until " + stamp(e.Expires) + " by " + value(e.Approver)})
	}
	return all
}

// seconds writes milliseconds as seconds.
func seconds(ms int64) string { return fmt.Sprintf("%d.%03d", ms/1000, ms%1000) }
