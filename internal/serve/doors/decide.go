package doors

import (
	"context"
	"encoding/json"
	"net"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/kube"
	"github.com/releaseassay/assay/verify"
)

// decision is what becomes of one image of an object. Its zero value refuses.
type decision struct {
	ref      kube.Ref
	answer   serve.Answer
	outcome  serve.Outcome // the answer's, or Refused for what the object says
	pinned   bool          // the reference has a digest
	admitted bool
	// left is an image that nobody judged: one without a name, which a later webhook may name.
	left bool
	// code and check are of the first thing that is not as it should be, "" for none.
	code, check string
	denial      kube.Denial
	warning     string
	namespace   string // of a key that names one
	pin         string // the reference with the digest to be written, "" to leave it
}

// terms are what a door demands beside a verdict.
type terms struct {
	mutate bool // digests are about to be written, and need not be there
	tags   bool // they need not be there at all
}

// objectCheck is the check of what is wrong with the object and not with the image.
const objectCheck = "reference"

// decide judges the images of a review at once.
func (d *doors) decide(ctx context.Context, c *call, r review, t terms) []decision {
	refs := r.question.Judge
	questions := make([]serve.Question, 0, len(refs))
	parsed := make([]*serve.Question, len(refs))
	all := make([]decision, len(refs))
	for i, ref := range refs {
		all[i].ref = ref
		reference, err := verify.ParseReference(ref.Image)
		switch {
		case ref.Image == "" && t.mutate:
			all[i].left, all[i].admitted = true, true // validate does not let it through
		case err != nil:
			all[i].refuse(verify.ReferenceMalformed, "NAME:TAG, NAME@sha256:HEX or NAME:TAG@sha256:HEX", err.Error())
		default:
			questions = append(questions, serve.Question{Reference: reference, Namespace: r.namespace, Tenant: d.tenant(r, ref)})
			parsed[i], all[i].pinned = &questions[len(questions)-1], reference.Digest() != ""
		}
	}
	answers := d.ask(ctx, questions)
	for i := range all {
		if parsed[i] != nil {
			all[i].answer = answers[*parsed[i]]
			all[i].judge(t)
		}
		all[i].denial.Run = command(c, r.namespace, all[i])
	}
	return all
}

// judge says what becomes of an image that was judged.
func (x *decision) judge(t terms) {
	a := x.answer
	x.outcome = a.Outcome
	if !a.Outcome.Admits() {
		x.dismiss()
		return
	}
	x.admitted = true
	if len(a.Problems) > 0 {
		p := foremost(a)
		x.code, x.check = p.Code, p.Check
	}
	x.warning = warn(x.ref, a)
	if t.mutate {
		if a.Outcome.Pins() {
			x.pin = a.Pinned
		}
		return
	}
	// A template is pinned when its Pods are made, and their tags are refused then.
	if x.ref.Pod.Template || x.pinned {
		return
	}
	code, wanted, found := verify.ReferenceNotPinned, "a digest in the reference, as the mutating webhook writes it", "a tag, which can move before the pull"
	switch {
	case x.ref.NodeDecides():
		code, found = verify.ReferenceNodeDecides, "a tag under the pull policy Never: the node runs whatever it holds by that name"
	case t.tags:
		return
	}
	if audits(a) {
		x.warning = join(x.warning, warning(x.ref, "audit: "+string(code)+": the image has no digest, and would be refused"))
		return
	}
	x.refuse(code, wanted, found)
	x.denial.Pinned = a.Pinned
	x.denial.Rule = rule(a)
}

// refuse denies an image for what the object says of it.
func (x *decision) refuse(code verify.Code, wanted, found string) {
	x.admitted, x.outcome, x.code, x.check = false, serve.Refused, string(code), objectCheck
	x.denial = kube.Denial{Ref: x.ref, Code: string(code), Wanted: wanted, Found: found}
}

