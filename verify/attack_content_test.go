package verify_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// otherSubjects: class 18.
func otherSubjects() []attack {
	subject := func(name string, digests map[string]string) lab.Subject {
		return lab.Subject{Name: name, Digest: digests}
	}
	sha := func(hex string) map[string]string { return map[string]string{"sha256": hex} }
	many := slices.Repeat([]lab.Subject{subject("filler", sha(otherHex))}, 1024)
	var digests = sha(imageHex)
	for i := range 40 {
		digests[fmt.Sprintf("algorithm-%d", i)] = "00"
	}
	var all []attack
	for name, c := range map[string]struct {
		subjects []lab.Subject
		want     string
	}{
		"another digest":              {[]lab.Subject{subject(imageName, sha(otherHex))}, "subject_mismatch"},
		"the digest as a name":        {[]lab.Subject{subject(imageDigest, sha(otherHex))}, "subject_mismatch"},
		"many others":                 {many, "subject_mismatch"},
		"sha512 alone":                {[]lab.Subject{subject(imageName, map[string]string{"sha512": imageHex})}, "subject_mismatch"},
		"the hex under another name":  {[]lab.Subject{subject(imageName, map[string]string{"sha-256": imageHex})}, "subject_mismatch"},
		"the algorithm in capitals":   {[]lab.Subject{subject(imageName, map[string]string{"SHA256": imageHex})}, "subject_mismatch"},
		"upper-case hex":              {[]lab.Subject{subject(imageName, sha(strings.ToUpper(imageHex)))}, "subject_mismatch"},
		"63 characters":               {[]lab.Subject{subject(imageName, sha(imageHex[:63]))}, "subject_mismatch"},
		"65 characters":               {[]lab.Subject{subject(imageName, sha(imageHex+"0"))}, "subject_mismatch"},
		"a space behind":              {[]lab.Subject{subject(imageName, sha(imageHex+" "))}, "subject_mismatch"},
		"the digest with its prefix":  {[]lab.Subject{subject(imageName, sha(imageDigest))}, "subject_mismatch"},
		"no digest":                   {[]lab.Subject{subject(imageName, map[string]string{})}, "subject_mismatch"},
		"an empty digest":             {[]lab.Subject{subject(imageName, sha(""))}, "malformed"},
		"null for digests":            {[]lab.Subject{subject(imageName, nil)}, "malformed"},
		"no subject":                  {[]lab.Subject{}, "malformed"},
		"null for subjects":           {nil, "malformed"},
		"1025 subjects, ours among":   {append(slices.Clone(many), subject(imageName, sha(imageHex))), "malformed"},
		"41 digests, ours among them": {[]lab.Subject{subject(imageName, digests)}, "malformed"},
	} {
		changed := func(o *lab.ProvenanceOptions) { o.Subjects = c.subjects }
		a := attack{class: 18, name: "subject: " + name, want: verify.Code("provenance." + c.want)}
		if strings.Contains(name, "1025") || name == "many others" {
			a.advisory = "CVE-2024-45395"
		}
		all = append(all, builtBy(a, generator(), changed)...)
		all = append(all, signature(18, "subject: "+name, verify.Code("signature."+c.want), func(s *stage) verify.Piece {
			return bundleBy(s.issue(workflow()), must(lab.Statement(lab.StatementV1, lab.SignPredicateType, c.subjects, map[string]any{})))
		}))
	}
	for name, digest := range map[string]string{
		"another digest": otherDigest, "upper-case hex": "sha256:" + strings.ToUpper(imageHex), "63 characters": imageDigest[:70], "no algorithm": imageHex, "a space": imageDigest + " ", "sha512": "sha512:" + imageHex,
	} {
		all = append(all, signature(18, "payload: "+name, verify.SignatureSubjectMismatch, func(s *stage) verify.Piece {
			return s.sig(workflow(), lab.LegacyPayload([]byte(simple(digest))))
		}))
	}
	return all
}

