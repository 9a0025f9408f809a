package inspect

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// Kind is what an entry of an index is.
type Kind string

// The kinds of entries.
const (
	// KindImage is an image for one platform.
	KindImage Kind = "image"
	// KindIndex is an index within the index; what is in it is not looked at.
	KindIndex Kind = "index"
	// KindAttestation is BuildKit's manifest of attestations about a sibling: its
	// platform is unknown/unknown, and an annotation says so. They are not signed.
	KindAttestation Kind = "buildkit-attestation"
)

// Platform is one entry of an index, by the index's word.
type Platform struct {
	Kind      Kind   `json:"kind"`
	Digest    string `json:"digest"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"`
	// OS, OSVersion, Architecture and Variant are empty where the index says nothing.
	OS           string `json:"os,omitempty"`
	OSVersion    string `json:"os_version,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	Variant      string `json:"variant,omitempty"`
	// Attests is the digest that BuildKit's attestations are about.
	Attests string `json:"attests,omitempty"`
	// Looked is true if evidence on this entry was looked for.
	Looked   bool       `json:"looked"`
	Evidence []Evidence `json:"evidence"`
}

// Name is "os/architecture/variant", as people write platforms.
func (p Platform) Name() string {
	var parts []string
	for _, s := range []string{p.OS, p.Architecture, p.Variant} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return "no platform named"
	}
	return strings.Join(parts, "/")
}

// The annotations by which BuildKit tells attestation manifests from images:
// https://docs.docker.com/build/metadata/attestations/attestation-storage/.
const (
	annotationType   = "vnd.docker.reference.type"
	annotationDigest = "vnd.docker.reference.digest"
)

// maxPlatforms is how many entries of an index are listed.
const maxPlatforms = 256

var indexTypes = map[string]bool{
	"application/vnd.oci.image.index.v1+json":                   true,
	"application/vnd.docker.distribution.manifest.list.v2+json": true,
}

// platforms lists the entries of an index. The source has found its manifest to be
// one; an index that cannot be read all the same is a failure.
func (t *Tree) platforms(image verify.Image) {
	if !indexTypes[image.MediaType] {
		return
	}
	var index struct {
		Manifests []struct {
			MediaType   string            `json:"mediaType"`
			Digest      string            `json:"digest"`
			Size        int64             `json:"size"`
			Annotations map[string]string `json:"annotations"`
			Platform    struct {
				OS           string `json:"os"`
				OSVersion    string `json:"os.version"`
				Architecture string `json:"architecture"`
				Variant      string `json:"variant"`
			} `json:"platform"`
		} `json:"manifests"`
	}
	if err := json.Unmarshal(image.Manifest, &index); err != nil {
		t.Failures = append(t.Failures, Failure{
			Code: verify.RegistryMalformed, Class: verify.Definitive, Place: t.Image.Pinned, Detail: fmt.Sprintf("read the index: %v", err),
		})
		return
	}
	for i, m := range index.Manifests {
		if i == maxPlatforms {
			t.Failures = append(t.Failures, Failure{
				Code: verify.LimitExceeded, Class: verify.Definitive, Place: t.Image.Pinned,
				Detail: fmt.Sprintf("the index has %d entries; the first %d are listed", len(index.Manifests), maxPlatforms),
			})
			return
		}
		p := Platform{
			Kind: KindImage, Digest: m.Digest, MediaType: m.MediaType, Size: m.Size, Evidence: []Evidence{},
			OS: m.Platform.OS, OSVersion: m.Platform.OSVersion, Architecture: m.Platform.Architecture, Variant: m.Platform.Variant,
		}
		switch {
		case indexTypes[m.MediaType]:
			p.Kind = KindIndex
		case p.OS == "unknown" && p.Architecture == "unknown" && m.Annotations[annotationType] == "attestation-manifest":
			p.Kind, p.Attests = KindAttestation, m.Annotations[annotationDigest]
		}
		t.Platforms = append(t.Platforms, p)
	}
}
