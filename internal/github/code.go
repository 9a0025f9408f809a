package github

import "github.com/releaseassay/assay/verify"

// Codes of what could not be had from the API, as verify explains them.
const (
	Unauthorized = verify.GitHubUnauthorized
	Forbidden    = verify.GitHubForbidden
	NotFound     = verify.GitHubNotFound
	RateLimited  = verify.GitHubRateLimited
	ServerError  = verify.GitHubServerError
	Unreachable  = verify.GitHubUnreachable
	Timeout      = verify.GitHubTimeout
	Truncated    = verify.GitHubTruncated
	Malformed    = verify.GitHubMalformed
	Insecure     = verify.GitHubInsecure
	RedirectLoop = verify.GitHubRedirectLoop
	UnusableName = verify.GitHubUnusableName
)