// confusedPredicates: class 20, and 19 where the type says another thing.
func confusedPredicates() []attack {
	var all []attack
	for _, base := range []string{lab.SLSAv1PredicateType, lab.SLSAv02PredicateType} {
		for _, kind := range []string{
			"https://evil/" + strings.TrimPrefix(base, "https://"), base + ".1", base + "/", base + "?", base + "#", " " + base, strings.ToUpper(base),
			strings.Replace(base, "https", "http", 1), strings.TrimSuffix(base, "1"), "https://slsa.dev/provenance", base + "\n", "slsa.dev/provenance/v1",
		} {
			if kind == lab.SLSAv1PredicateType || kind == lab.SLSAv02PredicateType {
				continue
			}
			all = append(all, builtBy(attack{class: 20, name: fmt.Sprintf("predicate type %q", kind), want: verify.ProvenanceMissing}, generator(), editing(set(kind, "predicateType")))...)
		}
	}
	for _, kind := range []string{
		"https://evil/sigstore.dev/cosign/sign/v1", lab.SignPredicateType + ".1", lab.SignPredicateType + "/", lab.SignPredicateType + "0", strings.ToUpper(lab.SignPredicateType),
		"https://sigstore.dev/cosign/sign", "https://sigstore.dev/cosign/sign/v2", "cosign container image signature", "https://cosign.sigstore.dev/attestation/v1",
	} {
		all = append(all, signature(20, fmt.Sprintf("predicate type %q", kind), verify.SignatureMissing, func(s *stage) verify.Piece {
			return bundleBy(s.issue(workflow()), must(lab.SignStatement(imageName, imageDigest, set(kind, "predicateType"))))
		}))
	}
	// A v0.2 predicate called v1, and the reverse.
	all = append(all, builtBy(attack{class: 20, name: "v0.2 called v1", want: verify.ProvenanceMalformed}, generator(), editing(set(lab.SLSAv1PredicateType, "predicateType")))...)
	byBuilder := reusable(lab.GeneratorRepository, lab.ContainerBasedBuilder, lab.GeneratorRef)
	all = append(all, provenance(20, "v1 called v0.2", verify.ProvenanceMalformed, func(s *stage) verify.Piece {
		return bundleBy(s.issue(byBuilder), must(lab.ProvenanceContainerBased(built(editing(set(lab.SLSAv02PredicateType, "predicateType"))))))
	}))
	for name, value := range map[string]any{"null": nil, "an array": []any{}, "empty": "", "a number": 1} {
		want := verify.ProvenanceMalformed
		all = append(all, builtBy(attack{class: 20, name: "predicate type " + name, want: want}, generator(), editing(set(value, "predicateType")))...)
	}
	return all
}

