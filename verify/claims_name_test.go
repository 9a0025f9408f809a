package verify_test

import (
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// A name of one kind is no name of another, whatever it spells: the policies here name exactly what the certificates
// say.
func TestNameKinds(t *testing.T) {
	const (
		uri     = "https://github.com/acme/widget/.github/workflows/release.yml@refs/tags/v1.2.3"
		address = "alice@example.com"
		user    = "alice!example.com"
		people  = "https://accounts.google.com"
	)
	asUser := func(id lab.Identity, name string) lab.Identity { return must(id.AsUser(name)) }
	asAddress := func(id lab.Identity, name string) lab.Identity {
		id.SAN, id.Email = "", name
		return id
	}
	person := lab.Person("", people)
	asURI := func(name string) lab.Identity {
		id := person
		id.SAN = name
		return id
	}
	s := newStage(lab.Options{})
	for name, c := range map[string]struct {
		issuer, wanted string
		id             lab.Identity
		good           bool
	}{
		"a workflow's URI":                           {lab.GitHubIssuer, uri, workflow(), true},
		"a workflow's URI as an address":             {lab.GitHubIssuer, uri, asAddress(workflow(), uri), false},
		"a workflow's URI as a user name":            {lab.GitHubIssuer, uri, asUser(workflow(), uri), false},
		"a workflow's URI with ! as a user name":     {people, uri + "!x", asUser(person, uri+"!x"), false},
		"an address":                                 {people, address, asAddress(person, address), true},
		"an address as a URI":                        {people, address, asURI(address), false},
		"an address as a user name":                  {people, address, asUser(person, address), false},
		"an address with ! as a user name":           {people, "alice!a@example.com", asUser(person, "alice!a@example.com"), false},
		"a user name":                                {people, user, asUser(person, user), true},
		"a user name as a URI":                       {people, user, asURI(user), false},
		"a user name as an address":                  {people, user, asAddress(person, user), false},
		"a user name without a domain":               {people, "alice", asUser(person, "alice"), false},
		"a name that is none, in an address's place": {people, "alice", asAddress(person, "alice"), false},
	} {
		t.Run(name, func(t *testing.T) {
			p := policyOf(t, `signature: {signer: {issuer: "`+c.issuer+`", identity: "`+c.wanted+`"}}`)
			v := s.judge(t, p, imageRef, options(), s.sigBundle(c.id))
			if c.good {
				wantPass(t, v)
				return
			}
			wantFail(t, v, "signature", verify.SignatureInvalid)
		})
	}
}
