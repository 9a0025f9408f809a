package verify

import (
	"context"
	"fmt"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// Source is where images and their evidence come from: a registry, an OCI
// layout on disk, memory. It touches the world so that nothing else here must.
type Source interface {
	// Resolve fetches one manifest and returns it with the digest of its bytes.
	// Bytes that do not hash to a digest in ref are an error. Every error is a
	// *Failure, which says why nothing could be decided.
	Resolve(ctx context.Context, ref Reference) (Image, error)
	// Collect gathers every piece of evidence about image that want names. What
	// is not there is simply not returned; what could not be fetched is returned
	// as a Failure, so that it is never read as absence.
	Collect(ctx context.Context, image Image, want Want) Evidence
}

// Image is a resolved manifest: from here on everything speaks of its digest.
type Image struct {
	Reference Reference
	// Digest is "sha256:<hex>" of Manifest, computed by whoever fetched it.
	Digest string
	// MediaType is what the manifest says of itself, or else what it was served as.
	MediaType string
	Manifest  []byte
}

// Want is what a policy demands of the collection, so that nothing else is asked for.
type Want struct {
	// Signatures wants cosign signatures of the legacy layout (tag sha256-<hex>.sig).
	Signatures bool
	// Attestations wants attestations of the legacy layout (tag sha256-<hex>.att).
	Attestations bool
	// Bundles wants Sigstore bundles: OCI 1.1 referrers and the referrers fallback tag.
	Bundles bool
	// BuildKit wants the attestation manifests that BuildKit keeps inside an index.
	// Their statements are unsigned.
	BuildKit bool
	// Config wants the image's configuration, for its labels.
	Config bool
	// Repositories are the canonical names of the repositories to look into; none
	// means the image's own.
	Repositories []string
	// GitHub are the URLs of the repositories whose attestations GitHub is asked for.
	GitHub []string
	// Types are the predicate types that will be judged; none means all. It saves
	// verifying what nobody looks at. A source need not know of it: what a type is,
	// only the signed bytes say.
	Types []string
	// Release is what is demanded of the project's TUF repository, nil if nothing is.
	// Collect does not read it: a [Releases] is asked for it.
	Release *policy.Release
}

// Layout is the form in which a piece of evidence is stored.
type Layout string

// The layouts that are read.
const (
	// LegacySignature is a layer of the manifest at sha256-<hex>.sig: cosign's
	// simple-signing payload, its signature and certificate in annotations.
	LegacySignature Layout = "legacy-signature"
	// LegacyAttestation is a layer of the manifest at sha256-<hex>.att: a DSSE
	// envelope, its certificate in annotations.
	LegacyAttestation Layout = "legacy-attestation"
	// Bundle is a Sigstore bundle (v0.1 to v0.3): a referrer's only layer, an
	// attestation kept by GitHub, or a file.
	Bundle Layout = "bundle"
	// BuildKit is an in-toto statement in an attestation manifest of the image's own
	// index, as BuildKit writes it. It is unsigned.
	BuildKit Layout = "buildkit"
	// Config is the image's configuration: no evidence, and only ever a [Failure]'s layout.
	Config Layout = "config"
	// TUFTarget is the release manifest behind a target of a TUF repository. It is a
	// candidate's layout, never a [Piece]'s.
	TUFTarget Layout = "tuf-target"
)

// Piece is one piece of evidence as bytes: nothing in it has been verified.
type Piece struct {
	Layout Layout
	// Place says where it lay, for people: "ghcr.io/o/n:sha256-….sig layer 0".
	Place string
	// Digest is "sha256:<hex>" of Bytes.
	Digest string
	// MediaType is the layer's media type, as its manifest says.
	MediaType   string
	Bytes       []byte
	Annotations map[string]string
	// Manifest is the attestation manifest that lists a statement of BuildKit's, as the
	// index lists it: the chain of digests from the image to Bytes.
	Manifest []byte
}

// Evidence is what was collected about one image.
type Evidence struct {
	// Want is what was wanted, where a caller has set it.
	Want     Want
	Pieces   []Piece
	Failures []Failure
	// Places are all the places that were looked into, for people.
	Places []string
	// Requests and Bytes are what the verification has cost so far, with the
	// resolution (both zero without a network).
	Requests int
	Bytes    int64
	// Release is what was gathered of the project's TUF repository, nil if nothing was.
	Release *ReleaseEvidence
	// Children are the manifests of an index with the evidence about each, where that
	// was collected; Index is the index that the caller says holds this image.
	Children []Child
	Index    *Child
	// Config is the image's configuration, as its manifest names it.
	Config []byte
	// sigstore is what the client of that repository verified signatures with.
	sigstore metadata.Sigstore
}

// Class tells whether asking again could help.
type Class string

// The two classes of failure.
const (
	Transient  Class = "transient"
	Definitive Class = "definitive"
)

// Failure is something that could not be fetched or read. It is an error, and it
// becomes the result "error" of each check that might have needed the bytes.
type Failure struct {
	Code   Code
	Class  Class
	Place  string
	Detail string
	// Layouts are the layouts that the missing bytes could have been.
	Layouts []Layout
}

// Error implements error.
func (f *Failure) Error() string {
	return fmt.Sprintf("%s: %s: %s", f.Code, f.Place, f.Detail)
}
