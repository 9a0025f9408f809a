package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// The media types of images, in the order of preference.
const (
	typeOCIIndex       = "application/vnd.oci.image.index.v1+json"
	typeOCIManifest    = "application/vnd.oci.image.manifest.v1+json"
	typeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	typeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// The media types of evidence.
const (
	typeSimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json"
	typeEnvelope      = "application/vnd.dsse.envelope.v1+json"
	typeCosignSig     = "application/vnd.dev.cosign.artifact.sig.v1+json"
	typeInToto        = "application/vnd.in-toto+json"
	typeEmpty         = "application/vnd.oci.empty.v1+json"
	// prefixBundle begins v0.3's media type with ".v0.3+json" after it, and those of
	// v0.1 and v0.2 with "+json;version=…". What version a bundle is, it says itself.
	prefixBundle = "application/vnd.dev.sigstore.bundle"
)

var (
	imageTypes = []string{typeOCIIndex, typeDockerList, typeOCIManifest, typeDockerManifest}
	indexTypes = []string{typeOCIIndex}
)

// descriptor is an OCI content descriptor: a claim about other bytes.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType"`
	Annotations  map[string]string `json:"annotations"`
	Platform     json.RawMessage   `json:"platform"`
}

// sound reports what is wrong with d before anything is fetched by it, or nil.
func (d descriptor) sound(most int64) *trouble {
	switch {
	case !verify.IsDigest(d.Digest):
		return definitive(verify.RegistryMalformed, "the digest %q of a descriptor is not sha256: and 64 lower-case hexadecimal digits", d.Digest)
	case d.Size < 0:
		return definitive(verify.RegistryMalformed, "the size of %s is negative", d.Digest)
	case d.Size > most:
		return definitive(verify.LimitExceeded, "%s has %d bytes, more than the %d that are read", d.Digest, d.Size, most)
	}
	return nil
}

// check reports whether body is what d describes.
func (d descriptor) check(body []byte) *trouble {
	if size := int64(len(body)); size != d.Size {
		return definitive(verify.RegistrySizeMismatch, "it has %d bytes, its descriptor says %d", size, d.Size)
	}
	if found := digestOf(body); found != d.Digest {
		return mismatch(found)
	}
	return nil
}

