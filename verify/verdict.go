package verify

import (
	"fmt"
	"time"
)

// VerdictSchema names the shape of a verdict; docs/schema/verdict.v1.json describes it.
const VerdictSchema = "assay.verdict/v1"

// Decision is pass or fail. Its zero value is fail.
type Decision uint8

// The decisions.
const (
	Fail Decision = iota
	Pass
)

// MarshalText implements encoding.TextMarshaler.
func (d Decision) MarshalText() ([]byte, error) {
	if d == Pass {
		return []byte("pass"), nil
	}
	return []byte("fail"), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Decision) UnmarshalText(b []byte) error {
	switch string(b) {
	case "pass":
		*d = Pass
	case "fail":
		*d = Fail
	default:
		return fmt.Errorf("found the decision %q; wanted pass or fail", b)
	}
	return nil
}

// Result is the outcome of one check. Its zero value is fail.
type Result uint8

// The results. Errored is "could not be decided"; NotRequired is never a pass.
const (
	Failed Result = iota
	Errored
	Passed
	NotRequired
)

var resultNames = [...]string{Failed: "fail", Errored: "error", Passed: "pass", NotRequired: "not_required"}

// String returns the result as the verdict writes it.
func (r Result) String() string {
	if int(r) < len(resultNames) {
		return resultNames[r]
	}
	return resultNames[Failed]
}

// MarshalText implements encoding.TextMarshaler.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Result) UnmarshalText(b []byte) error {
	for i, name := range resultNames {
		if name == string(b) {
			*r = Result(i)
			return nil
		}
	}
	return fmt.Errorf("found the result %q; wanted pass, fail, error or not_required", b)
}

// Verdict is the one answer about one image under one policy. Everything outside
// Run is the decision: the same evidence, policy and roots give the same bytes.
type Verdict struct {
	Schema  string   `json:"schema"`
	Verdict Decision `json:"verdict"`
	// Conclusive is false where the failure came from something that could not be
	// decided: the gate stays closed, and asking again may help.
	Conclusive bool `json:"conclusive"`
	// Hypothetical is true where another time than now was asked about.
	Hypothetical bool `json:"hypothetical"`
	// ValidUntil is the earliest moment at which a pass would change: metadata expires,
	// a grace ends, a moving tag may lag no longer. It is nil where nothing such is known.
	ValidUntil *time.Time `json:"valid_until,omitempty"`
	// Enforced is false where the policy is in audit mode: an admission door may let the
	// image in and say so. The verdict is what it would be otherwise.
	Enforced *bool `json:"enforced,omitempty"`
	// EnforcedFrom is when the audit mode ends.
	EnforcedFrom *time.Time `json:"enforced_from,omitempty"`
	// Exception is what excuses a failure, if anything does. The verdict stays fail.
	Exception *VerdictException `json:"exception,omitempty"`
	// Notices are what a person should know beside the verdict: an expiry that is near.
	Notices []Notice      `json:"notices,omitempty"`
	Image   VerdictImage  `json:"image"`
	Policy  VerdictPolicy `json:"policy"`
	Trust   []VerdictRoot `json:"trust"`
	Checks  []Finding     `json:"checks"`
	Run     Run           `json:"run"`
}

// VerdictImage is what the verdict is about.
type VerdictImage struct {
	// Requested is the reference as it was given.
	Requested string `json:"requested"`
	// Name is canonical, and the origin's where the policy says that a mirror was
	// asked for: "ghcr.io/owner/name". Pinned keeps the name that was asked for.
	Name string `json:"name"`
	Tag  string `json:"tag,omitempty"`
	// Digest and Pinned are empty where the image could not be resolved.
	Digest    string `json:"digest,omitempty"`
	Pinned    string `json:"pinned,omitempty"`
	MediaType string `json:"media_type,omitempty"`
	// Version is the version that the demands were judged for, VersionFrom what
	// gave it: "tag", "flag", "release" or "certificate".
	Version     string `json:"version,omitempty"`
	VersionFrom string `json:"version_from,omitempty"`
}

// VerdictPolicy is what was demanded.
type VerdictPolicy struct {
	Name string `json:"name"`
	// BuiltIn is true for the policy behind --repo.
	BuiltIn bool   `json:"built_in"`
	Digest  string `json:"digest"`
	// Rule is the pattern of the rule that matched, "" if none did.
	Rule string `json:"rule,omitempty"`
}

