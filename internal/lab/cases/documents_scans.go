package cases

import (
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// severity replaces what a scan found by one vulnerability that is rated so.
func severity(score any) lab.Edit { return rated("vendor", score) }

func rated(method string, score any) lab.Edit {
	return lab.Set("predicate.scanner.result", []any{map[string]any{
		"id": "CVE-2026-1", "severity": []any{map[string]any{"method": method, "score": score}},
	}})
}

// scanFound replaces it by anything.
func scanFound(result any) lab.Edit { return lab.Set("predicate.scanner.result", result) }

// finished is when the scan says that it ended, and updated when its database was made, before or after the signature.
func finished(b *Bench, after time.Duration) lab.Edit {
	return lab.Set("predicate.metadata.scanFinishedOn", b.Now().Add(after).UTC().Format(time.RFC3339))
}

func updated(b *Bench, after time.Duration) lab.Edit {
	return lab.Set("predicate.scanner.db.lastUpdate", b.Now().Add(after).UTC().Format(time.RFC3339))
}

const day = 24 * time.Hour

// attestationCase is a case of class 26 whose rule demands one attestation besides.
func attestationCase(name, shows, check, code, demand string, steps func(*Bench) []step) Case {
	return Case{ID: slug(26, name), Class: 26, Shows: shows, Want: Fails("attestations."+check, "attestation."+code), Build: func(b *Bench) error {
		b.Rule(Standard(attestationsLeg(demand)...)...)
		return b.publishGood(steps(b)...)
	}}
}

// scans are vulnerability scans. Every case denies what is critical or high.
func scans() []Case {
	of := func(name, shows, code string, steps func(*Bench) []step) Case {
		return attestationCase(name, shows, "scan", code, scanDemand, steps)
	}
	says := func(name, shows, code string, edits ...lab.Edit) Case {
		return of(name, shows, code, func(b *Bench) []step { return []step{b.attests(lab.Scan, edits...)} })
	}
	dated := func(name, shows, code string, edit func(*Bench) lab.Edit) Case {
		return of(name, shows, code, func(b *Bench) []step { return []step{b.attests(lab.Scan, edit(b))} })
	}
	const denied, unreadable = "severity_denied", "scan_unreadable"
	return []Case{
		of("no scan", "Nobody attested a scan.", "missing", func(*Bench) []step { return nil }),
		of("clean scan by a stranger", "A workflow of another repository attested a scan that found nothing.", "identity_mismatch", func(b *Bench) []step {
			return []step{b.strangers(lab.Scan)}
		}),
		of("clean scan of last week", "Today's scan found something critical, and last week's, which found nothing, was pushed again after it.", denied, func(b *Bench) []step {
			return []step{b.attests(lab.Scan, severity("critical")), b.earlier(3*day, lab.Scan)}
		}),
		of("new scan held back", "The registry keeps the newest scan back and shows one of last month.", "too_old", func(b *Bench) []step {
			return []step{b.earlier(30*day, lab.Scan)}
		}),
		of("scan that cannot be read after a clean one", "Nobody can read what today's scan found, and yesterday's found nothing.", unreadable, func(b *Bench) []step {
			return []step{b.attests(lab.Scan, scanFound(lab.Null)), b.earlier(day, lab.Scan)}
		}),
		of("two scans at once", "Of two scans of one moment one found something critical.", denied, func(b *Bench) []step {
			return []step{b.attests(lab.Scan), b.attests(lab.Scan, severity("critical"))}
		}),
		{
			ID: slug(26, "clean scans of the images"), Class: 26, Want: Fails("attestations.scan", "attestation."+denied),
			Shows: "The scan of the index found something critical, and newer scans of its images found nothing.",
			Build: scannedApart,
		},
		says("critical", "The scan found something critical.", denied, severity("critical")),
		says("critical by cvss", "The vulnerability has no word for its severity, only a CVSS score of 9.8.", denied, rated("cvss_v3", "9.8")),
		says("worst of two ratings", "One rating of the vulnerability says low, the other critical.", denied, scanFound([]any{map[string]any{
			"id": "CVE-2026-1", "severity": []any{map[string]any{"method": "a", "score": "low"}, map[string]any{"method": "b", "score": "critical"}},
		}})),
		says("severity unheard of", "The severity is a word that nobody defined.", unreadable, severity("dire")),
		says("severity as a number", "The score is a number where a text belongs, which a reader may take for nothing.", unreadable, rated("nvd", 9.8)),
		says("vulnerability without a severity", "The vulnerability has no severity at all.", unreadable, scanFound([]any{map[string]any{"id": "CVE-2026-1"}})),
		says("result left out", "The scan does not say what it found.", unreadable, scanFound(nil)),
		says("result is null", "What the scan found is null.", unreadable, scanFound(lab.Null)),
		says("result is a word", "What the scan found is the word passed.", unreadable, scanFound("passed")),
		says("result of another form", "What the scan found is an object with an empty list, as another scanner writes it.", unreadable, scanFound(map[string]any{"matches": []any{}})),
		says("another scanner", "The scan was made by a scanner whose name only begins as the demanded one.", "scanner_mismatch", lab.Set("predicate.scanner.uri", lab.DefaultScanner+"-fork")),
		dated("scan finished in the future", "The scan says that it ended after it was signed, so that it would stay fresh.", "in_future", func(b *Bench) lab.Edit { return finished(b, 30*day) }),
		dated("scan finished long ago", "The scan was signed today and ended a month ago.", "scan_too_old", func(b *Bench) lab.Edit { return finished(b, -30*day) }),
		dated("old database", "The scan is of today, and the scanner's database of last month.", "database_too_old", func(b *Bench) lab.Edit { return updated(b, -30*day) }),
		attestationCase("trivy looked at nothing", "Trivy's report says that nothing was looked at.", "scan", unreadable,
			"scan: {type: "+lab.CosignVulnPredicateType+", signer: "+releaseSigner+", max_age: 7d, scan: {deny: [critical]}}",
			func(b *Bench) []step {
				return []step{b.attests(lab.ScanTrivy, lab.Set("predicate.scanner.result.Results", []any{}))}
			}),
	}
}

// scannedApart publishes a bad scan of an index and good ones of its images.
func scannedApart(b *Bench) error {
	b.Rule(Standard(attestationsLeg(scanDemand)...)...)
	clean := func(b *Bench, r *lab.Release) error { return b.attests(lab.Scan)(r) }
	return b.pushIndex(func(b *Bench, r *lab.Release) error {
		if err := b.evidence(r); err != nil {
			return err
		}
		return b.earlier(day, lab.Scan, severity("critical"))(r)
	}, clean, clean)
}
