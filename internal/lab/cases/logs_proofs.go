package cases

import (
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/releaseassay/assay/internal/lab"
)

// falseProofs: class 14, logs that do not hold the signature, or that nobody knows.
func falseProofs() []Case {
	row := func(words, code, shows string, o odd) Case {
		return Case{ID: slug(14, words), Class: 14, Shows: shows, Want: Fails("signature", code), Build: o.sign}
	}
	bundled := func(o ...lab.BundleOption) odd { return odd{form: lab.BundleForm, bundle: o} }
	const invalid, malformed, unknown = "signature.invalid", "signature.malformed", "trust.unknown_authority"
	dropped := []lab.LegacyOption{lab.DropAnnotation(lab.BundleAnnotation)}
	origin := lab.CheckpointOrigin("log.evil.example")
	rows := []Case{
		row("not in a log", invalid, "The signature was never shown to a log, so that nobody can find out that it was made.",
			odd{legacy: dropped, bundle: []lab.BundleOption{lab.Unlogged(), lab.NoTimestamp()}}),
		row("timestamp in place of the log", invalid, "The signature was never shown to a log, and a timestamp authority confirms its time.",
			odd{legacy: append(dropped, lab.LegacyTimestamp()), bundle: []lab.BundleOption{lab.Unlogged()}}),
		row("true promise, false proof", invalid, "The log's promise is genuine, and the proof that the entry is in the log is not.", bundled(lab.FalseProof())),
		row("true promise, false proof, old bundle", invalid, "The same in a bundle of the first version, where the proof could be left out.",
			bundled(lab.FalseProof(), lab.Version(lab.BundleV01))),
		row("false proof, Rekor v2", invalid, "The proof that the entry is in a log of the second kind is false, and there is no promise.", bundled(lab.RekorV2(), lab.FalseProof())),
		row("false promise", invalid, "The log did not sign the promise in the receipt.",
			odd{legacy: []lab.LegacyOption{lab.LegacyFalsePromise()}, bundle: []lab.BundleOption{lab.FalsePromise(), lab.NoTimestamp()}}),
		row("false promise, true proof and a timestamp", invalid, "The log did not sign the promise; the proof is genuine, and a timestamp authority confirms the time.", bundled(lab.FalsePromise())),
		row("neither promise nor proof", malformed, "The log entry is there, and nothing shows that any log has it.", bundled(lab.NoPromise(), lab.NoProof())),
		row("no proof", malformed, "The log promised to hold the signature, and the proof that it does was left out.", bundled(lab.NoProof())),
		row("proof without a time", invalid, "The entry is in the log, and nobody confirms when it got there.", bundled(lab.NoPromise(), lab.NoTimestamp())),
		row("no timestamp, Rekor v2", invalid, "The entry is in a log of the second kind, whose entries bear no time, and there is no timestamp.", bundled(lab.RekorV2(), lab.NoTimestamp())),
		row("unknown log", unknown, "The log that holds the signature is one that the trusted root does not list.",
			odd{legacy: []lab.LegacyOption{lab.LegacyUnknownLog()}, bundle: []lab.BundleOption{lab.UnknownLog()}}),
		row("unknown log, Rekor v2", unknown, "The log of the second kind that holds the signature is not listed in the trusted root.", bundled(lab.RekorV2(), lab.UnknownLog())),
		row("impostor log", invalid, "A log of the attacker's own holds the signature and calls itself by the trusted log's id.",
			odd{legacy: []lab.LegacyOption{lab.LegacyImpostorLog()}, bundle: []lab.BundleOption{lab.ImpostorLog()}}),
		row("impostor log, Rekor v2", invalid, "A log of the second kind, the attacker's own, calls itself by the trusted log's id.", bundled(lab.RekorV2(), lab.ImpostorLog())),
		row("checkpoint of another origin", invalid, "The trusted log's key signed the state of a log with another name.", bundled(origin)),
		row("checkpoint of another origin, Rekor v2", invalid, "The trusted log's key signed the state of a log of the second kind with another name.", bundled(lab.RekorV2(), origin)),
		row("checkpoint of an older tree", invalid, "The proof leads to a state of the log that nobody signed: the signed one beside it is of an earlier time.", odd{form: lab.BundleForm, before: olderCheckpoint}),
	}
	spoilt := map[string]odd{
		"not in a log, provenance": {legacy: dropped, bundle: []lab.BundleOption{lab.Unlogged(), lab.NoTimestamp()}},
		"unknown log, provenance":  {legacy: []lab.LegacyOption{lab.LegacyUnknownLog()}, bundle: []lab.BundleOption{lab.UnknownLog()}},
	}
	return append(rows,
		Case{
			ID: slug(14, "not in a log, provenance"), Class: 14, Shows: "The provenance was never shown to a log.",
			Want: Fails("provenance", "provenance.invalid"), Build: spoilt["not in a log, provenance"].attest,
		},
		Case{
			ID: slug(14, "unknown log, provenance"), Class: 14, Shows: "The log that holds the provenance is one that the trusted root does not list.",
			Want: Fails("provenance", unknown), Build: spoilt["unknown log, provenance"].attest,
		},
	)
}

