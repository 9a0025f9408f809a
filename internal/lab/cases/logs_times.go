package cases

import (
	"crypto/x509"
	"time"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/releaseassay/assay/internal/lab"
)

const stampAdvisory = "CVE-2026-39984"

// falseTimestamps: class 16. The log is of the second kind, so that the timestamp alone says when the signature was made.
func falseTimestamps() []Case {
	row := func(words, shows string, build func(*Bench) error) Case {
		return Case{
			ID: slug(16, words), Class: 16, Advisories: []string{stampAdvisory}, Shows: shows,
			Want: Fails("signature", "signature.invalid"), Build: build,
		}
	}
	stamped := func(before func(*leg) error) func(*Bench) error {
		return odd{form: lab.BundleForm, bundle: []lab.BundleOption{lab.RekorV2()}, before: before}.sign
	}
	with := func(o func(*leg) lab.BundleOption) func(*Bench) error {
		return stamped(func(l *leg) error {
			l.Bundle = append(l.Bundle, o(l))
			return nil
		})
	}
	at := func(d time.Duration) func(*Bench) error {
		return with(func(l *leg) lab.BundleOption { return lab.TimestampAt(l.Now().Add(d)) })
	}
	return []Case{
		row("timestamp over other bytes", "The timestamp is genuine and over other bytes than the signature.",
			with(func(*leg) lab.BundleOption { return lab.TimestampOver([]byte("other")) })),
		row("timestamp over the statement", "The timestamp is over what was signed and not over the signature, so that it says nothing of when that was made.",
			with(func(l *leg) lab.BundleOption { return lab.TimestampOver(l.statement) })),
		row("timestamp before the certificate", "The timestamp is of an hour before the certificate was issued.", at(-time.Hour)),
		row("timestamp after the certificate", "The timestamp is of a time at which the certificate had run out.", at(lab.LeafLifetime+time.Minute)),
		row("timestamp of junk", "The timestamp is not one.", with(func(*leg) lab.BundleOption {
			return lab.EditBundle(func(b *protobundle.Bundle) {
				b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps[0].SignedTimestamp = []byte("junk")
			})
		})),
		row("timestamp by an unknown authority", "The timestamp is by an authority that the trusted root does not list.", stamped(func(l *leg) error {
			evil, err := lab.NewSigstore(lab.Options{Now: l.Now(), Name: l.Name()})
			if err != nil {
				return err
			}
			l.Bundle = append(l.Bundle, lab.StampedBy(evil))
			return nil
		})),
		row("timestamp by a certificate for signing code", "The timestamp authority is listed in the trusted root, and its certificate is for signing code and not for timestamps.", signingStamper),
		row("too many timestamps", "The bundle has the same timestamp 33 times, which is work for whoever verifies it.", with(func(*leg) lab.BundleOption {
			return lab.EditBundle(func(b *protobundle.Bundle) {
				d := b.VerificationMaterial.TimestampVerificationData
				for len(d.Rfc3161Timestamps) < 33 {
					d.Rfc3161Timestamps = append(d.Rfc3161Timestamps, d.Rfc3161Timestamps[0])
				}
			})
		})),
	}
}

// signingStamper has an authority of the joint root stamp whose certificate is for another purpose.
func signingStamper(b *Bench) error {
	from, err := lab.NewSigstore(lab.Options{Now: b.Now(), Name: "second", TSAUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}})
	if err != nil {
		return err
	}
	if err := b.joint(from); err != nil {
		return err
	}
	return odd{form: lab.BundleForm, from: from, bundle: []lab.BundleOption{lab.RekorV2()}}.sign(b)
}

// certificatePromises: class 16, certificates that no known log promised to publish.
func certificatePromises() []Case {
	promise := func(check, words, shows string, leaf lab.LeafOption) Case {
		o := odd{leaf: []lab.LeafOption{leaf}}
		c := Case{ID: slug(16, words), Class: 16, Shows: shows, Want: Fails(check, check+".invalid"), Build: o.sign}
		if check == "provenance" {
			c.Build = o.attest
		}
		return c
	}
	return []Case{
		promise("signature", "certificate without a promise",
			"No log promised to publish the certificate, so that its issue can be kept secret from the project.", lab.NoSCT()),
		promise("provenance", "builder certificate without a promise",
			"No log promised to publish the builder's certificate.", lab.NoSCT()),
		promise("signature", "promise by an unknown log",
			"The log that promised to publish the certificate is one that the trusted root does not list.", lab.UnknownCTLog()),
		promise("signature", "promise for another certificate",
			"The right log promised to publish another certificate, and its promise was copied into this one.", lab.OtherSCT()),
	}
}
