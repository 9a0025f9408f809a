package cases

import (
	"github.com/releaseassay/assay/internal/lab"
)

// strangersRepo is somebody else's repository.
const strangersRepo = "evil/widget"

// calls is a run of a repository's release workflow that calls a workflow of another repository.
func calls(source, signer, workflow, ref string) lab.Identity {
	return lab.ReusableWorkflow(source, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow, signer, workflow, ref)
}

// wrongCallers: class 6, a trusted reusable workflow that a stranger calls.
func wrongCallers() []wrong {
	const anybody = "Anybody can call a public reusable workflow, and then its name stands in the certificate. Whose code it worked on is another claim."
	builder := calls(strangersRepo, lab.GeneratorRepository, lab.ContainerGenerator, lab.GeneratorRef)
	theirs := func(id lab.Identity) lab.Identity { return id.WithIDs("6666", "7777") }
	saysStranger := func(o *lab.ProvenanceOptions) { o.Repo, o.RepositoryID, o.OwnerID = strangersRepo, "6666", "7777" }
	provenance := Fails("provenance", "provenance.source_mismatch")
	return []wrong{
		{
			class: 6, words: "stranger calls our release workflow", why: anybody,
			shows:     "A stranger's repository called our release workflow, so that the certificate bears its very name.",
			signature: signedAs(theirs(calls(strangersRepo, lab.DefaultRepo, lab.DefaultWorkflow, lab.DefaultRef))),
			want:      Fails("signature", "signature.source_mismatch"),
		},
		{
			class: 6, words: "stranger calls our signer", rule: signerRule, goodSignature: signedAs(ourSigner), why: anybody,
			shows:     "Our projects sign with one shared workflow, and a stranger's repository called it.",
			signature: signedAs(theirs(calls(strangersRepo, signerRepository, signerWorkflow, signerRef))),
			want:      Fails("signature", "signature.source_mismatch"),
		},
		{
			class: 6, words: "stranger calls the builder", shows: "The trusted builder built a stranger's repository, and says so.",
			provenance: builtAs(theirs(builder), saysStranger), want: provenance,
		},
		{
			class: 6, words: "stranger calls the builder in our name",
			shows:      "The trusted builder's certificate is of a run for a stranger's repository, and the provenance names ours.",
			provenance: builtAs(theirs(builder)), want: provenance,
		},
	}
}

// The workflow with which all projects of a company sign.
const (
	signerRepository = "acme/build"
	signerWorkflow   = ".github/workflows/sign.yml"
	signerRef        = "refs/tags/v1.0.0"
)

var (
	ourSigner  = calls(lab.DefaultRepo, signerRepository, signerWorkflow, signerRef)
	signerRule = []string{
		SourceLeg, `signature: {signer: {issuer: ` + lab.GitHubIssuer + `, repository: ` + signerRepository + `, workflow: ` + signerWorkflow + `, ref: ` + signerRef + `}}`,
		ProvenanceLeg,
	}
)

// wrongSigners: class 6, our run with another reusable workflow than the trusted one.
func wrongSigners() []wrong {
	signature := Fails("signature", "signature.identity_mismatch")
	builder := builderFrom("evil/build", lab.ContainerGenerator, lab.GeneratorRef)
	return []wrong{
		{
			class: 6, words: "we call a stranger's signer", shows: "Our release workflow called a stranger's workflow, which signed.",
			signature: signedAs(calls(lab.DefaultRepo, "evil/build", signerWorkflow, signerRef)), want: signature,
		},
		{
			class: 6, words: "our signer on a branch", rule: signerRule, goodSignature: signedAs(ourSigner),
			shows:     "Our projects sign with one shared workflow at a release of it, and this one ran from its main branch.",
			signature: signedAs(calls(lab.DefaultRepo, signerRepository, signerWorkflow, "refs/heads/main")), want: signature,
		},
		{
			class: 6, words: "the caller where the signer is wanted", rule: signerRule, goodSignature: signedAs(ourSigner),
			shows:     "Our projects sign with one shared workflow, and here the project's own signed.",
			signature: signed(nil), want: signature,
		},
		{
			class: 6, words: "we call a stranger's builder", shows: "Our release workflow called a stranger's copy of the builder, which says so.",
			provenance: builtAs(builder, func(o *lab.ProvenanceOptions) { o.BuilderID = builder.SAN }),
			want:       Fails("provenance", "provenance.builder_unsupported"),
		},
		{
			class: 6, words: "we call a stranger's builder under a good name",
			shows:      "Our release workflow called a stranger's copy of the builder, whose provenance names the trusted one.",
			provenance: builtAs(builder), want: Fails("provenance", "provenance.builder_unsupported"),
		},
	}
}

// wrongIDs: class 7, a repository of the same name that is another one.
func wrongIDs() []wrong {
	rule := []string{
		`source: {repository: acme/widget, ref: "refs/tags/v{version}", repository_id: "` + lab.DefaultRepositoryID + `", owner_id: "` + lab.DefaultOwnerID + `"}`,
		SignatureLeg, ProvenanceLeg,
	}
	const (
		reborn = "A name that is free can be taken by anybody, and all that is called by it afterwards has the same names in its certificates. Only the numbers differ."
		old    = "Certificates of early 2023 have no numbers. The statement's own are its author's word and take no claim's place."
	)
	ids := func(repository, owner string) func(*lab.Identity) {
		return func(id *lab.Identity) { *id = id.WithIDs(repository, owner) }
	}
	var all []wrong
	for _, n := range []struct {
		words, shows, why, code string
		who                     func(*lab.Identity)
	}{
		{"created again", "The owner's account was deleted, and somebody else made owner and repository again", reborn, "source_mismatch", ids("9009", "9010")},
		{"other repository id", "The owner's repository is another one of the same name", reborn, "source_mismatch", ids("9009", lab.DefaultOwnerID)},
		{"other owner id", "The repository was transferred to another account, which then took the owner's name", reborn, "source_mismatch", ids(lab.DefaultRepositoryID, "9010")},
		{"certificate without ids", "The policy wants the numbers of repository and owner, and the certificate has none", old, "claim_missing", func(id *lab.Identity) { id.OnlyDeprecated = true }},
	} {
		all = append(all,
			wrong{
				class: 7, words: n.words, rule: rule, shows: n.shows + ".", why: n.why,
				signature: signed(n.who), want: Fails("signature", "signature."+n.code),
			},
			wrong{
				class: 7, words: n.words + " and built", rule: rule, shows: n.shows + "; that is in the certificate of the provenance.", why: n.why,
				provenance: built(n.who), want: Fails("provenance", "provenance."+n.code),
			},
		)
	}
	return all
}
