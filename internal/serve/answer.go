package serve

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/releaseassay/assay/verify"
)

// Outcome is what a door does with an answer. Its zero value refuses.
type Outcome uint8

// The outcomes.
const (
	// Refused: judged, and not to be admitted.
	Refused Outcome = iota
	// Undecided: not to be admitted now; asking again may help.
	Undecided
	// Passed: the verdict is a pass.
	Passed
	// Audited: a refusal under a policy that does not enforce yet. An admission door
	// lets it in with a warning and patches nothing.
	Audited
	// Excepted: a refusal that an exception excuses. An admission door lets it in with
	// a warning, pinned.
	Excepted
	// Graced: undecided, of an image that passed not long ago under a policy that grants
	// grace. An admission door lets it in with a warning, pinned.
	Graced
)

var outcomes = [...]string{Refused: "refused", Undecided: "undecided", Passed: "passed", Audited: "audited", Excepted: "excepted", Graced: "graced"}

// String returns the outcome as metrics and the audit log write it.
func (o Outcome) String() string {
	if int(o) < len(outcomes) {
		return outcomes[o]
	}
	return outcomes[Refused]
}

// Admits reports whether an admission door lets the image in.
func (o Outcome) Admits() bool {
	switch o {
	case Passed, Audited, Excepted, Graced:
		return true
	}
	return false
}

// Pins reports whether an admission door writes the digest that was judged into the object.
func (o Outcome) Pins() bool {
	switch o {
	case Passed, Excepted, Graced:
		return true
	}
	return false
}

// OutcomeOf is what a verdict alone says. Grace is the verifier's to add.
func OutcomeOf(v verify.Verdict) Outcome {
	resolved := v.Image.Digest != ""
	switch {
	case v.Hypothetical:
		return Refused
	case v.Passed() && resolved:
		return Passed
	case v.Exception != nil && resolved:
		return Excepted
	case v.Enforced != nil && !*v.Enforced && v.EnforcedFrom != nil:
		return Audited
	case !v.Conclusive:
		return Undecided
	}
	return Refused
}

// Answer is what a door needs of a verdict, and the verdict itself. Its zero value
// refuses. Texts are foreign, apart from codes: whoever writes them escapes them.
type Answer struct {
	Outcome Outcome
	// ID names the decision: the beginning of the SHA-256 of the verdict without its run.
	ID string
	// Requested is the reference as it was asked about, Name its canonical name, Digest
	// and Pinned are "" where it could not be resolved.
	Requested string
	Name      string
	Tag       string
	Digest    string
	Pinned    string
	// Policy is the policy's name, PolicyDigest that of its text, Rule the pattern that matched.
	Policy       string
	PolicyDigest string
	Rule         string
	// Problems are the demanded checks that did not pass: those that failed first, then
	// those that could not be decided, each in the verdict's order.
	Problems []Problem
	// Notices are what a person should know beside the verdict.
	Notices []string
	// Until is when an exception, the audit mode or the grace ends.
	Until time.Time
	// Exception is who answers for an exception, and why.
	Approver, Reason string
	// JudgedAt is when the verdict was made.
	JudgedAt time.Time
	// Remembered is true if the verdict was not made for this question alone.
	Remembered bool
	// Late is true if the answer was due before the verdict was there.
	Late bool
	// Verdict is the verdict as JSON.
	Verdict Document
}

// Problem is a demanded check that did not pass.
type Problem struct {
	Check     string
	Code      string
	Message   string
	Wanted    string
	Found     string
	Next      string
	Undecided bool
}

// Document is a verdict as JSON, packed, as it is kept. Its zero value is none.
type Document struct{ packed []byte }

// maxDocument is the size of one verdict in bytes at most.
const maxDocument = 16 << 20

// Pack keeps the JSON of a verdict.
func Pack(verdictJSON []byte) (Document, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		return Document{}, err
	}
	if _, err := w.Write(verdictJSON); err != nil {
		return Document{}, err
	}
	if err := w.Close(); err != nil {
		return Document{}, err
	}
	return Document{packed: bytes.Clone(b.Bytes())}, nil
}

// JSON returns the verdict's bytes. An empty document is an error.
func (d Document) JSON() ([]byte, error) {
	if len(d.packed) == 0 {
		return nil, fmt.Errorf("there is no verdict")
	}
	b, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(d.packed)), maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("unpack the verdict: %w", err)
	}
	if len(b) > maxDocument {
		return nil, fmt.Errorf("the verdict has more than %d bytes", maxDocument)
	}
	return b, nil
}

// Size is the number of bytes that the document takes.
func (d Document) Size() int { return len(d.packed) }

// MarshalBinary implements encoding.BinaryMarshaler: what is kept, packed.
func (d Document) MarshalBinary() ([]byte, error) { return d.packed, nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (d *Document) UnmarshalBinary(b []byte) error {
	d.packed = bytes.Clone(b)
	return nil
}

// idLength is the length of a verdict's id: 96 bits in hexadecimal.
const idLength = 24

// Identify returns the id of a decision, the verdict's JSON without its run
// (report.Decision).
func Identify(decision []byte) string {
	sum := sha256.Sum256(decision)
	return hex.EncodeToString(sum[:])[:idLength]
}
