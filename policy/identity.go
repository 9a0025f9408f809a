package policy

import (
	"fmt"
	"net/url"
	"strings"
)

// RepositoryURL completes "owner/name" to a repository on github.com and checks a
// whole URL. Patterns pass through: their wildcards are characters like others here.
func RepositoryURL(s string) (string, error) {
	if strings.Contains(s, "://") {
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
			strings.Trim(u.Path, "/") == "" || strings.HasSuffix(s, "/") {
			return "", fmt.Errorf("the repository is %q; wanted owner/name on github.com, or https://host/path", s)
		}
		return s, nil
	}
	owner, name, ok := strings.Cut(s, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") || strings.HasPrefix(s, "github.com/") {
		return "", fmt.Errorf("the repository is %q; wanted owner/name on github.com, or https://host/path", s)
	}
	return "https://github.com/" + s, nil
}

// Grammar is how an issuer writes the identity of a workflow.
type Grammar int

// The grammars of identities.
const (
	// UnknownGrammar is every issuer that is not listed below.
	UnknownGrammar Grammar = iota
	// GitHubGrammar is URL/PATH@REF.
	GitHubGrammar
	// GitLabGrammar is URL//PATH@REF.
	GitLabGrammar
)

// IssuerGrammar returns the grammar of an issuer's identities and the base URL of
// the repositories that it speaks for. GitHub Enterprise Server's issuer is
// https://HOST/_services/token, that of a GitHub Enterprise Cloud tenant
// https://token.actions.TENANT.ghe.com; a GitLab instance is its own issuer.
func IssuerGrammar(issuer string) (g Grammar, base string) {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return UnknownGrammar, ""
	}
	switch {
	case issuer == GitHubIssuer:
		return GitHubGrammar, "https://github.com"
	case u.Path == "/_services/token":
		return GitHubGrammar, "https://" + u.Host
	case strings.HasPrefix(u.Host, "token.actions.") && strings.HasSuffix(u.Host, ".ghe.com") && u.Path == "":
		return GitHubGrammar, "https://" + strings.TrimPrefix(u.Host, "token.actions.")
	case u.Path == "" && (u.Host == "gitlab.com" || strings.HasPrefix(u.Host, "gitlab.")):
		return GitLabGrammar, issuer
	}
	return UnknownGrammar, ""
}

// KnownIssuer reports whether the grammar of issuer's identities is known.
func KnownIssuer(issuer string) bool {
	g, _ := IssuerGrammar(issuer)
	return g != UnknownGrammar
}