// manifest is what is read of a manifest or index.
type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	ArtifactType  string       `json:"artifactType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
	Manifests     []descriptor `json:"manifests"`
	Subject       *descriptor  `json:"subject"`

	// hasLayers and hasManifests tell a field that is there from one that is empty.
	hasLayers, hasManifests bool
}

// artifact returns what the manifest says it is (OCI 1.1: the type of its config
// where it does not say).
func (m manifest) artifact() string {
	if m.ArtifactType != "" {
		return m.ArtifactType
	}
	return m.Config.MediaType
}

// maxMembers bounds what one manifest lists, in commas: 16,384 descriptors with
// their fields have some 100,000.
const maxMembers = 1 << 17

// parseManifest reads a manifest or index. Bytes that can be read as both are
// neither: two readers could see two images (CVE-2021-41190).
func parseManifest(body []byte) (manifest, *trouble) {
	// An element of a list costs two characters and, parsed, a descriptor's size.
	if bytes.Count(body, []byte(",")) > maxMembers {
		return manifest{}, definitive(verify.LimitExceeded, "it has more than %d members", maxMembers)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(body, &keys); err != nil || keys == nil {
		return manifest{}, definitive(verify.RegistryMalformed, "it is not a JSON object")
	}
	var m manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return manifest{}, definitive(verify.RegistryMalformed, "it is not a manifest: %v", err)
	}
	for key := range keys { // encoding/json takes keys in any case
		m.hasLayers = m.hasLayers || strings.EqualFold(key, "layers")
		m.hasManifests = m.hasManifests || strings.EqualFold(key, "manifests")
	}
	if m.SchemaVersion == 1 || strings.HasPrefix(m.MediaType, "application/vnd.docker.distribution.manifest.v1+") {
		return manifest{}, definitive(verify.RegistryMalformed, "it is a manifest of Docker's schema 1, which pins no content; push the image again with a current client")
	}
	if m.hasLayers && m.hasManifests {
		return manifest{}, definitive(verify.RegistryMalformed, "it names both layers and manifests")
	}
	return m, nil
}

// imageType returns the media type of an image's manifest: its own word, or else
// what it was served as. Either must fit what the bytes are.
func imageType(body []byte, served string) (string, *trouble) {
	m, bad := parseManifest(body)
	if bad != nil {
		return "", bad
	}
	found := m.MediaType
	if found == "" {
		found, _, _ = mime.ParseMediaType(served)
	}
	index := found == typeOCIIndex || found == typeDockerList
	if !slices.Contains(imageTypes, found) || index != m.hasManifests || index == m.hasLayers {
		return "", definitive(verify.RegistryMalformed, "it is not the image manifest or index that its media type %q says", found)
	}
	return found, nil
}

// origin is the kind of place that a manifest was found in, which decides what its
// layers may be.
type origin int

const (
	fromSig origin = iota
	fromAtt
	fromReferrer
	fromBuildKit
)

// wantedLayer is a layer that is evidence, to be fetched.
type wantedLayer struct {
	layout     verify.Layout
	place      string
	descriptor descriptor
}

// piece returns the evidence, given its bytes, and the manifest that lists it where
// that matters.
func (w wantedLayer) piece(body, listing []byte) verify.Piece {
	return verify.Piece{
		Layout:      w.layout,
		Place:       w.place,
		Digest:      w.descriptor.Digest,
		MediaType:   w.descriptor.MediaType,
		Bytes:       body,
		Annotations: maps.Clone(w.descriptor.Annotations),
		Manifest:    listing,
	}
}

// maxReferrerLayers is how many layers of one referrer are read: a bundle is its
// referrer's only layer, and cosign writes one signature per referrer.
const maxReferrerLayers = 64

// plan chooses the layers of a manifest at place that are wanted evidence.
func plan(m manifest, from origin, place string, want verify.Want, limits verify.Limits) ([]wantedLayer, []verify.Failure) {
	var layers []wantedLayer
	var failures []verify.Failure
	most := limits.Pieces
	if from == fromReferrer {
		most = min(most, maxReferrerLayers)
	}
	for i, layer := range m.Layers {
		layout, ok := layoutOf(layer, m.artifact(), from)
		if !ok || !wants(want, layout) {
			continue
		}
		if len(layers)+len(failures) >= most {
			bad := definitive(verify.LimitExceeded, "it has more than %d pieces of evidence", most)
			return layers, append(failures, *bad.at(place, []verify.Layout{layout}))
		}
		here := fmt.Sprintf("%s layer %d", place, i)
		if bad := layer.sound(limits.PieceBytes); bad != nil {
			failures = append(failures, *bad.at(here, []verify.Layout{layout}))
			continue
		}
		layers = append(layers, wantedLayer{layout: layout, place: here, descriptor: layer})
	}
	return layers, failures
}

// layoutOf tells what evidence a layer is, if any.
func layoutOf(layer descriptor, artifact string, from origin) (verify.Layout, bool) {
	switch {
	case from == fromReferrer && (isBundle(layer.MediaType) || isBundle(artifact)):
		return verify.Bundle, true
	case from != fromAtt && from != fromBuildKit && layer.MediaType == typeSimpleSigning:
		return verify.LegacySignature, true
	case from == fromBuildKit:
		return verify.BuildKit, layer.MediaType == typeInToto
	case from != fromSig && layer.MediaType == typeEnvelope:
		return verify.LegacyAttestation, true
	}
	return "", false
}

func isBundle(mediaType string) bool { return strings.HasPrefix(mediaType, prefixBundle) }

func wants(want verify.Want, layout verify.Layout) bool {
	switch layout {
	case verify.LegacySignature:
		return want.Signatures
	case verify.LegacyAttestation:
		return want.Attestations
	case verify.BuildKit:
		return want.BuildKit
	default:
		return want.Bundles
	}
}

// referrerLayouts are the wanted layouts that a referrer may have.
func referrerLayouts(want verify.Want) []verify.Layout {
	return slices.DeleteFunc(slices.Clone(allLayouts), func(l verify.Layout) bool { return !wants(want, l) })
}

// wantedLayouts are all the wanted layouts.
func wantedLayouts(want verify.Want) []verify.Layout {
	layouts := referrerLayouts(want)
	if want.BuildKit {
		layouts = append(layouts, verify.BuildKit)
	}
	return layouts
}

// likelihood orders referrers by what their descriptor says they are: the likely
// ones first, never any left out, since registries report wrong types.
func likelihood(d descriptor) int {
	switch {
	case isBundle(d.ArtifactType), d.ArtifactType == typeCosignSig, d.ArtifactType == typeInToto:
		return 0
	case d.ArtifactType == "", d.ArtifactType == typeEmpty:
		return 1
	default:
		return 2
	}
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}
