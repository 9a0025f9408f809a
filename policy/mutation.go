package policy

import (
	"reflect"
	"regexp"
	"time"

	"github.com/releaseassay/assay/sbom"
)

// Mutation is a policy of which one demand has a value that nothing can meet. Evidence
// that still passes under it does not show that the demand is made.
type Mutation struct {
	// Path is the demand's, as the YAML names it: "images[0].signature.signer.workflow".
	Path   string
	Policy *Policy
	// Again says that facts which were gathered under the policy as it is do not do: it
	// looks elsewhere, or lets other evidence in.
	Again bool
	// Thresholds says that the trusted roots have to be made anew, with Policy's.
	Thresholds bool
	// Place says that it is about where evidence is looked for, which evidence that was
	// saved cannot show.
	Place bool
	// Default says that the demand has the value that it has where nobody writes it.
	Default bool
}

// field says how one field of a policy is made impossible.
type field struct {
	// key is the field's in YAML; "" where its keys stand among those beside it.
	key string
	// value is what nothing can meet. An edit takes what the policy has, or, with each,
	// one element of it.
	value any
	each  bool
	// normal is the value where nobody writes the key.
	normal any
	// why is the reason that no value is impossible: the field demands nothing by itself.
	why string
	// again, thresholds and place are as a Mutation's.
	again, thresholds, place bool
}

// edit makes an impossible value of what is there.
type edit func(reflect.Value) reflect.Value

const (
	nobody     = "https://impossible.example"
	impossible = "impossible"
	tooMany    = 1 << 30
	// the reasons of several fields.
	whyWhere   = "says where something is read, and its digest decides what it is"
	whyName    = "a name for people"
	whyRefuses = "only ever refuses, so that a case that fails has to show it"
	whyHow     = "says how it is judged; none of its values is impossible"
	whyDoor    = "no verdict depends on it"
)

var (
	neverMatches = Regexp{source: impossible, re: regexp.MustCompile(`\Aimpossible\z`)}
	longAgo      = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	farAhead     = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	nothing      = []string{impossible}
)

