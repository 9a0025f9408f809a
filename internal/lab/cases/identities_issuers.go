package cases

import (
	"github.com/sigstore/fulcio/pkg/certificate"

	"github.com/releaseassay/assay/internal/lab"
)

// underIssuer has another issuer vouch for an identity; all else of it stays.
func underIssuer(issuer string) func(*lab.Identity) {
	return func(id *lab.Identity) { id.Extensions.Issuer = issuer }
}

// wrongIssuers: class 4, the right name under the wrong issuer.
func wrongIssuers() []wrong {
	signature, provenance := Fails("signature", "signature.identity_mismatch"), Fails("provenance", "provenance.identity_mismatch")
	const lookAlike = lab.GitHubIssuer + ".evil/"
	var all []wrong
	for _, n := range []struct{ words, issuer, shows string }{
		{"look-alike issuer", lookAlike, "The issuer's host begins with GitHub's and belongs to somebody else."},
		{"issuer with a slash", lab.GitHubIssuer + "/", "The issuer is GitHub's with a slash at the end: another one, letter by letter."},
		{"issuer of an enterprise", lab.GitHubIssuer + "/acme", "The issuer is one that GitHub gives to an enterprise by itself."},
		{"issuer in capitals", "https://token.actions.GitHubUserContent.com", "The issuer is GitHub's in another spelling."},
		{"issuer over http", "http://token.actions.githubusercontent.com", "The issuer is GitHub's without TLS."},
		{"issuer of people", lab.PersonIssuer, "The name is the workflow's, and the issuer is the one where people log in."},
	} {
		all = append(all, wrong{class: 4, words: n.words, shows: n.shows, signature: signed(underIssuer(n.issuer)), want: signature})
	}
	two := ourWorkflow()
	two.OnlyDeprecated = true
	two.Extensions.Issuer = "https://accounts.google.com"
	return append(all,
		wrong{
			class: 4, words: "look-alike issuer of the builder", shows: "The builder's certificate names an issuer whose host begins with GitHub's.",
			provenance: built(underIssuer(lookAlike)), want: provenance,
		},
		wrong{
			class: 4, words: "enterprise server", shows: "A GitHub Enterprise Server has a repository and a workflow of the same names.",
			signature: signedAs(lab.GHES("github.corp.example", lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow)), want: signature,
		},
		wrong{
			class: 4, words: "enterprise server that speaks for github.com",
			shows: "The policy accepts builds of an enterprise server, and that server says that it is a builder on github.com.",
			rule: []string{
				SourceLeg, SignatureLeg,
				`provenance: {builder: {level: 3}, signer: [{issuer: ` + lab.GitHubIssuer + `}, {issuer: "` + enterpriseIssuer + `"}]}`,
			},
			provenance: built(func(id *lab.Identity) {
				withoutDeprecated(id)
				id.Extensions.Issuer = enterpriseIssuer
			}),
			want: Fails("provenance", "provenance.builder_mismatch"),
		},
		wrong{
			class: 4, words: "two issuers", shows: "The certificate's old extension names one issuer and its new one another.",
			why: "Which of the two counts would depend on the reader.",
			signature: func(b *Bench, r *lab.Release) error {
				newer, err := certificate.Extensions{Issuer: lab.GitHubIssuer}.Render()
				if err != nil {
					return err
				}
				id := two
				id.ExtraExtensions = newer[1:]
				return r.Sign(b.Sigstore, id)
			},
			want: Fails("signature", "signature.invalid"),
		},
	)
}

const enterpriseIssuer = "https://github.corp.example/_services/token"

// withoutDeprecated leaves the extensions out that Fulcio wrote before 2023.
func withoutDeprecated(id *lab.Identity) {
	e := &id.Extensions
	e.GithubWorkflowTrigger, e.GithubWorkflowSHA, e.GithubWorkflowName, e.GithubWorkflowRepository, e.GithubWorkflowRef = "", "", "", "", ""
}

// elsewhere adds a part that another instance certifies and logs. With joint, other tools get a root that lists both
// instances, and policies know the other as "corp".
func elsewhere(p part) part {
	return func(b *Bench, r *lab.Release) error {
		other, err := lab.NewSigstore(lab.Options{Now: b.Now(), Name: "corp"})
		if err != nil {
			return err
		}
		if b.rule != nil {
			err = b.trustBoth(other)
		}
		if err != nil {
			return err
		}
		there := *b
		there.Sigstore = other
		return p(&there, r)
	}
}

// trustBoth has the policy know another instance as "corp", and other tools the two in one file.
func (b *Bench) trustBoth(other *lab.Sigstore) error {
	if err := b.Trust("corp", other); err != nil {
		return err
	}
	joint, err := lab.JointRoot(b.Sigstore, other)
	if err != nil {
		return err
	}
	b.root = "roots/" + b.Case.ID + ".both.json"
	return b.File(b.root, joint)
}

// secondRoots: class 4, another authority that writes the right issuer and the right name.
func secondRoots() []wrong {
	const (
		configured = "The policy knows the authority of a company too, for other images, and that one writes GitHub's issuer and our workflow's name"
		alone      = "What an authority may vouch for is a matter of the demand that names its root, not of whether it is listed somewhere."
	)
	signature, provenance := Fails("signature", "trust.unknown_authority"), Fails("provenance", "trust.unknown_authority")
	corpSigns := []string{SourceLeg, SignatureLeg[:len(SignatureLeg)-1] + ", trust: corp}", ProvenanceLeg}
	return []wrong{
		{
			class: 4, words: "another fulcio", shows: "Every name is right, but certificate and log are of an instance that nobody trusts.",
			signature: elsewhere(signed(nil)), want: signature,
		},
		{
			class: 4, words: "another fulcio for the builder", shows: "Every name of the provenance is right, but certificate and log are of an instance that nobody trusts.",
			provenance: elsewhere(built(nil)), want: provenance,
		},
		{
			class: 4, words: "second root", rule: Standard(), shows: configured + ".", why: alone, signature: elsewhere(signed(nil)), want: signature,
		},
		{
			class: 4, words: "second root for the builder", rule: Standard(), shows: configured + ", as the one for whom the builder built.", why: alone,
			provenance: elsewhere(built(nil)), want: provenance,
		},
		{
			class: 4, words: "first root for the second", rule: corpSigns,
			shows:         "The policy demands a signature under a company's own authority, and it is signed under the public one.",
			goodSignature: elsewhere(signed(nil)), signature: parts(elsewhere(nothing), signed(nil)), want: signature,
		},
		{
			class: 4, words: "second root's certificate in the first log", rule: Standard(),
			shows:     "The certificate is of a company's authority, and the trusted log witnessed the signature.",
			signature: elsewhere(certifiedThere), want: signature,
		},
	}
}

// certifiedThere is a signature that the bench's instance certifies and the site's logs.
func certifiedThere(b *Bench, r *lab.Release) error {
	signer, err := b.Issue(ourWorkflow(), b.Now())
	if err != nil {
		return err
	}
	return r.SignBy(signer.On(b.site.Sigstore), lab.Variation{Form: r.Layouts()})
}
