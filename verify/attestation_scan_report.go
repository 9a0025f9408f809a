package verify

import (
	"errors"
	"fmt"
	"time"
)

// trivyFindings reads Trivy's JSON report. One without a result about packages says
// that nothing was looked at, not that nothing was found.
func trivyFindings(report object) ([]vulnerability, error) {
	if version, err := report.integer("SchemaVersion"); err != nil || version != 2 {
		return nil, errors.New("the report of Trivy is not of schema version 2")
	}
	if err := report.exact("Results"); err != nil {
		return nil, err
	}
	results, err := report.array("Results", maxKeys)
	if err != nil {
		return nil, fmt.Errorf("the report of Trivy: %w", err)
	}
	var found []vulnerability
	looked := false
	for _, raw := range results {
		o, err := parseObject(raw, "a result of Trivy's")
		if err != nil {
			return nil, err
		}
		if err := o.exact("Class", "Vulnerabilities"); err != nil {
			return nil, err
		}
		class, err := o.textOr("Class")
		if err != nil {
			return nil, err
		}
		looked = looked || class == "os-pkgs" || class == "lang-pkgs"
		here, err := trivyVulnerabilities(o)
		if err != nil {
			return nil, err
		}
		found = append(found, here...)
	}
	if !looked {
		return nil, errors.New("the report of Trivy has no result about packages")
	}
	return found, nil
}

// trivyVulnerabilities reads those of one result; one without any has none.
func trivyVulnerabilities(result object) ([]vulnerability, error) {
	if raw, ok := result["Vulnerabilities"]; !ok || string(raw) == "null" {
		return nil, nil
	}
	list, err := result.array("Vulnerabilities", maxKeys)
	if err != nil {
		return nil, err
	}
	found := make([]vulnerability, 0, len(list))
	for _, raw := range list {
		o, err := parseObject(raw, "a vulnerability of Trivy's")
		if err != nil {
			return nil, err
		}
		v, err := scannerFinding(o, "VulnerabilityID", "Severity")
		if err != nil {
			return nil, err
		}
		if v.component, err = o.textOr("PkgName"); err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	return found, nil
}

// grypeFindings reads Grype's JSON report.
func grypeFindings(report object) ([]vulnerability, error) {
	if err := report.exact("matches"); err != nil {
		return nil, err
	}
	list, err := report.array("matches", maxKeys)
	if err != nil {
		return nil, fmt.Errorf("the report of Grype: %w", err)
	}
	found := make([]vulnerability, 0, len(list))
	for _, raw := range list {
		match, err := parseObject(raw, "a match of Grype's")
		if err != nil {
			return nil, err
		}
		o, err := match.object("vulnerability")
		if err != nil {
			return nil, err
		}
		v, err := scannerFinding(o, "id", "severity")
		if err != nil {
			return nil, err
		}
		if artifact, err := match.object("artifact"); err == nil {
			v.component, _ = artifact.textOr("name") // for people
		}
		found = append(found, v)
	}
	return found, nil
}

// scannerFinding reads a vulnerability whose severity is one word.
func scannerFinding(o object, idKey, severityKey string) (vulnerability, error) {
	if err := o.exact(idKey, severityKey); err != nil {
		return vulnerability{}, err
	}
	id, err := o.text(idKey)
	if err != nil {
		return vulnerability{}, err
	}
	word, err := o.text(severityKey)
	if err != nil {
		return vulnerability{}, fmt.Errorf("%q: %w", id, err)
	}
	severity := severityWord(word)
	if severity == "" {
		return vulnerability{}, fmt.Errorf("the severity of %q is %q, which is none", id, word)
	}
	return vulnerability{id: id, severity: severity}, nil
}

// grypeDatabase returns when Grype's database was built, as its report says: in
// descriptor.db.built, since its sixth schema in descriptor.db.status.built. It is the
// zero time where there is no such report.
func grypeDatabase(scanner object) (time.Time, error) {
	at := scanner
	for _, key := range []string{"result", "descriptor", "db"} {
		raw, ok := at[key]
		if !ok || len(raw) == 0 || raw[0] != '{' {
			return time.Time{}, nil
		}
		next, err := parseObject(raw, fmt.Sprintf("%q", key))
		if err != nil {
			return time.Time{}, err
		}
		at = next
	}
	if raw := at["status"]; len(raw) > 0 && raw[0] == '{' {
		status, err := at.object("status")
		if err != nil {
			return time.Time{}, err
		}
		at = status
	}
	return at.time("built")
}
