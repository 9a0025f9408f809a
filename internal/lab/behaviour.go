package lab

import "time"

// ReferrersMode is what becomes of GET /v2/NAME/referrers/DIGEST (distribution spec 1.1, "Listing Referrers").
type ReferrersMode int

// The ways in which registries list referrers.
const (
	// ReferrersListed answers with the list.
	ReferrersListed ReferrersMode = iota
	// ReferrersAbsent answers 404, so that clients keep the list under the fallback tag.
	ReferrersAbsent
	// ReferrersEmpty answers 200 with a list of nothing, although the fallback tag has entries.
	ReferrersEmpty
)

// Auth is how clients show who they are.
type Auth int

// The ways of authentication.
const (
	// NoAuth asks nobody.
	NoAuth Auth = iota
	// TokenAuth sends clients for a bearer token, as the Docker registry token specification describes.
	TokenAuth
	// BasicAuth wants user and password with each request.
	BasicAuth
)

// Behaviour is how a registry treats its clients, in what matters to somebody who looks for evidence. The zero value
// is a registry of OCI 1.1 that is open to all.
type Behaviour struct {
	// Name is short, and Shows says in one sentence what is particular.
	Name, Shows string

	Referrers ReferrersMode
	// PageSize splits the referrers list into pages of so many, joined by Link headers; 0 gives one page.
	PageSize int
	// WrongTypes lists each referrer under its config's media type instead of its own artifact type.
	WrongTypes bool

	Auth Auth
	// RealmElsewhere puts the token server at another host.
	RealmElsewhere bool
	// Private keeps content to [User]; otherwise anybody may pull, if with TokenAuth only after asking for a token.
	Private bool
	// HidePrivate answers 404 instead of 401 to those whose token does not suffice.
	HidePrivate bool

	// Requests are answered, and then a 429 with Retry-After until that time has passed. Pings and tokens are not
	// counted. 0 requests are no limit; the time is a second at least.
	Requests   int
	RetryAfter time.Duration
}

// GHCR answers the referrers API with 200 and nothing, while clients keep the list under the fallback tag. Public
// content needs a token, which anybody gets.
func GHCR() Behaviour {
	return Behaviour{
		Name: "ghcr", Shows: "The referrers API answers with an empty list although the fallback tag has entries.",
		Referrers: ReferrersEmpty, Auth: TokenAuth,
	}
}

// DockerHub has no referrers API, gives out its tokens at another host and limits how much one may ask.
func DockerHub() Behaviour {
	return Behaviour{
		Name: "dockerhub", Shows: "There is no referrers API, the token server is another host, and requests are limited.",
		Referrers: ReferrersAbsent, Auth: TokenAuth, RealmElsewhere: true, Requests: 100, RetryAfter: time.Minute,
	}
}

// ECR wants user and password with each request and lists referrers under a wrong artifact type.
func ECR() Behaviour {
	return Behaviour{
		Name: "ecr", Shows: "Every request needs the password, and referrers are listed under a wrong artifact type.",
		Auth: BasicAuth, Private: true, WrongTypes: true,
	}
}

// Harbor pages its referrers, and says of private content that it is not there.
func Harbor() Behaviour {
	return Behaviour{
		Name: "harbor", Shows: "Referrers come in pages, and private content is not found by those who may not see it.",
		PageSize: 2, Auth: TokenAuth, Private: true, HidePrivate: true,
	}
}

// Behaviours lists the registries that the lab imitates.
func Behaviours() []Behaviour {
	return []Behaviour{GHCR(), DockerHub(), ECR(), Harbor()}
}
