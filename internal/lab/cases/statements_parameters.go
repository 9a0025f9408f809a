package cases

import (
	"slices"

	"github.com/releaseassay/assay/internal/lab"
)

// dispatched is provenance of a build that somebody started by hand, with inputs.
func dispatched(inputs map[string]any) part {
	return built(
		func(id *lab.Identity) { *id = id.WithTrigger("workflow_dispatch") },
		func(o *lab.ProvenanceOptions) { o.Event, o.Inputs = "workflow_dispatch", inputs },
	)
}

// otherInputs: class 24, what somebody wrote into the form that starts the workflow.
func otherInputs() []wrong {
	rule := []string{SourceLeg, SignatureLeg, "provenance: {builder: {level: 3}, inputs: {channel: stable}}"}
	good := dispatched(map[string]any{"channel": "stable"})
	const free = "Source and tag are right: what the workflow does with its inputs shows nowhere else."
	var all []wrong
	for _, i := range []struct {
		words, shows, why string
		inputs            map[string]any
	}{
		{"input of another value", "The workflow was told to build from the nightly channel, and the policy wants the stable one.", free, map[string]any{"channel": "nightly"}},
		{"input that overrides the ref", "The workflow was told to check out a branch of its own, and the input that the policy wants was not given.", free, map[string]any{"ref": "refs/heads/evil"}},
		{"input of another name", "The wanted input is there under a name in capitals.", "", map[string]any{"Channel": "stable"}},
		{"input that is a list", "The wanted input is a list that holds the wanted value.", "", map[string]any{"channel": []string{"stable"}}},
		{"input with a space", "The wanted input ends in a space.", "", map[string]any{"channel": "stable "}},
		{"no inputs", "The workflow was started by hand without inputs.", "", nil},
	} {
		all = append(all, wrong{
			class: 24, words: i.words, rule: rule, shows: i.shows, why: i.why, goodProvenance: good,
			provenance: dispatched(i.inputs), want: Fails("provenance", "provenance.inputs_mismatch"),
		})
	}
	return append(all,
		wrong{
			class: 24, words: "inputs of a push", rule: rule, goodProvenance: good,
			shows:      "The policy wants an input, and the build was started by a push, which has none.",
			provenance: built(nil), want: Fails("provenance", "provenance.inputs_mismatch"),
		},
		wrong{
			class: 24, words: "ref overridden by hand", rule: circumstances("trigger: push"), why: free,
			shows:      "Somebody started the release workflow by hand at the right tag and told it to build another branch, and the policy wants a push.",
			provenance: dispatched(map[string]any{"ref": "refs/heads/evil"}), want: Fails("provenance", "provenance.claim_mismatch"),
		},
	)
}

// incompleteProvenance: class 24, provenance that leaves out what matters.
func incompleteProvenance() []wrong {
	const silent = "Comparing every source that is named finds no fault where none is named."
	malformed := Fails("provenance", "provenance.malformed")
	var all []wrong
	for _, m := range []struct {
		words, shows, why, path string
		value                   any
	}{
		{"no materials", "The provenance does not say what was built.", silent, "materials", nil},
		{"empty materials", "The provenance lists nothing that was built.", silent, "materials", []any{}},
		{"null materials", "The provenance has null where it should say what was built.", "", "materials", lab.Null},
		{"null among materials", "The provenance lists one null as what was built.", "", "materials", []any{nil}},
		{"no builder", "The provenance does not say who built.", "", "builder", nil},
		{"no build type", "The provenance does not say how to read it.", "", "buildType", nil},
		{"no config source", "The provenance does not say what started the build.", "", "invocation.configSource", nil},
	} {
		all = append(all, wrong{
			class: 24, words: m.words, shows: m.shows, why: m.why,
			provenance: built(nil, edited(lab.Set("predicate."+m.path, m.value))), want: malformed,
		})
	}
	for _, m := range []struct {
		words, shows, path string
		value              any
	}{
		{"no dependencies", "The provenance, in SLSA 1, does not say what was built.", "buildDefinition.resolvedDependencies", nil},
		{"empty dependencies", "The provenance, in SLSA 1, lists nothing that was built.", "buildDefinition.resolvedDependencies", []any{}},
		{"no run details", "The provenance, in SLSA 1, does not say who built.", "runDetails", nil},
		{"no workflow in the parameters", "The provenance, in SLSA 1, does not say which workflow ran.", "buildDefinition.internalParameters.GITHUB_WORKFLOW_REF", nil},
	} {
		all = append(all, wrong{
			class: 24, words: m.words, rule: containerRule, shows: m.shows, goodProvenance: inContainer(),
			provenance: inContainer(edited(lab.Set("predicate."+m.path, m.value))), want: malformed,
		})
	}
	return all
}

