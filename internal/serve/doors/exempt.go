package doors

import (
	"context"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/kube"
	"github.com/releaseassay/assay/verify"
)

// An object that is let through whatever its images are is looked at only as far as
// the verdicts are at hand: a finalizer waits for nobody.
const (
	maxGlance = 30 * time.Millisecond
	glanced   = 8 // images
)

// exemptions are the words of the metric.
var exemptions = map[kube.Exemption]string{
	kube.Deleted: "deleted", kube.Connected: "connected", kube.Terminating: "terminating",
	kube.Unchanged: "unchanged", kube.Imageless: "imageless",
}

// exempt lets an object through, with a warning for each image that would be refused.
func (d *doors) exempt(ctx context.Context, c *call, r review, mutate bool) kube.Response {
	answer := kube.Response{UID: r.uid, Allowed: true}
	refused := false
	for _, x := range d.glance(ctx, c, r, mutate) {
		if x.admitted || x.denial.Undecided {
			continue
		}
		refused = true
		x.admitted = true
		d.note(c, x, r.record(x))
		answer.Warnings = append(answer.Warnings, warning(x.ref, x.code+": would be refused today; let through because "+string(r.question.Exempt)))
	}
	d.Metrics.Exempted(c.route.name, exemptions[r.question.Exempt], refused)
	return answer
}

// glance judges the first images of an exempt object, for a moment.
func (d *doors) glance(ctx context.Context, c *call, r review, mutate bool) []decision {
	refs := r.question.Judge
	if mutate || len(refs) == 0 {
		return nil // validate tells
	}
	ctx, cancel := context.WithTimeout(ctx, maxGlance)
	defer cancel()
	r.question.Judge = refs[:min(len(refs), glanced)]
	return d.decide(ctx, c, r, terms{tags: d.Settings.AllowTags})
}

// question is what is asked about one reference outside of any object.
func question(image, namespace, version string, fresh bool) (serve.Question, error) {
	ref, err := verify.ParseReference(image)
	if err != nil {
		return serve.Question{}, err
	}
	return serve.Question{Reference: ref, Namespace: namespace, Version: version, Fresh: fresh}, nil
}
