// Package draft writes a policy from what an image carries, for a person to read and
// keep.
//
// What it writes is a proposal: it demands what the image could show, of whoever signed
// it, and not what somebody ought to demand. It is written from authenticated evidence
// alone, is parsed again, and the evidence is judged by it before anybody sees it: a
// demand that the image does not meet is weakened or left out, and the text says so.
// Everything foreign in it stands in quotes, or escaped in a comment.
//
// Start with [Write]. It touches neither network, disk nor clock.
package draft

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// Options are what a draft is written for.
type Options struct {
	// Trust are the roots under which the facts were authenticated.
	Trust  verify.Trust
	Limits verify.Limits
	// At is the time of judgement.
	At time.Time
	// Workflow is "[OWNER/NAME/]PATH[@REF]": the workflow that is to be demanded, where
	// several have signed; "" where one has to be plain.
	Workflow string
	// GitHub are the URLs of repositories whose attestations were asked for, for the
	// policy to ask for them too.
	GitHub []string
}

// Draft is a policy and what has to be said beside it.
type Draft struct {
	// Text is YAML. The image passes under it, unless Vouches is true.
	Text []byte
	// Vouches is true for an image that carries nothing: under Text it passes once
	// somebody has vouched for it.
	Vouches bool
	// Warnings are for the person at the terminal, escaped; Text has them too.
	Warnings []string
}

// Refusal is why no policy can be written.
type Refusal struct {
	// Undecided is true if asking again may help.
	Undecided bool
	// Lines say it, the first as a sentence, and are escaped.
	Lines []string
}

// Error implements error.
func (r *Refusal) Error() string { return strings.Join(r.Lines, "\n  ") }

func refuse(first string, more ...string) *Refusal {
	return &Refusal{Lines: append([]string{first}, more...)}
}

// Write writes a policy under which the image of the facts passes, or, for an image
// that carries nothing, one under which it will once it is vouched for. The error is a
// *[Refusal].
func Write(image verify.Image, facts verify.Facts, o Options) (Draft, error) {
	d := &drafter{image: image, facts: facts, options: o}
	for _, f := range facts.Troubles() {
		line := comment(fmt.Sprintf("%s: %s: %s", f.Code, f.Place, f.Detail))
		if f.Class == verify.Transient {
			r := refuse("not everything could be read, and a policy of a part would demand too little: ask again", line)
			r.Undecided = true
			return Draft{}, r
		}
		d.unread = append(d.unread, line)
	}
	d.sort(facts.Exhibits())
	if len(d.signed) == 0 {
		return d.unsigned()
	}
	party, err := d.choose()
	if err != nil {
		return Draft{}, err
	}
	d.party = party
	d.readVersion()
	if err := d.drawUp(); err != nil {
		return Draft{}, err
	}
	return d.settle()
}

// drafter writes one draft.
type drafter struct {
	image   verify.Image
	facts   verify.Facts
	options Options

	// signed is the authenticated evidence that can be written down, held what BuildKit
	// keeps; ignored says why the rest is not looked at.
	signed, held []exhibit
	ignored      []string
	unread       []string

	party   string
	tags    tags
	legs    []*leg
	source  source
	notes   []string
	require []string
	story   []string
}

// exhibit is one piece of evidence with whom it is by.
type exhibit struct {
	verify.Exhibit
	kind string
	by   profile
}

// sort tells the evidence that counts from what does not.
func (d *drafter) sort(all []verify.Exhibit) {
	signed := map[string]bool{}
	for _, e := range all {
		signed[e.Digest] = signed[e.Digest] || e.Authenticated()
	}
	for _, e := range all {
		kind := kindOf(e)
		switch {
		case !e.Authenticated() && signed[e.Digest]: // a layout on disk offers one piece for every platform
		case e.Layout == verify.BuildKit:
			if e.Statement != nil && kind == kindSBOM {
				d.held = append(d.held, exhibit{Exhibit: e, kind: kind})
			}
		case !e.Authenticated():
			d.ignore(e, "not authenticated: "+e.Reason)
		case e.Claims == nil:
			d.ignore(e, "signed by a plain key: name it with signer: {key: {file, sha256}} if you have it")
		default:
			by, bad := profileOf(*e.Claims)
			if bad != "" {
				d.ignore(e, "its "+bad+" has characters that have a meaning in a policy")
				continue
			}
			d.signed = append(d.signed, exhibit{e, kind, by})
		}
	}
}

func (d *drafter) ignore(e verify.Exhibit, why string) {
	what := e.PredicateType
	if what == "" {
		what = string(e.Layout)
	}
	if e.Claims != nil {
		what += " by " + e.Claims.Identity
	}
	if e.About != d.image.Digest {
		what += " about " + e.About
	}
	d.ignored = append(d.ignored, comment(what)+": "+comment(why))
}

// unsigned is the answer where nobody's signature was verified.
func (d *drafter) unsigned() (Draft, error) {
	if len(d.unread) > 0 {
		return Draft{}, refuse("nothing that the image carries could be authenticated, and not everything could be read:", d.unread...)
	}
	if len(d.ignored) > 0 {
		return Draft{}, refuse("nothing that the image carries could be authenticated, so there is nobody to demand:", unique(d.ignored)...)
	}
	text := d.vouch()
	if _, err := policy.Parse("draft", text); err != nil {
		return Draft{}, refuse("the draft is not a valid policy, which is a fault of assay: " + comment(err.Error()))
	}
	return Draft{Text: text, Vouches: true, Warnings: []string{
		"the image carries no signature and no attestation: the policy demands that you vouch for it, and it does not pass until you have",
	}}, nil
}

// judge judges the evidence by a text.
func (d *drafter) judge(text []byte) (verify.Verdict, error) {
	p, err := policy.Parse("draft", text)
	if err != nil {
		return verify.Verdict{}, err
	}
	return verify.Judge(d.facts, p, d.options.Trust, verify.Options{At: d.options.At, Limits: d.options.Limits}), nil
}

var errNotMet = errors.New("the image does not meet it")

// passes reports whether one check passes under a text.
func (d *drafter) passes(text []byte, check string) (verify.Finding, error) {
	v, err := d.judge(text)
	if err != nil {
		return verify.Finding{}, err
	}
	for _, f := range v.Checks {
		if f.ID != check {
			continue
		}
		if f.Result == verify.Passed {
			return f, nil
		}
		return f, fmt.Errorf("%w: %s", errNotMet, f.Code)
	}
	return verify.Finding{}, errNotMet
}
