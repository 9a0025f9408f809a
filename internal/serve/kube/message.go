package kube

import (
	"fmt"
	"strings"

	"github.com/releaseassay/assay/internal/shell"
)

// Denial is why one image is not admitted. Its texts are foreign, apart from Code.
type Denial struct {
	Ref    Ref
	Pinned string // the reference with its digest, "" where none is known
	Code   string // such as signature.identity_mismatch
	Wanted string
	Found  string
	Rule   string   // the policy's rule that decided
	Run    []string // the words of the command that shows the same
	// Undecided: the answer is not known yet, and may be another soon.
	Undecided bool
}

// Lengths in bytes: an ordinary denial fits into an Event, and a reference of the
// greatest length that registries take is never cut.
const (
	maxWhere   = 200
	maxImage   = 470
	maxSaid    = 200
	maxRule    = 100
	maxCommand = 600
	maxShown   = 5 // denials that are written out
)

// Refuse makes the denial of a request: 403, or 503 where every image is undecided and
// asking again may help. Nothing to say is refused as well.
func Refuse(uid string, denials []Denial) Response {
	r := Response{UID: uid, Code: Unavailable, Message: Message(denials)}
	if len(denials) == 0 {
		r.Code = Forbidden
	}
	for _, d := range denials {
		if !d.Undecided {
			r.Code = Forbidden
		}
	}
	return r
}

// Unreadable makes the denial of a request that could not be read.
func Unreadable(uid string, err error) Response {
	return Response{UID: uid, Code: Forbidden, Message: "assay: this object cannot be judged: " + cut(err.Error(), MaxMessage/4)}
}

// Message writes denials for people, in at most [MaxMessage] bytes, those that are
// decided first. Foreign text is escaped, and a command is whole or not there.
func Message(denials []Denial) string {
	if len(denials) == 0 {
		return "assay: refused; no image was judged"
	}
	var ordered []Denial
	for _, undecided := range []bool{false, true} {
		for _, d := range denials {
			if d.Undecided == undecided {
				ordered = append(ordered, d)
			}
		}
	}
	var b strings.Builder
	for i, d := range ordered {
		text := d.text()
		rest := fmt.Sprintf("and %d more images", len(ordered)-i)
		if i == maxShown || b.Len()+len(text)+1+len(rest) > MaxMessage {
			b.WriteString(rest)
			return b.String()
		}
		b.WriteString(text + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// text writes one denial.
func (d Denial) text() string {
	head := "assay: refused "
	if d.Undecided {
		head = "assay: undecided, retry: "
	}
	lines := []string{head + cut(d.Ref.where(), maxWhere) + ": " + cut(d.Code, maxRule)}
	image := d.Pinned
	if image == "" {
		image = d.Ref.Image
	}
	for _, l := range []struct {
		name, text string
		limit      int
	}{{"image", image, maxImage}, {"wanted", d.Wanted, maxSaid}, {"found", d.Found, maxSaid}, {"rule", d.Rule, maxRule}} {
		shown := cut(l.text, l.limit)
		if shown == "" {
			shown = "none"
		}
		lines = append(lines, "  "+l.name+": "+shown)
	}
	if len(d.Run) > 0 {
		command := shell.Join(d.Run...)
		if shown := cut(command, maxCommand); shown == command {
			lines = append(lines, "  run: "+command)
		} else {
			lines = append(lines, "  run: assay verify with the image above; the whole command cannot be shown here")
		}
	}
	return strings.Join(lines, "\n")
}

// where names the container and its field: container "web" (spec.containers[0].image).
func (r Ref) where() string {
	if r.Role == Field || r.Role == "" {
		return r.Path
	}
	return string(r.Role) + " " + quoted(r.Name) + " (" + r.Path + ")"
}
