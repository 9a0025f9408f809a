package cases

import (
	"bytes"
	"encoding/base64"
	"strings"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/releaseassay/assay/internal/lab"
)

// wrapped is good provenance by the builder in an envelope that differs as the variation says.
func wrapped(v lab.Variation) part {
	return func(b *Bench, r *lab.Release) error {
		statement, err := lab.ProvenanceV02(r.Provenance())
		if err != nil {
			return err
		}
		return wrappedBy(ourBuilder(), statement, v)(b, r)
	}
}

func wrappedBy(id lab.Identity, statement []byte, v lab.Variation) part {
	return func(b *Bench, r *lab.Release) error {
		signer, err := b.Issue(id, b.Now())
		if err != nil {
			return err
		}
		return r.AttestBy(signer, statement, v)
	}
}

// unreadable is what becomes of provenance that can be read in two ways, or in none.
var unreadable = Fails("provenance", "provenance.malformed")

// payloadTypes: class 19, an envelope that says that its payload is something else.
func payloadTypes() []wrong {
	var all []wrong
	for _, k := range []struct{ words, kind, shows string }{
		{"payload type json", "application/json", "The envelope says that its payload is some JSON."},
		{"empty payload type", "", "The envelope does not say what its payload is."},
		{"payload type with a parameter", lab.InTotoPayloadType + "; charset=utf-8", "The envelope's payload type goes on after the wanted one."},
		{"payload type in capitals", strings.ToUpper(lab.InTotoPayloadType), "The envelope's payload type is the wanted one in capitals."},
	} {
		all = append(all, wrong{
			class: 19, words: k.words, shows: k.shows, why: "The signature covers the type: whoever signed meant the payload as that and as nothing else.",
			provenance: wrapped(lab.Variation{
				Legacy: []lab.LegacyOption{lab.LegacyPayloadType(k.kind)}, Bundle: []lab.BundleOption{lab.PayloadType(k.kind)},
			}),
			want: unreadable,
		})
	}
	return all
}

// wrongEnvelopes: class 19, where an envelope and what is in it disagree.
func wrongEnvelopes() []wrong {
	other := []byte("another signature")
	return []wrong{
		{
			class: 19, words: "another signature before", shows: "The envelope has two signatures, and the good one comes second.",
			why: "Readers differ in which of several they check, and the log has witnessed one of them.",
			provenance: wrapped(lab.Variation{
				Legacy: []lab.LegacyOption{lab.LegacySignatureBefore(other)}, Bundle: []lab.BundleOption{lab.SignatureBefore(other)},
			}),
			want: unreadable,
		},
		{
			class: 19, words: "another signature after", shows: "The envelope has two signatures, and the good one comes first.",
			provenance: wrapped(lab.Variation{
				Legacy: []lab.LegacyOption{lab.LegacySignatureAfter(other)}, Bundle: []lab.BundleOption{lab.SignatureAfter(other)},
			}),
			want: unreadable,
		},
		{
			class: 19, words: "signature in the annotation too", form: lab.LegacyForm,
			shows:      "The attestation's layer has a second signature in its annotation, where signatures of images have theirs.",
			provenance: wrapped(lab.Variation{Form: lab.LegacyForm, Legacy: []lab.LegacyOption{lab.Annotation(lab.SignatureAnnotation, "MEUC")}}),
			want:       unreadable,
		},
		{
			class: 19, words: "payload replaced", shows: "The builder signed provenance of a stranger's build, and somebody put ours in its place.",
			provenance: replacedPayload, want: Fails("provenance", "provenance.invalid"),
		},
		{
			class: 19, words: "envelope in an envelope", shows: "The signed payload is an envelope with good provenance, which nobody signed.",
			provenance: func(b *Bench, r *lab.Release) error {
				statement, err := lab.ProvenanceV02(r.Provenance())
				if err != nil {
					return err
				}
				key, err := b.NewKeySigner()
				if err != nil {
					return err
				}
				inner, err := key.Envelope(lab.InTotoPayloadType, statement)
				if err != nil {
					return err
				}
				return wrappedBy(ourBuilder(), inner, lab.Variation{})(b, r)
			},
			want: unreadable,
		},
	}
}

// replacedPayload signs and logs one statement and shows another, in both layouts.
func replacedPayload(b *Bench, r *lab.Release) error {
	good, err := lab.ProvenanceV02(r.Provenance())
	if err != nil {
		return err
	}
	o := r.Provenance()
	o.Repo = strangersRepo
	theirs, err := lab.ProvenanceV02(o)
	if err != nil {
		return err
	}
	err = wrappedBy(ourBuilder(), theirs, lab.Variation{Bundle: []lab.BundleOption{
		lab.EditBundle(func(b *protobundle.Bundle) { b.GetDsseEnvelope().Payload = good }),
	}})(b, r)
	encoded := func(payload []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(payload)) }
	for i := range r.Attestations {
		r.Attestations[i].Bytes = bytes.Replace(r.Attestations[i].Bytes, encoded(theirs), encoded(good), 1)
	}
	return err
}

