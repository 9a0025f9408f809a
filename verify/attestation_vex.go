package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/releaseassay/assay/policy"
)

// vexShape judges an OpenVEX document: https://github.com/openvex/spec, versions 0.0.1
// and 0.2.0, which differ in how they write vulnerability and product.
type vexShape struct{ want policy.VEX }

// vexStatement is one statement of such a document about the image.
type vexStatement struct {
	vulnerability, status string
	// part is what of the product it is about, as it is written; "" is the whole.
	part string
	at   time.Time
}

func (v vexShape) describe(set func(name, value string)) {
	set("vex.statuses", either(v.want.Statuses))
	set("vex.authors", either(v.want.Authors))
	set("vex.product", "the image's digest")
}

func (v vexShape) judge(q *question, s *Statement) *Difference {
	o, err := readPredicate(s, maxShape, "@context", "author", "timestamp", "statements")
	if err != nil {
		return misshapen("an OpenVEX document", err)
	}
	author, about, err := parseVEX(q, o)
	if err != nil {
		return misshapen("an OpenVEX document", err)
	}
	if len(v.want.Authors) > 0 && !slices.Contains(v.want.Authors, author) {
		return violated(problemContent, AttestationVEXAuthor, "author", either(v.want.Authors), brief(author))
	}
	if len(about) == 0 {
		return violated(problemContent, AttestationVEXOther, "products", q.facts.image.Digest, "no statement about it")
	}
	for _, statement := range about {
		if diff := afterSigning(q, s, "timestamp", statement.at); diff != nil {
			return diff
		}
	}
	return v.accepts(newestStatements(about))
}

// accepts wants each status to be one of those that the policy takes.
func (v vexShape) accepts(statements []vexStatement) *Difference {
	if len(v.want.Statuses) == 0 {
		return nil
	}
	var violations []Violation
	first := ""
	for _, s := range statements {
		if slices.Contains(v.want.Statuses, s.status) {
			continue
		}
		if first == "" {
			first = s.status
		}
		violations = append(violations, Violation{Rule: "vex.statuses", Component: s.vulnerability, Problem: s.vulnerability + " is " + s.status})
	}
	if len(violations) == 0 {
		return nil
	}
	return violated(problemContent, AttestationVEXStatus, "status", either(v.want.Statuses), first+" ("+brief(violations[0].Component)+")", violations...)
}

