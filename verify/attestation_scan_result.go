package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// parseFindings reads what a scanner found: a list in the in-toto form, or, in
// cosign's, which leaves the form open, the JSON reports of Trivy and Grype. What it
// cannot read is an error, and never no findings.
func parseFindings(predicateType string, scanner object) ([]vulnerability, error) {
	raw := scanner["result"]
	if len(raw) > 0 && raw[0] == '[' {
		return inTotoFindings(predicateType, scanner)
	}
	if predicateType == predicateVulnsV01 || predicateType == predicateVulnsV02 {
		return nil, errors.New("\"result\" is not a list")
	}
	report, err := scanner.object("result")
	if err != nil {
		return nil, err
	}
	_, trivy := report["SchemaVersion"]
	_, grype := report["matches"]
	switch {
	case trivy && !grype:
		return trivyFindings(report)
	case grype && !trivy:
		return grypeFindings(report)
	}
	return nil, errors.New("it is neither Trivy's report nor Grype's")
}

// inTotoFindings reads https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md.
// Version 0.1 has two forms: its text puts "vulnerability" around each, its example does not.
func inTotoFindings(predicateType string, scanner object) ([]vulnerability, error) {
	list, err := scanner.array("result", maxKeys)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 && predicateType == predicateVulnCosign { // an old report of Trivy's is a list too
		return nil, errors.New("it is an empty list, which may be the report of a scanner that looked at nothing")
	}
	found := make([]vulnerability, 0, len(list))
	for i, raw := range list {
		o, err := parseObject(raw, fmt.Sprintf("result %d", i))
		if err != nil {
			return nil, err
		}
		if _, inside := o["vulnerability"]; inside && predicateType == predicateVulnsV01 {
			if _, both := o["id"]; both {
				return nil, fmt.Errorf("result %d says twice which vulnerability it is", i)
			}
			if o, err = o.object("vulnerability"); err != nil {
				return nil, fmt.Errorf("result %d: %w", i, err)
			}
		}
		v, err := inTotoFinding(o)
		if err != nil {
			return nil, fmt.Errorf("result %d: %w", i, err)
		}
		found = append(found, v)
	}
	return found, nil
}

// maxRatings is how many severities one vulnerability may be given.
const maxRatings = 100

func inTotoFinding(o object) (vulnerability, error) {
	if err := o.exact("id", "severity"); err != nil {
		return vulnerability{}, err
	}
	id, err := o.text("id")
	if err != nil {
		return vulnerability{}, err
	}
	ratings := []json.RawMessage{o["severity"]} // the text says an object, the examples have a list
	if len(ratings[0]) == 0 || ratings[0][0] != '{' {
		if ratings, err = o.array("severity", maxRatings); err != nil {
			return vulnerability{}, err
		}
	}
	worst := ""
	for _, raw := range ratings {
		r, err := parseObject(raw, "a severity")
		if err != nil {
			return vulnerability{}, err
		}
		if err := r.exact("method", "score"); err != nil {
			return vulnerability{}, err
		}
		method, err := r.textOr("method")
		if err != nil {
			return vulnerability{}, err
		}
		score, err := r.textOr("score")
		if err != nil {
			return vulnerability{}, err
		}
		if s := severityOf(method, score); severityRank(s) > severityRank(worst) {
			worst = s
		}
	}
	switch {
	case worst != "":
	case len(ratings) == 0: // nobody has rated it
		worst = severityUnknown
	default:
		return vulnerability{}, fmt.Errorf("no severity of %q can be read; wanted a word, or a CVSS score of 0 to 10", id)
	}
	return vulnerability{id: id, severity: worst}, nil
}

// severityUnknown is what a scanner says of a vulnerability that nobody has rated.
const severityUnknown = "unknown"

// severityRank orders severities; what is none is below all.
func severityRank(severity string) int {
	switch severity {
	case "critical":
		return 5
	case "high":
		return 4
	case "medium":
		return 3
	case "low":
		return 2
	case severityUnknown:
		return 1
	}
	return 0
}

// severityOf reads a severity as critical, high, medium, low or unknown; "" where it
// is none. A word is read whatever the method: "moderate" is medium, "important" high,
// "none" and "negligible" are low. A number is read only as a score of CVSS ("cvss…",
// "nvd…"), by the ratings of version 3.1 (https://www.first.org/cvss/v3.1/specification-document, 5):
// that of EPSS is a probability.
func severityOf(method, score string) string {
	if word := severityWord(score); word != "" {
		return word
	}
	method = strings.ToLower(method)
	if !strings.HasPrefix(method, "cvss") && !strings.HasPrefix(method, "nvd") {
		return ""
	}
	n, err := strconv.ParseFloat(score, 64)
	switch {
	case err != nil || !(n >= 0 && n <= 10): // nor NaN
		return ""
	case n >= 9:
		return "critical"
	case n >= 7:
		return "high"
	case n >= 4:
		return "medium"
	}
	return "low"
}

// severityWord reads a word of a scanner's.
func severityWord(word string) string {
	switch word := strings.ToLower(word); word {
	case "critical", "high", "medium", "low", severityUnknown:
		return word
	case "important":
		return "high"
	case "moderate":
		return "medium"
	case "none", "negligible":
		return "low"
	}
	return ""
}