// olderCheckpoint takes the signed state of the log from a bundle that was logged before.
func olderCheckpoint(l *leg) error {
	twin := *l.release
	if err := l.makeBy(&twin, l.signer, lab.Variation{Form: lab.BundleForm}); err != nil {
		return err
	}
	older, err := lab.CheckpointOf(twin.Referrers[len(twin.Referrers)-1].Bytes)
	l.Bundle = append(l.Bundle, older)
	return err
}

// doubleCounts: class 15, one witness where two are demanded.
func doubleCounts() []Case {
	row := func(words, shows, threshold string, o odd) Case {
		return Case{
			ID: slug(15, words), Class: 15, Advisories: []string{"CVE-2026-49834"}, Shows: shows,
			Want: Fails("signature", "signature.invalid"),
			Build: func(b *Bench) error {
				if err := b.twoWitnesses(threshold); err != nil {
					return err
				}
				return o.sign(b)
			},
		}
	}
	bundled := func(o ...lab.BundleOption) odd { return odd{form: lab.BundleForm, bundle: o} }
	again := lab.EditBundle(func(b *protobundle.Bundle) {
		m := b.VerificationMaterial
		m.TlogEntries = append(m.TlogEntries, m.TlogEntries[0])
	})
	stampedTwice := lab.EditBundle(func(b *protobundle.Bundle) {
		d := b.VerificationMaterial.TimestampVerificationData
		d.Rfc3161Timestamps = append(d.Rfc3161Timestamps, d.Rfc3161Timestamps[0])
	})
	return []Case{
		row("one log twice", "Two logs are demanded; one log took the signature twice, under two numbers.", "log_entries", bundled(lab.LoggedTwice())),
		row("one log twice, Rekor v2", "Two logs are demanded; one log of the second kind took the signature twice.", "log_entries", bundled(lab.RekorV2(), lab.LoggedTwice())),
		row("one entry twice", "Two logs are demanded; the bundle has the same entry twice.", "log_entries", bundled(again)),
		row("one log", "Two logs are demanded, and one has the signature.", "log_entries", odd{}),
		row("one log twice for two times", "Two confirmations of the time are demanded; one log took the signature twice, and nobody else confirms its time.", "timestamps",
			bundled(lab.LoggedTwice(), lab.NoTimestamp())),
		row("one timestamp twice", "Two confirmations of the time are demanded; the bundle has the same timestamp twice, and its log confirms none.", "timestamps",
			bundled(lab.RekorV2(), stampedTwice)),
		row("one certificate log", "Two logs have to promise that they will publish the certificate, and one did.", "scts", odd{}),
		row("two signatures in one log each", "Two logs are demanded; one log has a first signature and another log a second one, so that no signature is in both.", "log_entries",
			odd{bundle: []lab.BundleOption{lab.RekorV2()}}),
	}
}

// twoWitnesses has the case's policy demand two witnesses of a kind for the signature, and one for provenance.
func (b *Bench) twoWitnesses(kind string) error {
	const name = "two"
	raw, err := b.TrustedRoot()
	if err != nil {
		return err
	}
	b.Rule(SourceLeg, under(SignatureLeg, name), ProvenanceLeg)
	return b.TrustRoot(name, raw, "thresholds: {"+kind+": 2}")
}
