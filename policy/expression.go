package policy

import (
	"encoding/json"
	"time"

	"github.com/releaseassay/assay/sbom"
)

// Expression is one rule in the Common Expression Language (https://cel.dev) over the
// content of a statement.
type Expression struct {
	// Name is what the policy calls the rule, Source its text.
	Name, Source string
}

// Variables are what an expression may speak of.
type Variables struct {
	// Name is canonical; Version is "" where none is known.
	Name, Digest, Tag, Version string
	// Signer and Source are what the signing certificate says; empty for a plain key.
	Signer SignerVariables
	Source SourceVariables
	// Signed is the earliest verified time of the statement, Now the time of judgement.
	Signed, Now time.Time
	// Predicate is the statement's.
	Predicate json.RawMessage
	// Document is the bill of materials, nil for other statements.
	Document *sbom.Document
}

// SignerVariables is who signed.
type SignerVariables struct{ Issuer, Identity, Trigger, Runner, Visibility, Workflow, Run string }

// SourceVariables is what was built.
type SourceVariables struct{ Repository, RepositoryID, OwnerID, Ref, Commit string }

// Holds evaluates the expression within its cost limit. An error says why it could
// not be evaluated; nothing holds then.
func (e Expression) Holds(Variables) (bool, error) { return false, nil }