// unknownBuilds: class 24, build types that mean something else, and sources that changed places.
func unknownBuilds() []wrong {
	unsupported := Fails("provenance", "provenance.builder_unsupported")
	var all []wrong
	for _, t := range []struct{ words, shows, kind string }{
		{"unknown build type", "The provenance is of a build type that nobody knows, so that its fields may mean anything.", "https://evil.example/container@v1"},
		{"build type with a suffix", "The provenance's build type begins with the builder's.", lab.ContainerBuildType + "0"},
		{"build type of another builder", "The provenance's build type is that of another builder of the same repository.", "https://github.com/slsa-framework/slsa-github-generator/generic@v1"},
	} {
		all = append(all, wrong{
			class: 24, words: t.words, shows: t.shows, provenance: built(nil, edited(lab.Set("predicate.buildType", t.kind))), want: unsupported,
		})
	}
	owner := builderFrom("evil/build", ".github/workflows/build.yml", "refs/tags/v1.0.0")
	return append(all,
		wrong{
			class: 24, words: "config source swapped", shows: "A stranger's repository started the build, and ours stands among the materials.",
			provenance: built(nil, edited(func(s map[string]any) {
				predicate := s["predicate"].(map[string]any)
				predicate["invocation"].(map[string]any)["configSource"].(map[string]any)["uri"] = foreignSource
				predicate["materials"] = slices.Concat(predicate["materials"].([]any), []any{map[string]any{"uri": foreignSource, "digest": map[string]any{"sha1": lab.DefaultCommit}}})
			})),
			want: contradicted,
		},
		wrong{
			class: 24, words: "ours as the second material", shows: "A stranger's repository is the first material, and ours the second.",
			why: "The first material is what was built; whoever looks for ours anywhere in the list finds it.",
			provenance: built(nil, edited(func(s map[string]any) {
				predicate := s["predicate"].(map[string]any)
				theirs := map[string]any{"uri": foreignSource, "digest": map[string]any{"sha1": lab.DefaultCommit}}
				predicate["materials"] = slices.Concat([]any{theirs}, predicate["materials"].([]any))
			})),
			want: contradicted,
		},
		wrong{
			class: 24, words: "github's build type by a stranger's workflow", rule: []string{SourceLeg, SignatureLeg, "provenance: {builder: {level: 2}}"},
			shows:          "A stranger's reusable workflow that ours called attests in GitHub's build type, as if it were a builder.",
			goodProvenance: onRunner(),
			provenance: attested(owner, tellingOf(lab.ProvenanceGitHub, []func(*lab.ProvenanceOptions){
				func(o *lab.ProvenanceOptions) { o.BuilderID = owner.SAN },
			})),
			want: Fails("provenance", "provenance.builder_mismatch"),
		},
		wrong{
			class: 24, words: "unknown build type by our own workflow", rule: runnerRule, goodProvenance: onRunner(),
			shows:      "Our release workflow attested provenance of a build type of its own making.",
			provenance: onRunner(edited(lab.Set("predicate.buildDefinition.buildType", "https://evil.example/build"))), want: unsupported,
		},
	)
}
