package draft

import (
	"strings"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
	"github.com/releaseassay/assay/verify"
)

// The kinds of evidence that have a check of their own. Of all else the kind is the
// predicate type.
const (
	kindSignature  = "signature"
	kindProvenance = "provenance"
	kindSBOM       = "sbom"
)

func kindOf(e verify.Exhibit) string {
	switch {
	case e.Layout == verify.LegacySignature, e.PredicateType == verify.PredicateCosignSign:
		return kindSignature
	case e.PredicateType == verify.PredicateProvenanceV02, e.PredicateType == verify.PredicateProvenanceV1:
		return kindProvenance
	case sbom.FormatOf(e.PredicateType) != "":
		return kindSBOM
	}
	return e.PredicateType
}

// source is what was built, as a certificate says.
type source struct{ repository, repositoryID, ownerID, ref string }

// profile is who signed, and in which circumstances.
type profile struct {
	issuer, identity string
	// workflow, repository and ref are of the workflow that signed, "" where the
	// identity is no workflow's.
	workflow, repository, ref string
	source                    source
	trigger, runner           string
}

// who names a signer whatever it was run for: two runs of one workflow have one.
func (p profile) who() string {
	if p.workflow == "" {
		return p.issuer + " " + p.identity
	}
	return p.issuer + " " + p.repository + " " + p.workflow
}

// party is on whose behalf it was signed.
func (p profile) party() string {
	if p.source.repository != "" {
		return p.source.repository
	}
	return p.who()
}

// own reports whether a workflow of the repository that was built signed.
func (p profile) own() bool { return p.workflow != "" && p.repository == p.source.repository }

// profileOf reads a certificate's claims. bad names a claim that cannot be written into
// a policy.
func profileOf(c verify.Claims) (p profile, bad string) {
	p = profile{
		issuer: c.Issuer, identity: c.Identity, trigger: c.Trigger, runner: c.Runner,
		source: source{c.Repository, c.RepositoryID, c.OwnerID, c.Ref},
	}
	for name, value := range map[string]string{"identity": c.Identity, "issuer": c.Issuer, "ref": c.Ref, "trigger": c.Trigger, "ids": c.RepositoryID + c.OwnerID} {
		if !literal(value) {
			bad = max(bad, name)
		}
	}
	if c.Repository != "" {
		if _, err := policy.RepositoryURL(c.Repository); err != nil || strings.Contains(c.Repository, "*") {
			bad = "repository"
		}
	}
	if repository, path, ref, ok := c.Workflow(); ok && strings.HasPrefix(ref, "refs/") {
		p.repository, p.workflow, p.ref = repository, path, ref
	}
	return p, bad
}

// literal reports whether a text means itself in a pattern.
func literal(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || strings.IndexByte("*{}", s[i]) >= 0 {
			return false
		}
	}
	return true
}

// isWorkflow reports whether a profile is of a workflow that somebody named, as
// "[OWNER/NAME/]PATH[@REF]".
func (p profile) isWorkflow(named string) bool {
	path, ref, _ := strings.Cut(named, "@")
	if p.workflow == "" || ref != "" && ref != p.ref {
		return false
	}
	short := strings.TrimPrefix(p.repository, "https://github.com/")
	return path == p.workflow || path == short+"/"+p.workflow || path == p.repository+"/"+p.workflow
}
