package verify

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/slsa-framework/slsa-verifier/v2/verifiers/utils"

	"github.com/releaseassay/assay/policy"
)

// Sources of claims beside statements, which are called by their check.
const (
	sourceReference  = "reference"
	sourceTag        = "tag"
	sourceFlag       = "flag"
	sourceRelease    = "release manifest"
	sourceLabel      = "label"
	sourceAnnotation = "annotation"
	ofCertificate    = " certificate"
	// questionPiece is where what the question names stands.
	questionPiece = "question"
)

// tell gathers the story, once for each question, and who else could have told another:
// said is what the story rests on, heard what all statements say that met a check.
func (q *question) tell() (said, heard *story) {
	if q.told != nil {
		return q.told, q.heard
	}
	base := &story{said: map[string][]saying{}}
	q.tellQuestion(base)
	q.tellRelease(base)
	q.tellLabels(base)
	all := q.choices()
	whole := base.with(all)
	q.told, q.heard = &whole, &whole
	if q.rule.Consistency != nil {
		chosen, until := base.whole(comparison(*q.rule.Consistency).claims, len(q.rule.Consistency.Required) > 0, all)
		q.told = &chosen
		q.until(until)
	}
	return q.told, q.heard
}

// tellQuestion notes what was asked for: the name under which the image is judged, its
// digest, and the version that tag or caller name. Nobody writes for the built-in policy of
// what an image is a mirror, so that the name is a hint there.
func (q *question) tellQuestion(t *story) {
	who := teller{source: sourceReference, piece: questionPiece}
	named := who
	named.hint = q.policy.BuiltIn
	t.says(q, named, "image", q.rule.Canonical)
	t.says(q, who, "digest", q.facts.image.Digest)
	if tag := q.facts.image.Reference.Tag(); tag != "" && !q.rule.VersionTags().IsMoving(tag) {
		version, _ := q.rule.VersionTags().VersionOf(tag)
		t.says(q, teller{source: sourceTag, piece: questionPiece}, "version", version)
	}
	if q.versionFrom == "flag" {
		t.says(q, teller{source: sourceFlag, piece: questionPiece}, "version", q.vars.Version)
	}
}

// tellStatement notes what a statement that met a check says: what it is about, what its
// certificate says of the signer's run, and what is known of its content.
func (q *question) tellStatement(t *story, c statements, s *Statement, piece string) {
	about := q.about(s)
	who := teller{source: c.id(), evidence: s.evidence, piece: piece, about: about}
	t.says(q, who, "digest", about)
	q.tellName(t, who, s)
	if a, ok := c.kind.(attestationCheck); ok && speaksOfImage(a.want) {
		return
	}
	var built *build
	if _, ok := c.kind.(provenanceCheck); ok {
		built = q.tellProvenance(t, who, s)
	}
	q.tellCertificate(t, who, c.demand(q.rule), s, built)
	switch kind := c.kind.(type) {
	case sbomCheck:
		q.tellDocument(t, who, s)
	case attestationCheck:
		claims := metadataClaims(s, kind.want.Metadata)
		for _, claim := range policy.ConsistencyClaims() {
			if value, ok := claims[claim]; ok {
				t.says(q, who, claim, value)
			}
		}
	}
}

// speaksOfImage reports whether an attestation is about an image whoever made it and
// from wherever: a scan, VEX, a summary of a verification, a test's result.
func speaksOfImage(a policy.Attestation) bool {
	return a.Scan != nil || a.VEX != nil || a.VSA != nil || a.Tests != nil
}

// about is the digest of the image, or of the index or platform of it, that a statement
// is about.
func (q *question) about(s *Statement) string {
	if s.about != "" {
		return s.about
	}
	for _, f := range q.family() {
		for _, known := range f.statements {
			if known == s {
				return f.image.Digest
			}
		}
	}
	return q.facts.image.Digest
}

// family lists the facts about the image, its platforms and the index that was named.
func (q *question) family() []*Facts {
	all := []*Facts{&q.facts}
	for i := range q.facts.children {
		all = append(all, &q.facts.children[i].facts)
	}
	if q.facts.index != nil {
		all = append(all, q.facts.index)
	}
	return all
}

// tellName notes by which name a statement calls its subject. Of several subjects with
// the digest the one with the image's own name counts: one build is pushed to several
// registries. A legacy signature's name is never demanded, so it is a hint.
func (q *question) tellName(t *story, who teller, s *Statement) {
	name := ""
	for _, subject := range s.subjects {
		if "sha256:"+subject.Digest["sha256"] != who.about || subject.Name == "" {
			continue
		}
		plain := q.plain("image", subject.Name, "")
		if name == "" || (plain != "" && plain == q.rule.Canonical) {
			name = subject.Name
		}
	}
	if s.layout == LegacySignature {
		who.hint = true
	}
	t.says(q, who, "image", name)
}

