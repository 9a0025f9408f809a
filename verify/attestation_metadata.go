package verify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
)

// metadataShape judges a release's metadata: what each path of the policy names is in
// the predicate, and is this release's. Demand is whose patterns say which git tags are
// of the version.
type metadataShape struct {
	want   policy.Metadata
	demand policy.Demand
}

// metadataField is one thing that a release's metadata can hold.
type metadataField struct {
	// name is the field's in the policy, claim what it is in the story that all evidence
	// tells, "" if it takes no part; path says where it is.
	name, claim, path string
}

func metadataFields(m policy.Metadata) []metadataField {
	return []metadataField{
		{"image", "image", m.Image},
		{"digest", "digest", m.Digest},
		{"version", "version", m.Version},
		{"tag", "", m.Tag},
		{"repository", "repository", m.Repository},
		{"ref", "ref", m.Ref},
		{"commit", "commit", m.Commit},
		{"workflow", "workflow", m.Workflow},
		{"run", "run", m.Run},
		{"time", "built", m.Time},
	}
}

func (m metadataShape) describe(set func(name, value string)) {
	for _, f := range metadataFields(m.want) {
		set("metadata."+f.name, f.path)
	}
}

func (m metadataShape) judge(q *question, s *Statement) *Difference {
	o, err := readPredicate(s, maxShape)
	if err != nil {
		return misshapen("release metadata", err)
	}
	demanded := 0
	for _, f := range metadataFields(m.want) {
		if f.path == "" {
			continue
		}
		demanded++
		value, err := valueAt(o, f.path)
		if err != nil {
			return violated(problemContent, AttestationFieldMissing, f.path, "the release's "+f.name, "",
				Violation{Rule: "metadata." + f.name, Path: f.path, Problem: err.Error()})
		}
		if diff := m.matchField(q, s, f, value); diff != nil {
			return diff
		}
	}
	if demanded == 0 { // which no parser makes
		return violated(problemContent, AttestationFieldMissing, "metadata", "a field to look at", "")
	}
	return nil
}

// matchField compares what a path names with what it is of this release.
func (m metadataShape) matchField(q *question, s *Statement, f metadataField, value string) *Difference {
	mismatch := func(wanted string) *Difference {
		return violated(problemContent, AttestationFieldMismatch, f.path, wanted, brief(value),
			Violation{Rule: "metadata." + f.name, Path: f.path, Problem: "it is " + value + "; wanted " + wanted})
	}
	switch f.name {
	case "image":
		if !q.names(value) {
			return mismatch(q.rule.Canonical)
		}
	case "digest":
		if wholeDigest(value) != q.facts.image.Digest {
			return mismatch(q.facts.image.Digest)
		}
	case "version", "tag":
		if f.name == "tag" && m.isTag(q, value) {
			return nil
		}
		if q.vars.Version == "" {
			return violated(problemContent, PolicyNoVersion, f.path, "the "+f.name+" of a version that is known", brief(value))
		}
		if f.name == "tag" {
			return mismatch("a tag of version " + q.vars.Version)
		}
		if value != q.vars.Version {
			return mismatch(q.vars.Version)
		}
	case "time":
		t, err := momentOf(value)
		latest := s.Time().Add(q.limits.ClockSkew)
		if err != nil || t.After(latest) {
			return mismatch("a time (RFC 3339, or seconds since 1970) not after " + s.Time().Format(time.RFC3339))
		}
	default:
		forms := certified(s.claims, f.name)
		if len(forms) == 0 {
			return violated(problemClaimMissing, AttestationClaimMissing, f.name, "the certificate's, to compare "+f.path+" with", "")
		}
		if !slices.Contains(forms, value) {
			return mismatch(forms[0] + ", as the certificate says")
		}
	}
	return nil
}

// isTag reports whether a tag is the image's or the git tag that the demand wants for
// the version.
func (m metadataShape) isTag(q *question, tag string) bool {
	if q.isTag(tag) {
		return true
	}
	var refs []policy.Pattern
	for _, s := range m.demand.Signers {
		refs = append(refs, s.Ref...)
	}
	for _, s := range m.demand.Sources {
		refs = append(refs, s.Ref...)
	}
	for _, p := range refs {
		if p.UsesVersion() && p.Match("refs/tags/"+tag, q.vars) {
			return true
		}
	}
	return false
}

