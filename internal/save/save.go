// Package save keeps what one verification was told, as one OCI layout on disk, and reads
// it back: the image's manifests, the evidence in the shape of `cosign save`, the metadata
// of the project's TUF repository, and copies of policy and trusted roots.
//
// [Write] leaves a whole layout or none. [Open] believes nothing of what it reads: the
// bytes are verified again as if a registry had sent them, and what was not saved is a
// verify.Failure, never absence. A trusted root that lies in the layout is never taken
// from it: whoever verifies names it.
package save

import (
	"time"

	"github.com/releaseassay/assay/verify"
)

const (
	// Schema is what a Document says that it is.
	Schema = "assay/saved/v1"
	// DocumentFile is where the Document lies in the layout, TUFFolder the copy of the TUF
	// repository, with metadata/ and targets/.
	DocumentFile = "assay/saved.json"
	TUFFolder    = "assay/tuf"
	// annotationSaved is the SHA-256 of the Document, in the annotations of index.json.
	annotationSaved = "dev.releaseassay.saved"
	// annotationPlace says of a bundle where it lay.
	annotationPlace = "dev.releaseassay.place"
)

// Document lists what was saved, when and from where. Nobody has signed it.
type Document struct {
	Schema string    `json:"schema"`
	Saved  time.Time `json:"saved"`
	Assay  string    `json:"assay"`
	// Reference is the image as it was asked for, Digest what that was.
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
	MediaType string `json:"media_type"`
	// Policy is the name of the policy that said what to save, Verdict what it said of the
	// image: pass, or what failed.
	Policy  string `json:"policy"`
	Verdict string `json:"verdict"`
	// Image is true if configuration and layers were saved too.
	Image     bool        `json:"image"`
	Collected []Collected `json:"collected"`
	TUF       *Repository `json:"tuf,omitempty"`
	// Named is the SHA-256 of the list in index.json, as its bytes stand there.
	Named string      `json:"named"`
	Files []SavedFile `json:"files"`
}

// Collected is what was asked about one manifest, and what was there.
type Collected struct {
	About        string   `json:"about"`
	Signatures   bool     `json:"signatures"`
	Attestations bool     `json:"attestations"`
	Bundles      bool     `json:"bundles"`
	BuildKit     bool     `json:"buildkit"`
	Config       bool     `json:"config"`
	Repositories []string `json:"repositories,omitempty"`
	GitHub       []string `json:"github,omitempty"`
	Looked       []string `json:"looked,omitempty"`
	Pieces       []Piece  `json:"pieces"`
}

// Piece is one piece of evidence: where it lay, and where its bytes are now.
type Piece struct {
	Layout verify.Layout `json:"layout"`
	Place  string        `json:"place"`
	Digest string        `json:"digest"`
	Size   int           `json:"size"`
}

// Repository is the TUF repository that was read.
type Repository struct {
	MetadataURL string `json:"metadata_url"`
	TargetsURL  string `json:"targets_url"`
	RootSHA256  string `json:"root_sha256"`
}

// SavedFile is one file of the layout, but for index.json and the Document itself.
type SavedFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Layer marks configurations and layers of the image, which no verdict needs.
	Layer bool `json:"layer,omitempty"`
	// From says where a file of the user's own was read, "" for everything else.
	From string `json:"from,omitempty"`
}

// Contents is what [Write] writes.
type Contents struct {
	// Document says what was asked; its lists are filled in.
	Document Document
	// Reference names the image, Images are all the manifests that were resolved.
	Reference verify.Reference
	Images    []verify.Image
	// Collections are the answers about each of them. One with a failure is refused.
	Collections []Collection
	TUF         *TUF
	// Files are copies of the user's own.
	Files []File
	// Blobs are fetched with Fetch while they are written.
	Blobs []Blob
	Fetch Fetch
}

// Collection is what was collected about one image.
type Collection struct {
	Image    verify.Image
	Want     verify.Want
	Evidence verify.Evidence
}

// TUF is what was gathered of a project's TUF repository from a pinned root.
type TUF struct {
	Repository Repository
	Root       []byte
	Evidence   verify.ReleaseEvidence
}

// File is a file to be written at Path, which is relative to the layout.
type File struct {
	Path, From string
	Bytes      []byte
}
