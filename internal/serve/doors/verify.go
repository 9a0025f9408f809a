package doors

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/verify"
)

// The headers of an answer at /v1/verify, beside the verdict in its body.
const (
	headerOutcome = "Assay-Outcome"
	headerVerdict = "Assay-Verdict"
	headerPinned  = "Assay-Pinned"
)

// maxWord bounds a version in bytes.
const maxWord = 256

// verify answers POST /v1/verify with the verdict, as `assay verify` prints it. No pull
// secrets are ever read for it.
func (d *doors) verify(ctx context.Context, c *call) (reply, *fault) {
	byStatus, f := byStatus(c)
	if f != nil {
		return reply{}, f
	}
	b, done, f := d.body(c)
	defer done()
	if f != nil {
		return reply{}, f
	}
	q, err := readQuestion(b)
	if err != nil {
		return reply{}, malformed("read the question: %v", err)
	}
	a := d.ask(ctx, []serve.Question{q})[q]
	x := decision{answer: a, outcome: a.Outcome, admitted: a.Outcome.Admits()}
	if len(a.Problems) > 0 {
		p := foremost(a)
		x.code, x.check = p.Code, p.Check
	}
	d.note(c, x, observe.Record{Namespace: q.Namespace, Image: q.Reference.String()})
	d.count(c, x)
	verdict, f := document(a)
	if f != nil {
		return reply{}, f
	}
	answer := reply{status: http.StatusOK, body: verdict, header: map[string]string{
		headerOutcome: a.Outcome.String(), headerVerdict: a.ID,
	}}
	if a.Outcome.Pins() {
		answer.header[headerPinned] = a.Pinned
	}
	if byStatus {
		answer.status = statusOf(a.Outcome)
	}
	return answer, nil
}

// byStatus reads ?status=verdict, with which the HTTP status is the verdict too: for
// callers that read nothing else, such as curl --fail.
func byStatus(c *call) (bool, *fault) {
	found := false
	for name, values := range c.http.URL.Query() {
		switch {
		case name == "timeout":
		case name == "status" && len(values) == 1 && values[0] == "verdict":
			found = true
		default:
			return false, malformed("found %.100q in the query; wanted timeout=DURATION and status=verdict at most", name)
		}
	}
	return found, nil
}

// statusOf is a verdict as an HTTP status. Only a pass is a success: what an exception,
// the audit mode or grace would let in is for an admission door to say.
func statusOf(o serve.Outcome) int {
	switch o {
	case serve.Passed:
		return http.StatusOK
	case serve.Undecided, serve.Graced:
		return http.StatusServiceUnavailable
	default:
		return http.StatusForbidden
	}
}

// document is the verdict of an answer, held against the outcome.
func document(a serve.Answer) ([]byte, *fault) {
	b, err := a.Verdict.JSON()
	if err != nil {
		p := foremost(a)
		switch {
		case a.Outcome == serve.Undecided:
			return nil, &fault{status: http.StatusServiceUnavailable, code: verify.Code(p.Code), text: p.Found}
		case p.Code == string(verify.PolicyNoRule): // no policy is for the namespace, so that none has judged
			return nil, &fault{status: http.StatusBadRequest, code: verify.PolicyNoRule, text: p.Found + "; " + p.Next}
		}
		return nil, &fault{status: http.StatusInternalServerError, code: verify.InternalPanic, text: "the answer has no verdict; this is a fault of assay, please report it"}
	}
	var v struct {
		Verdict      verify.Decision `json:"verdict"`
		Hypothetical bool            `json:"hypothetical"`
		Image        struct {
			Digest string `json:"digest"`
		} `json:"image"`
	}
	err = json.Unmarshal(b, &v)
	passed := v.Verdict == verify.Pass && !v.Hypothetical && v.Image.Digest == a.Digest && a.Digest != ""
	if err != nil || passed != (a.Outcome == serve.Passed) {
		return nil, &fault{status: http.StatusInternalServerError, code: verify.InternalPanic, text: "the verdict and the outcome disagree; this is a fault of assay, please report it"}
	}
	if !bytes.HasSuffix(b, []byte("\n")) {
		b = append(b, '\n')
	}
	return b, nil
}

// readQuestion reads the body of /v1/verify.
func readQuestion(b []byte) (serve.Question, error) {
	var none serve.Question
	m, err := parse(b)
	if err != nil {
		return none, err
	}
	if err := m.only("image", "namespace", "version", "fresh"); err != nil {
		return none, err
	}
	words := map[string]string{}
	for _, name := range []string{"image", "namespace", "version"} {
		if words[name], err = m.text(name); err != nil {
			return none, err
		}
		if _, there := m[name]; there && words[name] == "" {
			return none, fmt.Errorf("%s is empty", name)
		}
	}
	fresh, err := m.flag("fresh")
	if err != nil {
		return none, err
	}
	switch {
	case words["image"] == "":
		return none, fmt.Errorf("it has no image")
	case words["namespace"] != "" && !isNamespace(words["namespace"]):
		return none, fmt.Errorf("found the namespace %.100q, which cannot be one", words["namespace"])
	case len(words["version"]) > maxWord:
		return none, fmt.Errorf("version has more than %d bytes", maxWord)
	}
	return question(words["image"], words["namespace"], words["version"], fresh)
}
