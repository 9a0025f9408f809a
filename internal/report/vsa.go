package report

import (
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/verify"
)

// The types of a verification summary.
const (
	statementType = "https://in-toto.io/Statement/v1"
	summaryType   = "https://slsa.dev/verification_summary/v1"
)

// VSA writes the verdict as a SLSA verification summary
// (https://slsa.dev/spec/v1.0/verification_summary), in an in-toto statement that nobody
// has signed: whoever signs it answers for it. It says PASSED of a pass of now alone. A
// summary of anything else is FAILED in both places that readers look at, names no
// evidence, and is written all the same, so that no older one is left to be signed.
func VSA(w io.Writer, v verify.Verdict) error {
	p := summaryPredicate{
		Verifier:     summaryVerifier{ID: projectURI},
		TimeVerified: v.Run.JudgedAt.UTC().Format(time.RFC3339),
		ResourceURI:  value(reference(v)),
		Policy:       summaryResource{URI: policyURI(v.Policy), Digest: digestSet(v.Policy.Digest)},
		Result:       "FAILED", Levels: []string{"FAILED"}, SLSAVersion: "1.0",
	}
	if v.Run.Assay != "" {
		p.Verifier.Version = map[string]string{"assay": value(v.Run.Assay)}
	}
	if vouched(v) {
		p.Inputs, p.Result, p.Levels = inputs(v), "PASSED", buildLevels(v)
	}
	s := summaryStatement{Type: statementType, Subject: []summarySubject{}, PredicateType: summaryType, Predicate: p}
	if digest := digestSet(v.Image.Digest); digest != nil {
		s.Subject = append(s.Subject, summarySubject{Name: value(v.Image.Name), Digest: digest})
	}
	return indented(w, "the verification summary", s)
}

type summaryStatement struct {
	Type          string           `json:"_type"`
	Subject       []summarySubject `json:"subject"`
	PredicateType string           `json:"predicateType"`
	Predicate     summaryPredicate `json:"predicate"`
}

type summarySubject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type summaryPredicate struct {
	Verifier     summaryVerifier   `json:"verifier"`
	TimeVerified string            `json:"timeVerified"`
	ResourceURI  string            `json:"resourceUri"`
	Policy       summaryResource   `json:"policy"`
	Inputs       []summaryResource `json:"inputAttestations,omitempty"`
	Result       string            `json:"verificationResult"`
	Levels       []string          `json:"verifiedLevels"`
	SLSAVersion  string            `json:"slsaVersion"`
}

type summaryVerifier struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version,omitempty"`
}

// summaryResource is a ResourceDescriptor of in-toto.
type summaryResource struct {
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest,omitempty"`
}

// vouched reports whether a summary may say PASSED: a pass of now, by itself, about a
// digest, with the reference and the policy as they will be read.
func vouched(v verify.Verdict) bool {
	return v.Passed() && v.Conclusive && !v.Hypothetical && v.Exception == nil && len(refused(v)) == 0 && len(counting(v)) > 0 &&
		verify.IsDigest(v.Image.Digest) && strings.HasSuffix(v.Image.Pinned, "@"+v.Image.Digest) && value(v.Image.Pinned) == v.Image.Pinned &&
		verify.IsDigest(v.Policy.Digest) && !v.Run.JudgedAt.IsZero()
}

// counting are the candidates that met the demands of the required checks.
func counting(v verify.Verdict) []verify.Candidate {
	var all []verify.Candidate
	for _, f := range v.Checks {
		if f.Required && f.Result == verify.Passed {
			all = append(all, met(f)...)
		}
	}
	return all
}

// met are the candidates of a check that met its demand.
func met(f verify.Finding) []verify.Candidate {
	return slices.DeleteFunc(slices.Clone(f.Found), func(c verify.Candidate) bool { return !c.Authenticated || c.Met == nil || c.Code != "" })
}

// inputs are the digests of the evidence that counted, each once. Where each lay belongs
// to the run, and another copy is the same evidence.
func inputs(v verify.Verdict) []summaryResource {
	digests := map[string]bool{}
	for _, c := range counting(v) {
		if verify.IsDigest(c.Evidence) {
			digests[c.Evidence] = true
		}
	}
	var all []summaryResource
	for _, d := range slices.Sorted(maps.Keys(digests)) {
		all = append(all, summaryResource{Digest: digestSet(d)})
	}
	return all
}

// buildLevels is the level of SLSA's build track that the accepted builder has. Of an
// index whose platforms were attested one by one it is the lowest of theirs. Without
// accepted provenance it is no level at all: what nobody looked at is not level 0.
func buildLevels(v verify.Verdict) []string {
	best := map[string]int{} // by the digest that the provenance is about
	for _, f := range v.Checks {
		if f.ID != "provenance" || !f.Required || f.Result != verify.Passed {
			continue
		}
		for _, c := range met(f) {
			level := 0
			if c.Level != nil {
				level = *c.Level
			}
			if known, ok := best[c.About]; !ok || level > known {
				best[c.About] = level
			}
		}
	}
	if len(best) == 0 {
		return []string{}
	}
	lowest := min(slices.Min(slices.Collect(maps.Values(best))), 3) // the track ends there
	return []string{fmt.Sprintf("SLSA_BUILD_LEVEL_%d", max(lowest, 0))}
}

// policyURI names the policy, which lives nowhere that is known; its digest says which
// version of it this was.
func policyURI(p verify.VerdictPolicy) string { return "assay:policy/" + url.PathEscape(value(p.Name)) }

// digestSet is a digest as in-toto writes it, nil for what is none.
func digestSet(digest string) map[string]string {
	if !verify.IsDigest(digest) {
		return nil
	}
	return map[string]string{"sha256": strings.TrimPrefix(digest, "sha256:")}
}
