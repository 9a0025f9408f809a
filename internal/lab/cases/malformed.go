package cases

import (
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// Advisories about bytes that made a verifier stumble into a pass.
const (
	unreadablePayload = "CVE-2026-39395"
	panicPasses       = "CVE-2026-44310"
)

// malformed: class 12.
func malformed() []Case {
	return slices.Concat(receipts(), receiptBodies(), signatureTexts(), signedPayloads(), malformedEnvelopes(), malformedStatements(), malformedBundles())
}

// nested is JSON nested beyond every bound.
var nested = strings.Repeat("[", 5000) + strings.Repeat("]", 5000)

// swap returns a change of the first place where a text stands.
func swap(from, to string) func(string) string {
	return func(text string) string { return strings.Replace(text, from, to, 1) }
}

// instead returns a change to another text.
func instead(text string) func(string) string {
	return func(string) string { return text }
}

func twice(text string) string { return text + text }

// broken is one way to spoil a text.
type broken struct {
	words, shows string
	change       func(string) string
}

// receipts are the log's receipts of the legacy layout, spoilt: most are JSON in one annotation.
func receipts() []Case {
	var all []Case
	for _, r := range []broken{
		{"empty receipt", "The log's receipt beside the signature is an empty text.", instead("")},
		{"null receipt", "The log's receipt beside the signature is the JSON word null.", instead("null")},
		{"receipt that is an array", "The log's receipt beside the signature is a list.", instead("[]")},
		{"receipt that is a number", "The log's receipt beside the signature is a number.", instead("7")},
		{"receipt nested deeply", "The log's receipt is 5,000 lists in each other, which costs some parsers their stack.", instead(nested)},
		{"two receipts in one", "Two good receipts follow each other where one belongs, and a lax parser reads the first alone.", twice},
		{"receipt with a key twice", "The receipt has the key of its content twice, so that two parsers read two contents.", swap(`{"Signed`, `{"Payload":{},"Signed`)},
		{"receipt with a key in two cases", "The receipt has a key once in capitals and once not, which some parsers take for one key.", swap(`"logIndex"`, `"LogIndex":0,"logIndex"`)},
		{"receipt with an unknown key", "The receipt has a key that nobody knows, and some parsers skip it.", swap(`{"Signed`, `{"extra":1,"Signed`)},
		{"truncated receipt", "The receipt ends in the middle.", func(t string) string { return t[:len(t)-20] }},
		{"receipt with truncated base64", "The log's signature in the receipt is base64 that lacks its end.", swap(`","Payload"`, `=","Payload"`)},
		{"receipt without content", "The receipt's content is null, and the log's signature is there.", func(t string) string { return t[:strings.Index(t, `,"Payload"`)] + `,"Payload":null}` }},
		{"receipt with a negative index", "The receipt's index in the log is negative.", swap(`"logIndex":`, `"logIndex":-`)},
		{"receipt beyond 64 bits", "The receipt's time is a number that no integer holds.", swap(`"integratedTime":`, `"integratedTime":99999999999`)},
		{"receipt with a time as text", "The receipt's time is a text.", func(t string) string {
			return swap(`,"logIndex"`, `","logIndex"`)(swap(`"integratedTime":`, `"integratedTime":"`)(t))
		}},
		{"receipt of an unreadable log id", "The receipt names its log in letters that are no hexadecimal number.", swap(`"logID":"`, `"logID":"zz`)},
	} {
		all = append(all, Case{
			ID: slug(12, r.words), Class: 12, Advisories: []string{panicPasses}, Shows: r.shows,
			Want: Fails("signature", "signature.malformed"), Build: odd{form: lab.LegacyForm, receipt: r.change}.sign,
		})
	}
	return all
}

// receiptBodies are receipts whose body, a text elsewhere, is something else. Cosign's library for attestations ended the
// whole process on them.
func receiptBodies() []Case {
	var all []Case
	for _, r := range []struct{ words, body string }{{"a number", `7`}, {"null", `null`}, {"an object", `{}`}, {"a list", `["e30="]`}} {
		o := odd{form: lab.LegacyForm, receipt: func(t string) string {
			start := strings.Index(t, `"body":"`) + len(`"body":`)
			end := start + 1 + strings.Index(t[start+1:], `"`) + 1
			return t[:start] + r.body + t[end:]
		}}
		for check, build := range map[string]func(*Bench) error{"signature": o.sign, "provenance": o.attest} {
			all = append(all, Case{
				ID: slug(12, check, "receipt whose body is", r.words), Class: 12, Advisories: []string{panicPasses},
				Shows: "The log entry in the receipt of the " + check + " is " + r.words + " and not a text.",
				Why:   "A library has ended the whole process on such a receipt; a gate that treats a crash as no answer must not admit.",
				Want:  Fails(check, check+".malformed"), Build: build,
			})
		}
	}
	slices.SortFunc(all, func(a, b Case) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// signatureTexts are the base64 texts of legacy signatures and the bodies of their log entries.
func signatureTexts() []Case {
	row := func(words, code, shows string, o lab.LegacyOption) Case {
		return Case{
			ID: slug(12, words), Class: 12, Shows: shows, Want: Fails("signature", "signature."+code),
			Build: odd{form: lab.LegacyForm, legacy: []lab.LegacyOption{o}}.sign,
		}
	}
	text := func(s string) lab.LegacyOption { return lab.Annotation(lab.SignatureAnnotation, s) }
	body := func(s string) lab.LegacyOption { return lab.LegacyEntryBody([]byte(s)) }
	return []Case{
		row("empty signature", "malformed", "The signature is an empty text.", text("")),
		row("signature that is not base64", "malformed", "The signature is not base64.", text("~")),
		row("truncated signature", "malformed", "The signature is base64 that lacks its end.", text("MEUCIQ")),
		row("signature on two lines", "malformed", "The signature is base64 with a line break in it.", text("MEUC\nIQ==")),
		row("log entry that is null", "malformed", "The log really signed an entry, and it is the JSON word null.", body("null")),
		row("log entry nested deeply", "malformed", "The log really signed an entry, and it is 5,000 lists in each other.", body(nested)),
		row("log entry of another kind", "malformed", "The log really signed an entry, and it is about a package of another format.", body(`{"apiVersion":"0.0.1","kind":"rpm","spec":{}}`)),
		row("log entry without content", "invalid", "The log really signed an entry of the right kind, and nothing is in it.", body(`{"apiVersion":"0.0.1","kind":"hashedrekord","spec":null}`)),
	}
}

// signedPayloads are what a legacy signature signs. The release workflow itself signed each, so that nothing else is wrong.
func signedPayloads() []Case {
	var all []Case
	for _, r := range []broken{
		{"payload that is null", "What the release workflow signed is the JSON word null.", instead("null")},
		{"payload that is an array", "What the release workflow signed is an empty list.", instead("[]")},
		{"payload nested deeply", "What the release workflow signed is 5,000 lists in each other.", instead(nested)},
		{"two payloads in one", "The signed text names the image twice, in two documents that follow each other.", twice},
		{"payload with the digest as a list", "The signed text names a list of digests, ours among them.", func(p string) string {
			return swap(`"docker-manifest-digest":"`, `"docker-manifest-digest":["`)(swap(`"},"type"`, `"]},"type"`)(p))
		}},
		{"payload with two images", "The signed text has the image twice, first another and then ours, so that two parsers read two images.",
			swap(`"image":`, `"image":{"docker-manifest-digest":"`+lab.OtherDigest()+`"},"image":`)},
		{"payload in capitals", "The signed text names the image under a key in capitals, which some parsers take for the right one.", swap(`"critical"`, `"Critical"`)},
		{"payload of another type", "The signed text names the image and says that it is not a signature of an image.", swap("cosign container", "another container")},
		{"payload with the digest beside the image", "The signed text has our digest, and not where the image is named.", func(p string) string {
			return swap(`"image":{`, `"image":{},"beside":{`)(p)
		}},
	} {
		all = append(all, Case{
			ID: slug(12, r.words), Class: 12, Advisories: []string{unreadablePayload}, Shows: r.shows,
			Want: Fails("signature", "signature.malformed"),
			Build: odd{form: lab.LegacyForm, before: func(l *leg) error {
				l.Legacy = append(l.Legacy, lab.LegacyPayload([]byte(r.change(l.payload()))))
				return nil
			}}.sign,
		})
	}
	return all
}

// payload is what a good legacy signature signs.
func (l *leg) payload() string {
	return `{"critical":{"identity":{"docker-reference":"` + l.release.Repository + `"},"image":{"docker-manifest-digest":"` +
		l.release.Image.Digest() + `"},"type":"cosign container image signature"},"optional":null}`
}
