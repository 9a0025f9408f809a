package report

import (
	"io"

	"github.com/releaseassay/assay/verify"
)

// Details writes the long page: all of what was demanded, under which trusted roots,
// and each check with all its evidence and where that lay.
func Details(w io.Writer, v verify.Verdict, o TextOptions) error {
	p := newPage(o)
	p.header(v)
	for _, f := range v.Checks {
		p.finding(v, f)
	}
	p.trouble(v.Run)
	p.notices(v, false)
	p.notStopped(v)
	p.footer(v.Run)
	return p.write(w)
}

func (p *page) header(v verify.Verdict) {
	p.headline(v)
	p.standing(v)
	p.blank()
	if v.Image.Pinned != "" && v.Image.Requested != v.Image.Pinned {
		p.item("asked for", value(v.Image.Requested))
	}
	p.item("policy", policyLine(v.Policy))
	for _, r := range v.Trust {
		p.item("trust", rootLine(r))
	}
	if v.Policy.Rule != "" {
		p.item("version", versionLine(v.Image))
	}
	p.validUntil(v)
}
