// Package report writes verdicts for machines and for people.
//
// [JSON] is the verdict itself, [Text] the page that a person reads, [Details] the
// long one with all evidence, [Markdown] the summary of a pipeline's step, [Refusal]
// the few lines that its log keeps of a verdict that is not a pass. [SARIF], [JUnit] and
// [VSA] are for other programs. Every format is a function over the same value: nothing
// here decides, fetches or verifies anything, and nothing here can turn a verdict.
//
// What is in a verdict came in part from whoever could push to a registry. Every
// string of it is therefore escaped and cut before a person sees it: see [Escape].
package report

import (
	"fmt"
	"io"

	"github.com/releaseassay/assay/verify"
)

// Write writes v in the format f; o is for text and details alone.
func Write(w io.Writer, v verify.Verdict, f Format, o TextOptions) error {
	switch f {
	case FormatJSON:
		return JSON(w, v)
	case FormatText:
		return Text(w, v, o)
	case FormatDetails:
		return Details(w, v, o)
	case FormatMarkdown:
		return Markdown(w, v)
	case FormatSARIF:
		return SARIF(w, v)
	case FormatJUnit:
		return JUnit(w, v)
	case FormatVSA:
		return VSA(w, v)
	}
	return fmt.Errorf("write the verdict: found the format %q; wanted %s", string(f), wantedFormats)
}

// headline is the word that a report begins with. An exception makes a failure no pass:
// the page says under the word that the verdict is fail.
func headline(v verify.Verdict) string {
	switch {
	case v.Passed():
		return "PASS"
	case v.Exception != nil:
		return "EXCEPTED"
	case !v.Conclusive:
		return "UNDECIDED"
	}
	return "FAIL"
}

// reference is the most exact name of the image that is known.
func reference(v verify.Verdict) string {
	for _, s := range []string{v.Image.Pinned, v.Image.Requested, v.Image.Name} {
		if s != "" {
			return s
		}
	}
	return "(no image)"
}

// refused returns the required checks that are not a pass, failures first.
func refused(v verify.Verdict) []verify.Finding {
	var failed, errored []verify.Finding
	for _, f := range v.Checks {
		switch {
		case !f.Required || f.Result == verify.Passed:
		case f.Result == verify.Errored:
			errored = append(errored, f)
		default:
			failed = append(failed, f)
		}
	}
	return append(failed, errored...)
}

// nothingCounted explains a verdict that is not a pass although no required check
// refused: none of them rested on an authenticated statement about this digest.
const nothingCounted = "no required check counted an authenticated statement about the image"

// shortfall is why a verdict lets nothing through though no check refuses.
type shortfall struct{ code, message, next string }

// The codes of such a verdict. They are no check's, and in no verdict: the JSON says the
// same by its fields.
const (
	codeNothingCounted = "verdict.nothing_counted"
	codeHypothetical   = "verdict.hypothetical"
	codeUnexplained    = "verdict.unexplained"
)

// shortfallOf returns the zero shortfall where the checks say all, or the verdict is a pass of now.
func shortfallOf(v verify.Verdict) shortfall {
	switch {
	case len(refused(v)) > 0:
	case !v.Passed():
		return shortfall{codeNothingCounted, nothingCounted, "demand a signature, provenance, an SBOM, an attestation or a release"}
	case v.Hypothetical:
		return shortfall{codeHypothetical, "the pass is judged as of " + stamp(v.Run.JudgedAt) + ", and lets nothing run today", "judge without --at"}
	}
	return shortfall{}
}

// counted is a number with its noun.
func counted[N int | int64](n N, noun string) string {
	switch {
	case n == 0:
		return "no " + noun + "s"
	case n == 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
