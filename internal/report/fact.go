package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/verify"
)

// maxFact is how much of one value stands on a check's line: a workflow's path and ref
// fit, and what is longer stands whole in the details.
const maxFact = 120

// fact is the one thing about a check that a person wants to see: what it passed by,
// or why it did not.
func fact(v verify.Verdict, f verify.Finding) string {
	if f.Result != verify.Passed {
		return refusedFact(f)
	}
	text := passedFact(v, f)
	if f.Notice != "" {
		text = strings.TrimPrefix(text+" ("+value(string(f.Notice))+", see below)", " ")
	}
	return text
}

func passedFact(v verify.Verdict, f verify.Finding) string {
	switch {
	case f.Platforms != nil:
		have, all := platformCount(f.Platforms)
		return fmt.Sprintf("%d of %s", have, counted(all, "platform"))
	case f.Story != nil:
		agree, all := claimCount(f.Story)
		return fmt.Sprintf("%d of %s agree", agree, counted(all, "claim"))
	case f.Release != nil:
		return releaseFact(f.Release)
	case f.ID == "freshness":
		return freshFact(v, f)
	case len(f.Found) == 0:
		return message(f.Message)
	}
	text := evidenceFact(f)
	if n := len(f.Found) - 1; n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}

// evidenceFact is what the first piece of evidence that met a demand is.
func evidenceFact(f verify.Finding) string {
	c := f.Found[0]
	switch {
	case c.Document != nil:
		d := c.Document
		return counted(d.Components, "component") + ", " + brief(strings.TrimSpace(d.Format+" "+d.Version))
	case c.Builder != "" && c.Level != nil:
		return fmt.Sprintf("Build L%d by %s", *c.Level, builderName(c.Builder))
	case c.Builder != "":
		return "built by " + builderName(c.Builder)
	case strings.HasPrefix(f.ID, "attestations.") && c.Type != "":
		text := brief(c.Type) + ", signed by " + workflow(c)
		if slices.Contains(f.Unconstrained, "content") {
			text += "; its content is not demanded"
		}
		return text
	}
	return workflow(c)
}

// workflow is who signed, short where nothing is lost by it: of a workflow on
// github.com the repository, the file and the ref.
func workflow(c verify.Candidate) string {
	if c.Claims == nil || c.Claims.Identity == "" {
		return Escape(signer(c), maxFact)
	}
	if name, ok := shortWorkflow(c.Claims.Identity); ok && c.Claims.Issuer == actionsIssuer {
		return brief(name)
	}
	return brief(c.Claims.Identity) + " of " + brief(c.Claims.Issuer)
}

// actionsIssuer is the issuer under which workflows on github.com sign.
const actionsIssuer = "https://token.actions.githubusercontent.com"

// builderName is a builder's id, short like a workflow where it is one.
func builderName(id string) string {
	if name, ok := shortWorkflow(id); ok {
		return brief(name)
	}
	return brief(id)
}

// shortWorkflow turns https://github.com/OWNER/NAME/.github/workflows/FILE@REF into
// "OWNER/NAME FILE@REF", and leaves alone whatever is not exactly that.
func shortWorkflow(id string) (string, bool) {
	rest, github := strings.CutPrefix(id, "https://github.com/")
	repository, file, found := strings.Cut(rest, "/.github/workflows/")
	if !github || !found || strings.Count(repository, "/") != 1 || strings.Contains(rest, " ") || !strings.Contains(file, "@") {
		return "", false
	}
	return repository + " " + file, true
}

func releaseFact(r *verify.VerdictRelease) string {
	text := brief(r.Version)
	if text != "" {
		text += ", "
	}
	switch r.People {
	case 0:
		return text + "signed by whoever the pinned root authorises"
	case 1:
		return text + "signed by 1 person"
	}
	return text + fmt.Sprintf("signed by %d people", r.People)
}

// freshFact is how long ago the newest evidence that counts was signed.
func freshFact(v verify.Verdict, f verify.Finding) string {
	if f.Message != "" && f.Notice == "" {
		return message(f.Message)
	}
	found := f.Found
	if len(found) == 0 {
		for _, other := range v.Checks {
			if other.Required && other.Result == verify.Passed {
				found = append(found, other.Found...)
			}
		}
	}
	var newest time.Time
	for _, c := range found {
		for _, t := range c.Times {
			if t.Time.After(newest) {
				newest = t.Time
			}
		}
	}
	if newest.IsZero() {
		return ""
	}
	return "signed " + age(v.Run.JudgedAt.Sub(newest)) + " (" + stamp(newest) + ")"
}

// age is a span of time in the largest unit of which there are two.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "in the future"
	case d < 2*time.Hour:
		return counted(int(d/time.Minute), "minute") + " ago"
	case d < 48*time.Hour:
		return counted(int(d/time.Hour), "hour") + " ago"
	}
	return counted(int(d/(24*time.Hour)), "day") + " ago"
}

// refusedFact is the code of a check that is not a pass, and how much is wrong.
func refusedFact(f verify.Finding) string {
	text := brief(string(f.Code))
	switch {
	case f.Result == verify.Errored && f.Class == verify.Transient:
		return text + " (transient: asking again can help)"
	case f.Result == verify.Errored && f.Class != "":
		return text + " (" + brief(string(f.Class)) + ")"
	case len(f.Violations) > 0:
		return text + ": " + counted(violationCount(f.Violations), "violation")
	case f.Platforms != nil:
		have, all := platformCount(f.Platforms)
		return text + fmt.Sprintf(": %d of %s", have, counted(all, "platform"))
	case f.Story != nil:
		if names := disagreeing(f.Story); len(names) > 0 {
			return text + ": " + Escape(strings.Join(names, ", "), maxFact)
		}
	}
	return text
}

// brief is a value on a line that should stay one.
func brief(s string) string { return Escape(s, maxFact) }
