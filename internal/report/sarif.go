package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// Where people read what a code means.
const (
	projectURI = "https://github.com/releaseassay/assay"
	reasonsURI = projectURI + "/blob/main/docs/reasons.md"
	outputsURI = projectURI + "/blob/main/docs/outputs.md"
)

// SARIF writes the verdict in the Static Analysis Results Interchange Format 2.1.0, as
// GitHub's code scanning reads it: one result, of level error, for each required check
// that is not a pass. What was not decided is of that level too, so that no threshold
// lets it through. The list of results is empty for a pass of now, and only for that.
func SARIF(w io.Writer, v verify.Verdict) error {
	s := &sarif{verdict: v, rules: []sarifRule{}, results: []sarifResult{}}
	for _, f := range refused(v) {
		s.finding(f)
	}
	if g := shortfallOf(v); g.code != "" {
		s.result(g.code, "", fmt.Sprintf("%s (%s): %s. Next: %s.", value(reference(v)), g.code, g.message, g.next))
	}
	log := sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:        sarifTool{Driver: s.driver()},
		Invocations: []sarifInvocation{s.invocation()},
		Results:     s.results,
		Properties:  standingOf(v),
	}}}
	return indented(w, "the verdict as SARIF", log)
}

// sarif collects the results of one verdict, and the rules that they name.
type sarif struct {
	verdict verify.Verdict
	rules   []sarifRule
	results []sarifResult
}

// finding adds the result of a check that is not a pass.
func (s *sarif) finding(f verify.Finding) {
	says := summarise(s.verdict, f)
	code, outcome := string(f.Code), "is not a pass"
	if code == "" {
		code = codeUnexplained
	}
	if f.Result == verify.Errored {
		outcome = "could not be decided"
	}
	text := fmt.Sprintf("%s: %s %s (%s). Wanted: %s. Found: %s. Next: %s.",
		value(reference(s.verdict)), value(f.ID), outcome, value(code), says.wanted, says.found, says.next)
	if e := s.verdict.Exception; e != nil && slices.Contains(e.Checks, f.ID) { // no suppression: the verdict stays fail
		text += " Excused until " + stamp(e.Expires) + " by " + value(e.Approver) + ": " + message(e.Reason) + "."
	}
	s.result(code, f.ID, text)
}

// result adds one result under a code. text is escaped, but for what SARIF reads in it.
func (s *sarif) result(code, check, text string) {
	id := value(code)
	index := slices.IndexFunc(s.rules, func(r sarifRule) bool { return r.ID == id })
	if index < 0 {
		index = len(s.rules)
		s.rules = append(s.rules, ruleOf(code))
	}
	v := s.verdict
	s.results = append(s.results, sarifResult{
		RuleID: id, RuleIndex: index, Level: "error", Message: sarifText{unlinked(text)},
		Locations: []sarifLocation{{
			Physical: sarifPhysical{
				Artifact: sarifArtifact{URI: pathOf(v.Image)},
				Region:   sarifRegion{StartLine: 1, StartColumn: 1, EndLine: 1, EndColumn: 1},
			},
			Logical: []sarifLogical{{Name: value(v.Image.Name), FullyQualifiedName: value(reference(v)), Kind: "resource"}},
		}},
		Fingerprints: map[string]string{"primaryLocationLineHash": fingerprint(check, code, v.Image)},
		Properties:   sarifCheck{Check: value(check)},
	})
}

// fingerprint tells whether two runs speak of one problem: the same check and code of
// the same image, whatever its tag. GitHub's have a hash and a number.
func fingerprint(check, code string, image verify.VerdictImage) string {
	sum := sha256.Sum256([]byte(check + "\x00" + code + "\x00" + nameOf(image)))
	return hex.EncodeToString(sum[:8]) + ":1"
}

func nameOf(image verify.VerdictImage) string {
	if image.Name != "" {
		return image.Name
	}
	return image.Requested
}

// pathOf is the image's name as a relative path. Code scanning refuses a result without
// a file, and a URI with a scheme, as which a port would be read.
func pathOf(image verify.VerdictImage) string {
	segments := strings.Split(value(nameOf(image)), "/")
	for i, s := range segments {
		if s == "" || s == "." || s == ".." {
			s = "_"
		}
		segments[i] = strings.ReplaceAll(url.PathEscape(s), ":", "%3A")
	}
	return strings.Join(segments, "/")
}

