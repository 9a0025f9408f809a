package cases

import (
	"encoding/base64"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// malformedEnvelopes are the envelopes of legacy attestations. Each is logged as it stands, which needs no key: anybody
// may log an envelope that was signed.
func malformedEnvelopes() []Case {
	var all []Case
	for _, r := range []broken{
		{"envelope that is null", "In place of the signed envelope lies the JSON word null.", instead("null")},
		{"envelope in an array", "The signed envelope lies in a list.", func(e string) string { return "[" + e + "]" }},
		{"two envelopes in one", "Two envelopes follow each other where one belongs.", twice},
		{"truncated envelope", "The envelope ends in the middle.", func(e string) string { return e[:len(e)/2] }},
		{"envelope nested deeply", "The envelope has 5,000 lists in each other beside its content.", swap(`{"payloadType"`, `{"x":`+nested+`,"payloadType"`)},
		{"envelope with truncated base64", "The statement in the envelope is base64 of the wrong length.", swap(`"payload":"`, `"payload":"e`)},
		{"envelope without a payload", "The envelope is signed and holds no statement.", instead(`{"payloadType":"` + lab.InTotoPayloadType + `","payload":null,"signatures":[{"sig":"AAAA"}]}`)},
		{"envelope whose signatures are no list", "The envelope's signatures are one object and no list.", func(e string) string {
			return swap(`}]`, `}`)(swap(`[{`, `{`)(e))
		}},
		{"envelope with a signature in two cases", "The envelope has its signature twice, once under a key in capitals.", swap(`"sig":`, `"sig":"AAAA","Sig":`)},
	} {
		all = append(all, envelopeCase(r, nil))
	}
	slip := func(e string) string { return swap(`{"payloadType"`, `{"payload":"`+marker+`","payloadType"`)(e) }
	capitals := swap(`"payload":`, `"Payload":`)
	return append(all,
		envelopeCase(broken{
			"envelope with two payloads", "Behind the statement that the builder signed hides another one under the same key, and two parsers read two statements.", slip,
		}, otherBuilder),
		envelopeCase(broken{
			"envelope with two payloads, the signed one in capitals",
			"The statement that the builder signed stands under a key in capitals, and one that nobody signed under the right key.",
			func(e string) string { return slip(capitals(e)) },
		}, otherBuilder),
	)
}

// marker stands in an envelope for the statement that a good release has.
const marker = "STATEMENT"

// otherBuilder makes a statement of the builder's say that a version of it did the work which the certificate does not name.
func otherBuilder(statement string) string {
	return strings.Replace(statement, lab.ContainerGenerator+"@"+lab.GeneratorRef, lab.ContainerGenerator+"@refs/tags/v2.0.0", 1)
}

// envelopeCase has provenance in an envelope that was changed before it was logged. What is signed is the good statement
// after claim.
func envelopeCase(r broken, claim func(string) string) Case {
	return Case{
		ID: slug(12, r.words), Class: 12, Advisories: []string{unreadablePayload}, Shows: r.shows,
		Want: Fails("provenance", "provenance.malformed"),
		Build: func(b *Bench) error {
			release, err := b.Release()
			if err != nil {
				return err
			}
			if err := release.Sign(b.Sigstore, release.Signer()); err != nil {
				return err
			}
			good, err := lab.ProvenanceV02(release.Provenance())
			if err != nil {
				return err
			}
			signed := good
			if claim != nil {
				signed = []byte(claim(string(good)))
			}
			signer, err := b.Issue(release.Builder(), b.Now())
			if err != nil {
				return err
			}
			layer, err := signer.LoggedEnvelope(signed, b.Now().Add(logged), func(e string) string {
				return strings.Replace(r.change(e), marker, base64.StdEncoding.EncodeToString(good), 1)
			})
			if err != nil {
				return err
			}
			release.Attestations = append(release.Attestations, layer)
			return b.Push(release)
		},
	}
}

// malformedStatements are what a builder really signed, in both layouts.
func malformedStatements() []Case {
	var all []Case
	for _, r := range []broken{
		{"statement that is null", "What the builder signed is the JSON word null.", instead("null")},
		{"statement that is an array", "What the builder signed is an empty list.", instead("[]")},
		{"statement that is a number", "What the builder signed is a number.", instead("7")},
		{"statement that is an empty object", "What the builder signed is an object with nothing in it.", instead("{}")},
		{"statement nested deeply", "What the builder signed is 5,000 lists in each other.", instead(nested)},
		{"two statements in one", "What the builder signed are two statements that follow each other.", twice},
		{"statement with its subject twice", "The statement has its subject twice, first nothing and then our image.", swap(`"subject"`, `"subject":[],"subject"`)},
		{"statement of an unknown version", "The statement is of a version of its format that does not exist.", swap("in-toto.io/Statement/v0.1", "in-toto.io/Statement/v0.2")},
		{"statement without a predicate", "The statement names our image and says nothing of it.", func(s string) string {
			return s[:strings.Index(s, `"predicate":`)] + `"predicate":null` + s[strings.LastIndex(s, `,"predicateType"`):]
		}},
	} {
		all = append(all, Case{
			ID: slug(12, r.words), Class: 12, Advisories: []string{unreadablePayload}, Shows: r.shows,
			Want: Fails("provenance", "provenance.malformed"), Build: odd{claim: r.change}.attest,
		})
	}
	return all
}
