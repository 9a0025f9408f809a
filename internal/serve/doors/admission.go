package doors

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/kube"
	"github.com/releaseassay/assay/verify"
)

// review is what is kept of an AdmissionReview once its images are listed.
type review struct {
	uid       string
	kind      kube.Kind
	namespace string
	name      string
	operation kube.Operation
	user      string
	dryRun    bool
	question  kube.Question
}

// validate answers POST /admission/validate: it judges the object as it is to be stored.
func (d *doors) validate(ctx context.Context, c *call) (reply, *fault) {
	return d.admission(ctx, c, false)
}

// mutate answers POST /admission/mutate: it judges the same images in the same way, and
// writes the digests that passed. What it refuses it denies: the cluster is closed
// even where this webhook is the only one, the person reads why instead of
// "reference.not_pinned", and no denied object goes on to be judged again.
func (d *doors) mutate(ctx context.Context, c *call) (reply, *fault) {
	return d.admission(ctx, c, true)
}

func (d *doors) admission(ctx context.Context, c *call, mutate bool) (reply, *fault) {
	r, f := d.readReview(c)
	if f != nil {
		x := decision{outcome: serve.Refused, check: objectCheck, code: string(f.code)}
		d.note(c, x, r.record(x)) // an object that nobody could judge is refused, which somebody will ask about
		d.count(c, x)
		return reply{}, f
	}
	if r.question.Exempt != "" {
		return encodeReview(d.exempt(ctx, c, r, mutate))
	}
	decisions := d.decide(ctx, c, r, terms{mutate: mutate, tags: d.Settings.AllowTags})
	for _, x := range decisions {
		if !x.left {
			d.note(c, x, r.record(x))
			d.count(c, x)
		}
	}
	answer := r.answer(decisions)
	if !answer.Allowed || !mutate {
		return encodeReview(answer)
	}
	var pins []kube.Pin
	for _, x := range decisions {
		if x.pin != "" {
			pins = append(pins, kube.Pin{Ref: x.ref, Image: x.pin})
		}
	}
	patch, err := kube.Pins(pins, d.Settings.MutateTemplates)
	if err != nil {
		return reply{}, &fault{status: http.StatusInternalServerError, code: verify.InternalPanic, text: err.Error()}
	}
	answer.Patch = patch
	return encodeReview(answer)
}

// readReview reads the review and lists its images; its bytes are dropped.
func (d *doors) readReview(c *call) (review, *fault) {
	b, done, f := d.body(c)
	defer done()
	if f != nil {
		return review{}, f
	}
	q, err := kube.ParseReview(b)
	c.uid = q.UID
	if err != nil {
		return review{uid: q.UID}, malformed("%v", err)
	}
	r := review{
		uid: q.UID, kind: q.Kind, namespace: q.Namespace, name: q.Name, operation: q.Operation, user: q.User.Name, dryRun: q.DryRun,
	}
	audited := d.Policies == nil || d.Policies.Audited(q.Namespace)
	if r.question, err = kube.Ask(q, d.kinds, audited); err != nil {
		f := malformed("%v", err)
		f.status = http.StatusForbidden
		return r, f
	}
	if r.question.Exempt == "" && len(r.question.Judge)+len(r.question.Skipped) == 0 {
		return r, malformed("no image was found, and nothing says that there is none")
	}
	return r, nil
}

// tenant is whose pull secrets the pod of an image is given.
func (d *doors) tenant(r review, ref kube.Ref) serve.Tenant {
	if !d.Settings.PullSecrets || r.namespace == "" || ref.Pod.ServiceAccount == "" {
		return serve.Tenant{}
	}
	// The API server has written its service account's secrets into a Pod, and a node uses no others.
	if !ref.Pod.Template && len(ref.Pod.PullSecrets) == 0 {
		return serve.Tenant{Namespace: r.namespace}
	}
	return serve.Tenant{Namespace: r.namespace, ServiceAccount: ref.Pod.ServiceAccount, Secrets: joinNames(ref.Pod.PullSecrets)}
}

// answer says for the object what was decided about its images.
func (r review) answer(decisions []decision) kube.Response {
	var denials []kube.Denial
	answer := kube.Response{UID: r.uid, Allowed: true, Audit: annotations(decisions)}
	for _, x := range decisions {
		if !x.admitted {
			denials = append(denials, x.denial)
		}
		if x.warning != "" {
			answer.Warnings = append(answer.Warnings, x.warning)
		}
	}
	if len(denials) == 0 {
		return answer
	}
	refused := kube.Refuse(r.uid, denials)
	refused.Warnings, refused.Audit = answer.Warnings, answer.Audit
	return refused
}

// refuseReview is how the doors of admission reviews say no: as a review wherever it is
// known whose, and else as an HTTP error, which the caller's failurePolicy has to
// take for a denial.
func refuseReview(c *call, f *fault) reply {
	if c.uid == "" {
		return refusePlain(c, f)
	}
	denial := kube.Unreadable(c.uid, errors.New(f.text))
	if f.status != http.StatusBadRequest {
		denial.Code = f.status
	}
	denial.Message = "assay: " + string(f.code) + ": " + f.said()
	answer, failed := encodeReview(denial)
	if failed != nil {
		return refusePlain(c, failed)
	}
	return answer
}

func encodeReview(r kube.Response) (reply, *fault) {
	b, err := r.Encode()
	if err != nil {
		return reply{}, &fault{status: http.StatusInternalServerError, code: verify.InternalPanic, text: err.Error()}
	}
	answer := reply{status: http.StatusOK, body: append(b, '\n'), counted: http.StatusOK}
	if !r.Allowed {
		answer.counted = r.Code
	}
	return answer, nil
}

// maxAnnotated is how many images of an object have an annotation in the audit log of
// the API server.
const maxAnnotated = 32

// annotations say which verdict each image got.
func annotations(decisions []decision) map[string]string {
	all := map[string]string{}
	for i, x := range decisions {
		if x.left {
			continue
		}
		if i == maxAnnotated {
			all["more-images"] = strconv.Itoa(len(decisions) - i)
			break
		}
		all["image-"+strconv.Itoa(i)] = x.annotation()
	}
	return all
}
