package cases

import (
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// goodName is what certificates of the release workflow are called.
const goodName = "https://github.com/" + lab.DefaultRepo + "/" + lab.DefaultWorkflow + "@" + lab.DefaultRef

// namedSo is the release workflow under another name; all its claims stay.
func namedSo(name string) lab.Identity {
	id := ourWorkflow()
	id.SAN, id.Extensions.BuildSignerURI = name, name
	return id
}

// unread is a signature by an identity whose name crypto/x509 does not read back.
func unread(id lab.Identity) part {
	return func(b *Bench, r *lab.Release) error {
		signer, err := b.IssueUnread(id, b.Now())
		if err != nil {
			return err
		}
		return r.SignBy(signer, lab.Variation{Form: r.Layouts()})
	}
}

// signedAsUser is a signature by somebody whose user name is the wanted name.
func signedAsUser(b *Bench, r *lab.Release) error {
	id, err := ourWorkflow().AsUser(goodName)
	if err != nil {
		return err
	}
	return r.Sign(b.Sigstore, id)
}

// nearName is an identity whose name nearly matches the wanted one.
type nearName struct{ words, name, shows, why string }

// nearNames: class 3 for the name of the signer.
func nearNames() []wrong {
	replace := func(old, by string) string { return strings.Replace(goodName, old, by, 1) }
	var all []wrong
	for _, n := range []nearName{
		{"owner with a prefix", replace("acme", "evil-acme"), "The signer's owner is called evil-acme, which ends in the wanted name.", ""},
		{"repository with a suffix", replace("widget", "widget-evil"), "The signer's repository is called widget-evil, which begins with the wanted name.", ""},
		{"dot as wildcard", replace("release.yml", "releaseXyml"), "The signing workflow is called releaseXyml, which fits where a dot stands for any character.", ""},
		{"repository in capitals", replace("widget", "Widget"), "The signer's repository is called Widget, with a capital.", ""},
		{"workflow with a prefix", replace("release.yml", "evil-release.yml"), "Another workflow of the repository, whose name ends in the wanted one, signed.", ""},
		{"workflow in a folder below", replace("release.yml", "evil/release.yml"), "A file of the same name in a folder below signed.", ""},
		{"query string", goodName + "?ref=1", "A query string follows the wanted name.", ""},
		{"another scheme", replace("https", "http"), "The signer's name begins with http.", ""},
		{"host with a suffix", replace("github.com", "github.com.evil.example"), "The signer's host begins with github.com and belongs to somebody else.", ""},
		{"host as a user", replace("github.com", "github.com@evil.example"), "What looks like the host is a user name at another host.", ""},
		{"name inside another", "https://github.com/evil/evil/" + goodName, "The wanted name is the end of a longer one.", ""},
		{"encoded slash", replace("acme/widget", "acme%2Fwidget"), "A slash of the name is written as an escape, which is gone once somebody decodes it.", ""},
		{"dots in the path", replace("acme", "evil/../acme"), "The name leads out of evil again by two dots, which are gone once somebody cleans the path.", ""},
		{"no ref", strings.Split(goodName, "@")[0], "The signer's name has no ref.", ""},
	} {
		all = append(all, n.row(signedAs(namedSo(n.name)), Fails("signature", "signature.identity_mismatch")))
	}
	const kind = "A name of one kind is no name of another: who may choose a user name or an address could choose this one."
	address := ourWorkflow()
	address.SAN, address.Email = "", goodName
	all = append(all,
		nearName{"name as an address", "", "The wanted name stands in the certificate as an e-mail address.", kind}.row(signedAs(address), Fails("signature", "signature.invalid")),
		nearName{"name as a user", "", "The wanted name stands in the certificate as a user's name.", kind}.row(signedAsUser, Fails("signature", "signature.invalid")),
	)
	const broken = "Such a certificate cannot be read: what it names is not a URI. A reader in another language might stop at that character."
	for _, n := range []nearName{
		{"trailing newline", goodName + "\n", "A line break follows the wanted name.", broken},
		{"zero byte", goodName + "\x00.evil.example", "A zero byte and more follow the wanted name.", broken},
	} {
		all = append(all, n.row(unread(namedSo(n.name)), Fails("signature", "signature.malformed")))
	}
	return all
}

func (n nearName) row(signature part, want Want) wrong {
	return wrong{class: 3, words: n.words, shows: n.shows, why: n.why, signature: signature, want: want}
}

// nearRefs: class 3 for the ref. All claims are such as Fulcio writes them for that ref.
func nearRefs() []wrong {
	mismatch := Fails("signature", "signature.identity_mismatch")
	var all []wrong
	for _, n := range []nearName{
		{"tag with a suffix", "refs/tags/v1.2.3-evil", "The workflow ran at the tag v1.2.3-evil, which begins with the wanted one.", ""},
		{"tag of a part", "refs/tags/v1-evil", "The workflow ran at the tag v1-evil, which a pattern for v1 of any kind fits.", ""},
		{"branch named like the tag", "refs/heads/refs/tags/v1.2.3", "The workflow ran on a branch called refs/tags/v1.2.3.", ""},
		{
			"branch that ends in the ref", "refs/heads/x@refs/tags/v1.2.3", "The workflow ran on a branch called x@refs/tags/v1.2.3.",
			"The certificate's name then ends in the wanted ref, after a second @.",
		},
		{"pull request", "refs/pull/1/merge", "The workflow ran for a pull request, whose code anybody can write.", ""},
	} {
		all = append(all, n.row(signedAs(workflowAt(n.name)), mismatch))
	}
	file := lab.GitHub(lab.DefaultRepo, "refs/heads/main", lab.DefaultCommit, lab.DefaultWorkflow+"@"+lab.DefaultRef+".yml")
	line := ourWorkflow()
	line.Extensions.SourceRepositoryRef += "\n"
	line.Extensions.GithubWorkflowRef += "\n"
	return append(all,
		nearName{
			"file that holds the ref", "", "On the main branch ran a workflow whose file is called release.yml@refs/tags/v1.2.3.yml.",
			"The certificate's name then begins with the whole wanted name.",
		}.row(signedAs(file), mismatch),
		nearName{
			"ref with a newline", "", "The name is right, and the ref that the certificate claims ends in a line break.", "",
		}.row(signedAs(line), Fails("signature", "signature.source_mismatch")),
	)
}

// nearPatterns: class 3 under policies that name the signer by a pattern.
func nearPatterns() []wrong {
	byGlob := func(key, glob string) []string {
		return []string{
			"source: {repository: acme/widget}", "signature: {signer: {issuer: " + lab.GitHubIssuer + ", " + key + ": " + glob + "}}", ProvenanceLeg,
		}
	}
	byRegexp := func(expr string) []string { return byGlob("identity_regexp", "'"+expr+"'") }
	const (
		widget = `https://github\.com/acme/widget/`
		path   = widget + `\.github/workflows/release\.yml@refs/tags/v1\.2\.3`
	)
	mismatch := Fails("signature", "signature.identity_mismatch")
	return []wrong{
		{
			class: 3, words: "glob over an at sign", rule: byGlob("identity", `"https://github.com/acme/widget/.github/workflows/*@refs/tags/v*"`),
			shows:     "The policy has stars for file and version, and a branch is called x@refs/tags/v1.2.3.",
			signature: signedAs(workflowAt("refs/heads/x@refs/tags/v1.2.3")), want: mismatch,
		},
		{
			class: 3, words: "workflow glob over an at sign", rule: byGlob("workflow", `".github/workflows/*", ref: "refs/tags/v*"`),
			shows:     "The policy has a star for the workflow, and a file on the main branch is called x@refs/tags/v1.yml.",
			signature: signedAs(lab.GitHub(lab.DefaultRepo, "refs/heads/main", lab.DefaultCommit, ".github/workflows/x@refs/tags/v1.yml")), want: mismatch,
		},
		{
			class: 3, words: "regexp without an end", rule: byRegexp(path), shows: "The policy's expression has no anchors, and the tag goes on after what it wants.",
			signature: signedAs(workflowAt("refs/tags/v1.2.3-evil")), want: mismatch,
		},
		{
			class: 3, words: "regexp without a beginning", rule: byRegexp(path), shows: "The policy's expression has no anchors, and the wanted name is the end of another.",
			signature: signedAs(namedSo("https://github.com/evil/evil/" + goodName)), want: mismatch,
		},
		{
			class: 3, words: "regexp with an alternative", rule: byRegexp(path + "|" + widget + "never"),
			shows:     "The policy's expression has two alternatives; an anchor put around it by hand would bind one end of each alone.",
			signature: signedAs(workflowAt("refs/tags/v1.2.3-evil")), want: mismatch,
		},
		{
			class: 3, words: "regexp line by line", rule: byRegexp("(?m)^" + widget + ".*$"),
			shows:     "The policy's expression is anchored at lines, and the second line of the name is the wanted one.",
			why:       "Whoever reads such a certificate at all must still not take a line for the whole.",
			signature: unread(namedSo("https://github.com/evil/evil\n" + goodName)), want: Fails("signature", "signature.malformed"),
		},
	}
}

// nearBuilders: class 3 for the builder of the provenance.
func nearBuilders() []wrong {
	const repo, path, ref = lab.GeneratorRepository, lab.ContainerGenerator, lab.GeneratorRef
	var all []wrong
	for _, n := range []struct{ words, repo, path, ref, code, shows string }{
		{"builder in a repository with a suffix", repo + "-evil", path, ref, "provenance.builder_unsupported", "The builder's repository begins with the trusted one's name."},
		{"builder of an owner with a prefix", "evil-" + repo, path, ref, "provenance.builder_unsupported", "The builder's owner ends in the trusted one's name."},
		{"another workflow of the builder", repo, ".github/workflows/pre-submit.yml", ref, "provenance.builder_unsupported", "Another workflow of the builder's repository attested, one that builds nothing."},
		{"builder on a branch", repo, path, "refs/heads/main", "provenance.builder_mismatch", "The builder ran from its main branch and not from a release."},
		{"builder on a branch that ends in a tag", repo, path, "refs/heads/x@refs/tags/v2.1.0", "provenance.builder_mismatch", "The builder ran from a branch called x@refs/tags/v2.1.0."},
		{"builder at a part of a version", repo, path, "refs/tags/v2.1", "provenance.builder_mismatch", "The builder ran at the tag v2.1, which can be moved to anything."},
		{"builder at a pre-release", repo, path, "refs/tags/v2.1.0-rc.0", "provenance.builder_mismatch", "The builder ran at a pre-release."},
	} {
		id := builderFrom(n.repo, n.path, n.ref)
		all = append(all, wrong{
			class: 3, words: n.words, shows: n.shows, want: Fails("provenance", n.code),
			provenance: builtAs(id, func(o *lab.ProvenanceOptions) { o.BuilderID = id.SAN }),
		})
	}
	return all
}
