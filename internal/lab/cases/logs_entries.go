package cases

import (
	"github.com/releaseassay/assay/internal/lab"
)

const otherEntryAdvisory = "CVE-2026-22703"

// otherEntries: class 13, log entries of something else. Every entry is really in the log.
func otherEntries() []Case {
	row := func(check, words, shows string, o odd) Case {
		c := Case{
			ID: slug(13, words), Class: 13, Advisories: []string{otherEntryAdvisory}, Shows: shows,
			Want: Fails(check, check+".invalid"), Build: o.sign,
		}
		if check == "provenance" {
			c.Build = o.attest
		}
		return c
	}
	return []Case{
		row("signature", "entry of another image", "The log never saw this signature: its receipt is that of the same workflow's signature of another image.",
			odd{before: func(l *leg) error { return l.entryOf(l.otherPayload()) }}),
		row("provenance", "entry of other provenance", "The log never saw this provenance: its receipt is that of the same builder's provenance of another image.",
			odd{before: func(l *leg) error { return l.entryOf(l.otherProvenance()) }}),
		row("provenance", "entry of other provenance, intoto", "The receipt, of the older kind of log entries, is that of the same builder's provenance of another image.",
			odd{
				form: lab.LegacyForm, legacy: []lab.LegacyOption{lab.LegacyEntry(lab.EntryIntoto001)},
				before: func(l *leg) error { return l.entryOf(l.otherProvenance()) },
			}),
		row("signature", "entry of other content, intoto bundle", "The log entry, of an older kind, is that of the same workflow's statement about another image.",
			odd{
				form: lab.BundleForm, bundle: []lab.BundleOption{lab.Entry(lab.EntryIntoto002)},
				before: func(l *leg) error { return l.entryOf(l.otherPayload()) },
			}),
		row("signature", "entry of other content, Rekor v2", "The entry, in a log of the second kind, is that of the same workflow's statement about another image.",
			odd{form: lab.BundleForm, bundle: []lab.BundleOption{lab.RekorV2()}, before: func(l *leg) error { return l.entryOf(l.otherPayload()) }}),
		row("signature", "entry of another certificate", "The receipt is that of the same image, signed with another certificate of the same workflow.",
			odd{before: func(l *leg) error { return l.borrowEntry(true, nil) }}),
		row("provenance", "provenance entry of another certificate", "The receipt is that of the same provenance, signed with another certificate of the same builder.",
			odd{before: func(l *leg) error { return l.borrowEntry(true, nil) }}),
		row("signature", "entry of another certificate, Rekor v2", "The entry, in a log of the second kind, is that of the same image, signed with another certificate of the same workflow.",
			odd{form: lab.BundleForm, bundle: []lab.BundleOption{lab.RekorV2()}, before: func(l *leg) error { return l.borrowEntry(true, lab.RekorV2()) }}),
		row("signature", "entry of another signature", "The receipt is that of another signature of the same image by the same key: everything agrees but the signature itself.",
			odd{before: func(l *leg) error { return l.borrowEntry(false, nil) }}),
		row("signature", "entry of an attestation", "The receipt is that of an attestation which the same key signed.",
			odd{form: lab.LegacyForm, before: (*leg).attestationEntry}),
		row("provenance", "entry of a signature", "The receipt is that of a signature of the image which the builder's key made.",
			odd{form: lab.LegacyForm, before: (*leg).signatureEntry}),
	}
}

// entryOf has the log witness something else that the signer signed: text for the legacy layout, statement for bundles.
func (l *leg) entryOf(text, statement []byte, err error) error {
	l.Legacy = append(l.Legacy, lab.LegacyEntryOf(text))
	l.Bundle = append(l.Bundle, lab.EntryOf(statement))
	return err
}

// otherPayload is what signs another image, in either layout.
func (l *leg) otherPayload() (text, statement []byte, err error) {
	statement, err = lab.SignStatement(l.release.Repository, lab.OtherDigest())
	return []byte(swap(l.release.Image.Digest(), lab.OtherDigest())(l.payload())), statement, err
}

// otherProvenance is provenance of another image.
func (l *leg) otherProvenance() (text, statement []byte, err error) {
	o := l.release.Provenance()
	o.Subjects = lab.Subjects(l.release.Repository, lab.OtherDigest())
	statement, err = lab.ProvenanceV02(o)
	return statement, statement, err
}

// borrowEntry signs the same thing once more, with another certificate or with the same, and takes the log entries from
// there.
func (l *leg) borrowEntry(anew bool, log lab.BundleOption) error {
	signer := l.signer
	if anew {
		id := l.release.Signer()
		if l.attests {
			id = l.release.Builder()
		}
		var err error
		if signer, err = l.Issue(id, l.Now()); err != nil {
			return err
		}
	}
	twin, v := *l.release, lab.Variation{}
	if log != nil {
		v.Bundle = []lab.BundleOption{log}
	}
	if err := l.makeBy(&twin, signer, v); err != nil {
		return err
	}
	layers := twin.Signatures
	if l.attests {
		layers = twin.Attestations
	}
	entries, err := lab.EntriesOf(twin.Referrers[len(twin.Referrers)-1].Bytes)
	l.Legacy = append(l.Legacy, lab.RawBundle(layers[len(layers)-1].Annotations[lab.BundleAnnotation]))
	l.Bundle = append(l.Bundle, entries)
	return err
}

// attestationEntry takes the receipt of an attestation by the same signer, signatureEntry that of a signature.
func (l *leg) attestationEntry() error {
	layer, err := l.signer.LegacyAttestation(l.statement, l.Now().Add(logged))
	l.Legacy = append(l.Legacy, lab.RawBundle(layer.Annotations[lab.BundleAnnotation]))
	return err
}

func (l *leg) signatureEntry() error {
	layer, err := l.signer.LegacySignature(l.release.Repository, l.release.Image.Digest(), l.Now().Add(logged))
	l.Legacy = append(l.Legacy, lab.RawBundle(layer.Annotations[lab.BundleAnnotation]))
	return err
}
