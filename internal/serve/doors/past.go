package doors

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/releaseassay/assay/verify"
)

// verdictsPath is where past verdicts are listed by digest.
const verdictsPath = "/v1/verdicts/"

// The number of past verdicts that are listed.
const (
	fewVerdicts  = 20
	mostVerdicts = 100
)

// past is one verdict of the past, for people.
type past struct {
	Requested    string     `json:"requested"`
	Name         string     `json:"name"`
	Tag          string     `json:"tag,omitempty"`
	Digest       string     `json:"digest"`
	Outcome      string     `json:"outcome"`
	Verdict      string     `json:"verdict"`
	Policy       string     `json:"policy,omitempty"`
	PolicyDigest string     `json:"policy_digest,omitempty"`
	Rule         string     `json:"rule,omitempty"`
	Codes        []string   `json:"codes,omitempty"`
	JudgedAt     time.Time  `json:"judged_at"`
	Until        *time.Time `json:"until,omitempty"`
}

// verdicts answers GET /v1/verdicts/{digest}: what was judged about a digest, and under
// which references. It is for people: an image is never let in for what stands here.
func (d *doors) verdicts(_ context.Context, c *call) (reply, *fault) {
	digest := strings.TrimPrefix(c.http.URL.Path, verdictsPath)
	if !verify.IsDigest(digest) {
		return reply{}, malformed("found the digest %.200q; wanted sha256: and 64 lower-case hexadecimal digits", digest)
	}
	limit, f := listLimit(c)
	if f != nil {
		return reply{}, f
	}
	list := []past{}
	if d.Past != nil {
		for _, a := range d.Past.Verdicts(digest, limit) {
			p := past{
				Requested: a.Requested, Name: a.Name, Tag: a.Tag, Digest: a.Digest, Outcome: a.Outcome.String(), Verdict: a.ID,
				Policy: a.Policy, PolicyDigest: a.PolicyDigest, Rule: a.Rule, JudgedAt: a.JudgedAt.UTC(),
			}
			if !a.Until.IsZero() {
				until := a.Until.UTC()
				p.Until = &until
			}
			for _, problem := range a.Problems {
				p.Codes = append(p.Codes, problem.Code)
			}
			list = append(list, p)
		}
	}
	return asJSON(struct {
		Digest   string `json:"digest"`
		Verdicts []past `json:"verdicts"`
	}{digest, list})
}

// listLimit reads ?limit=N.
func listLimit(c *call) (int, *fault) {
	limit := fewVerdicts
	for name, values := range c.http.URL.Query() {
		n, err := strconv.Atoi(values[0])
		switch {
		case name == "timeout":
		case name != "limit" || len(values) != 1 || err != nil || n < 1 || n > mostVerdicts:
			return 0, &fault{
				status: http.StatusBadRequest, code: verify.RequestMalformed,
				text: "found another query than limit=N with N from 1 to " + strconv.Itoa(mostVerdicts),
			}
		default:
			limit = n
		}
	}
	return limit, nil
}
