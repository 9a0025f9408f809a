package policy_test

import (
	"testing"

	"github.com/releaseassay/assay/policy"
)

func TestIssuerGrammar(t *testing.T) {
	const gh, gl, unknown = policy.GitHubGrammar, policy.GitLabGrammar, policy.UnknownGrammar
	for _, c := range []struct {
		issuer  string
		grammar policy.Grammar
		base    string
	}{
		{policy.GitHubIssuer, gh, "https://github.com"},
		{"https://ghe.example.com/_services/token", gh, "https://ghe.example.com"},
		{"https://ghe.example.com:8443/_services/token", gh, "https://ghe.example.com:8443"},
		{"https://token.actions.octo.ghe.com", gh, "https://octo.ghe.com"},
		{"https://token.actions.octo-corp1.ghe.com", gh, "https://octo-corp1.ghe.com"},
		{"https://gitlab.com", gl, "https://gitlab.com"},
		{"https://gitlab.example.com", gl, "https://gitlab.example.com"},
		{"https://gitlab.example.com:8443", gl, "https://gitlab.example.com:8443"},

		{"", unknown, ""},
		{"https://token.actions.githubusercontent.com.evil", unknown, ""},
		{"https://token.actions.githubusercontent.com.evil/", unknown, ""},
		{"https://token.actions.githubusercontent.com/", unknown, ""},
		{"https://token.actions.githubusercontent.com:443", unknown, ""},
		{"https://token.actions.githubusercontent.com?", unknown, ""},
		{"https://token.actions.githubusercontent.com#", unknown, ""},
		{"https://token.actions.githubusercontent.com\n", unknown, ""},
		{"https://token.actions.githubusercontent.com/octo", unknown, ""},
		{"https://x@token.actions.githubusercontent.com", unknown, ""},
		{"http://token.actions.githubusercontent.com", unknown, ""},
		{"https://Token.Actions.GitHubUserContent.com", unknown, ""},
		{"HTTPS://token.actions.githubusercontent.com", unknown, ""},
		{"https://token.actions.githubusercontent.com.", unknown, ""},
		{"token.actions.githubusercontent.com", unknown, ""},
		{"https://token.actions.githubusercontent\u3002com", unknown, ""},

		{"https://github.com/_services/token", unknown, ""},
		{"https://gitlab.com/_services/token", unknown, ""},
		{"https://GitHub.com/_services/token", unknown, ""},
		{"https://x@github.com/_services/token", unknown, ""},
		{"https://github.com/%5Fservices/token", unknown, ""},
		{"https://ghe.example.com/_services/token/", unknown, ""},
		{"https://ghe.example.com/_services/token?x", unknown, ""},
		{"https://ghe.example.com/x/_services/token", unknown, ""},
		{"http://ghe.example.com/_services/token", unknown, ""},
		{"https:///_services/token", unknown, ""},
		{"https://github.com\\.evil/_services/token", unknown, ""},

		{"https://token.actions.ghe.com", unknown, ""},
		{"https://token.actions..ghe.com", unknown, ""},
		{"https://token.actions.a.b.ghe.com", unknown, ""},
		{"https://token.actions.octo.ghe.com/", unknown, ""},
		{"https://token.actions.octo.ghe.com.evil", unknown, ""},
		{"https://token.actions.octo.evilghe.com", unknown, ""},
		{"https://token.actions.github.com", unknown, ""},

		{"https://gitlab.com/", unknown, ""},
		{"https://gitlab.com?", unknown, ""},
		{"https://gitlab.com#", unknown, ""},
		{"https://x:y@gitlab.com", unknown, ""},
		{"http://gitlab.com", unknown, ""},
		{"https://GitLab.com", unknown, ""},
		{"https://gitlab", unknown, ""},
		{"https://notgitlab.com", unknown, ""},
		{"https://accounts.google.com", unknown, ""},
	} {
		g, base := policy.IssuerGrammar(c.issuer)
		if g != c.grammar || base != c.base {
			t.Errorf("issuer %q has grammar %d, base %q; wanted %d, %q", c.issuer, g, base, c.grammar, c.base)
		}
		equal(t, c.issuer+" is known", policy.KnownIssuer(c.issuer), c.grammar != unknown)
		if base == "https://github.com" && c.issuer != policy.GitHubIssuer {
			t.Errorf("%q speaks for github.com", c.issuer)
		}
	}
}

func TestRepositoryURL(t *testing.T) {
	for s, want := range map[string]string{
		"o/n":                            "https://github.com/o/n",
		"o-1/n.x_y-z":                    "https://github.com/o-1/n.x_y-z",
		"o/*":                            "https://github.com/o/*",
		"o/**":                           "https://github.com/o/**",
		"https://github.com/o/n":         "https://github.com/o/n",
		"https://ghe.example.com/o/n":    "https://ghe.example.com/o/n",
		"https://ghe.example.com:8443/o": "https://ghe.example.com:8443/o",
		"https://gitlab.com/g/s/p":       "https://gitlab.com/g/s/p",
		"https://gitlab.example.com/**":  "https://gitlab.example.com/**",
	} {
		got, err := policy.RepositoryURL(s)
		if got != want || err != nil {
			t.Errorf("%q is the repository %q, %v; wanted %q", s, got, err, want)
		}
	}
	for _, s := range []string{"", "n", "o/n/p", "github.com/o/n", "https://github.com/o", "https://github.com/o/n\n", "o/n\n", "ssh://github.com/o/n", "git@github.com:o/n"} {
		if got, err := policy.RepositoryURL(s); err == nil || got != "" {
			t.Errorf("%q is the repository %q; wanted an error", s, got)
		}
	}
}