// placeholder is what SARIF puts an argument of the message in the place of (3.11.5).
var placeholder = regexp.MustCompile(`\{([0-9])`)

// brackets make a link of a plain text (3.11.6).
var brackets = strings.NewReplacer("[", `\x5b`, "]", `\x5d`)

// unlinked is an escaped text in which SARIF sees neither a link nor a placeholder.
func unlinked(escaped string) string {
	return placeholder.ReplaceAllString(brackets.Replace(escaped), `\x7b$1`)
}

// ruleOf describes a code for people who see the alert and nothing else.
func ruleOf(code string) sarifRule {
	r := explained(code)
	subject, _, _ := strings.Cut(code, ".")
	page := reasonsURI + "#" + url.PathEscape(subject)
	if subject == "verdict" || r.Meaning == "" {
		page = outputsURI + "#sarif"
	}
	if r.Meaning == "" {
		r.Meaning, r.Next = "A code that this version of assay does not explain.", "read the whole verdict: --output json"
	}
	return sarifRule{
		ID: value(code), Short: sarifText{r.Meaning}, Full: sarifText{r.Meaning},
		Help: sarifText{r.Meaning + " What to do: " + r.Next + ". See " + page}, HelpURI: page,
		Configuration: sarifConfiguration{Level: "error"},
		Properties:    sarifTags{Tags: []string{"security", "supply-chain"}},
	}
}

// explained returns the reason behind a code, or one without a meaning.
func explained(code string) verify.Reason {
	switch code {
	case codeNothingCounted:
		return verify.Reason{Meaning: "No required check counted an authenticated statement about the image.", Next: "demand at least one check over evidence"}
	case codeHypothetical:
		return verify.Reason{Meaning: "The verdict is a pass as of another time than now (--at), and lets nothing run today.", Next: "judge without --at"}
	}
	for _, r := range verify.Reasons() {
		if string(r.Code) == code {
			return r
		}
	}
	return verify.Reason{}
}

// semantic is a version as SARIF wants it: SemVer 2.0, without a leading v.
var semantic = regexp.MustCompile(`\A(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\z`)

func (s *sarif) driver() sarifDriver {
	d := sarifDriver{Name: "assay", InformationURI: projectURI, Version: value(s.verdict.Run.Assay), Rules: s.rules}
	if v := strings.TrimPrefix(s.verdict.Run.Assay, "v"); semantic.MatchString(v) {
		d.SemanticVersion = value(v)
	}
	return d
}

// invocation tells what the run met. It is successful whenever there is a verdict: code
// scanning drops the results of a run that is not, an undecided check's among them.
func (s *sarif) invocation() sarifInvocation {
	i := sarifInvocation{Successful: true}
	for _, x := range s.verdict.Run.Failed {
		i.Execution = append(i.Execution, warning(value(string(x.Code))+": "+value(x.Place)+": "+message(x.Detail)))
	}
	for _, x := range s.verdict.Notices {
		i.Configuration = append(i.Configuration, warning(value(string(x.Code))+": "+message(x.Message)))
	}
	i.Execution, i.Configuration = listed(i.Execution), listed(i.Configuration)
	return i
}

func warning(escaped string) sarifNotification {
	return sarifNotification{Level: "warning", Message: sarifText{unlinked(escaped)}}
}

// listed bounds a list, and says what is left out.
func listed(all []sarifNotification) []sarifNotification {
	if len(all) <= maxListed {
		return all
	}
	return append(all[:maxListed:maxListed], warning(fmt.Sprintf("and %d more", len(all)-maxListed)))
}

func standingOf(v verify.Verdict) sarifStanding {
	p := sarifStanding{
		Verdict: "fail", Conclusive: v.Conclusive, Hypothetical: v.Hypothetical, Enforced: v.Enforced, Excepted: v.Exception != nil,
		Image: value(reference(v)), Policy: value(v.Policy.Name), PolicyDigest: value(v.Policy.Digest), Rule: value(v.Policy.Rule),
	}
	if v.Passed() {
		p.Verdict = "pass"
	}
	return p
}
