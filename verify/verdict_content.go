package verify

import "time"

// Violation is one thing that is wrong with the content of a statement.
type Violation struct {
	// Rule is the name of the rule, as the policy has it or as docs/sbom.md does.
	Rule string `json:"rule"`
	// Component and Path say where: a component's name, a JSON Pointer.
	Component string `json:"component,omitempty"`
	Path      string `json:"path,omitempty"`
	Problem   string `json:"problem"`
}

// VerdictPlatforms is what an index holds, and where the evidence for it is.
type VerdictPlatforms struct {
	// Index is the digest of the index: the image's, or the one that was named for it.
	Index    string         `json:"index"`
	Children []VerdictChild `json:"children"`
}

// VerdictChild is one manifest of an index.
type VerdictChild struct {
	Digest   string `json:"digest"`
	Platform string `json:"platform,omitempty"`
	// Role is "image", "index" for a nested one, or "attestation-manifest" for what
	// BuildKit keeps and nobody can run.
	Role string `json:"role"`
	// Evidence says for each check over evidence where what met it is: "index", "platform"
	// or the code why nothing did. It is empty where no evidence is needed.
	Evidence map[string]string `json:"evidence,omitempty"`
}

// VerdictClaim is one line of the table in which all evidence tells its story.
type VerdictClaim struct {
	Claim string `json:"claim"`
	// Compared is true where the sources have to agree, Agree if they do.
	Compared bool           `json:"compared"`
	Agree    bool           `json:"agree"`
	Sources  []VerdictValue `json:"sources"`
}

// VerdictValue is what one source says of a claim.
type VerdictValue struct {
	// Source is "signature certificate", "provenance", "sbom", "attestations.<name>",
	// "release manifest", "tag" or "label".
	Source string `json:"source"`
	// Evidence is the digest of the piece, if it is one.
	Evidence string `json:"evidence,omitempty"`
	// Value is empty where the source could say it and does not.
	Value string `json:"value,omitempty"`
	// Hint is true for what takes no part in the comparison.
	Hint bool `json:"hint,omitempty"`
}

// VerdictException is what excuses a failure.
type VerdictException struct {
	Checks   []string  `json:"checks"`
	Reason   string    `json:"reason"`
	Approver string    `json:"approver"`
	Expires  time.Time `json:"expires"`
	// Digest is "sha256:<hex>" of the file of exceptions.
	Digest string `json:"digest"`
}

// Notice is something that a person should know beside a verdict.
type Notice struct {
	Code    Code       `json:"code"`
	Message string     `json:"message"`
	Until   *time.Time `json:"until,omitempty"`
}

// VerdictDocument is what a bill of materials is.
type VerdictDocument struct {
	// Format is "CycloneDX" or "SPDX", Version that of its specification.
	Format     string `json:"format"`
	Version    string `json:"version"`
	Components int    `json:"components"`
}
