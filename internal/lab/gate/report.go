package gate

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Report is what came of a run.
type Report struct {
	// Gate is the command line.
	Gate string `json:"gate"`
	// Attacks and Releases are how many cases were to be refused and admitted.
	Attacks  int `json:"attacks"`
	Releases int `json:"releases"`
	// Through, Stopped, Wrong and Unasked count what did not come out as wanted.
	Through int      `json:"through"`
	Stopped int      `json:"stopped"`
	Wrong   int      `json:"wrong_reason"`
	Unasked int      `json:"not_asked"`
	Cases   []Result `json:"cases"`

	assay bool
}

func newReport(g Command, results []Result) *Report {
	r := &Report{Gate: strings.Join(g.Args, " "), Cases: results, assay: g.Assay}
	for _, c := range results {
		if c.Good() {
			r.Releases++
		} else {
			r.Attacks++
		}
		switch c.Outcome {
		case Through:
			r.Through++
		case Stopped:
			r.Stopped++
		case Other:
			r.Wrong++
		case Unasked:
			r.Unasked++
		case Held:
		}
	}
	return r
}

// Sound reports whether nothing got through, and the run could have shown it: a gate that admits no good release, or was
// asked about none, has not judged anything. assay has to have every answer right.
func (r *Report) Sound() bool {
	if r.assay {
		return len(r.Cases) > 0 && r.Through+r.Stopped+r.Wrong+r.Unasked == 0
	}
	return r.Through == 0 && r.Stopped < r.Releases
}

// Text writes a table of what did not come out as wanted, or of everything, and a closing line.
func (r *Report) Text(w io.Writer, all bool) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, c := range r.Cases {
		if c.Outcome == Held && !all {
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", strings.ToUpper(string(c.Outcome)), c.ID, c.Says)
		if c.Outcome != Held {
			fmt.Fprintf(t, "\t\t%s\n", c.Shows)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	line := fmt.Sprintf("%d through of %d attacks, %d stopped of %d good releases", r.Through, r.Attacks, r.Stopped, r.Releases)
	if r.assay {
		line += fmt.Sprintf(", %d refused for another reason", r.Wrong)
	}
	if r.Unasked > 0 {
		line += fmt.Sprintf(", %d attacks not asked", r.Unasked)
	}
	switch {
	case r.assay || r.Stopped < r.Releases:
	case r.Releases == 0:
		line += "\nThis shows nothing: no good release was asked about, and a gate that refuses everything would look the same.\nAdd --case '00-*'."
	default:
		line += "\nThis shows nothing: the gate admitted no good release, as one that refuses everything."
	}
	if _, err := fmt.Fprintf(w, "%s\n%s\n", r.Gate, line); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// JSON writes everything.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

type junitSuites struct {
	XMLName xml.Name   `xml:"testsuites"`
	Suite   junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes one test case for each case of the range.
func (r *Report) JUnit(w io.Writer) error {
	suite := junitSuite{Name: clean(r.Gate), Tests: len(r.Cases)}
	for _, c := range r.Cases {
		j := junitCase{Class: fmt.Sprintf("lab.class%02d", c.Class), Name: c.ID, Time: fmt.Sprintf("%.3f", float64(c.DurationMS)/1000)}
		if c.Outcome != Held {
			suite.Failures++
			j.Failure = &junitFailure{Message: clean(c.Says), Type: string(c.Outcome), Text: c.Shows + "\n" + c.Image}
		}
		suite.Cases = append(suite.Cases, j)
	}
	raw, err := xml.MarshalIndent(junitSuites{Suite: suite}, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s%s\n", xml.Header, raw); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
