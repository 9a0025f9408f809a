package cases

import (
	"errors"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// aroundDemands are of what a rule says beside its demands for evidence.
func aroundDemands() []demand {
	return []demand{
		{
			under: "the policy itself", head: []string{"%s"}, rule: Standard(),
			fields: []field{
				{words: "expires", holds: "expires: 2095-01-01", never: "expires: 2020-01-01", check: "policy", code: "policy.expired"},
			},
		},
		{
			under: "tags", rule: Standard("tags: {%s}"),
			fields: []field{
				{words: "tags version", holds: `version: "{version}"`, never: `version: "release-{version}"`, check: "signature", code: "policy.no_version"},
				{words: "tags grammar", holds: `version_regexp: '[0-9.]+'`, never: `version_regexp: '[0-9]+'`, check: "signature", code: "policy.no_version"},
			},
		},
		{
			under: "the rule", rule: Standard("%s"),
			fields: []field{
				{words: "evidence", holds: "evidence: [same]", never: "evidence: [REPOSITORY-elsewhere]", code: "signature.missing"},
				{words: "platforms require", holds: "platforms: {require: [linux/amd64]}", never: "platforms: {require: [linux/s390x]}", code: "platforms.missing"},
				{words: "platforms only", holds: "platforms: {only: [linux/amd64, linux/arm64]}", never: "platforms: {only: [linux/amd64]}", code: "platforms.unexpected"},
				{words: "consistency required", holds: "consistency: {required: [commit]}", never: "consistency: {claims: [workflow, built], required: [built]}", code: "consistency.nothing_to_compare"},
				{words: "freshness max age", holds: "freshness: {max_age: 1d}", never: "freshness: {max_age: 1s}", code: "freshness.too_old"},
			},
		},
	}
}

func denyDemands() []demand {
	return []demand{{
		under: "deny", head: []string{"deny: {%s}"}, rule: Standard(),
		fields: []field{
			{words: "deny digests", holds: `digests: ["` + lab.OtherDigest() + `"]`, never: `digests: ["DIGEST"]`, code: "freshness.denied_digest"},
			{words: "deny versions", holds: `versions: [{match: "REPOSITORY", version: 1.2.4}]`, never: `versions: [{match: "REPOSITORY", version: 1.2.3}]`, code: "freshness.denied_version"},
			{words: "deny signed", holds: `signed: [{identity: "https://github.com/evil/**"}]`, never: `signed: [{identity: "https://github.com/acme/**"}]`, code: "signature.signer_denied"},
			{words: "deny signed until", holds: `signed: [{identity: "https://github.com/acme/**", until: 2020-01-01}]`, never: `signed: [{identity: "https://github.com/acme/**", until: 2095-01-01}]`, code: "signature.signer_denied"},
		},
	}}
}

// thresholdDemands are of how many logs and authorities must have witnessed.
func thresholdDemands() []demand {
	threshold := func(words, name string) demand {
		return demand{
			under: "thresholds of the root", rule: []string{SourceLeg, open(SignatureLeg, 1), ProvenanceLeg},
			before: func(b *Bench) error {
				return errors.Join(b.Trust("once", b.Sigstore, "thresholds: {"+name+": 1}"), b.Trust("often", b.Sigstore, "thresholds: {"+name+": 3}"))
			},
			fields: []field{{words: words, holds: "trust: once", never: "trust: often", code: "signature.invalid"}},
		}
	}
	return []demand{threshold("threshold of logs", "log_entries"), threshold("threshold of certificate logs", "scts"), threshold("threshold of times", "timestamps")}
}

// releaseDemands are of a listing in a TUF repository.
func releaseDemands() []demand {
	const listed, malformed = "release.not_listed", "release.manifest_malformed"
	person := "{issuer: " + lab.PersonIssuer + ", identity: "
	return []demand{
		{
			under: "release", before: listedWith("  target:", "  %s"),
			fields: []field{{words: "release target", holds: `target: "widget/releases/v{version}.json"`, never: `target: "widget/nightly/v{version}.json"`, code: listed}},
		},
		{
			under: "release.fields", before: listedWith("", "  fields: {%s}"),
			fields: []field{
				{words: "release field digest", holds: "digest: digest", never: "digest: checksum", code: malformed},
				{words: "release field version", holds: "version: version", never: "version: edition", code: malformed},
				{words: "release field image", holds: "image: image", never: "image: picture", code: malformed},
				{words: "release field commit", holds: "digest: digest", never: "commit: revision", code: malformed},
			},
		},
		{
			under: "release.signers", before: listedWith("  signers:", "  signers: {%s}"),
			fields: []field{
				{words: "release people", holds: "class: human, people: 2", never: "class: human, people: 3", code: "release.too_few_people"},
				{words: "release issuers", holds: "class: human, issuers: [" + lab.PersonIssuer + "]", never: "class: human, issuers: [https://accounts.google.com]", code: "release.machine_signers"},
				{words: "release identities", holds: "identities: [" + person + lab.FirstPerson + "}, " + person + lab.SecondPerson + "}]", never: "identities: [" + person + "carol@example.com}]", code: "release.machine_signers"},
				{words: "release keys", holds: "class: human", never: `keys: [{sha256: "9c1185a5c5e9fc54612808977ee8f548b2258d31a1b2c3d4e5f60718293a4b5c"}]`, code: "release.machine_signers"},
			},
		},
		{
			under: "release.tuf", before: listedWith("    targets_url:", "    targets_url: TARGETS\n    %s"),
			fields: []field{
				{words: "release minimum", holds: "min: {targets: 1}", never: "min: {targets: 99}", code: "release.below_minimum", undecided: true},
				{words: "release state", holds: "state: optional", never: "state: required", code: "release.state_missing", undecided: true},
			},
		},
	}
}

// listedWith lists the case's release in a TUF repository and demands it in the standard rule. One line of the demand, by how
// it begins, is another; with nothing to begin with, the other is added.
func listedWith(begin, by string) func(*Bench) error {
	return func(b *Bench) error {
		t, err := lab.NewReleaseTUF(b.Sigstore, b.Now())
		if err != nil {
			return err
		}
		r, err := b.Release() // its digest depends on the case alone
		if err != nil {
			return err
		}
		if _, err := t.AddRelease(lab.DefaultTag, b.Repository, r.Image.Digest()); err != nil {
			return err
		}
		if err := errors.Join(t.Publish(), b.StartTUF(t)); err != nil {
			return err
		}
		lines, err := b.ReleaseLeg(t, 2)
		if err != nil {
			return err
		}
		by := strings.ReplaceAll(by, "TARGETS", t.TargetsURL())
		for i, l := range lines {
			if begin != "" && strings.HasPrefix(l, begin) {
				lines = slices.Concat(lines[:i], strings.Split(by, "\n"), lines[i+1:])
				break
			}
		}
		if begin == "" {
			lines = append(lines, by)
		}
		b.Rule(Standard(lines...)...)
		return nil
	}
}