// VerdictRoot is one trusted root that the demands name.
type VerdictRoot struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"`
	Source     string `json:"source"`
	LogEntries int    `json:"log_entries"`
	SCTs       int    `json:"scts"`
	Timestamps int    `json:"timestamps"`
}

// Finding is what one check found.
type Finding struct {
	ID       string `json:"id"`
	Required bool   `json:"required"`
	Result   Result `json:"result"`
	// Code says why the result is not a pass; Class, for an error, whether asking
	// again can help; Message is the code in words, for this image.
	Code    Code   `json:"code,omitempty"`
	Class   Class  `json:"class,omitempty"`
	Message string `json:"message,omitempty"`
	// Notice is a code that a pass should be read with; Message says it in words.
	Notice Code `json:"notice,omitempty"`
	// Wanted has one entry for each way in which the demand can be met.
	Wanted []map[string]string `json:"wanted,omitempty"`
	// Found are the candidates: for a pass those that met the demand, else all that
	// were looked at, the closest first.
	Found []Candidate `json:"found,omitempty"`
	// Unconstrained are claims that the accepted certificate makes and nothing demands.
	Unconstrained []string `json:"unconstrained,omitempty"`
	// Release is of the check "release" alone.
	Release *VerdictRelease `json:"release,omitempty"`
	// Violations are what the content of the closest candidate breaks, or what a pass
	// is to be read with.
	Violations []Violation `json:"violations,omitempty"`
	// Platforms is of the check "platforms" alone, Story of "consistency".
	Platforms *VerdictPlatforms `json:"platforms,omitempty"`
	Story     []VerdictClaim    `json:"story,omitempty"`
	// Reproduce is a command of another tool that shows the same by hand.
	Reproduce string `json:"reproduce,omitempty"`
	// Next says what a person can do.
	Next string `json:"next,omitempty"`

	// partly is true where the check failed though not all of it could be decided, and
	// deniedVersion a version that is denied, of evidence that did not count. No exception
	// excuses either.
	partly        bool
	deniedVersion string
}

// Candidate is one piece of evidence that a check looked at.
type Candidate struct {
	// Evidence is the digest of the piece; run.places says where it lay.
	Evidence string `json:"evidence"`
	Layout   Layout `json:"layout"`
	// About is the digest that the evidence is about, where that is not the image's:
	// one of its platforms, or the index that holds it. Platform is that one's.
	About    string `json:"about,omitempty"`
	Platform string `json:"platform,omitempty"`
	// Type is the predicate type, or the path of a release's manifest.
	Type string `json:"type,omitempty"`
	// Authenticated is true if signature, time and subject were verified under
	// Trust; the claims of a candidate that was not are its own word.
	Authenticated bool           `json:"authenticated"`
	Trust         string         `json:"trust"`
	Claims        *Claims        `json:"claims,omitempty"`
	Key           string         `json:"key_sha256,omitempty"`
	Times         []VerifiedTime `json:"times,omitempty"`
	Log           LogEvidence    `json:"log,omitempty"`
	// Builder and Level are who built, of provenance.
	Builder string `json:"builder,omitempty"`
	Level   *int   `json:"level,omitempty"`
	// Document is what a bill of materials is, where it could be read.
	Document *VerdictDocument `json:"document,omitempty"`
	// DockerReference is what a legacy signature says it signed; it is never demanded.
	DockerReference string `json:"docker_reference,omitempty"`
	// Met is the index in wanted of the demand that it met.
	Met *int `json:"met,omitempty"`
	// Code, Difference and Reason say why it did not count.
	Code       Code        `json:"code,omitempty"`
	Difference *Difference `json:"difference,omitempty"`
	Reason     string      `json:"reason,omitempty"`
}

// Run is what differs between two runs of one decision.
type Run struct {
	Assay      string    `json:"assay,omitempty"`
	JudgedAt   time.Time `json:"judged_at"`
	DurationMS int64     `json:"duration_ms"`
	Requests   int       `json:"requests"`
	Bytes      int64     `json:"bytes"`
	// Looked are the places that were looked into, Places where each evidence lay.
	Looked []string      `json:"looked,omitempty"`
	Places []Place       `json:"places,omitempty"`
	Failed []FailedFetch `json:"failed,omitempty"`
}

// Place is where one piece of evidence lay.
type Place struct {
	Evidence string `json:"evidence"`
	Place    string `json:"place"`
}

// FailedFetch is one thing that could not be fetched or read.
type FailedFetch struct {
	Code   Code   `json:"code"`
	Class  Class  `json:"class"`
	Place  string `json:"place"`
	Detail string `json:"detail"`
}