// certified lists the forms in which a claim of the certificate may be written, its own
// first; none where it does not make it.
func certified(c *Claims, field string) []string {
	if c == nil {
		return nil
	}
	_, base := policy.IssuerGrammar(c.Issuer)
	var forms []string
	add := func(texts ...string) {
		for _, t := range texts {
			if t != "" && !slices.Contains(forms, t) {
				forms = append(forms, t)
			}
		}
	}
	switch field {
	case "repository":
		if c.Repository != "" {
			add(c.Repository, c.Repository+".git", "git+"+c.Repository, "git+"+c.Repository+".git", below(base, c.Repository))
		}
	case "ref":
		add(c.Ref)
	case "commit":
		add(c.Commit)
	case "workflow":
		for _, uri := range []string{c.ConfigURI, c.SignerURI} {
			whole, _, _ := strings.Cut(uri, "@")
			add(uri, whole, below(base, uri), below(base, whole))
			if path, ok := strings.CutPrefix(whole, c.Repository+"/"); ok && c.Repository != "" {
				add(strings.TrimPrefix(path, "/")) // GitLab writes two slashes
			}
		}
		add(c.WorkflowName)
	case "run":
		run, attempt, _ := strings.Cut(c.RunURI, "/attempts/")
		id := run[strings.LastIndexByte(run, '/')+1:]
		add(c.RunURI, run, id)
		if attempt != "" {
			add(id+"-"+attempt, id+"/"+attempt)
		}
	}
	return forms
}

// below returns what a URL has below base, "" if it is not there.
func below(base, uri string) string {
	rest, ok := strings.CutPrefix(uri, base+"/")
	if !ok || base == "" {
		return ""
	}
	return rest
}

// wholeDigest returns "sha256:<hex>" of either form of a digest, and else the text.
func wholeDigest(text string) string {
	if IsDigest("sha256:" + text) {
		return "sha256:" + text
	}
	return text
}

// valueAt returns the string or the whole number that a path of member names with dots
// names.
func valueAt(o object, path string) (string, error) {
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		next, err := o.object(name)
		if err != nil {
			return "", err
		}
		o = next
	}
	last := names[len(names)-1]
	if raw, ok := o[last]; ok && isNumber(raw) {
		n, err := o.integer(last)
		return fmt.Sprint(n), err
	}
	return o.text(last)
}

// isNumber reports whether a JSON value is a number.
func isNumber(raw json.RawMessage) bool {
	return len(raw) > 0 && (raw[0] == '-' || (raw[0] >= '0' && raw[0] <= '9'))
}

// metadataClaims returns what a release's metadata says of the claims that are
// compared across all evidence, by the names of [policy.ConsistencyClaims]: the digest
// with its algorithm, the image by its canonical name alone, the time as RFC 3339 in
// UTC, and what a certificate says too in the certificate's form. What cannot be read
// is not there.
func metadataClaims(s *Statement, m *policy.Metadata) map[string]string {
	claims := map[string]string{}
	if m == nil {
		return claims
	}
	o, err := readPredicate(s, maxShape)
	if err != nil {
		return claims
	}
	for _, f := range metadataFields(*m) {
		if f.claim == "" || f.path == "" {
			continue
		}
		if value, err := valueAt(o, f.path); err == nil {
			claims[f.claim] = canonicalClaim(s, f.name, value)
		}
	}
	return claims
}

// canonicalClaim writes a value as other evidence does.
func canonicalClaim(s *Statement, field, value string) string {
	switch field {
	case "image":
		if ref, err := ParseReference(value); err == nil {
			return ref.Name()
		}
	case "digest":
		return wholeDigest(value)
	case "time":
		if t, err := momentOf(value); err == nil {
			return t.Format(time.RFC3339)
		}
	case "repository", "ref", "commit", "workflow", "run":
		if forms := certified(s.claims, field); slices.Contains(forms, value) {
			return forms[0]
		}
	}
	return value
}
