package cases

import (
	"github.com/releaseassay/assay/internal/lab"
)

// odd is one leg of a release, signature or provenance, that differs from a good one as its fields say. The other leg is
// good and lies in both layouts. The methods sign and attest are builders of cases.
type odd struct {
	// who changes the identity, leaf the certificate for it.
	who  func(*lab.Identity)
	leaf []lab.LeafOption
	// from is the instance that certifies, logs and stamps; nil is the site's.
	from *lab.Sigstore
	// form says in which layouts the leg is made; both, unless it says otherwise.
	form   lab.Form
	legacy []lab.LegacyOption
	bundle []lab.BundleOption
	// before is called when the signer has its certificate.
	before func(*leg) error
	// claim replaces the signed statement of an attestation.
	claim func(statement string) string
	// receipt rewrites the log's receipt of the legacy layout, envelope the layer of a legacy attestation, and text a
	// finished bundle; the signature and the log know nothing of it.
	receipt, envelope, text func(string) string
}

// leg is an odd leg while it is made.
type leg struct {
	*Bench
	lab.Variation
	release *lab.Release
	signer  *lab.Signer
	// statement is what an attestation signs; attests says that the leg is one.
	statement []byte
	attests   bool
}

// sign publishes a release with an odd signature and good provenance.
func (o odd) sign(b *Bench) error {
	r, err := b.Release()
	if err != nil {
		return err
	}
	if err := r.AddProvenance(b.Sigstore, r.Builder(), r.Provenance()); err != nil {
		return err
	}
	l, err := o.start(b, r, false)
	if err != nil {
		return err
	}
	if err := r.SignBy(l.signer, l.Variation); err != nil {
		return err
	}
	for i := range r.Signatures {
		o.rewrite(&r.Signatures[i])
	}
	return o.push(b, r, len(r.Referrers)-1)
}

// attest publishes a release with odd provenance and a good signature.
func (o odd) attest(b *Bench) error {
	r, err := b.Release()
	if err != nil {
		return err
	}
	if err := r.Sign(b.Sigstore, r.Signer()); err != nil {
		return err
	}
	l, err := o.start(b, r, true)
	if err != nil {
		return err
	}
	if err := r.AttestBy(l.signer, l.statement, l.Variation); err != nil {
		return err
	}
	for i := range r.Attestations {
		o.rewrite(&r.Attestations[i])
		if o.envelope != nil {
			r.Attestations[i].Bytes = []byte(o.envelope(string(r.Attestations[i].Bytes)))
		}
	}
	return o.push(b, r, len(r.Referrers)-1)
}

// start certifies the leg's signer.
func (o odd) start(b *Bench, r *lab.Release, attests bool) (*leg, error) {
	id := r.Signer()
	if attests {
		id = r.Builder()
	}
	if o.who != nil {
		o.who(&id)
	}
	from := o.from
	if from == nil {
		from = b.Sigstore
	}
	signer, err := from.Issue(id, b.Now(), o.leaf...)
	if err != nil {
		return nil, err
	}
	statement, err := lab.ProvenanceV02(r.Provenance())
	if err != nil {
		return nil, err
	}
	if o.claim != nil {
		statement = []byte(o.claim(string(statement)))
	}
	l := &leg{
		Bench: b, release: r, signer: signer, statement: statement, attests: attests,
		Variation: lab.Variation{Form: o.form, Legacy: o.legacy, Bundle: o.bundle},
	}
	if o.before != nil {
		err = o.before(l)
	}
	return l, err
}

// makeBy adds the leg to a release.
func (l *leg) makeBy(r *lab.Release, signer *lab.Signer, v lab.Variation) error {
	if l.attests {
		return r.AttestBy(signer, l.statement, v)
	}
	return r.SignBy(signer, v)
}

func (o odd) rewrite(l *lab.Layer) {
	if o.receipt != nil {
		l.Annotations[lab.BundleAnnotation] = o.receipt(l.Annotations[lab.BundleAnnotation])
	}
}

// push rewrites the leg's bundle, which is the last referrer, and publishes.
func (o odd) push(b *Bench, r *lab.Release, last int) error {
	if o.text != nil {
		r.Referrers[last].Bytes = []byte(o.text(string(r.Referrers[last].Bytes)))
	}
	return b.Push(r)
}
