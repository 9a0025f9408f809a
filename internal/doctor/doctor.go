// Package doctor reads the settings of what asks assay and names each one that lets
// an image in unjudged: what a caller does with silence, or whom it never asks
// about, is the caller's own setting, and no answer of assay's can mend it.
//
// It is pure: objects of Kubernetes and files in, findings out. What it could not
// read is said apart and never taken for closed. Start with [Read] and [Examine].
package doctor

import (
	"cmp"
	"slices"
)

// Level says how much a finding matters.
type Level string

// The levels.
const (
	// Open lets something in unjudged.
	Open Level = "open"
	// Weak admits nothing by itself: it stops the cluster, or is one step from open.
	Weak Level = "weak"
	// Note is what a person should know and may well want so.
	Note Level = "note"
)

// Finding is one setting.
type Finding struct {
	Level Level `json:"level"`
	// Code is subject.problem, see docs/doctor.md.
	Code string `json:"code"`
	// Where is the object or the file, and the field in it. Foreign text.
	Where string `json:"where"`
	Found string `json:"found"`
	// Next is what to do.
	Next string `json:"next"`
}

// Report is what was found. Its zero value is one of nothing read, which is not closed.
type Report struct {
	// Gates are the ways by which assay is asked, as far as they were found.
	Gates    []string  `json:"gates"`
	Findings []Finding `json:"findings"`
	// Unread is what could not be read, so that nothing is known of it.
	Unread []string `json:"unread,omitempty"`
}

// Open reports whether something is open.
func (r Report) Open() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level == Open })
}

// Closed reports whether all was read, at least one gate was found and nothing is open.
func (r Report) Closed() bool { return len(r.Gates) > 0 && len(r.Unread) == 0 && !r.Open() }

// Options are what an administrator says of the cluster.
type Options struct {
	// Exempt are namespaces that are left out on purpose.
	Exempt []string
	// Service is NAMESPACE/NAME of assay's Service, "" to know its doors by their paths.
	Service string
}

// Examine looks at everything that was read.
func Examine(in Input, o Options) Report {
	e := &examiner{in: in, options: o, unread: slices.Clone(in.Unread)}
	e.webhooks()
	e.gatekeeper()
	e.kyverno()
	for _, f := range in.ImagePolicies {
		e.imagePolicy(f)
	}
	for _, f := range in.Containerd {
		e.containerd(f)
	}
	e.server()
	if len(e.gates) == 0 && len(e.unread) == 0 { // otherwise a gate may be among what could not be read
		e.open("gate.none", "the cluster", "nothing that asks assay", "install the chart (docs/deploy.md), or name the file of the gate")
	}
	return e.report()
}

// examiner collects findings.
type examiner struct {
	in       Input
	options  Options
	gates    []string
	findings []Finding
	unread   []string
}

func (e *examiner) gate(name string) {
	if !slices.Contains(e.gates, name) {
		e.gates = append(e.gates, name)
	}
}

func (e *examiner) open(code, where, found, next string) {
	e.findings = append(e.findings, Finding{Open, code, where, found, next})
}

func (e *examiner) weak(code, where, found, next string) {
	e.findings = append(e.findings, Finding{Weak, code, where, found, next})
}

func (e *examiner) note(code, where, found, next string) {
	e.findings = append(e.findings, Finding{Note, code, where, found, next})
}

// report orders the findings: what is open first, then by place.
func (e *examiner) report() Report {
	rank := map[Level]int{Open: 0, Weak: 1, Note: 2}
	slices.SortStableFunc(e.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank[a.Level], rank[b.Level]), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Code, b.Code))
	})
	findings := slices.Compact(e.findings)
	if findings == nil {
		findings = []Finding{}
	}
	gates := append([]string{}, e.gates...)
	return Report{Gates: gates, Findings: findings, Unread: e.unread}
}