// provenanceAgainstCertificate: class 22.
func provenanceAgainstCertificate() []attack {
	const otherCommit = "00112233445566778899aabbccddeeff00112233"
	v02 := func(path ...string) []string { return append([]string{"predicate"}, path...) }
	evil := "git+https://github.com/evil/widget@refs/tags/v1.2.3"
	other := func(ref string) string { return "git+https://github.com/acme/widget@" + ref }
	mismatch := verify.ProvenanceCertificateMismatch
	var all []attack
	add := func(name string, want verify.Code, changes ...func(*lab.ProvenanceOptions)) {
		all = append(all, builtBy(attack{class: 22, name: name, want: want}, generator(), changes...)...)
	}
	edit := func(name string, value any, path ...string) {
		add(name, mismatch, editing(set(value, v02(path...)...)))
	}
	edit("builder id of another version", generatorID+"@refs/tags/v2.0.0", "builder", "id")
	edit("builder id without a version", generatorID, "builder", "id")
	edit("builder id in capitals", strings.ToUpper(generatorID)+"@refs/tags/v2.1.0", "builder", "id")
	edit("builder id of another builder", strings.Replace(generatorID, "container", "generic", 1)+"@refs/tags/v2.1.0", "builder", "id")
	edit("source of another repository", evil, "materials", "0", "uri")
	edit("source at another tag", other("refs/tags/v1.2.2"), "materials", "0", "uri")
	edit("source at a branch", other("refs/heads/main"), "materials", "0", "uri")
	edit("source without a ref", "git+https://github.com/acme/widget", "materials", "0", "uri")
	edit("source that is no git", "https://github.com/acme/widget@refs/tags/v1.2.3", "materials", "0", "uri")
	edit("source with a suffix", other("refs/tags/v1.2.3-evil"), "materials", "0", "uri")
	edit("source of another commit", otherCommit, "materials", "0", "digest", "sha1")
	add("source without a commit", mismatch, editing(drop(v02("materials", "0", "digest")...)))
	edit("source with the commit in capitals", strings.ToUpper(lab.DefaultCommit), "materials", "0", "digest", "sha1")
	edit("source with a short commit", lab.DefaultCommit[:12], "materials", "0", "digest", "sha1")
	edit("trigger of another repository", evil, "invocation", "configSource", "uri")
	edit("trigger at another tag", other("refs/tags/v1.2.2"), "invocation", "configSource", "uri")
	edit("trigger without a ref", "git+https://github.com/acme/widget", "invocation", "configSource", "uri")
	edit("trigger of another commit", otherCommit, "invocation", "configSource", "digest", "sha1")
	edit("another workflow", ".github/workflows/evil.yml", "invocation", "configSource", "entryPoint")
	edit("another run", "1-1", "metadata", "buildInvocationID")
	edit("another attempt", lab.DefaultRunID+"-2", "metadata", "buildInvocationID")
	edit("another event", "workflow_dispatch", "invocation", "environment", "github_event_name")
	edit("another ref in the context", "refs/heads/main", "invocation", "environment", "github_ref")
	edit("another repository id", "9009", "invocation", "environment", "github_repository_id")
	edit("another repository id, as a number", 9009, "invocation", "environment", "github_repository_id")
	edit("another owner id", "9009", "invocation", "environment", "github_repository_owner_id")
	edit("another commit in the context", otherCommit, "invocation", "environment", "github_sha1")
	edit("another event in capitals", "workflow_dispatch", "invocation", "environment", "GITHUB_EVENT_NAME_")
	all = all[:len(all)-2] // an unknown key says nothing; it is listed in the mutation test
	add("one parameter in two cases", verify.ProvenanceMalformed, editing(set("refs/heads/main", v02("invocation", "environment", "GITHUB_REF")...)))
	add("the wrong repository throughout", mismatch, func(o *lab.ProvenanceOptions) { o.Repo = "evil/widget" })
	add("the wrong tag throughout", mismatch, func(o *lab.ProvenanceOptions) { o.Ref = "refs/tags/v1.2.2" })
	add("the wrong commit throughout", mismatch, func(o *lab.ProvenanceOptions) { o.Commit = otherCommit })

	// SLSA v1, by the container-based builder.
	v1 := func(name string, want verify.Code, changes ...func(*lab.ProvenanceOptions)) {
		a := provenance(22, "container-based: "+name, want, func(s *stage) verify.Piece {
			return bundleBy(s.issue(containerBased()), must(lab.ProvenanceContainerBased(built(changes...))))
		})
		a.rule = []string{"source: " + sourceYAML, signatureYAML, `provenance: {builder: {id: "` + containerBasedID + `", level: 3}}`}
		all = append(all, a)
	}
	v1edit := func(name string, value any, path ...string) { v1(name, mismatch, editing(set(value, v02(path...)...))) }
	const params = "internalParameters"
	v1edit("another builder id", generatorID+"@refs/tags/v2.1.0", "runDetails", "builder", "id")
	v1edit("another run", "https://github.com/acme/widget/actions/runs/1/attempts/1", "runDetails", "metadata", "invocationId")
	v1edit("source of another repository", evil, "buildDefinition", "resolvedDependencies", "0", "uri")
	v1edit("source of another commit", otherCommit, "buildDefinition", "resolvedDependencies", "0", "digest", "sha1")
	v1edit("two commits of one source", otherCommit, "buildDefinition", "resolvedDependencies", "0", "digest", "gitCommit")
	v1edit("another workflow", "acme/widget/.github/workflows/evil.yml@refs/tags/v1.2.3", "buildDefinition", params, "GITHUB_WORKFLOW_REF")
	v1edit("another workflow's ref", "acme/widget/.github/workflows/release.yml@refs/heads/main", "buildDefinition", params, "GITHUB_WORKFLOW_REF")
	v1edit("another workflow's repository", "evil/widget/.github/workflows/release.yml@refs/tags/v1.2.3", "buildDefinition", params, "GITHUB_WORKFLOW_REF")
	v1edit("another commit", otherCommit, "buildDefinition", params, "GITHUB_SHA")
	v1edit("another ref", "refs/heads/main", "buildDefinition", params, "GITHUB_REF")
	v1edit("another event", "schedule", "buildDefinition", params, "GITHUB_EVENT_NAME")
	v1edit("another repository id", "9009", "buildDefinition", params, "GITHUB_REPOSITORY_ID")
	v1edit("another repository", "evil/widget", "buildDefinition", params, "GITHUB_REPOSITORY")
	v1edit("another run id", "1", "buildDefinition", params, "GITHUB_RUN_ID")
	v1edit("another run attempt", "2", "buildDefinition", params, "GITHUB_RUN_ATTEMPT")
	v1edit("the source parameter of another repository", evil, "buildDefinition", "externalParameters", "source", "uri")
	v1("no workflow", verify.ProvenanceMalformed, editing(drop(v02("buildDefinition", params, "GITHUB_WORKFLOW_REF")...)))

	// GitHub's own.
	gh := func(name string, want verify.Code, changes ...func(*lab.ProvenanceOptions)) {
		a := provenance(22, "GitHub: "+name, want, func(s *stage) verify.Piece {
			return bundleBy(s.issue(workflow()), must(lab.ProvenanceGitHub(built(changes...))))
		})
		a.rule = []string{"source: " + sourceYAML, signatureYAML, `provenance: {builder: {id: "` + runnerID + `", level: 2}}`}
		all = append(all, a)
	}
	ghEdit := func(name string, value any, path ...string) { gh(name, mismatch, editing(set(value, v02(path...)...))) }
	ghEdit("another builder id", "https://github.com/evil/widget/.github/workflows/release.yml@refs/tags/v1.2.3", "runDetails", "builder", "id")
	ghEdit("a builder id of self-hosted runners", "https://github.com/actions/runner/self-hosted", "runDetails", "builder", "id")
	ghEdit("another repository", "https://github.com/evil/widget", "buildDefinition", "externalParameters", "workflow", "repository")
	ghEdit("another ref", "refs/heads/main", "buildDefinition", "externalParameters", "workflow", "ref")
	ghEdit("another workflow", ".github/workflows/evil.yml", "buildDefinition", "externalParameters", "workflow", "path")
	ghEdit("another commit", otherCommit, "buildDefinition", "resolvedDependencies", "0", "digest", "gitCommit")
	ghEdit("another source", evil, "buildDefinition", "resolvedDependencies", "0", "uri")
	ghEdit("another event", "schedule", "buildDefinition", params, "github", "event_name")
	ghEdit("another repository id", "9009", "buildDefinition", params, "github", "repository_id")
	ghEdit("another owner id", "9009", "buildDefinition", params, "github", "repository_owner_id")
	ghEdit("another runner", "self-hosted", "buildDefinition", params, "github", "runner_environment")
	ghEdit("another run", "https://github.com/acme/widget/actions/runs/1/attempts/1", "runDetails", "metadata", "invocationId")
	return all
}

