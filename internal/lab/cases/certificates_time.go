package cases

import (
	"slices"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// Advisories about authorities and logs outside their time.
const (
	expiredChain = "CVE-2026-24122"
	expiredLog   = "CVE-2026-54787"
)

// Periods of which the present is no part, or in which it ends between certificate and log entry.
var (
	ended = func(now time.Time) lab.Window {
		return lab.Window{From: now.AddDate(0, 0, -2), To: now.AddDate(0, 0, -1)}
	}
	ahead = func(now time.Time) lab.Window {
		return lab.Window{From: now.AddDate(0, 0, 1), To: now.AddDate(0, 0, 2)}
	}
	amid = func(now time.Time) lab.Window { return lab.Window{To: now.Add(30 * time.Second)} }
)

// period is a part of an instance outside its time.
type period struct {
	words, advisory, shows string
	part                   lab.Part
	window                 func(time.Time) lab.Window
	odd                    odd
	provenance             bool
}

// outOfTime: class 11, authorities and logs outside their validity. The root lists two instances, as real ones list
// retired keys; the attacked leg is by the one of which a part is out of its time.
func outOfTime() []Case {
	v2 := odd{form: lab.BundleForm, bundle: []lab.BundleOption{lab.RekorV2()}}
	bundled := odd{form: lab.BundleForm}
	var all []Case
	for _, p := range slices.Concat([]period{
		{"expired authority", "", "The trusted root says that the authority which issued the certificate was retired the day before.", lab.FulcioCA, ended, odd{}, false},
		{"expired root certificate", expiredChain, "The root certificate above the signer's had expired the day before.", lab.FulcioRootCert, ended, odd{}, false},
		{"expired intermediate", expiredChain, "The intermediate certificate above the signer's had expired the day before.", lab.FulcioIntermediateCert, ended, odd{}, false},
		{"expired intermediate, provenance", expiredChain, "The intermediate certificate above the builder's had expired the day before.", lab.FulcioIntermediateCert, ended, odd{}, true},
		{"authority not yet in use", "", "The trusted root says that the authority which issued the certificate begins its work a day later.", lab.FulcioCA, ahead, odd{}, false},
		{"intermediate that expired before the log saw it", expiredChain, "The intermediate certificate was valid when the certificate was issued and no more when the log saw the signature.", lab.FulcioIntermediateCert, amid, odd{}, false},
		{"retired certificate log", "", "The log that promised to publish the certificate was retired the day before.", lab.CTLog, ended, odd{}, false},
		{"retired log", "", "The log that holds the signature was retired the day before.", lab.RekorV1Log, ended, odd{bundle: []lab.BundleOption{lab.NoTimestamp()}}, false},
		{"retired log, provenance", "", "The log that holds the provenance was retired the day before.", lab.RekorV1Log, ended, odd{}, true},
		{"retired log and a timestamp", "", "The log that holds the signature was retired the day before, and a timestamp authority confirms the time.", lab.RekorV1Log, ended, bundled, false},
		{"log not yet in use", "", "The log that holds the signature begins its work a day later.", lab.RekorV1Log, ahead, odd{}, false},
		{"retired Rekor v2 log", expiredLog, "The log of the second kind, whose entries bear no time of their own, was retired the day before.", lab.RekorV2Log, ended, v2, false},
		{"Rekor v2 log not yet in use", expiredLog, "The log of the second kind begins its work a day later.", lab.RekorV2Log, ahead, v2, false},
		{"Rekor v2 log that ended before the timestamp", expiredLog, "The log of the second kind was in use when the certificate was issued and no more at the time of the timestamp.", lab.RekorV2Log, amid, v2, false},
	}, stampers(v2)) {
		c := Case{ID: slug(11, p.words), Class: 11, Shows: p.shows, Want: Fails("signature", "signature.invalid"), Build: p.build, Why: "The root lists two instances, and the one that made this leg is outside its time in this part alone."}
		if p.provenance {
			c.Want = Fails("provenance", "provenance.invalid")
		}
		if p.advisory != "" {
			c.Advisories = []string{p.advisory}
		}
		all = append(all, c)
	}
	return all
}

// stampers are the periods of timestamp authorities, on which a Rekor v2 entry rests.
func stampers(v2 odd) []period {
	return []period{
		{"retired timestamp authority", "", "The timestamp authority was retired the day before.", lab.TSA, ended, v2, false},
		{"timestamp authority not yet in use", "", "The timestamp authority begins its work a day later.", lab.TSA, ahead, v2, false},
		{"expired timestamp root", stampAdvisory, "The root certificate of the timestamp authority had expired the day before.", lab.TSARootCert, ended, v2, false},
		{"expired timestamp intermediate", stampAdvisory, "The intermediate certificate of the timestamp authority had expired the day before.", lab.TSAIntermediateCert, ended, v2, false},
		{"expired timestamp certificate", stampAdvisory, "The certificate that signed the timestamp had expired the day before.", lab.TSALeafCert, ended, v2, false},
	}
}

func (p period) build(b *Bench) error {
	from, err := lab.NewSigstore(lab.Options{Now: b.Now(), Name: "retired", Validity: map[lab.Part]lab.Window{p.part: p.window(b.Now())}})
	if err != nil {
		return err
	}
	if err := b.joint(from); err != nil {
		return err
	}
	p.odd.from = from
	if p.provenance {
		return p.odd.attest(b)
	}
	return p.odd.sign(b)
}

// joint has the case's policy trust the site's instance and another one, in one root.
func (b *Bench) joint(other *lab.Sigstore, more ...string) error {
	raw, err := lab.JointRoot(b.Sigstore, other)
	if err != nil {
		return err
	}
	return b.trusting(raw, more...)
}

// trusting has the case's policy judge both legs by a root of its own.
func (b *Bench) trusting(root []byte, more ...string) error {
	name := "root-" + b.Case.ID
	b.Rule(SourceLeg, under(SignatureLeg, name), under(ProvenanceLeg, name))
	return b.TrustRoot(name, root, more...)
}

// under has a leg judged by a root with a name.
func under(leg, root string) string { return leg[:len(leg)-1] + ", trust: " + root + "}" }

// agedLeaves: class 11, signatures outside the life of their certificate.
func agedLeaves() []Case {
	late := odd{leaf: []lab.LeafOption{lab.ValidFor(time.Second)}}
	return []Case{
		{
			ID: slug(11, "certificate that expired before the log saw it"), Class: 11,
			Shows: "The certificate had run out when its key signed and the log saw the signature, as with a key that somebody found later.",
			Want:  Fails("signature", "signature.invalid"), Build: late.sign,
		},
		{
			ID: slug(11, "builder certificate that expired before the log saw it"), Class: 11,
			Shows: "The builder's certificate had run out when its key signed the provenance and the log saw it.",
			Want:  Fails("provenance", "provenance.invalid"), Build: late.attest,
		},
	}
}
