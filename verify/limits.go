package verify

import "time"

// Limits bounds what one verification reads of parsed content. Bounds on the
// world (requests, bytes on the wire, redirects, wall time) belong to whoever
// implements [Source].
type Limits struct {
	// Pieces is the number of pieces of evidence that are read at most of each
	// layout, so that junk in one does not hide what lies in another. One piece costs a few signature checks, about a millisecond.
	Pieces int
	// PieceBytes is the size of one piece of evidence in bytes at most. GitHub
	// stores SBOM attestations of up to 16 MiB, BuildKit of up to 40 MiB before
	// compression; 32 MiB holds what is found in the wild.
	PieceBytes int64
	// AnnotationBytes is the size of all annotations of one legacy layer at most:
	// a certificate, its chain and a bundle whose body repeats the envelope.
	AnnotationBytes int
	// Subjects is the number of subjects of one statement at most (the bound of
	// sigstore-go after CVE-2024-45395).
	Subjects int
	// Digests is the number of digests of one subject at most.
	Digests int
	// LogEntries is the number of transparency log entries of one bundle at most.
	LogEntries int
	// Depth is the nesting of JSON objects and arrays at most.
	Depth int
	// ClockSkew is how far a verified time may lie after the time of judgement.
	ClockSkew time.Duration
}

// DefaultLimits returns the limits that every command uses unless told otherwise.
func DefaultLimits() Limits {
	return Limits{
		Pieces:          1024,
		PieceBytes:      32 << 20,
		AnnotationBytes: 4 << 20,
		Subjects:        1024,
		Digests:         32,
		LogEntries:      32,
		Depth:           64,
		ClockSkew:       5 * time.Minute,
	}
}
