package verify

import (
	"bytes"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// claimedBuild reads what provenance of either version says, of any build type. Unlike
// parseBuild it wants nothing to be there: it is for showing, not for comparing.
func claimedBuild(predicateType string, predicate json.RawMessage) (*ClaimedBuild, error) {
	dec := json.NewDecoder(bytes.NewReader(predicate))
	dec.UseNumber()
	var p map[string]any
	if err := dec.Decode(&p); err != nil || p == nil {
		return nil, errors.New("the provenance's predicate is not a JSON object")
	}
	if predicateType == PredicateProvenanceV02 {
		b := &ClaimedBuild{
			Builder: textAt(p, "builder", "id"), Type: textAt(p, "buildType"), Run: textAt(p, "metadata", "buildInvocationID"),
		}
		source, ok := first(p, "materials")
		if !ok {
			source = mapAt(p, "invocation", "configSource")
		}
		b.Source, b.Commit = textAt(source, "uri"), commitAt(source)
		return b, nil
	}
	b := &ClaimedBuild{
		Builder: textAt(p, "runDetails", "builder", "id"), Type: textAt(p, "buildDefinition", "buildType"),
		Run: textAt(p, "runDetails", "metadata", "invocationId"),
	}
	source, _ := first(mapAt(p, "buildDefinition"), "resolvedDependencies")
	b.Source, b.Commit = textAt(source, "uri"), commitAt(source)
	return b, nil
}

// commitAt returns the commit of a material or resolved dependency.
func commitAt(source map[string]any) string {
	if commit := textAt(source, "digest", "gitCommit"); commit != "" {
		return commit
	}
	return textAt(source, "digest", "sha1")
}

// legacyTimestamp reads cosign's timestamp annotation.
func legacyTimestamp(b []byte, limits Limits) ([]byte, error) {
	if err := checkJSON(b, limits.Depth); err != nil {
		return nil, err
	}
	o, err := parseObject(b, "the timestamp")
	if err != nil {
		return nil, err
	}
	return o.base64("SignedRFC3161Timestamp")
}

// timestampTime returns the time in an RFC 3161 response. It reads the one field and
// verifies nothing: the signature is not even parsed.
func timestampTime(der []byte) (time.Time, error) {
	var response struct { // RFC 3161, 2.4.2
		Status asn1.RawValue
		Token  struct { // RFC 5652, 3
			Type    asn1.ObjectIdentifier
			Content struct { // RFC 5652, 5.1
				Version    int
				Algorithms asn1.RawValue
				Content    struct {
					Type asn1.ObjectIdentifier
					Info []byte `asn1:"explicit,tag:0"`
				}
			} `asn1:"explicit,tag:0"`
		}
	}
	if _, err := asn1.Unmarshal(der, &response); err != nil {
		return time.Time{}, fmt.Errorf("parse the response: %w", err)
	}
	var info struct { // RFC 3161, 2.4.2
		Version int
		Policy  asn1.ObjectIdentifier
		Imprint asn1.RawValue
		Serial  asn1.RawValue
		Time    time.Time `asn1:"generalized"`
	}
	if _, err := asn1.Unmarshal(response.Token.Content.Content.Info, &info); err != nil {
		return time.Time{}, fmt.Errorf("parse its content: %w", err)
	}
	return inCalendar(info.Time)
}

// inCalendar returns t in UTC, unless that has no year of four digits: RFC 3339, and
// so JSON, cannot write it.
func inCalendar(t time.Time) (time.Time, error) {
	t = t.UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, errors.New("found a time outside the years 1 to 9999")
	}
	return t, nil
}
