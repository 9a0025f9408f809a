package cases

import (
	"github.com/releaseassay/assay/internal/lab"
)

// circumstances is the standard rule with demands on the run: event, runner or visibility.
func circumstances(more string) []string {
	return []string{
		SourceLeg, SignatureLeg[:len(SignatureLeg)-2] + ", " + more + "}}",
		ProvenanceLeg[:len(ProvenanceLeg)-1] + ", signer: {issuer: " + lab.GitHubIssuer + ", " + more + "}}",
	}
}

// wrongEvents: class 5, the right workflow started by another event.
func wrongEvents() []wrong {
	rule := circumstances("trigger: [push, release]")
	signature, provenance := Fails("signature", "signature.claim_mismatch"), Fails("provenance", "provenance.claim_mismatch")
	startedBy := func(event string) func(*lab.Identity) {
		return func(id *lab.Identity) { *id = id.WithTrigger(event) }
	}
	saysEvent := func(event string) func(*lab.ProvenanceOptions) {
		return func(o *lab.ProvenanceOptions) { o.Event = event }
	}
	const target = "A run for pull_request_target has the repository's rights and can be made to work on a stranger's code."
	return []wrong{
		{
			class: 5, words: "signed for a pull request target", rule: rule, why: target,
			shows:     "The release workflow signed in a run that a stranger's pull request started, and the policy accepts pushes and releases.",
			signature: signed(startedBy("pull_request_target")), want: signature,
		},
		{
			class: 5, words: "signed by hand", rule: rule, shows: "Somebody started the release workflow by hand, and the policy accepts pushes and releases.",
			signature: signed(startedBy("workflow_dispatch")), want: signature,
		},
		{
			class: 5, words: "signed on a schedule", rule: rule, shows: "A timer started the release workflow, and the policy accepts pushes and releases.",
			signature: signed(startedBy("schedule")), want: signature,
		},
		{
			class: 5, words: "built for a pull request target", rule: rule, why: target,
			shows:      "The image was built in a run that a stranger's pull request started.",
			provenance: built(startedBy("pull_request_target"), saysEvent("pull_request_target")), want: provenance,
		},
		{
			class: 5, words: "built by hand", rule: rule, shows: "The image was built in a run that somebody started by hand.",
			provenance: built(startedBy("workflow_dispatch"), saysEvent("workflow_dispatch")), want: provenance,
		},
		{
			class: 5, words: "built by hand and called a push", rule: rule,
			shows:      "Somebody started the build by hand; the certificate says so, and the provenance speaks of a push.",
			provenance: built(startedBy("workflow_dispatch")), want: provenance,
		},
	}
}

// wrongRefs: class 5, the right workflow at another ref.
func wrongRefs() []wrong {
	signature, provenance := Fails("signature", "signature.identity_mismatch"), Fails("provenance", "provenance.source_mismatch")
	var all []wrong
	for _, n := range []struct{ words, ref, where string }{
		{"a branch", "refs/heads/main", "on the main branch"},
		{"an earlier tag", "refs/tags/v1.2.2", "at the tag before"},
		{"a branch of the version's name", "refs/heads/v1.2.3", "on a branch called v1.2.3"},
	} {
		all = append(all,
			wrong{
				class: 5, words: "signed at " + n.words, shows: "The release workflow ran " + n.where + " and signed.",
				signature: signedAs(workflowAt(n.ref)), want: signature,
			},
			wrong{
				class: 5, words: "built at " + n.words, shows: "The signature is of the tag, and the image was built " + n.where + ".",
				provenance: builtAs(
					lab.ReusableWorkflow(lab.DefaultRepo, n.ref, lab.DefaultCommit, lab.DefaultWorkflow, lab.GeneratorRepository, lab.ContainerGenerator, lab.GeneratorRef),
					func(o *lab.ProvenanceOptions) { o.Ref = n.ref },
				),
				want: provenance,
			},
		)
	}
	return all
}

// wrongRunners: class 8, another runner or another visibility than the policy accepts.
func wrongRunners() []wrong {
	rule := circumstances("runner: github-hosted, visibility: public")
	selfHosted := func(id *lab.Identity) { id.Extensions.RunnerEnvironment = "self-hosted" }
	private := func(id *lab.Identity) { id.Extensions.SourceRepositoryVisibilityAtSigning = "private" }
	silent := func(id *lab.Identity) { id.OnlyDeprecated = true }
	const old = "Certificates of early 2023 lack these claims. What is not claimed meets no demand."
	var all []wrong
	for _, n := range []struct {
		words, shows, why, code string
		who                     func(*lab.Identity)
	}{
		{
			"self-hosted runner", "The policy wants runners of GitHub's, and the run was on a machine of somebody's own",
			"Whoever has such a machine sees the token that it gets, and can sign what nobody built.", "claim_mismatch", selfHosted,
		},
		{"private repository", "The policy wants a public source, and the repository was private", "", "claim_mismatch", private},
		{"silent certificate", "The policy wants a runner and a visibility, and the certificate claims neither", old, "claim_missing", silent},
	} {
		all = append(all,
			wrong{
				class: 8, words: n.words, rule: rule, shows: n.shows + ".", why: n.why,
				signature: signed(n.who), want: Fails("signature", "signature."+n.code),
			},
			wrong{
				class: 8, words: n.words + " of the build", rule: rule, shows: n.shows + ", in the certificate of the provenance.", why: n.why,
				provenance: built(n.who), want: Fails("provenance", "provenance."+n.code),
			},
		)
	}
	own := ourWorkflow()
	selfHosted(&own)
	return append(all, wrong{
		class: 8, words: "self-hosted runner called the hosted one", rule: runnerRule,
		shows:      "GitHub's own provenance says that a runner of GitHub's built the image, and its certificate speaks of a machine of somebody's own.",
		provenance: attested(own, aboutBuild), goodProvenance: attested(ourWorkflow(), aboutBuild),
		want: Fails("provenance", "provenance.builder_mismatch"),
	})
}

// runnerRule accepts GitHub's own provenance.
var runnerRule = []string{SourceLeg, SignatureLeg, "provenance: {builder: {id: https://github.com/actions/runner/github-hosted, level: 2}}"}
