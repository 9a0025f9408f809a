package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
)

// The predicate types of vulnerability scans.
const (
	predicateVulnsV01   = "https://in-toto.io/attestation/vulns/v0.1"
	predicateVulnsV02   = "https://in-toto.io/attestation/vulns/v0.2"
	predicateVulnCosign = "https://cosign.sigstore.dev/attestation/vuln/v1"
)

// scanShape judges the result of a vulnerability scan.
type scanShape struct{ want policy.Scan }

// scan is what such a predicate says.
type scan struct {
	scanner string
	// finished and database are when the scan ended and when the scanner's database was
	// made; zero where it does not say.
	finished, database time.Time
	found              []vulnerability
}

// vulnerability is one finding of a scanner. Severity is one of the words of
// [policy.Scan.Deny].
type vulnerability struct{ id, severity, component string }

func (v scanShape) describe(set func(name, value string)) {
	set("scan.scanners", either(v.want.Scanners))
	set("scan.max_age", atMost(v.want.MaxAge))
	set("scan.database_age", atMost(v.want.DatabaseAge))
	set("scan.deny", either(v.want.Deny))
	set("scan.allow", strings.Join(v.want.Allow, ", "))
}

func (v scanShape) judge(q *question, s *Statement) *Difference {
	o, err := readPredicate(s, maxScan, "scanner", "metadata")
	if err != nil {
		return misshapen("a vulnerability scan", err)
	}
	r, scanner, err := parseScan(s.predicateType, o)
	if err != nil {
		return misshapen("a vulnerability scan", err)
	}
	if !v.trusts(r.scanner) {
		return violated(problemContent, AttestationScannerMismatch, "scanner.uri", either(v.want.Scanners), brief(r.scanner))
	}
	for _, step := range []func() *Difference{
		func() *Difference { return afterSigning(q, s, "metadata.scanFinishedOn", r.finished) },
		func() *Difference { return afterSigning(q, s, "scanner.db.lastUpdate", r.database) },
		func() *Difference {
			return matchRecent(q, AttestationScanTooOld, "metadata.scanFinishedOn", v.want.MaxAge, r.finished)
		},
		func() *Difference {
			return matchRecent(q, AttestationDatabaseTooOld, "scanner.db.lastUpdate", v.want.DatabaseAge, r.database)
		},
	} {
		if diff := step(); diff != nil {
			return diff
		}
	}
	if len(v.want.Deny) == 0 { // what was found is then nobody's business
		return nil
	}
	if r.found, err = parseFindings(s.predicateType, scanner); err != nil {
		return violated(problemSchema, AttestationScanUnreadable, "scanner.result", "the vulnerabilities that were found", brief(err.Error()))
	}
	return v.denied(r.found)
}

// trusts reports whether one of the wanted scanners has the URI. One that is written
// without a version ("pkg:github/aquasecurity/trivy") stands for all of them.
func (v scanShape) trusts(uri string) bool {
	if len(v.want.Scanners) == 0 {
		return true
	}
	return slices.ContainsFunc(v.want.Scanners, func(w string) bool {
		return w != "" && (uri == w || (!strings.Contains(w, "@") && strings.HasPrefix(uri, w+"@")))
	})
}

// denied refuses vulnerabilities of the severities that must not be found, but for
// those whose ids are accepted.
func (v scanShape) denied(found []vulnerability) *Difference {
	var bad []vulnerability
	for _, f := range found {
		if slices.Contains(v.want.Deny, f.severity) && !slices.Contains(v.want.Allow, f.id) {
			bad = append(bad, f)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	slices.SortFunc(bad, func(a, b vulnerability) int {
		return compareAll(severityRank(b.severity)-severityRank(a.severity), strings.Compare(a.id, b.id), strings.Compare(a.component, b.component))
	})
	bad = slices.Compact(bad)
	var violations []Violation
	var ids []string
	for _, f := range bad {
		violations = append(violations, Violation{Rule: "scan.deny", Component: f.component, Problem: f.id + " is " + f.severity})
		if !slices.Contains(ids, f.id) && len(ids) < maxViolations {
			ids = append(ids, f.id)
		}
	}
	return violated(problemContent, AttestationSeverityDenied, "vulnerabilities", "none that are "+either(v.want.Deny),
		brief(fmt.Sprintf("%d: %s", len(bad), strings.Join(ids, ", "))), violations...)
}

// compareAll returns the first of several comparisons that is not equal.
func compareAll(results ...int) int {
	for _, r := range results {
		if r != 0 {
			return r
		}
	}
	return 0
}

// parseScan reads who scanned and when, and returns the scanner's part, which holds
// what was found.
func parseScan(predicateType string, o object) (scan, object, error) {
	switch predicateType {
	case predicateVulnsV01, predicateVulnsV02, predicateVulnCosign:
	default:
		return scan{}, nil, fmt.Errorf("its type is %q; wanted %q, %q or %q", predicateType, predicateVulnsV02, predicateVulnsV01, predicateVulnCosign)
	}
	scanner, err := o.member("scanner", "uri", "db", "result")
	if err != nil {
		return scan{}, nil, err
	}
	var r scan
	if r.scanner, err = scanner.textOr("uri"); err != nil {
		return scan{}, nil, err
	}
	if _, ok := o["metadata"]; ok {
		metadata, err := o.member("metadata", "scanFinishedOn")
		if err != nil {
			return scan{}, nil, err
		}
		if r.finished, err = metadata.time("scanFinishedOn"); err != nil {
			return scan{}, nil, err
		}
	}
	r.database, err = databaseTime(scanner)
	return r, scanner, err
}

// databaseTime returns when the scanner's database was made: as the predicate says, or
// as Grype's report does; where both do, the older of the two.
func databaseTime(scanner object) (time.Time, error) {
	var at time.Time
	if _, ok := scanner["db"]; ok {
		db, err := scanner.member("db", "lastUpdate")
		if err != nil {
			return time.Time{}, err
		}
		if at, err = db.time("lastUpdate"); err != nil {
			return time.Time{}, err
		}
	}
	built, err := grypeDatabase(scanner)
	if err != nil {
		return time.Time{}, err
	}
	if at.IsZero() || (!built.IsZero() && built.Before(at)) {
		return built, nil
	}
	return at, nil
}
