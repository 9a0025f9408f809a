package cases

import (
	"strings"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/releaseassay/assay/internal/lab"
)

// clocks: class 17, evidence and judgement at different times.
func clocks() []Case {
	return append(windows(),
		Case{
			ID: slug(17, "judged before it was signed"), Class: 17, PolicyOnly: true,
			Shows: "The release is judged as of an hour before it was signed, as with a clock that was set back.",
			Want:  Fails("signature", "signature.in_future"),
			Build: func(b *Bench) error { return b.judged(-time.Hour, Standard()) },
		},
		Case{
			ID: slug(17, "judged at the beginning of time"), Class: 17, PolicyOnly: true,
			Shows: "The release is judged as of 1970, as on a machine that has lost its clock.",
			Want:  Fails("signature", "signature.in_future"),
			Build: func(b *Bench) error {
				b.Args("--at", "1970-01-01T00:00:00Z", "--allow-at")
				return b.good()
			},
		},
		Case{
			ID: slug(17, "signed in the future"), Class: 17,
			Shows: "Certificate, log and timestamp are genuine and dated a year ahead, so that the signature will look new for long.",
			Want:  Fails("signature", "signature.in_future"),
			Build: func(b *Bench) error {
				return b.good(func(o *lab.ReleaseOptions) { o.At = b.Now().AddDate(1, 0, 0) })
			},
		},
		Case{
			ID: slug(17, "judged years after"), Class: 17, PolicyOnly: true,
			Shows: "An old release, validly signed, is shown three years later in place of a newer one, where the policy wants evidence of the last 90 days.",
			Why:   "The certificate is long expired by then, which is not what refuses it: signatures outlive certificates.",
			Want:  Fails("freshness", "freshness.too_old"),
			Build: func(b *Bench) error { return b.judged(3*365*24*time.Hour, Standard("freshness: {max_age: 90d}")) },
		},
		Case{
			ID: slug(17, "signature older than the policy takes"), Class: 17, PolicyOnly: true,
			Shows: "The signature is three years old, where the policy takes none older than 90 days.",
			Want:  Fails("signature", "signature.too_old"),
			Build: func(b *Bench) error {
				return b.judged(3*365*24*time.Hour, []string{SourceLeg, strings.TrimSuffix(SignatureLeg, "}") + ", max_age: 90d}", ProvenanceLeg})
			},
		},
		Case{
			ID: slug(17, "log entry with another time"), Class: 17,
			Shows: "The receipt's time was set back by a day, to before a key was known to be stolen, and the log did not sign that.",
			Want:  Fails("signature", "signature.invalid"),
			Build: odd{form: lab.BundleForm, bundle: []lab.BundleOption{lab.NoTimestamp(), lab.EditBundle(func(b *protobundle.Bundle) {
				b.VerificationMaterial.TlogEntries[0].IntegratedTime -= int64((24 * time.Hour).Seconds())
			})}}.sign,
		},
	)
}

// good publishes a release as it should be.
func (b *Bench) good(change ...func(*lab.ReleaseOptions)) error {
	r, err := b.Good(change...)
	if err != nil {
		return err
	}
	return b.Push(r)
}

// judged publishes a good release, has it admitted at the present, and asks again for another time.
func (b *Bench) judged(after time.Duration, rule []string) error {
	b.Rule(rule...)
	b.Ask(Act{Want: Admits()})
	b.Ask(Act{Args: []string{"--at", b.Now().Add(after).UTC().Format(time.RFC3339), "--allow-at"}})
	return b.good()
}

// windows are signers that are trusted for a time alone. The signature enters the log a minute after the bench's present.
func windows() []Case {
	row := func(words, shows, window string, d time.Duration, o odd) Case {
		return Case{
			ID: slug(17, words), Class: 17, Shows: shows, Want: Fails("signature", "signature.outside_window"), PolicyOnly: true,
			Build: func(b *Bench) error {
				day := b.Now().Add(d).UTC().Format(time.RFC3339)
				signer := strings.TrimSuffix(SignatureLeg, "}}") + `, signed: {` + window + `: "` + day + `"}}}`
				b.Rule(SourceLeg, signer, ProvenanceLeg)
				return o.sign(b)
			},
		}
	}
	return []Case{
		row("signed after the window", "The signer was trusted until an hour before, when its key was stolen, and the signature is of today.", "until", -time.Hour, odd{}),
		row("signed at the end of the window", "The signature is of the very second at which trust in its signer ends.", "until", logged, odd{}),
		row("signed before the window", "The signer is trusted from tomorrow on.", "from", 24*time.Hour, odd{}),
		row("one of two times outside the window", "The log saw the signature while its signer was trusted; the timestamp, which is genuine too, is of a later time.",
			"until", logged+time.Minute, odd{form: lab.BundleForm, before: func(l *leg) error {
				l.Bundle = append(l.Bundle, lab.TimestampAt(l.Now().Add(logged+2*time.Minute)))
				return nil
			}}),
		{
			ID: slug(17, "built after the window of its source"), Class: 17, PolicyOnly: true,
			Shows: "The repository was trusted until an hour before, when the project moved, and the image was built from it today.",
			Want:  Fails("provenance", "provenance.outside_window"),
			Build: func(b *Bench) error {
				until := b.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
				b.Rule(strings.TrimSuffix(SourceLeg, "}")+`, signed: {until: "`+until+`"}}`, ProvenanceLeg)
				return b.good()
			},
		},
	}
}