// wrongPlaces: class 19, one kind of evidence in the place of another.
func wrongPlaces() []wrong {
	return []wrong{
		{
			class: 19, words: "message signature as provenance", form: lab.BundleForm,
			shows:      "The builder signed the bytes of its provenance as it would any file, without saying what they are.",
			provenance: wrapped(lab.Variation{Form: lab.BundleForm, Bundle: []lab.BundleOption{lab.MessageSignature()}}),
			want:       Fails("provenance", "provenance.builder_unsupported"),
		},
		{
			class: 19, words: "message signature as signature", form: lab.BundleForm,
			shows: "The bundle signs some bytes, without a statement that they are about this image.",
			signature: func(b *Bench, r *lab.Release) error {
				return wrappedBy(ourWorkflow(), []byte(r.Image.Digest()), lab.Variation{Form: lab.BundleForm, Bundle: []lab.BundleOption{lab.MessageSignature()}})(b, r)
			},
			want: Fails("signature", "signature.unsupported"),
		},
		{
			class: 19, words: "annotation says provenance", advisories: []string{"CVE-2022-35929"},
			shows:      "The annotations say that the attestation is provenance, and its payload is a bill of materials.",
			why:        "Nobody signed the annotations; whoever may push can write what he likes there.",
			provenance: mislabelled, want: Fails("provenance", "provenance.missing"),
		},
	}
}

// swappedLayers: class 19, bytes of one format where those of another belong.
func swappedLayers() []wrong {
	return []wrong{
		{
			class: 19, words: "attestation in the signature's place", form: lab.LegacyForm,
			shows: "The tag where cosign keeps signatures has an attestation in it, under a signature's media type.",
			signature: moved(ourWorkflow(), aboutSigning, func(r *lab.Release) {
				last := len(r.Attestations) - 1
				r.Signatures, r.Attestations = r.Attestations[last:], r.Attestations[:last:last]
				r.Signatures[0].MediaType = lab.SimpleSigningMediaType
			}),
			want: Fails("signature", "signature.malformed"),
		},
		{
			class: 19, words: "signature in the attestation's place", form: lab.LegacyForm,
			shows: "The tag where cosign keeps attestations has a signature in it, by the builder, under an attestation's media type.",
			provenance: func(b *Bench, r *lab.Release) error {
				if err := r.Sign(b.Sigstore, ourBuilder()); err != nil {
					return err
				}
				last := len(r.Signatures) - 1
				r.Attestations, r.Signatures = r.Signatures[last:], r.Signatures[:last:last]
				r.Attestations[0].MediaType = lab.EnvelopeMediaType
				return nil
			},
			want: unreadable,
		},
		{
			class: 19, words: "bundle in the attestation's place", form: lab.LegacyForm,
			shows: "The layer where cosign keeps an envelope is a whole bundle, with certificate and log entry of its own.",
			provenance: func(b *Bench, r *lab.Release) error {
				if err := wrapped(lab.Variation{})(b, r); err != nil {
					return err
				}
				last := len(r.Referrers) - 1
				r.Attestations[0].Bytes, r.Referrers = r.Referrers[last].Bytes, nil
				return nil
			},
			want: unreadable,
		},
		{
			class: 19, words: "envelope in the bundle's place", form: lab.BundleForm,
			shows: "The referrer is called a bundle, and is a bare envelope without certificate and log entry.",
			provenance: func(b *Bench, r *lab.Release) error {
				if err := wrapped(lab.Variation{})(b, r); err != nil {
					return err
				}
				r.Referrers[len(r.Referrers)-1].Bytes, r.Attestations = r.Attestations[0].Bytes, nil
				return nil
			},
			want: unreadable,
		},
	}
}

// moved adds a statement and then rearranges what the release has.
func moved(id lab.Identity, statement func(*Bench, *lab.Release) ([]byte, error), rearrange func(*lab.Release)) part {
	return func(b *Bench, r *lab.Release) error {
		if err := attested(id, statement)(b, r); err != nil {
			return err
		}
		rearrange(r)
		return nil
	}
}

// mislabelled is a bill of materials by the builder whose annotations say provenance.
func mislabelled(b *Bench, r *lab.Release) error {
	statement, err := aboutSBOM(b, r)
	if err != nil {
		return err
	}
	err = wrappedBy(ourBuilder(), statement, lab.Variation{
		Legacy: []lab.LegacyOption{lab.Annotation(lab.PredicateTypeAnnotation, lab.SLSAv02PredicateType)},
	})(b, r)
	if err != nil {
		return err
	}
	r.Referrers[len(r.Referrers)-1].Annotations["dev.sigstore.bundle.predicateType"] = lab.SLSAv02PredicateType
	return nil
}
