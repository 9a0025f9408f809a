package policy

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxPeople is how many persons can be demanded.
const maxPeople = 16

// HumanIssuers are the issuers whose e-mail identities are people unless the policy
// names others: the logins of GitHub, Google and Microsoft at the public Sigstore.
func HumanIssuers() []string {
	return []string{
		"https://github.com/login/oauth",
		"https://accounts.google.com",
		"https://login.microsoftonline.com",
	}
}

// releaseSigners reads who may hold the keys of a release's way.
func (r *reader) releaseSigners(n *yaml.Node, what string) *ReleaseSigners {
	s := &ReleaseSigners{People: 1}
	before := len(r.errs)
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"class":      func(n *yaml.Node) { s.Human = r.choice(n, what+".class", "human") != "" },
		"issuers":    func(n *yaml.Node) { s.Issuers = r.issuers(n, what+".issuers") },
		"people":     func(n *yaml.Node) { s.People = r.number(n, what+".people", 1, maxPeople) },
		"identities": func(n *yaml.Node) { s.Identities = r.identities(n, what+".identities") },
		"keys":       func(n *yaml.Node) { s.Keys = r.releaseKeys(n, what+".keys") },
	})
	if seen["class"] && !seen["issuers"] {
		s.Issuers = HumanIssuers()
	}
	switch {
	case seen == nil || len(r.errs) > before:
	case seen["issuers"] && !seen["class"]:
		r.fail(n, "%s has issuers of no class; wanted class: human beside them, or identities: [{issuer, identity}]", what)
	case !seen["class"] && !seen["identities"] && !seen["keys"]:
		r.fail(n, "%s names nobody; wanted at least one of class, identities and keys", what)
	case !s.Human && s.persons() < s.People:
		r.fail(n, "%s demands %d people and lists %d, so that nothing could pass; wanted more of them, or fewer people", what, s.People, s.persons())
	}
	return s
}

// persons counts those who are listed: an e-mail address is one person whatever the
// issuer and the case, and a key of nobody is one by itself.
func (s *ReleaseSigners) persons() int {
	persons := map[string]bool{}
	for _, i := range s.Identities {
		persons[strings.ToLower(i.Identity)] = true
	}
	for _, k := range s.Keys {
		if k.Person == "" {
			persons[k.SHA256] = true
		} else {
			persons[strings.ToLower(k.Person)] = true
		}
	}
	return len(persons)
}

func (r *reader) issuers(n *yaml.Node, what string) []string {
	var issuers []string
	seen := map[string]bool{}
	r.list(n, what, func(n *yaml.Node) {
		s := r.issuer(n, what)
		grammar, _ := IssuerGrammar(s)
		switch {
		case s == "":
			return
		case grammar == GitHubGrammar:
			r.fail(n, "%s has %q, which speaks for workflows; wanted issuers that people log in to", what, s)
		case seen[s]:
			r.fail(n, "%s has %q twice", what, s)
		}
		seen[s] = true
		issuers = append(issuers, s)
	})
	return issuers
}

// issuer reads an OIDC issuer, which is compared letter by letter.
func (r *reader) issuer(n *yaml.Node, what string) string {
	s := r.text(n, what)
	if s != "" && (!strings.HasPrefix(s, "https://") || len(s) == len("https://") || strings.ContainsAny(s, "*?#{}@\\ ")) {
		r.fail(n, "%s is %q; wanted the https URL of one issuer, without wildcards", what, s)
		return ""
	}
	return s
}

func (r *reader) identities(n *yaml.Node, what string) []ReleaseIdentity {
	var identities []ReleaseIdentity
	seen := map[ReleaseIdentity]bool{}
	r.list(n, what, func(n *yaml.Node) {
		var i ReleaseIdentity
		keys := r.mapping(n, what, map[string]func(*yaml.Node){
			"issuer":   func(n *yaml.Node) { i.Issuer = r.issuer(n, what+".issuer") },
			"identity": func(n *yaml.Node) { i.Identity = r.exactText(n, what+".identity") },
		})
		folded := ReleaseIdentity{i.Issuer, strings.ToLower(i.Identity)}
		switch {
		case keys == nil:
		case !keys["issuer"] || !keys["identity"]:
			r.fail(n, "%s has an entry without issuer or identity; wanted {issuer, identity}", what)
		case i.Issuer == "" || i.Identity == "":
		case seen[folded]:
			r.fail(n, "%s has %s of %s twice", what, i.Identity, i.Issuer)
		}
		seen[folded] = true
		identities = append(identities, i)
	})
	return identities
}

// exactText reads what is compared letter by letter, where somebody may think that a
// pattern can stand.
func (r *reader) exactText(n *yaml.Node, what string) string {
	s := r.text(n, what)
	if strings.ContainsAny(s, "*?{} ") {
		r.fail(n, "%s is %q; wanted one identity exactly, without wildcards and variables", what, s)
		return ""
	}
	return s
}

var email = regexp.MustCompile(`\A[^@\s*?{}]+@[^@\s*?{}]+\z`)

func (r *reader) releaseKeys(n *yaml.Node, what string) []ReleaseKey {
	var keys []ReleaseKey
	seen := map[string]bool{}
	r.list(n, what, func(n *yaml.Node) {
		var k ReleaseKey
		fields := r.mapping(n, what, map[string]func(*yaml.Node){
			"sha256": func(n *yaml.Node) { k.SHA256 = r.sha256(n, what+".sha256") },
			"person": func(n *yaml.Node) {
				k.Person = r.text(n, what+".person")
				if k.Person != "" && !email.MatchString(k.Person) {
					r.fail(n, "%s.person is %q; wanted the e-mail address of who holds the key", what, k.Person)
				}
			},
		})
		switch {
		case fields == nil:
		case !fields["sha256"]:
			r.fail(n, "%s has an entry without sha256; wanted {sha256, person}", what)
		case k.SHA256 != "" && seen[k.SHA256]:
			r.fail(n, "%s has %s twice", what, k.SHA256)
		}
		seen[k.SHA256] = true
		keys = append(keys, k)
	})
	return keys
}
