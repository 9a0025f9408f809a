package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// subject is a statement's subjects that are not this image.
type subject struct {
	words, shows, why, advisory string
	// code is the refusal's, after the check.
	code string
	// of returns the subjects for the image's name and its digest in hexadecimal.
	of func(name, hex string) []lab.Subject
	// text is what the old signature format has in their place; nil leaves that layout out.
	text func(hex string) string
}

// single is a single subject with the image's name.
func single(algorithm string, digest func(hex string) string) func(name, hex string) []lab.Subject {
	return func(name, hex string) []lab.Subject {
		return []lab.Subject{{Name: name, Digest: map[string]string{algorithm: digest(hex)}}}
	}
}

func otherHex(string) string { return strings.TrimPrefix(lab.OtherDigest(), "sha256:") }

// fillers are subjects of other images.
func fillers(n int) []lab.Subject { return slices.Repeat(lab.Subjects("filler", lab.OtherDigest()), n) }

func subjects() []subject {
	const mismatch, malformed = "subject_mismatch", "malformed"
	prefixed := func(algorithm string, digest func(string) string) func(string) string {
		return func(hex string) string { return algorithm + ":" + digest(hex) }
	}
	same := func(hex string) string { return hex }
	shorter := func(hex string) string { return hex[:63] }
	longer := func(hex string) string { return hex + "0" }
	return []subject{
		{
			words: "another digest", shows: "bears the image's name and another image's digest", code: mismatch,
			of: single("sha256", otherHex), text: prefixed("sha256", otherHex),
		},
		{
			words: "digest as a name", shows: "bears the image's digest as a name, and another image's digest", code: mismatch,
			of: func(_, hex string) []lab.Subject { return lab.Subjects("sha256:"+hex, lab.OtherDigest()) },
		},
		{
			words: "many others", shows: "lists 1,024 other images", code: mismatch, advisory: "CVE-2024-45395",
			of: func(string, string) []lab.Subject { return fillers(1024) },
		},
		{
			words: "1025 with ours at the end", shows: "lists 1,024 other images and then ours", code: malformed, advisory: "CVE-2024-45395",
			why: "Who signs for so many things makes verifiers work, so there is a bound; a statement beyond it counts for none of them.",
			of:  func(name, hex string) []lab.Subject { return append(fillers(1024), lab.Subjects(name, hex)...) },
		},
		{
			words: "41 digests with ours among them", shows: "has 41 digests for one subject, the image's among them", code: malformed,
			of: func(name, hex string) []lab.Subject {
				digests := map[string]string{"sha256": hex}
				for i := range 40 {
					digests[fmt.Sprintf("algorithm-%d", i)] = "00"
				}
				return []lab.Subject{{Name: name, Digest: digests}}
			},
		},
		{words: "sha512 alone", shows: "has the image's digest as one of SHA-512", code: mismatch, of: single("sha512", same), text: prefixed("sha512", same)},
		{words: "algorithm in capitals", shows: "has the image's digest under SHA256, in capitals", code: mismatch, of: single("SHA256", same)},
		{
			words: "upper-case hex", shows: "has the image's digest in capitals", code: mismatch,
			of: single("sha256", strings.ToUpper), text: prefixed("sha256", strings.ToUpper),
		},
		{words: "63 characters", shows: "has the image's digest without its last digit", code: mismatch, of: single("sha256", shorter), text: prefixed("sha256", shorter)},
		{words: "65 characters", shows: "has the image's digest with a digit more", code: mismatch, of: single("sha256", longer), text: prefixed("sha256", longer)},
		{
			words: "prefix at the wrong place", shows: "has the algorithm's name in the digest, or none where it belongs", code: mismatch,
			of: single("sha256", func(hex string) string { return "sha256:" + hex }), text: same,
		},
		{words: "empty digest", shows: "has an empty digest", code: malformed, of: single("sha256", func(string) string { return "" })},
		{words: "no digest", shows: "names the image and has no digest", code: mismatch, of: func(name, _ string) []lab.Subject { return []lab.Subject{{Name: name, Digest: map[string]string{}}} }},
		{words: "no subject", shows: "lists nothing that it is about", code: malformed, of: func(string, string) []lab.Subject { return []lab.Subject{} }},
		{words: "null for subjects", shows: "has null where it should list what it is about", code: malformed, of: func(string, string) []lab.Subject { return nil }},
	}
}

// otherSubjects: class 18, signed by whom it should be, about something else.
func otherSubjects() []wrong {
	var all []wrong
	for _, s := range subjects() {
		var advisories []string
		if s.advisory != "" {
			advisories = []string{s.advisory}
		}
		provenance := wrong{
			class: 18, words: "provenance of " + s.words, advisories: advisories, why: s.why, shows: "The provenance " + s.shows + ".",
			provenance: built(nil, func(o *lab.ProvenanceOptions) {
				o.Subjects = s.of(o.Subjects[0].Name, o.Subjects[0].Digest["sha256"])
			}),
			want: Fails("provenance", "provenance."+s.code),
		}
		signature := wrong{
			class: 18, words: "signature of " + s.words, advisories: advisories, why: s.why, shows: "The signature " + s.shows + ".",
			signature: signedAbout(s), want: Fails("signature", "signature."+s.code),
		}
		if s.text == nil {
			signature.form = lab.BundleForm
		}
		all = append(all, provenance, signature)
	}
	return all
}

// signedAbout is a signature by the release workflow about something else.
func signedAbout(s subject) part {
	return func(b *Bench, r *lab.Release) error {
		signer, err := b.Issue(ourWorkflow(), b.Now())
		if err != nil {
			return err
		}
		hex := r.Image.Descriptor().Digest.Hex
		if s.text != nil {
			if err := r.SignDigest(signer, s.text(hex)); err != nil {
				return err
			}
		}
		statement, err := lab.Statement(lab.StatementV1, lab.SignPredicateType, s.of(r.Repository, hex), map[string]any{})
		if err != nil {
			return err
		}
		return r.AttestBy(signer, statement, lab.Variation{Form: lab.BundleForm})
	}
}

// copiedEvidence: class 18, evidence of another image that somebody attached to this one.
func copiedEvidence() []wrong {
	const shows = " of the version before were copied to this image, as they are"
	copied := func(pick func(from, to *lab.Release)) part {
		return func(b *Bench, r *lab.Release) error {
			from, err := b.Release(func(o *lab.ReleaseOptions) { o.Seed = "the version before" })
			if err != nil {
				return err
			}
			if err := from.Sign(b.Sigstore, from.Signer()); err != nil {
				return err
			}
			if err := from.AddProvenance(b.Sigstore, from.Builder(), from.Provenance()); err != nil {
				return err
			}
			pick(from, r)
			return nil
		}
	}
	return []wrong{
		{
			class: 18, words: "everything copied", shows: "Signature and provenance" + shows + ".",
			signature: copied(func(from, to *lab.Release) { to.Evidence = from.Evidence }), provenance: nothing,
			want: Fails("signature", "signature.subject_mismatch"),
		},
	}
}