// mutations has an entry for every field of a policy. Fields of the types that are keys
// here hold further fields; all others are values.
var mutations = map[reflect.Type]map[string]field{
	reflect.TypeFor[Policy](): {
		"Name": {why: whyName}, "BuiltIn": {why: "says who made the policy"}, "Digest": {why: "says which policy it is"},
		"Trust": {key: "trust"}, "Builders": {key: "builders"}, "Rules": {key: "images"},
		"Audit": {why: whyDoor}, "AuditUntil": {why: whyDoor}, "Grace": {why: whyDoor}, "Expires": {key: "expires", value: longAgo}, "Deny": {why: whyRefuses},
		"Requires": {why: "the program compares itself with it before anything is judged"},
	},
	reflect.TypeFor[Trust](): {
		"Builtin": {why: whyWhere}, "File": {why: whyWhere}, "SHA256": {why: "a root of another digest is not read"}, "Thresholds": {key: "thresholds"},
	},
	reflect.TypeFor[Thresholds](): {
		"LogEntries": {key: "log_entries", value: tooMany, normal: 1, again: true, thresholds: true},
		"SCTs":       {key: "scts", value: tooMany, normal: 1, again: true, thresholds: true},
		"Timestamps": {key: "timestamps", value: tooMany, normal: 1, again: true, thresholds: true},
	},
	reflect.TypeFor[Builder](): {"ID": {key: "id", value: nobody}, "Level": {key: "level", value: 0}},
	reflect.TypeFor[Rule](): {
		"Match": {key: "match", value: Exact(impossible)}, "Canonical": {why: "not read: the name by which the rule was found"},
		"Mirrors": {key: "mirrors"}, "Tags": {key: "tags"},
		"Places":    {key: "places", value: nothing, normal: []string{PlaceRegistry}, again: true, place: true},
		"Evidence":  {key: "evidence", value: []string{"impossible.example/x"}, normal: []string{EvidenceSame}, again: true, place: true},
		"Signature": {key: "signature"}, "Provenance": {key: "provenance"}, "SBOM": {key: "sbom"}, "Attestations": {key: "attestations"}, "Release": {key: "release"},
		"Platforms": {key: "platforms"}, "Consistency": {key: "consistency"}, "Freshness": {key: "freshness"},
		"Deny": {why: whyRefuses}, "Audit": {why: whyDoor}, "AuditUntil": {why: whyDoor}, "Grace": {why: whyDoor},
	},
	reflect.TypeFor[Mirror](): {"Prefix": {key: "prefix", value: impossible}, "Of": {key: "of", value: impossible}},
	reflect.TypeFor[Tags](): {
		"Moving":  {key: "moving", value: []Pattern{Exact(impossible)}},
		"Version": {key: "version", value: []Pattern{{source: "impossible-{version}", segments: []segment{{literal, "impossible-"}, {variable, "version"}}}}},
		"Grammar": {key: "version_regexp", value: impossible},
	},
	reflect.TypeFor[Signature](): {"Demand": {}},
	reflect.TypeFor[Provenance](): {
		"Demand": {}, "Builder": {key: "builder"},
		"Inputs": {key: "inputs", each: true, value: edit(func(v reflect.Value) reflect.Value {
			return reflect.ValueOf(Input{Name: v.FieldByName("Name").String(), Value: impossible})
		})},
	},
	reflect.TypeFor[BuilderDemand](): {"IDs": {key: "id", value: []string{nobody}}, "Level": {key: "level", value: 4}},
	reflect.TypeFor[Demand](): {
		"Signers": {key: "signer"}, "Sources": {key: "source"}, "Trust": {key: "trust", value: impossible, normal: PublicGood},
		"On":     {key: "on", value: edit(otherPlace), normal: OnEither, again: true},
		"Select": {why: whyHow}, "MaxAge": {key: "max_age", value: time.Nanosecond},
	},
	reflect.TypeFor[Signer](): {
		"Issuer": {key: "issuer", value: nobody}, "Workflow": {key: "workflow", value: Exact(impossible)}, "Repository": {key: "repository", value: Exact(impossible)},
		"Ref": {key: "ref", value: []Pattern{Exact(impossible)}}, "Identity": {key: "identity", value: Exact(impossible)}, "IdentityRegexp": {key: "identity_regexp", value: neverMatches},
		"Trigger": {key: "trigger", value: nothing}, "Runner": {key: "runner", value: impossible}, "Visibility": {key: "visibility", value: impossible},
		"Key": {key: "key"}, "Signed": {key: "signed"},
	},
	reflect.TypeFor[Key]():    {"File": {why: whyWhere}, "SHA256": {key: "sha256", value: impossible}, "PEM": {why: whyWhere}},
	reflect.TypeFor[Window](): {"From": {key: "from", value: farAhead}, "Until": {key: "until", value: longAgo}},
	reflect.TypeFor[Source](): {
		"Repository": {key: "repository", value: Exact(impossible)}, "RepositoryID": {key: "repository_id", value: impossible}, "OwnerID": {key: "owner_id", value: impossible},
		"Ref": {key: "ref", value: []Pattern{Exact(impossible)}}, "RefRegexp": {key: "ref_regexp", value: neverMatches}, "Branch": {key: "branch", value: impossible},
		"VersionedTag": {key: "versioned_tag", value: "v999999"}, "Commit": {key: "commit", value: impossible}, "Signed": {key: "signed"},
	},
	reflect.TypeFor[SBOM](): {
		"Demand": {}, "Format": {key: "format", value: sbom.Format(impossible)}, "Schema": {why: whyRefuses}, "BuildKit": {key: "buildkit", value: false, again: true},
		"MaxBytes": {key: "max_size", value: 1}, "DenyLicenses": {key: "deny_licenses", value: []string{"*"}}, "RequireLicenses": {key: "require_licenses", value: nothing}, "DenyComponents": {key: "deny_components", value: edit(everyComponent)},
		"MinComponents": {key: "min_components", value: tooMany, normal: 1}, "NTIA": {why: whyRefuses},
		"PURLCoverage": {key: "purl_coverage", value: 2.0}, "HashCoverage": {key: "hash_coverage", value: 2.0}, "UnknownVersions": {key: "unknown_versions", value: edit(below)},
		"MaxDocumentAge": {key: "max_document_age", value: time.Nanosecond}, "Describes": {why: whyRefuses}, "Rules": ruleField,
	},
	reflect.TypeFor[Attestation](): {
		"Demand": {}, "Name": {why: whyName}, "Type": {key: "type", value: nobody}, "Metadata": {key: "metadata"}, "Scan": {key: "scan"}, "VEX": {key: "vex"},
		"VSA": {key: "vsa"}, "Tests": {key: "tests"}, "Rules": ruleField,
	},
	reflect.TypeFor[Metadata](): {
		"Image": memberField("image"), "Digest": memberField("digest"), "Version": memberField("version"), "Tag": memberField("tag"), "Repository": memberField("repository"),
		"Ref": memberField("ref"), "Commit": memberField("commit"), "Workflow": memberField("workflow"), "Run": memberField("run"), "Time": memberField("time"),
	},
	reflect.TypeFor[Scan](): {
		"Scanners": {key: "scanners", value: []string{nobody}}, "MaxAge": {key: "max_age", value: time.Nanosecond}, "DatabaseAge": {key: "database_age", value: time.Nanosecond},
		"Deny": {why: whyRefuses}, "Allow": {key: "allow", value: nothing},
	},
	reflect.TypeFor[VEX]():   {"Statuses": {key: "statuses", value: nothing}, "Authors": {key: "authors", value: nothing}},
	reflect.TypeFor[VSA]():   {"Verifier": {key: "verifier", value: nobody}, "Policy": {key: "policy", value: nobody}, "Levels": {key: "levels", value: nothing}},
	reflect.TypeFor[Tests](): {"Passed": {key: "passed", value: nothing}},
	reflect.TypeFor[Release](): {
		"TUF": {key: "tuf"}, "Target": {key: "target", value: Exact(impossible), again: true}, "Fields": {key: "fields"}, "Signers": {key: "signers"}, "Moving": {key: "moving"},
		"OfflineMaxAge": {key: "offline.max_age", value: time.Nanosecond, again: true}, "Trust": {key: "trust", value: impossible, normal: PublicGood, again: true},
	},
	reflect.TypeFor[TUF](): {
		"MetadataURL": {key: "metadata_url", value: nobody, again: true, place: true}, "TargetsURL": {key: "targets_url", value: nobody, again: true, place: true},
		"Root": {key: "root"}, "Min": {key: "min", value: int64(1 << 40), again: true}, "StateRequired": {why: whyHow}, "Refresh": {why: whyHow},
	},
	reflect.TypeFor[PinnedRoot](): {"File": {why: whyWhere}, "Inline": {why: whyWhere}, "SHA256": {key: "sha256", value: impossible, again: true}},
	reflect.TypeFor[Fields](): {
		"Digest": {key: "digest", value: impossible, normal: "digest", again: true}, "Version": {key: "version", value: impossible, normal: "version", again: true},
		"Image": {key: "image", value: impossible, normal: "image", again: true}, "Commit": {key: "commit", value: impossible, again: true},
	},
	reflect.TypeFor[ReleaseSigners](): {
		"Human": {key: "class", value: false, again: true}, "Issuers": {key: "issuers", value: []string{nobody}, normal: HumanIssuers(), again: true},
		"Identities": {key: "identities"}, "Keys": {key: "keys"}, "People": {key: "people", value: tooMany, normal: 1, again: true},
	},
	reflect.TypeFor[ReleaseIdentity](): {"Issuer": {key: "issuer", value: nobody, again: true}, "Identity": {key: "identity", value: impossible, again: true}},
	reflect.TypeFor[ReleaseKey]():      {"SHA256": {key: "sha256", value: impossible, again: true}, "Person": {why: "says who holds a key; its digest is demanded"}},
	reflect.TypeFor[Moving]():          {"Lag": {key: "lag", value: time.Nanosecond, normal: defaultLag, again: true}, "Prereleases": {why: whyHow}},
	reflect.TypeFor[Platforms]():       {"Require": {key: "require", value: []string{"impossible/impossible"}}, "Only": {key: "only", value: []string{"impossible/impossible"}}},
	reflect.TypeFor[Consistency]():     {"Claims": {why: whyRefuses}, "Required": {key: "required", value: nothing}, "Labels": {why: whyRefuses}},
	reflect.TypeFor[Freshness]():       {"MaxAge": {key: "max_age", value: time.Nanosecond}, "Listed": {why: whyHow}},
}

// ruleField is a list of expressions, each of which never holds in turn.
var ruleField = field{key: "rules", each: true, value: edit(func(v reflect.Value) reflect.Value {
	return reflect.ValueOf(Expression{Name: v.FieldByName("Name").String(), Source: "false"}) // which has no program
})}

// memberField is a path in a predicate, to what no predicate has.
func memberField(key string) field { return field{key: key, value: impossible} }

// otherPlace is where evidence is not, if it is where it has to be: an index or what it
// lists. Either is no demand.
func otherPlace(v reflect.Value) reflect.Value {
	switch On(v.String()) {
	case OnIndex:
		return reflect.ValueOf(OnPlatforms)
	case OnPlatforms:
		return reflect.ValueOf(OnIndex)
	}
	return v
}

// everyComponent denies whatever has a package URL: a list that denies no document's
// components is held against nothing.
func everyComponent(v reflect.Value) reflect.Value {
	all, err := sbom.ParsePattern("pkg:*/*", "")
	if err != nil {
		return v
	}
	return reflect.ValueOf([]sbom.Pattern{all})
}

// below is a share that is less than nothing.
func below(reflect.Value) reflect.Value {
	less := -1.0
	return reflect.ValueOf(&less)
}