func containerBased() lab.Identity {
	return reusable(lab.GeneratorRepository, lab.ContainerBasedBuilder, lab.GeneratorRef)
}

// provenanceParameters: class 24.
func provenanceParameters() []attack {
	demanding := []string{
		"source: " + sourceYAML, signatureYAML, "provenance: {builder: " + builderYAML + `, inputs: {channel: stable}}`,
	}
	dispatched := generator().WithTrigger("workflow_dispatch")
	dispatch := func(inputs map[string]any) func(*lab.ProvenanceOptions) {
		return func(o *lab.ProvenanceOptions) { o.Event, o.Inputs = "workflow_dispatch", inputs }
	}
	malformed, unsupported := verify.ProvenanceMalformed, verify.ProvenanceUnsupported
	var all []attack
	for name, inputs := range map[string]map[string]any{
		"another input": {"channel": "nightly", "ref": "refs/heads/evil"}, "no inputs": nil, "another name": {"Channel": "stable"}, "a list": {"channel": []string{"stable"}},
		"a longer one": {"channel": "stable "},
	} {
		all = append(all, builtBy(attack{class: 24, name: "inputs: " + name, want: verify.ProvenanceInputsMismatch, rule: demanding}, dispatched, dispatch(inputs))...)
	}
	all = append(all, builtBy(attack{class: 24, name: "inputs where the event has none", want: verify.ProvenanceInputsMismatch, rule: demanding}, generator())...)
	edit := func(name string, want verify.Code, e lab.Edit) {
		all = append(all, builtBy(attack{class: 24, name: name, want: want}, generator(), editing(e))...)
	}
	edit("no materials", malformed, drop("predicate", "materials"))
	edit("empty materials", malformed, set([]any{}, "predicate", "materials"))
	edit("null materials", malformed, set(nil, "predicate", "materials"))
	edit("materials as an object", malformed, set(map[string]any{}, "predicate", "materials"))
	edit("a null material", malformed, set([]any{nil}, "predicate", "materials"))
	edit("no builder", malformed, drop("predicate", "builder"))
	edit("no build type", malformed, drop("predicate", "buildType"))
	edit("no config source", malformed, drop("predicate", "invocation", "configSource"))
	edit("an unknown build type", unsupported, set("https://evil.example/container@v1", "predicate", "buildType"))
	edit("a build type with a suffix", unsupported, set(lab.ContainerBuildType+"0", "predicate", "buildType"))
	edit("the build type of another builder", unsupported, set("https://github.com/slsa-framework/slsa-github-generator/generic@v1", "predicate", "buildType"))
	edit("the delegator's build type", unsupported, set(lab.DelegatorBuildType, "predicate", "buildType"))
	edit("config source and material changed about", verify.ProvenanceCertificateMismatch, func(s map[string]any) {
		predicate := s["predicate"].(map[string]any)
		config := predicate["invocation"].(map[string]any)["configSource"].(map[string]any)
		config["uri"] = "git+https://github.com/evil/widget@refs/tags/v1.2.3"
	})
	edit("ours as the second material", verify.ProvenanceCertificateMismatch, func(s map[string]any) {
		predicate := s["predicate"].(map[string]any)
		evil := map[string]any{"uri": "git+https://github.com/evil/widget@refs/tags/v1.2.3", "digest": map[string]any{"sha1": lab.DefaultCommit}}
		predicate["materials"] = append([]any{evil}, predicate["materials"].([]any)...)
	})
	edit("keys in capitals", malformed, func(s map[string]any) {
		predicate := s["predicate"].(map[string]any)
		predicate["Builder"] = predicate["builder"]
		delete(predicate, "builder")
	})
	v1rule := []string{"source: " + sourceYAML, signatureYAML, `provenance: {builder: {id: "` + containerBasedID + `"}}`}
	for name, e := range map[string]lab.Edit{
		"no dependencies":      drop("predicate", "buildDefinition", "resolvedDependencies"),
		"empty dependencies":   set([]any{}, "predicate", "buildDefinition", "resolvedDependencies"),
		"null dependencies":    set(nil, "predicate", "buildDefinition", "resolvedDependencies"),
		"no builder":           drop("predicate", "runDetails"),
		"no definition":        drop("predicate", "buildDefinition"),
		"parameters of a list": set([]any{}, "predicate", "buildDefinition", "internalParameters"),
	} {
		a := provenance(24, "container-based: "+name, malformed, func(s *stage) verify.Piece {
			return bundleBy(s.issue(containerBased()), must(lab.ProvenanceContainerBased(built(editing(e)))))
		})
		a.rule = v1rule
		all = append(all, a)
	}
	// Builders that nobody vouches for.
	byRunner := []string{"source: " + sourceYAML, signatureYAML, `provenance: {builder: {level: 2}}`}
	for name, c := range map[string]struct {
		id   lab.Identity
		edit lab.Edit
		want verify.Code
	}{
		"GitHub's build type by a stranger's reusable workflow": {reusable("evil/build", ".github/workflows/build.yml", "refs/tags/v1.0.0"),
			set("https://github.com/evil/build/.github/workflows/build.yml@refs/tags/v1.0.0", "predicate", "runDetails", "builder", "id"), verify.ProvenanceBuilderMismatch},
		"an unknown build type by our own workflow":      {workflow(), set("https://evil.example/build", "predicate", "buildDefinition", "buildType"), verify.ProvenanceUnsupported},
		"the delegator's build type by our own workflow": {workflow(), set(lab.DelegatorBuildType, "predicate", "buildDefinition", "buildType"), verify.ProvenanceMalformed},
	} {
		a := provenance(24, name, c.want, func(s *stage) verify.Piece {
			return bundleBy(s.issue(c.id), must(lab.ProvenanceGitHub(built(editing(c.edit)))))
		})
		a.rule = byRunner
		all = append(all, a)
	}
	return all
}