// dismiss denies an image for its verdict. Where nothing but credentials is missing, a
// template is let through with a warning: its Pods come with their own and are judged. A
// field of another kind is no template: whatever runs it need not be a Pod.
func (x *decision) dismiss() {
	a := x.answer
	p := foremost(a)
	x.code, x.check = p.Code, p.Check
	if x.ref.Pod.Template && x.ref.Role != kube.Field && locked(a) {
		x.admitted = true
		x.warning = warning(x.ref, p.Code+": the image cannot be read with this template's credentials; its Pods will be judged with theirs")
		return
	}
	found := p.Found
	if found == "" {
		found = p.Message
	}
	if more := others(a, p); more != "" {
		found += "; also " + more
	}
	x.denial = kube.Denial{
		Ref: x.ref, Pinned: a.Pinned, Code: p.Code, Wanted: p.Wanted, Found: found, Rule: rule(a),
		Undecided: a.Outcome == serve.Undecided,
	}
}

// foremost is the problem to speak of: a decided one if the answer is a refusal.
func foremost(a serve.Answer) serve.Problem {
	for _, p := range a.Problems {
		if p.Undecided == (a.Outcome == serve.Undecided) {
			return p
		}
	}
	if len(a.Problems) > 0 {
		return a.Problems[0]
	}
	return serve.Problem{Code: string(verify.InternalPanic), Check: "server", Wanted: "a verdict", Found: "an answer that gives no reason; this is a fault of assay, please report it"}
}

// others are the codes of the other problems.
func others(a serve.Answer, but serve.Problem) string {
	var codes []string
	for _, p := range a.Problems {
		if p.Code != but.Code && !slices.Contains(codes, p.Code) {
			codes = append(codes, p.Code)
		}
	}
	return strings.Join(codes, ", ")
}

// locked reports whether the registry refused access, and nothing else is wrong.
func locked(a serve.Answer) bool {
	for _, p := range a.Problems {
		if c := verify.Code(p.Code); c != verify.RegistryUnauthorized && c != verify.RegistryForbidden {
			return false
		}
	}
	return len(a.Problems) > 0
}

// audits reports whether the policy of an answer does not enforce yet: of a pass, the
// verdict alone says so.
func audits(a serve.Answer) bool {
	if a.Outcome == serve.Audited {
		return true
	}
	b, err := a.Verdict.JSON()
	if err != nil {
		return false
	}
	var v struct {
		Enforced     *bool   `json:"enforced"`
		EnforcedFrom *string `json:"enforced_from"`
	}
	return json.Unmarshal(b, &v) == nil && v.Enforced != nil && !*v.Enforced && v.EnforcedFrom != nil
}

// rule names the rule that decided, and its policy.
func rule(a serve.Answer) string {
	switch {
	case a.Policy == "":
		return a.Rule
	case a.Rule == "":
		return "none, in the policy " + a.Policy
	}
	return a.Rule + ", in the policy " + a.Policy
}

// command shows the same by hand. The server is named as its caller called it.
func command(c *call, namespace string, x decision) []string {
	image := x.denial.Pinned
	if x.code == string(verify.ReferenceNotPinned) || image == "" {
		image = x.ref.Image
	}
	if x.admitted || image == "" || x.code == string(verify.ReferenceMalformed) {
		return nil
	}
	words := []string{"assay", "verify", "--server", address(c)}
	if namespace != "" {
		words = append(words, "--namespace", namespace)
	}
	if x.code == string(verify.ReferenceNotPinned) || x.code == string(verify.ReferenceNodeDecides) {
		words = append(words, "--print-ref")
	}
	return append(words, image)
}

// address is the server's, as the caller knows it.
func address(c *call) string {
	host := c.http.Host
	if name, port, err := net.SplitHostPort(host); err == nil && port == "443" {
		host = name
	}
	if c.http.TLS == nil {
		return "http://" + host
	}
	return "https://" + host
}

// joinNames puts names into one comparable string. No name of a secret has a newline.
func joinNames(names []string) string { return strings.Join(names, "\n") }

// join puts two warnings into one.
func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// warning is one line about one image.
func warning(ref kube.Ref, text string) string {
	return report.Escape("assay: "+ref.Path+": "+text, kube.MaxWarning)
}
