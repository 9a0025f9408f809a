package doors

import (
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/kube"
)

// warn is what a person reads of an image that is let in without having passed.
func warn(ref kube.Ref, a serve.Answer) string {
	text := excuse(a)
	if text == "" {
		return ""
	}
	return warning(ref, text)
}

// excuse says why an image is let in that did not pass, "" of one that did.
func excuse(a serve.Answer) string {
	var words string
	switch a.Outcome {
	case serve.Audited:
		words = "audit: " + foremost(a).Code + ": would be refused" + when(" from ", a.Until)
	case serve.Excepted:
		words = "excepted" + when(" until ", a.Until) + ": " + foremost(a).Code
		if a.Approver != "" {
			words += ", by " + a.Approver
		}
	case serve.Graced:
		words = "grace" + when(" until ", a.Until) + ": " + foremost(a).Code + ": could not be judged now, and passed not long ago"
	default:
		return ""
	}
	return words
}

func when(word string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return word + t.UTC().Format(time.RFC3339)
}

// annotation is what the API server's audit log keeps of a decision.
func (x decision) annotation() string {
	a := x.answer
	words := []string{x.ref.Path, x.outcome.String()}
	for _, w := range []struct{ name, value string }{
		{"digest", a.Digest}, {"policy", a.PolicyDigest}, {"verdict", a.ID}, {"code", x.code},
	} {
		if w.value != "" {
			words = append(words, w.name+"="+w.value)
		}
	}
	return strings.Join(words, " ")
}
