package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// release writes what a TUF repository says of the image, and who holds it.
func (p *page) release(f verify.Finding) {
	r := f.Release
	if r == nil {
		return
	}
	p.item("repository", value(r.Repository)+", from the pinned root "+short(r.Root))
	p.item("state", stateLine(r))
	if r.Grace != nil {
		p.item("grace", "metadata has expired; it is accepted until "+stamp(*r.Grace)+" (release.offline.max_age)")
	}
	if r.Version != "" {
		p.item("released as", releasedAs(r))
	}
	if r.Commit != "" {
		p.item("commit", value(r.Commit)+", says the manifest")
	}
	p.newest(r.Newest)
	p.roles(r.Roles)
	p.item("people", peopleLine(r.People))
	if f.Result == verify.Passed && r.People == 1 {
		p.item("not stopped", "that one account in other hands, a careless signature, or an issuer that signs in as its user (the issuer may host the source too)")
	}
}

func stateLine(r *verify.VerdictRelease) string {
	line := map[verify.StateKind]string{
		verify.StateKnown:     "known: nothing older than what earlier runs saw is accepted",
		verify.StateBootstrap: "bootstrap: a first run, so that all rests on the pinned root",
		verify.StateNone:      "none: what earlier runs saw was not asked",
	}[r.State]
	if line == "" {
		line = value(string(r.State))
	}
	if !r.Refreshed {
		line += "; the repository was not asked, or did not answer: a kept copy served"
	}
	return line
}

func releasedAs(r *verify.VerdictRelease) string {
	line := value(r.Version)
	var others []string
	for _, v := range r.Versions {
		if v != r.Version {
			others = append(others, value(v))
		}
	}
	if more := len(others) - maxListed; more > 0 {
		others = append(others[:maxListed], fmt.Sprintf("and %d more", more))
	}
	if len(others) > 0 {
		line += ", and also as " + strings.Join(others, ", ")
	}
	return line
}

// newest writes the newest authorised versions, each to be copied.
func (p *page) newest(versions []verify.VerdictVersion) {
	for i, v := range versions {
		label := "newest"
		if i > 0 {
			label = ""
		}
		if i == maxListed {
			p.item("", fmt.Sprintf("and %d more", len(versions)-i))
			return
		}
		p.place(label, value(v.Version)+" "+value(v.Pinned))
	}
}

func peopleLine(n int) string {
	switch n {
	case 0:
		return "whoever the pinned root authorises may sign (the policy has no release.signers)"
	case 1:
		return "one person had to sign each of root, targets and the delegations"
	}
	return fmt.Sprintf("%d distinct persons had to sign each of root, targets and the delegations", n)
}

// roles writes each role with its holders; of root the newest version alone, as it
// authorises itself.
func (p *page) roles(all []verify.VerdictRole) {
	shown, older := newestRoot(all)
	if older > 0 {
		p.item("roots", fmt.Sprintf("%d more before the one below (see release.roles in the JSON verdict)", older))
	}
	for i, r := range shown {
		if i == maxListed {
			p.item("", fmt.Sprintf("and %d more (see release.roles in the JSON verdict)", len(shown)-i))
			return
		}
		p.role(r)
	}
}

// newestRoot leaves out the roots that a newer one has replaced, and by whom the newest
// was authorised beside itself, and counts what it leaves out.
func newestRoot(all []verify.VerdictRole) (shown []verify.VerdictRole, older int) {
	newest := int64(0)
	for _, r := range all {
		if r.Name == metadata.Root {
			newest = max(newest, r.Version)
		}
	}
	itself := fmt.Sprintf("%s %d", metadata.Root, newest)
	shown = slices.DeleteFunc(slices.Clone(all), func(r verify.VerdictRole) bool {
		return r.Name == metadata.Root && (r.Version < newest || r.By != itself)
	})
	return shown, len(all) - len(shown)
}

func (p *page) role(r verify.VerdictRole) {
	end := "expires "
	if r.Expired {
		end = "EXPIRED "
	}
	p.item("role", fmt.Sprintf("%s %d, %s%s, by %s; %d of %s must sign", value(r.Name), r.Version, end, stamp(r.Expires), value(r.By), r.Threshold, counted(len(r.Holders), "holder")))
	for i, h := range r.Holders {
		if i == maxListed {
			p.item("", fmt.Sprintf("and %d more (see release.roles in the JSON verdict)", len(r.Holders)-i))
			return
		}
		label := "  signed"
		if !h.Signed {
			label = "  not signed"
		}
		p.item(label, holder(h))
	}
}

func holder(h verify.VerdictHolder) string {
	var line string
	switch {
	case h.Identity != "":
		line = value(h.Identity) + " of " + value(h.Issuer)
	case h.Key != "":
		line = "the " + value(h.Type) + " key sha256:" + value(h.Key)
	default:
		line = "a key of the unknown type " + value(h.Type)
	}
	switch {
	case h.Human == nil:
	case *h.Human:
		line += ", a person"
	default:
		line += ", a machine"
	}
	if h.Time != nil {
		line += ", " + stamp(*h.Time)
	}
	return line
}

// manifest writes the manifest of a release that met the demand.
func (p *page) manifest(v verify.Verdict, c verify.Candidate, indent, label string) {
	line := value(c.Type) + " " + short(c.Evidence)
	if c.Trust != "" && (len(v.Trust) > 1 || c.Trust != verifiedUnder(v)) {
		line += ", under " + value(c.Trust)
	}
	p.item(label, line)
	if !slices.ContainsFunc(v.Run.Places, func(p verify.Place) bool { return p.Evidence == c.Evidence }) {
		return
	}
	for i, place := range places(v.Run, c.Evidence) {
		label := indent + "at"
		if i > 0 {
			label = ""
		}
		p.place(label, place)
	}
}

// releaseWanted is what a rule demands of a TUF repository, on one line.
func releaseWanted(f verify.Finding) string {
	if len(f.Wanted) == 0 {
		return "a release that " + value(f.Release.Repository) + " lists"
	}
	d := f.Wanted[0]
	return value(d["target"]) + " in " + value(f.Release.Repository) + " to list " + value(d["digest"])
}