// tellCertificate notes what the certificate says; of what BuildKit keeps, that of the
// signature that vouches for it. That of a delegated builder which
// built what it does not name is of the run alone, so that its source is a hint.
func (q *question) tellCertificate(t *story, who teller, d policy.Demand, s *Statement, built *build) {
	c := s.claims
	if c == nil && s.voucher != nil {
		c, who.evidence = s.voucher.claims, s.voucher.evidence
	}
	if c == nil {
		return
	}
	who.source += ofCertificate
	source := who
	if built != nil {
		_, ref, err := utils.ParseGitURIAndRef(built.sourceURI)
		source.hint = err == nil && ref == ""
	}
	t.says(q, source, "version", q.versionOfRef(d, c.Ref))
	t.says(q, who, "repository", c.Repository)
	t.says(q, who, "repository_id", c.RepositoryID)
	t.says(q, who, "owner_id", c.OwnerID)
	t.says(q, source, "ref", c.Ref)
	t.says(q, source, "commit", c.Commit)
	t.says(q, who, "workflow", c.ConfigURI)
	t.says(q, who, "run", c.RunURI)
}

// versionOfRef reads the version out of a ref: by the demand's own patterns, or else, of
// a git tag, as a tag gives one. It is empty where that is not one. Where a ref can be read
// in several ways ("v1.2.3" is a version by some grammars), the version that is judged is
// one of them if it fits.
func (q *question) versionOfRef(d policy.Demand, ref string) string {
	grammar := q.vars.Grammar
	for _, s := range d.Sources {
		for _, p := range s.Ref {
			if p.UsesVersion() && p.Match(ref, q.vars) {
				return q.vars.Version
			}
		}
	}
	for _, s := range d.Sources {
		for _, p := range s.Ref {
			if v, ok := p.Version(ref, grammar); ok {
				return v
			}
		}
	}
	tag, ok := strings.CutPrefix(ref, "refs/tags/")
	if !ok {
		return ""
	}
	version, _ := q.version(tag)
	return version
}

// tellProvenance notes what provenance says of the build.
func (q *question) tellProvenance(t *story, who teller, s *Statement) *build {
	b, err := parseBuild(s.predicateType, s.predicate)
	if err != nil { // cannot be: it met the check
		return nil
	}
	repository, ref, err := utils.ParseGitURIAndRef(b.sourceURI)
	if err != nil {
		repository, ref = b.sourceURI, ""
	}
	run := b.runURI
	if run == "" {
		run = b.runID
	}
	t.says(q, who, "repository", repository)
	t.says(q, who, "repository_id", firstOf(textAt(b.params, "github_repository_id"), textAt(b.github, "repository_id")))
	t.says(q, who, "owner_id", firstOf(textAt(b.params, "github_repository_owner_id"), textAt(b.github, "repository_owner_id")))
	t.says(q, who, "ref", ref)
	t.says(q, who, "commit", b.sourceCommit)
	t.says(q, who, "workflow", b.workflow)
	t.says(q, who, "run", run)
	t.says(q, who, "builder", b.builderID)
	t.says(q, who, "built", builtAt(s))
	return b
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// builtAt is when a build began, as its provenance says, "" if it does not.
func builtAt(s *Statement) string {
	dec := json.NewDecoder(bytes.NewReader(s.predicate))
	dec.UseNumber()
	var p map[string]any
	if err := dec.Decode(&p); err != nil {
		return ""
	}
	if s.predicateType == PredicateProvenanceV02 {
		return textAt(p, "metadata", "buildStartedOn")
	}
	return textAt(p, "runDetails", "metadata", "startedOn")
}

// tellRelease notes what the accepted manifest of the TUF repository says.
func (q *question) tellRelease(t *story) {
	if q.rule.Release == nil {
		return
	}
	f, m := q.released()
	if f.Result != Passed || m == nil {
		return
	}
	who := teller{source: sourceRelease, evidence: m.evidence, piece: sourceRelease}
	t.says(q, who, "image", m.image)
	t.says(q, who, "digest", m.digest)
	t.says(q, who, "version", m.version)
	if q.rule.Release.Fields.Commit != "" {
		t.says(q, who, "commit", m.commit)
	}
}
