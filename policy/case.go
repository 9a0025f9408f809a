package policy

import (
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxCases bounds the cases of one file, maxCodes the reasons of one case.
const (
	maxCases = 256
	maxCodes = 64
)

// Case is evidence with the verdict that a policy is wanted to give about it.
type Case struct {
	// Name is what the case is called, and Line where it stands.
	Name string
	Line int
	// Image is the reference that is judged.
	Image string
	// Layout is an OCI layout with the image and its evidence; Lab is an image of the
	// laboratory's catalogue. Exactly one is set.
	Layout, Lab string
	// Repository is the source repository "owner/name" from which a Lab image says it
	// was built, "" the laboratory's own.
	Repository string
	// TrustedRoot is a trusted_root.json in place of the public-good root, TUFMirror a
	// folder in place of the project's TUF repository. All paths are relative to the file.
	TrustedRoot, TUFMirror string
	// At is the time of judgement, zero now.
	At time.Time
	// Version and Index are as of `assay verify`: --image-version and --index.
	Version, Index string
	Want           WantedVerdict
}

// WantedVerdict is what a case wants.
type WantedVerdict struct {
	// Verdict is "pass", "fail" or "undecided".
	Verdict string
	// Codes are reasons that have to be among those of the required checks that do not
	// pass; nil is any.
	Codes []string
}

// The verdicts that a case can want.
const (
	WantPass      = "pass"
	WantFail      = "fail"
	WantUndecided = "undecided"
)

// ParseCases reads a file of cases. Errors are as [Parse]'s.
func ParseCases(file string, b []byte) ([]Case, error) {
	r := &reader{file: file}
	root, err := r.document(b)
	if err != nil {
		return nil, err
	}
	var cases []Case
	seen := r.mapping(root, "the file", map[string]func(*yaml.Node){
		"cases": func(n *yaml.Node) { cases = r.cases(n) },
	})
	if seen != nil && !seen["cases"] {
		r.fail(root, "the file has no %q", "cases")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return cases, nil
}

func (r *reader) cases(n *yaml.Node) []Case {
	if n.Kind == yaml.SequenceNode && len(n.Content) > maxCases {
		r.fail(n, "cases has %d entries; wanted at most %d", len(n.Content), maxCases)
		return nil
	}
	var all []Case
	names := map[string]bool{}
	r.list(n, "cases", func(n *yaml.Node) {
		c := r.one(n)
		if c.Name != "" && names[c.Name] {
			r.fail(n, "cases has two of the name %q", c.Name)
		}
		names[c.Name] = true
		all = append(all, c)
	})
	return all
}

var sourceName = regexp.MustCompile(`\A[0-9A-Za-z][0-9A-Za-z-]*/[0-9A-Za-z_.-]+\z`)

// one reads one case.
func (r *reader) one(n *yaml.Node) Case {
	c := Case{Line: n.Line}
	text := func(into *string, key string) func(*yaml.Node) {
		return func(n *yaml.Node) { *into = r.text(n, "a case's "+key) }
	}
	seen := r.mapping(n, "a case", map[string]func(*yaml.Node){
		"name": text(&c.Name, "name"), "image": text(&c.Image, "image"), "layout": text(&c.Layout, "layout"), "lab": text(&c.Lab, "lab"),
		"trusted_root": text(&c.TrustedRoot, "trusted_root"), "tuf_mirror": text(&c.TUFMirror, "tuf_mirror"),
		"version": text(&c.Version, "version"), "index": text(&c.Index, "index"),
		"repository": func(n *yaml.Node) {
			c.Repository = r.text(n, "a case's repository")
			if c.Repository != "" && !sourceName.MatchString(c.Repository) {
				r.fail(n, "a case's repository is %q; wanted owner/name", c.Repository)
			}
		},
		"at":   func(n *yaml.Node) { c.At = r.time(n, "a case's at") },
		"want": func(n *yaml.Node) { c.Want = r.wanted(n) },
	})
	if seen == nil {
		return c
	}
	for _, key := range []struct{ name, wanted string }{
		{"name", "a few words that tell it from the others"},
		{"want", "{verdict: pass}, or {verdict: fail, codes: [signature.missing]}"},
	} {
		if !seen[key.name] {
			r.fail(n, "a case has no %q; wanted %s", key.name, key.wanted)
		}
	}
	switch {
	case seen["layout"] == seen["lab"]:
		r.fail(n, "a case has one of layout (a folder with saved evidence) and lab (an image of the laboratory); found %s", map[bool]string{true: "both", false: "neither"}[seen["lab"]])
	case seen["layout"] && !seen["image"]:
		r.fail(n, "a case with a layout has no %q; wanted the reference that is judged, such as ghcr.io/owner/name:1.2.3", "image")
	case seen["layout"] && seen["repository"]:
		r.fail(n, "a case's repository says what an image of the laboratory is built from; wanted it beside lab alone")
	}
	for _, key := range []string{"trusted_root", "tuf_mirror", "index"} {
		if seen["lab"] && seen[key] {
			r.fail(n, "a case with an image of the laboratory has %q, which is for saved evidence; leave it out", key)
		}
	}
	return c
}

// wanted reads which verdict a case wants.
func (r *reader) wanted(n *yaml.Node) WantedVerdict {
	var w WantedVerdict
	seen := r.mapping(n, "want", map[string]func(*yaml.Node){
		"verdict": func(n *yaml.Node) { w.Verdict = r.choice(n, "want.verdict", WantPass, WantFail, WantUndecided) },
		"codes":   func(n *yaml.Node) { w.Codes = r.codes(n) },
	})
	switch {
	case seen == nil:
	case !seen["verdict"]:
		r.fail(n, "want has no %q; wanted pass, fail or undecided", "verdict")
	case w.Verdict == WantPass && seen["codes"]:
		r.fail(n, "want has codes beside a pass, which has none; leave them out")
	}
	return w
}

var reasonCode = regexp.MustCompile(`\A[a-z]+\.[a-z0-9_]+\z`)

func (r *reader) codes(n *yaml.Node) []string {
	if n.Kind == yaml.SequenceNode && len(n.Content) > maxCodes {
		r.fail(n, "want.codes has %d entries; wanted at most %d", len(n.Content), maxCodes)
		return nil
	}
	var codes []string
	r.oneOrList(n, "want.codes", func(n *yaml.Node) {
		s := r.text(n, "want.codes")
		switch {
		case s == "":
		case !reasonCode.MatchString(s):
			r.fail(n, "want.codes has %q; wanted the code of a reason, such as signature.missing", s)
		case strings.Contains(","+strings.Join(codes, ",")+",", ","+s+","):
			r.fail(n, "want.codes has %q twice", s)
		default:
			codes = append(codes, s)
		}
	})
	return codes
}
