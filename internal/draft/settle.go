package draft

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// settle chooses for every demand the strictest form that the image meets, leaves out
// what it does not meet at all, and writes the whole once the image passes under it.
func (d *drafter) settle() (Draft, error) {
	for _, l := range slices.Clone(d.legs) {
		if err := d.fit(l); err != nil {
			d.drop(l, err.Error())
		}
	}
	v, err := d.agree()
	if err != nil {
		return Draft{}, err
	}
	for _, f := range v.Checks {
		if l := d.leg(f.ID); l != nil {
			l.free = f.Unconstrained
		}
	}
	text := d.page()
	if v, err = d.judge(text); err != nil || !v.Passed() {
		return Draft{}, refuse("the draft does not pass, which is a fault of assay")
	}
	return Draft{Text: text, Warnings: d.warnings()}, nil
}

// fit chooses the strictest way that the image meets.
func (d *drafter) fit(l *leg) error {
	var last error
	for l.way = range l.ways {
		f, err := d.passes(d.compile(l), l.check)
		if err == nil {
			l.free = f.Unconstrained
			return nil
		}
		last = err
	}
	return last
}

// drop leaves a demand out and says why.
func (d *drafter) drop(l *leg, why string) {
	d.legs = slices.DeleteFunc(d.legs, func(other *leg) bool { return other == l })
	d.notes = append(d.notes, "The check "+l.check+" is not demanded: "+comment(why)+".")
}

// agree drops what keeps the whole from passing, and lists the platforms of an index.
func (d *drafter) agree() (verify.Verdict, error) {
	for tries := len(d.legs) + 4; tries > 0 && len(d.legs) > 0; tries-- {
		d.source = source{}
		for _, l := range d.legs {
			if d.source == (source{}) {
				d.source = l.source
			}
		}
		v, err := d.judge(d.rule(d.legs))
		if err != nil && d.require != nil {
			d.require = nil // a platform that a policy cannot name
			continue
		}
		if err != nil {
			return v, refuse("the draft is not a valid policy, which is a fault of assay: " + comment(err.Error()))
		}
		if v.Passed() {
			if d.require == nil && d.platforms(v) {
				continue
			}
			return v, nil
		}
		if err := d.give(v); err != nil {
			return v, err
		}
	}
	return verify.Verdict{}, refuse("the image meets no demand that could be written of its evidence:", d.notes...)
}

// give takes back one demand that the image does not meet.
func (d *drafter) give(v verify.Verdict) error {
	for _, f := range v.Checks {
		if !f.Required || f.Result == verify.Passed {
			continue
		}
		l := d.leg(f.ID)
		switch {
		case l != nil:
			d.drop(l, string(f.Code)+": "+f.Message)
		case f.ID == "consistency" && d.story == nil:
			d.story = d.disagreement(f)
		case f.ID == "consistency" && !slices.Equal(d.story, []string{}):
			d.story = []string{}
		case f.Result == verify.Errored:
			r := refuse("the image cannot pass under any policy as things are: " + comment(f.ID+": "+string(f.Code)+": "+f.Message))
			r.Undecided = true
			return r
		default:
			return refuse("the image cannot pass under any policy: " + comment(f.ID+": "+string(f.Code)+": "+f.Message))
		}
		return nil
	}
	return errors.New("the verdict fails without a reason, which is a fault of assay")
}

// disagreement keeps the claims on which all evidence agrees, and notes the others.
func (d *drafter) disagreement(f verify.Finding) []string {
	kept := []string{}
	for _, c := range f.Story {
		switch {
		case !slices.Contains(policy.StoryClaims(), c.Claim):
		case c.Agree || !c.Compared:
			kept = append(kept, c.Claim)
		default:
			var values []string
			for _, s := range c.Sources {
				if s.Value != "" && !s.Hint {
					values = append(values, s.Source+" says "+s.Value)
				}
			}
			d.notes = append(d.notes, "The evidence does not agree on "+c.Claim+", which is not compared: "+comment(strings.Join(unique(values), ", "))+". Find out why.")
		}
	}
	return kept
}

// platforms notes the platforms of an index, and reports whether there are any.
func (d *drafter) platforms(v verify.Verdict) bool {
	d.require = []string{}
	for _, f := range v.Checks {
		if f.Platforms == nil {
			continue
		}
		for _, c := range f.Platforms.Children {
			if c.Role == "image" && c.Platform != "" {
				d.require = append(d.require, c.Platform)
			}
		}
	}
	d.require = unique(d.require)
	return len(d.require) > 0
}

// compile writes a policy of one demand, with the signature's where BuildKit's bill of
// materials needs it.
func (d *drafter) compile(l *leg) []byte {
	legs := []*leg{l}
	if signature := d.leg(kindSignature); len(l.before) > 0 && strings.HasPrefix(l.before[0], "buildkit") && signature != nil {
		legs = []*leg{signature, l}
	}
	whole := *d
	whole.require, whole.story = []string{}, []string{}
	if len(legs) == 1 {
		whole.story = nil
	}
	whole.source = legs[0].source
	return whole.rule(legs)
}

// rule writes the policy without what is said around it.
func (d *drafter) rule(legs []*leg) []byte {
	var w writer
	d.head(&w)
	d.body(&w, legs)
	return []byte(w.b.String())
}

// warnings are what the person at the terminal is told too.
func (d *drafter) warnings() []string {
	all := []string{"this is a draft of what the image could show: a person must read it before anything relies on it"}
	if n := len(unique(d.ignored)); n > 0 {
		all = append(all, fmt.Sprintf("evidence was ignored; the draft lists it (%d)", n))
	}
	for _, e := range d.signed {
		if p := e.by.party(); p != d.party {
			all = append(all, "evidence is signed on behalf of "+comment(p)+" too; the draft demands "+comment(d.party)+"'s")
			break
		}
	}
	return all
}