// newestStatements keeps of what is said about one vulnerability of one part of the
// image what was said last: a document is a history. Two that were said at once both
// count.
func newestStatements(all []vexStatement) []vexStatement {
	type key struct{ vulnerability, part string }
	newest := map[key]time.Time{}
	for _, s := range all {
		k := key{s.vulnerability, s.part}
		if at, ok := newest[k]; !ok || s.at.After(at) {
			newest[k] = s.at
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(s vexStatement) bool {
		return !s.at.Equal(newest[key{s.vulnerability, s.part}])
	})
}

// parseVEX reads a document's author and its statements about the image.
func parseVEX(q *question, o object) (author string, about []vexStatement, err error) {
	context, err := o.text("@context")
	if err != nil {
		return "", nil, err
	}
	switch context {
	case "https://openvex.dev/ns", "https://openvex.dev/ns/v0.0.1", "https://openvex.dev/ns/v0.2.0":
	default:
		return "", nil, fmt.Errorf("its @context is %q; wanted https://openvex.dev/ns, of version 0.0.1 or 0.2.0", context)
	}
	if author, err = o.text("author"); err != nil {
		return "", nil, err
	}
	at, err := o.time("timestamp")
	if err != nil {
		return "", nil, err
	}
	if at.IsZero() {
		return "", nil, errors.New("\"timestamp\" is missing")
	}
	list, err := o.array("statements", maxKeys)
	if err != nil {
		return "", nil, err
	}
	for i, raw := range list {
		s, err := parseVEXStatement(q, raw, at)
		if err != nil {
			return "", nil, fmt.Errorf("statement %d: %w", i, err)
		}
		about = append(about, s...)
	}
	return author, about, nil
}

// parseVEXStatement reads one statement, which may be about several parts of the image,
// or none. The document's time at stands for its own where it has none.
func parseVEXStatement(q *question, raw json.RawMessage, at time.Time) ([]vexStatement, error) {
	o, err := parseObject(raw, "it")
	if err != nil {
		return nil, err
	}
	if err := o.exact("vulnerability", "products", "status", "timestamp", "justification", "impact_statement"); err != nil {
		return nil, err
	}
	one := vexStatement{at: at}
	if one.vulnerability, err = vexVulnerability(o); err != nil {
		return nil, err
	}
	if one.status, err = o.text("status"); err != nil {
		return nil, err
	}
	own, err := o.time("timestamp")
	if err != nil {
		return nil, err
	}
	if !own.IsZero() {
		one.at = own
	}
	switch one.status {
	case "affected", "fixed", "under_investigation":
	case "not_affected":
		if err := justified(o); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("the status is %q; wanted not_affected, affected, fixed or under_investigation", one.status)
	}
	parts, err := vexParts(q, o)
	if err != nil {
		return nil, err
	}
	var all []vexStatement
	for _, part := range parts {
		one.part = part
		all = append(all, one)
	}
	return all, nil
}

// justified wants a reason beside not_affected, as the specification does.
func justified(o object) error {
	for _, key := range []string{"justification", "impact_statement"} {
		reason, err := o.textOr(key)
		if err != nil {
			return err
		}
		if reason != "" {
			return nil
		}
	}
	return errors.New("the status is not_affected without a justification or an impact_statement")
}

// vexVulnerability reads what a statement is about: a string in 0.0.1, an object with a
// name since.
func vexVulnerability(o object) (string, error) {
	if raw := o["vulnerability"]; len(raw) > 0 && raw[0] == '"' {
		return o.text("vulnerability")
	}
	v, err := o.member("vulnerability", "name")
	if err != nil {
		return "", err
	}
	return v.text("name")
}

// maxProducts is how many products one statement may have.
const maxProducts = 10_000

// vexParts lists the parts of the image that a statement is about, "" for the whole.
// A statement without products is about the subject of the attestation, as the
// specification's inheritance says: that is the image.
func vexParts(q *question, o object) ([]string, error) {
	if _, ok := o["products"]; !ok {
		return []string{""}, nil
	}
	products, err := o.array("products", maxProducts)
	if err != nil {
		return nil, err
	}
	var parts []string
	for _, raw := range products {
		ours, part, err := vexProduct(q, raw, o["subcomponents"])
		if err != nil {
			return nil, err
		}
		if ours && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return parts, nil
}

// vexProduct reports whether a product is the image, by its digest, and of which part
// of it the statement speaks. shared are the subcomponents of 0.0.1, which stand beside
// the products.
func vexProduct(q *question, raw, shared json.RawMessage) (ours bool, part string, err error) {
	if len(raw) > 0 && raw[0] == '"' {
		id, err := textOf(raw, "a product")
		return err == nil && q.isPackage(id), compactJSON(shared), err
	}
	o, err := parseObject(raw, "a product")
	if err != nil {
		return false, "", err
	}
	if err := o.exact("@id", "identifiers", "hashes", "subcomponents"); err != nil {
		return false, "", err
	}
	id, err := o.textOr("@id")
	if err != nil {
		return false, "", err
	}
	ours = q.isPackage(id)
	if _, ok := o["identifiers"]; ok {
		identifiers, err := o.object("identifiers")
		if err != nil {
			return false, "", err
		}
		purl, err := identifiers.textOr("purl")
		if err != nil {
			return false, "", err
		}
		ours = ours || q.isPackage(purl)
	}
	if _, ok := o["hashes"]; ok {
		hashes, err := o.object("hashes")
		if err != nil {
			return false, "", err
		}
		sum, err := hashes.textOr("sha-256")
		if err != nil {
			return false, "", err
		}
		ours = ours || (IsDigest("sha256:"+sum) && "sha256:"+sum == q.facts.image.Digest)
	}
	return ours, compactJSON(o["subcomponents"]), nil
}

// compactJSON writes a value without spaces between its parts; "" for none.
func compactJSON(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil || b.String() == "null" || b.String() == "[]" {
		return ""
	}
	return b.String()
}
