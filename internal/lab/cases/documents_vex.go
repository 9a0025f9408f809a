package cases

import (
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// saying is an OpenVEX document with these statements. Each gets the package URL of the image.
func saying(statements ...func(purl string) map[string]any) dated {
	return func(name, digest string, at time.Time, edits ...lab.Edit) ([]byte, error) {
		purl := "pkg:oci/widget@" + strings.Replace(digest, ":", "%3A", 1)
		list := make([]any, 0, len(statements))
		for _, s := range statements {
			list = append(list, s(purl))
		}
		return lab.OpenVEX(name, digest, at, append([]lab.Edit{lab.Set("predicate.statements", list)}, edits...)...)
	}
}

// ours says a status of this image, and product of another product.
func ours(status string) func(string) map[string]any {
	return func(purl string) map[string]any { return product(status, purl)("") }
}

func product(status string, id string) func(string) map[string]any {
	return func(string) map[string]any {
		return map[string]any{
			"vulnerability": map[string]any{"name": "CVE-2026-1"}, "products": []any{map[string]any{"@id": id}},
			"status": status, "justification": "component_not_present",
		}
	}
}

// altered changes a statement.
func altered(statement func(string) map[string]any, key string, value any) func(string) map[string]any {
	return func(purl string) map[string]any {
		s := statement(purl)
		if s[key] = value; value == nil {
			delete(s, key)
		}
		return s
	}
}

// stated dates a statement before or after the document's signature.
func stated(b *Bench, after time.Duration, statement func(string) map[string]any) func(string) map[string]any {
	return altered(statement, "timestamp", b.Now().Add(after).UTC().Format(time.RFC3339))
}

const notAffected = "not_affected"

// exploitability are VEX documents. Every case accepts not_affected and fixed, by the project's security team.
func exploitability() []Case {
	of := func(name, shows, code string, steps func(*Bench) []step) Case {
		return attestationCase(name, shows, "vex", code, vexDemand, steps)
	}
	says := func(name, shows, code string, statements ...func(string) map[string]any) Case {
		return of(name, shows, code, func(b *Bench) []step { return []step{b.attests(saying(statements...))} })
	}
	const other, status, malformed = "vex_other", "vex_status", "malformed"
	return []Case{
		of("no vex", "Nobody attested a VEX document.", "missing", func(*Bench) []step { return nil }),
		of("vex by a stranger", "A workflow of another repository attested that the image is not affected.", "identity_mismatch", func(b *Bench) []step {
			return []step{b.strangers(lab.OpenVEX)}
		}),
		of("vex by another author", "The right workflow signed a document whose author is not the project's security team.", "vex_author", func(b *Bench) []step {
			return []step{b.attests(lab.OpenVEX, lab.Set("predicate.author", "mallory@evil.example"))}
		}),
		of("old vex after a newer", "A document of last week says not affected, and was pushed again after today's, which says affected.", status, func(b *Bench) []step {
			return []step{b.attests(saying(ours("affected"))), b.earlier(7*day, lab.OpenVEX)}
		}),
		of("new vex held back", "The registry keeps the newest document back and shows one of last year.", "too_old", func(b *Bench) []step {
			return []step{b.earlier(200*day, lab.OpenVEX)}
		}),
		of("old statement after a newer", "The document says affected and then, with an older date, fixed.", status, func(b *Bench) []step {
			return []step{b.attests(saying(stated(b, -time.Hour, ours("affected")), stated(b, -7*day, ours("fixed"))))}
		}),
		of("statement of the future", "The document says affected, and fixed with a date after its signature.", "in_future", func(b *Bench) []step {
			return []step{b.attests(saying(stated(b, -time.Hour, ours("affected")), stated(b, 7*day, ours("fixed"))))}
		}),
		of("two vex at once", "Of two documents of one moment one says affected and the other fixed.", status, func(b *Bench) []step {
			return []step{b.attests(saying(ours("fixed"))), b.attests(saying(ours("affected")))}
		}),
		says("one statement of two", "The document says fixed of the image and, in a second statement about the same vulnerability, affected.", status, ours("fixed"), ours("affected")),
		says("affected", "The document says that the image is affected.", status, ours("affected")),
		says("affected in another spelling", "The document says fixed of the image, and affected of its package URL in other letters.", status, ours("fixed"), func(purl string) map[string]any {
			return product("affected", "PKG:OCI/"+strings.Replace(strings.TrimPrefix(purl, "pkg:oci/"), "%3A", "%3a", 1))("")
		}),
		says("wildcard product", "The document says not affected of every product.", other, product(notAffected, "*")),
		says("wildcard version", "The document says not affected of every version of the image.", other, product(notAffected, "pkg:oci/widget@*")),
		says("wildcard name", "The document says not affected of every image.", other, product(notAffected, "pkg:oci/*")),
		says("product by name", "The document names the image without its digest, so that it would hold for every image of that name.", other, product(notAffected, "pkg:oci/widget")),
		says("product by tag", "The document names the image by a tag, which may be moved.", other, product(notAffected, "pkg:oci/widget@"+lab.DefaultTag)),
		says("part of the digest", "The document names the image by the first 63 characters of its digest.", other, func(purl string) map[string]any {
			return product(notAffected, purl[:len(purl)-1])("")
		}),
		says("another image", "The document says not affected of another image.", other, product(notAffected, "pkg:oci/widget@"+strings.Replace(lab.OtherDigest(), ":", "%3A", 1))),
		says("no statements", "The document says nothing.", other),
		says("unheard of status", "The status is a word that OpenVEX does not know.", malformed, ours("harmless")),
		says("status in capitals", "The status is written in capitals.", malformed, ours("NOT_AFFECTED")),
		says("not affected without a reason", "The document gives no reason why the image is not affected.", malformed, altered(ours(notAffected), "justification", nil)),
		says("without a vulnerability", "The document does not say which vulnerability it speaks of.", malformed, altered(ours("fixed"), "vulnerability", nil)),
	}
}

// reports are verification summaries, test results and the release's metadata, which say that all is well of something else.
func reports() []Case {
	summary := func(name, shows, code string, edits ...lab.Edit) Case {
		return attestationCase(name, shows, "vsa", code, vsaDemand, func(b *Bench) []step { return []step{b.attests(lab.VSA, edits...)} })
	}
	tests := func(name, shows, code string, edits ...lab.Edit) Case {
		return attestationCase(name, shows, "tests", code, testsDemand, func(b *Bench) []step {
			return []step{b.attests(undated(lab.TestResult).dated, edits...)}
		})
	}
	metadata := func(name, shows, code string, edits ...lab.Edit) Case {
		return attestationCase(name, shows, "metadata", code, metadataDemand, func(b *Bench) []step { return []step{b.attests(lab.ReleaseMetadata, edits...)} })
	}
	return []Case{
		summary("summary of a failure", "The summary says that the image did not meet the policy.", "not_passed", lab.Set("predicate.verificationResult", "FAILED")),
		summary("summary by another verifier", "The summary is another verifier's.", "verifier_mismatch", lab.Set("predicate.verifier.id", lab.DefaultVerifier+"/")),
		summary("summary of another policy", "The summary is of a policy that demands less.", "policy_mismatch", lab.Set("predicate.policy.uri", lab.DefaultVSAPolicy+"/any")),
		summary("summary of another resource", "The summary is about another image by the resource that it names.", "resource_mismatch",
			lab.Set("predicate.resourceUri", "pkg:oci/widget@"+strings.Replace(lab.OtherDigest(), ":", "%3A", 1))),
		summary("summary of another track", "The level that the summary gives is of the source track.", "level_missing", lab.Set("predicate.verifiedLevels", []any{"SLSA_SOURCE_LEVEL_3"})),
		attestationCase("failed tests", "A test failed, and the list of passed tests is long.", "tests", "tests_failed",
			"tests: {type: "+lab.TestResultPredicateType+", signer: "+releaseSigner+", tests: passed}", func(b *Bench) []step {
				return []step{b.attests(undated(lab.TestResult).dated, lab.Set("predicate.failedTests", []any{"fuzz"}))}
			}),
		tests("test passed and failed", "A demanded test is among those that passed and among those that failed.", "tests_failed", lab.Set("predicate.failedTests", []any{"integration"})),
		tests("tests that did not run", "The result is passed, and one of the demanded tests did not run.", "tests_missing", lab.Set("predicate.passedTests", []any{"unit"})),
		metadata("metadata of another digest", "The metadata are those of another image.", "field_mismatch", lab.Set("predicate.digest", lab.OtherDigest())),
		metadata("metadata of another commit", "The metadata name another commit than the certificate that signed them.", "field_mismatch", lab.Set("predicate.source.commit", olderCommit)),
		metadata("metadata without a commit", "The metadata leave the commit out.", "field_missing", lab.Set("predicate.source.commit", nil)),
	}
}
