package cases

import (
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// doubtfulNames: class 11, certificates that name more than one holder, or none.
func doubtfulNames() []Case {
	const evil = "https://github.com/evil/widget/" + lab.DefaultWorkflow + "@" + lab.DefaultRef
	leaf := func(words, shows string, who func(*lab.Identity)) Case {
		return Case{ID: slug(11, words), Class: 11, Shows: shows, Want: Fails("signature", "signature.invalid"), Build: odd{who: who}.sign}
	}
	return []Case{
		leaf("two names, the right one first", "The certificate is for the release workflow and, behind that, for a stranger's.",
			func(id *lab.Identity) { id.SANs = []string{evil} }),
		leaf("two names, the right one last", "The certificate is for a stranger's workflow and, behind that, for the release workflow.",
			func(id *lab.Identity) { id.SAN, id.SANs = evil, []string{id.SAN} }),
		leaf("a workflow and a person", "The certificate is for the release workflow and for an e-mail address.",
			func(id *lab.Identity) { id.Email = "release@acme.example" }),
		leaf("no name", "The certificate has no name, and all of its claims are right.",
			func(id *lab.Identity) { id.SAN = "" }),
		leaf("a person with the workflow's claims", "The certificate is for an e-mail address, and all of its claims are those of the release workflow.",
			func(id *lab.Identity) { id.SAN, id.Email = "", "release@acme.example" }),
		leaf("a signer that is not the name", "The certificate's name is that of the release workflow, and its claim of who signs names another one.",
			func(id *lab.Identity) {
				id.Extensions.BuildSignerURI = strings.Replace(id.SAN, "acme", "evil", 1)
			}),
	}
}
