package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// finding writes one check.
func (p *page) finding(v verify.Verdict, f verify.Finding) {
	p.blank()
	p.title(f)
	switch f.Result {
	case verify.Passed:
		p.passed(v, f)
	case verify.NotRequired:
	default:
		p.notPassed(v, f)
	}
}

// title writes a check's mark and name, and its code where it is not a pass.
func (p *page) title(f verify.Finding) {
	mark, c := mark(f)
	text := value(f.ID)
	switch f.Result {
	case verify.Passed:
	case verify.NotRequired:
		text += ": not required"
	default:
		if f.Code != "" {
			text += ": " + value(string(f.Code))
		}
		switch f.Class {
		case "":
		case verify.Transient:
			text += " (transient: asking again can help)"
		default:
			text += " (" + value(string(f.Class)) + ")"
		}
	}
	if !f.Required && f.Result != verify.NotRequired {
		text += " (not required)"
	}
	p.head(mark, c, text)
}

// passed writes the evidence that met the demand.
func (p *page) passed(v verify.Verdict, f verify.Finding) {
	if f.Notice != "" {
		p.item("notice", value(string(f.Notice))+": "+message(f.Message))
	}
	if text := passedFact(v, f); len(f.Found) == 0 && f.Notice == "" && text != "" {
		p.item("found", text)
	}
	for i, c := range f.Found {
		if p.enough(i, len(f.Found)) {
			break
		}
		p.accepted(v, f, c)
	}
	if len(f.Unconstrained) > 0 {
		p.item("not demanded", unconstrained(f))
	}
	p.violations(f)
	p.content(f)
	p.release(f)
}

// content writes the tables of the checks that have one.
func (p *page) content(f verify.Finding) {
	p.story(f.Story)
	p.matrix(f.Platforms)
}

// unconstrained lists the claims that nothing demands, with what the first
// accepted certificate says where the page does not show it already.
func unconstrained(f verify.Finding) string {
	var texts []string
	for _, name := range f.Unconstrained {
		text := value(name)
		if len(f.Found) > 0 {
			if s := claim(f.Found[0].Claims, name); s != "" && !slices.Contains(shownClaims, name) {
				text += " " + value(s)
			}
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

// shownClaims are written out with each accepted piece of evidence.
var shownClaims = []string{"workflow", "repository", "ref", "commit"}

// claim returns the claim that a finding lists as unconstrained under name.
func claim(c *verify.Claims, name string) string {
	if c == nil {
		return ""
	}
	return map[string]string{
		"workflow": c.Identity, "repository": c.Repository, "repository_id": c.RepositoryID, "owner_id": c.OwnerID,
		"ref": c.Ref, "commit": c.Commit, "trigger": c.Trigger, "runner": c.Runner, "visibility": c.Visibility,
	}[name]
}

// notPassed writes why a check is not a pass, and what a person can do.
func (p *page) notPassed(v verify.Verdict, f verify.Finding) {
	if f.Message != "" && !saidByFound(f) {
		p.item("because", message(f.Message))
	}
	p.wanted(f.Wanted)
	p.violations(f)
	p.content(f)
	for i, c := range f.Found {
		if p.enough(i, len(f.Found)) {
			break
		}
		p.refusedCandidate(v, f, i, c)
	}
	if lacksEvidence(f) {
		p.item("found", nothing(f))
		p.looked(v.Run.Looked)
	}
	p.release(f)
	if f.Reproduce != "" {
		p.command("by hand", command(f.Reproduce))
	}
	if f.Next != "" {
		p.item("next", message(f.Next))
	}
}

// saidByFound reports whether the first candidate on the page says the same as the message.
func saidByFound(f verify.Finding) bool {
	if len(f.Found) == 0 || f.Found[0].Code != f.Code {
		return false
	}
	return f.Found[0].Difference != nil || f.Found[0].Reason == f.Message
}

// lacksEvidence reports whether a check over evidence found none.
func lacksEvidence(f verify.Finding) bool {
	switch f.ID {
	case "release", "platforms", "consistency", "freshness":
		return false
	}
	return len(f.Found) == 0 && len(f.Wanted) > 0
}

func nothing(f verify.Finding) string {
	if f.Result == verify.Errored {
		return "nothing, in what could be read"
	}
	return "nothing"
}

// command is a command to be copied: as it is, or not at all.
func command(s string) string {
	if Escape(s, maxCommand) != s {
		return "(not for a terminal; see reproduce in the JSON verdict)"
	}
	return s
}

func (p *page) looked(places []string) {
	for i, place := range places {
		label := "looked in"
		if i > 0 {
			label = ""
		}
		if i == maxListed {
			p.item("", fmt.Sprintf("and %d more places", len(places)-i))
			return
		}
		p.place(label, value(place))
	}
}

// wanted writes the demands, of which one has to be met.
func (p *page) wanted(demands []map[string]string) {
	for i, d := range demands {
		label := "wanted"
		if len(demands) > 1 {
			label = fmt.Sprintf("wanted %d", i+1)
		}
		if i == maxListed {
			p.item("", fmt.Sprintf("or one of %d more", len(demands)-i))
			return
		}
		if i > 0 {
			label = "or " + label
		}
		for _, k := range demandKeys(d) {
			p.item(label, value(k)+": "+value(d[k]))
			label = ""
		}
	}
}

// demandOrder is who signs before what was built; all other keys follow, sorted.
var demandOrder = []string{
	"key", "issuer", "identity", "identity_regexp", "signer.repository", "workflow", "workflow ref",
	"builder", "level", "repository", "repository_id", "owner_id", "ref", "ref_regexp", "branch", "versioned_tag", "commit",
	"root", "target", "version", "image", "digest", "signers", "people",
}

// demandKeys returns the keys of a demand in the order in which people read them.
func demandKeys(d map[string]string) []string {
	rank := func(k string) int {
		if i := slices.Index(demandOrder, k); i >= 0 {
			return i
		}
		return len(demandOrder)
	}
	keys := make([]string, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if rank(a) != rank(b) {
			return rank(a) - rank(b)
		}
		return strings.Compare(a, b)
	})
	return keys
}
