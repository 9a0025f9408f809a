package cases

import (
	"slices"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/releaseassay/assay/internal/lab"
)

// malformedBundles are bundles whose JSON was changed, and bundles that lack a part.
func malformedBundles() []Case {
	row := func(words, shows string, o odd) Case {
		o.form = lab.BundleForm
		return Case{ID: slug(12, words), Class: 12, Shows: shows, Want: Fails("signature", "signature.malformed"), Build: o.sign}
	}
	var all []Case
	for _, r := range []broken{
		{"empty bundle", "The bundle has no bytes.", instead("")},
		{"bundle that is null", "The bundle is the JSON word null.", instead("null")},
		{"bundle in an array", "The bundle lies in a list.", func(b string) string { return "[" + b + "]" }},
		{"bundle that is an empty object", "The bundle is an object with nothing in it.", instead("{}")},
		{"bundle nested deeply", "The bundle is 5,000 lists in each other.", instead(nested)},
		{"truncated bundle", "The bundle lacks its last bytes.", func(b string) string { return b[:len(b)-2] }},
		{"two bundles in one", "Two bundles follow each other where one belongs.", twice},
		{"bundle with a key twice", "The bundle says twice of which version it is.", swap(`{"mediaType"`, `{"mediaType":"x","mediaType"`)},
		{"bundle with a key in two spellings", "The bundle has its content twice, in the two spellings that the format allows.", swap(`{"mediaType"`, `{"dsse_envelope":{},"mediaType"`)},
		{"bundle with an unknown key", "The bundle has a key that nobody knows, and some parsers skip it.", swap(`{"mediaType"`, `{"extra":1,"mediaType"`)},
		{"bundle with two kinds of content", "The bundle holds an envelope and a bare signature, where the format has one or the other.", swap(`{"mediaType"`, `{"messageSignature":{},"mediaType"`)},
		{"bundle with a negative index", "The index in the log is negative.", swap(`"logIndex":"`, `"logIndex":"-`)},
		{"bundle beyond 64 bits", "The index in the log is a number that no integer holds.", swap(`"logIndex":"`, `"logIndex":"9999999999999999999`)},
		{"bundle with truncated base64", "The signature is base64 of the wrong length.", swap(`"sig":"`, `"sig":"M`)},
		{"bundle with a null entry", "The first of the log entries is null.", swap(`"tlogEntries":[`, `"tlogEntries":[null,`)},
		{"bundle of an unknown version", "The bundle is of a version that does not exist.", swap("bundle.v0.3", "bundle.v0.9")},
		{"bundle of no version", "The bundle does not say of which version it is.", swap(lab.BundleMediaType, "")},
		{"bundle that is not UTF-8", "A key of the bundle has a byte that is no letter.", swap(`"sig"`, "\"sig\xff\"")},
	} {
		all = append(all, row(r.words, r.shows, odd{text: r.change}))
	}
	edit := func(words, shows string, change func(*protobundle.Bundle)) Case {
		return row(words, shows, odd{bundle: []lab.BundleOption{lab.EditBundle(change)}})
	}
	return slices.Concat(all, []Case{
		edit("bundle without material", "The bundle has a signature and nothing to verify it with.", func(b *protobundle.Bundle) { b.VerificationMaterial = nil }),
		edit("bundle without a certificate", "The bundle has neither a certificate nor the name of a key.", func(b *protobundle.Bundle) { b.VerificationMaterial.Content = nil }),
		edit("bundle without content", "The bundle has a certificate and a log entry and signs nothing.", func(b *protobundle.Bundle) { b.Content = nil }),
		edit("bundle without a signature", "The bundle's envelope has no signature in its list.", func(b *protobundle.Bundle) { b.GetDsseEnvelope().Signatures = nil }),
		edit("bundle with a certificate of junk", "The bundle's certificate is not one.", func(b *protobundle.Bundle) { b.VerificationMaterial.GetCertificate().RawBytes = []byte("junk") }),
		edit("bundle with an entry without a body", "The log entry in the bundle is empty.", func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries[0].CanonicalizedBody = nil }),
		edit("bundle with an entry without a log", "The log entry in the bundle does not say of which log it is.", func(b *protobundle.Bundle) { b.VerificationMaterial.TlogEntries[0].LogId = nil }),
		edit("bundle with an entry of another kind", "The log entry in the bundle is about a package of another format.", func(b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries[0].CanonicalizedBody = []byte(`{"apiVersion":"0.0.1","kind":"rpm","spec":{}}`)
		}),
		edit("bundle with too many entries", "The bundle has the same log entry 33 times, which is work for whoever verifies it.", func(b *protobundle.Bundle) {
			m := b.VerificationMaterial
			for len(m.TlogEntries) < 33 {
				m.TlogEntries = append(m.TlogEntries, m.TlogEntries[0])
			}
		}),
	})
}
