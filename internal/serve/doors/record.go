package doors

import "github.com/releaseassay/assay/internal/serve/observe"

// record is what the audit log keeps of an object beside the decision.
func (r review) record(x decision) observe.Record {
	container := x.ref.Name
	if container == "" {
		container = x.ref.Path
	}
	return observe.Record{
		UID: r.uid, User: r.user, Operation: string(r.operation), Kind: r.kind.String(), Namespace: r.namespace,
		Object: r.name, DryRun: r.dryRun, Container: container, Image: x.ref.Image,
	}
}

// note completes a record with the decision and writes it down.
func (d *doors) note(c *call, x decision, rec observe.Record) {
	a := x.answer
	now := d.Now()
	rec.Time, rec.Door, rec.Took = now, c.route.name, now.Sub(c.began).Milliseconds()
	if d.Client != nil {
		rec.Client = d.Client(c.http.Context())
	}
	rec.Digest, rec.Policy, rec.PolicySum, rec.Rule, rec.Verdict = a.Digest, a.Policy, a.PolicyDigest, a.Rule, a.ID
	rec.Outcome, rec.Admitted, rec.Cached, rec.Late = x.outcome.String(), x.admitted, a.Remembered, a.Late
	if x.check == objectCheck {
		rec.Codes = append(rec.Codes, x.code)
	}
	for _, p := range a.Problems {
		rec.Codes = append(rec.Codes, p.Code)
	}
	d.Audit.Write(rec)
}

// count counts a decision.
func (d *doors) count(c *call, x decision) {
	d.Metrics.Decided(c.route.name, x.outcome.String(), x.check, x.code)
	if x.answer.Late {
		d.Metrics.Late(c.route.name)
	}
}
