package policy

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	// ownerName is a repository on github.com, or a pattern over some.
	ownerName = regexp.MustCompile(`\A[A-Za-z0-9_*-]+/[A-Za-z0-9._*-]+\z`)
	// repositoryURL is a host, perhaps with a port, and a path of plain segments.
	repositoryURL = regexp.MustCompile(`\Ahttps://[A-Za-z0-9.*-]+(:[0-9]+)?(/[A-Za-z0-9._~*+-]+)+\z`)
	dotSegment    = regexp.MustCompile(`/\.{1,2}(/|\z)`)
)

// RepositoryURL completes "owner/name" to a repository on github.com and checks a
// whole URL. Patterns pass through: their wildcards are characters like others here.
func RepositoryURL(s string) (string, error) {
	url := s
	if ownerName.MatchString(s) && !strings.HasPrefix(s, "github.com/") {
		url = "https://github.com/" + s
	}
	path, github := strings.CutPrefix(url, "https://github.com/")
	switch {
	case !repositoryURL.MatchString(url), dotSegment.MatchString(url), github && !ownerName.MatchString(path):
		return "", fmt.Errorf("the repository is %q; wanted owner/name on github.com, or https://host/path", s)
	}
	return url, nil
}

// shared reports whether anybody can have repositories at a base URL.
func shared(base string) bool {
	return base == "https://github.com" || base == "https://gitlab.com"
}

// namesAnOwner refuses a pattern over repository URLs that strangers can fit: one
// whose wildcard stands in the host, or in the owner where anybody can be one.
func namesAnOwner(url string) error {
	host, path, _ := strings.Cut(strings.TrimPrefix(url, "https://"), "/")
	owner, _, _ := strings.Cut(path, "/")
	switch {
	case strings.Contains(host, "*"):
		return fmt.Errorf("the repository is %q, of any host; wanted a host without wildcard", url)
	case shared("https://"+host) && strings.Contains(owner, "*"):
		return fmt.Errorf("the repository is %q, of any owner; wanted an owner without wildcard", url)
	}
	return nil
}

// namesAnybody reports whether strangers can have an identity that s accepts: what
// is written out, before the first wildcard, variable or operator, ends before the
// owner does. A stranger's branch may have any name, so that nothing behind helps.
func (s *Signer) namesAnybody() bool {
	_, base := IssuerGrammar(s.Issuer)
	if base == "" {
		return false // an exact identity is demanded of other issuers
	}
	var start string
	switch {
	case !s.Identity.IsZero():
		start = s.Identity.String()
		if i := strings.IndexAny(start, "*{"); i >= 0 {
			start = start[:i]
		} else {
			return false
		}
	case !s.IdentityRegexp.IsZero():
		start = s.IdentityRegexp.literalPrefix()
	default:
		return false
	}
	path, ok := strings.CutPrefix(start, base+"/")
	return !ok || shared(base) && !strings.Contains(path, "/")
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

// Issuers are compared as they are written: one that only means the same to a
// parser of URLs (another case, an escape, an empty query) is another issuer.
var (
	tenantIssuer     = regexp.MustCompile(`\Ahttps://token\.actions\.([a-z0-9]+(?:-[a-z0-9]+)*\.ghe\.com)\z`)
	enterpriseIssuer = regexp.MustCompile(`\A(https://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]+)?)/_services/token\z`)
	gitLabIssuer     = regexp.MustCompile(`\Ahttps://gitlab(?:\.[a-z0-9-]+)+(?::[0-9]+)?\z`)
)

// IssuerGrammar returns the grammar of an issuer's identities and the base URL of
// the repositories that it speaks for. GitHub Enterprise Server's issuer is
// https://HOST/_services/token, that of a GitHub Enterprise Cloud tenant
// https://token.actions.TENANT.ghe.com; a GitLab instance whose host begins with
// "gitlab." is its own issuer.
func IssuerGrammar(issuer string) (g Grammar, base string) {
	if issuer == GitHubIssuer {
		return GitHubGrammar, "https://github.com"
	}
	if m := tenantIssuer.FindStringSubmatch(issuer); m != nil {
		return GitHubGrammar, "https://" + m[1]
	}
	// github.com is no Enterprise Server, whoever says so.
	if m := enterpriseIssuer.FindStringSubmatch(issuer); m != nil && !shared(m[1]) {
		return GitHubGrammar, m[1]
	}
	if gitLabIssuer.MatchString(issuer) {
		return GitLabGrammar, issuer
	}
	return UnknownGrammar, ""
}

// KnownIssuer reports whether the grammar of issuer's identities is known.
func KnownIssuer(issuer string) bool {
	g, _ := IssuerGrammar(issuer)
	return g != UnknownGrammar
}
