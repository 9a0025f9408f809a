package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// The media types of an index: https://github.com/opencontainers/image-spec/blob/main/image-index.md
// and Docker's older form.
const (
	mediaTypeIndex      = "application/vnd.oci.image.index.v1+json"
	mediaTypeDockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// The annotations by which BuildKit marks its attestation manifests, and the media type
// of what they hold: https://docs.docker.com/build/metadata/attestations/attestation-storage/.
const (
	annotationReferenceType   = "vnd.docker.reference.type"
	annotationReferenceDigest = "vnd.docker.reference.digest"
	attestationManifest       = "attestation-manifest"
	mediaTypeInToto           = "application/vnd.in-toto+json"
)

const (
	// maxEntries is how many manifests one image lists at most, with all nested indexes.
	maxEntries = 1000
	// maxNesting is how many indexes lie one in the other at most, below the image's own.
	maxNesting = 3
	// maxChildren is how many manifests of an index are looked at one by one.
	maxChildren = 256
	// maxPlatformText bounds each word of a platform, in bytes.
	maxPlatformText = 64
)

// entry is one manifest that an index lists.
type entry struct {
	digest, mediaType string
	size              int64
	platform          platform
	annotations       map[string]string
}

// platform is what an index says that a manifest runs on. The zero value is nothing.
type platform struct {
	os, architecture, variant string
	// version and features tell images for Windows apart.
	version, features string
}

// isIndexType reports whether a media type is that of an index.
func isIndexType(mediaType string) bool {
	return mediaType == mediaTypeIndex || mediaType == mediaTypeDockerList
}

// isIndex reports whether an image is an index, or could be taken for one.
func isIndex(image Image) bool {
	if isIndexType(image.MediaType) {
		return true
	}
	o, err := parseObject(image.Manifest, "the manifest")
	if err != nil {
		return false
	}
	for key := range o {
		if strings.EqualFold(key, "manifests") {
			return true
		}
	}
	return false
}

// parseIndex reads an index strictly: what two clients could read differently is refused.
func parseIndex(b []byte, limits Limits) ([]entry, error) {
	o, err := manifestObject(b, limits)
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"layers", "config", "fsLayers"} {
		if _, ok := o[key]; ok {
			return nil, fmt.Errorf("it has %q beside \"manifests\": it could be read as a single image too", key)
		}
	}
	if _, ok := o["mediaType"]; ok {
		if kind, err := o.text("mediaType"); err != nil || !isIndexType(kind) {
			return nil, fmt.Errorf("its mediaType is %q; wanted that of an index", kind)
		}
	}
	listed, err := o.array("manifests", maxEntries)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(listed))
	first := map[string]entry{}
	for i, raw := range listed {
		e, err := parseEntry(raw)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		if other, ok := first[e.digest]; ok && (other.size != e.size || other.mediaType != e.mediaType) {
			return nil, fmt.Errorf("entry %d: %s is listed twice, with another size or media type", i, e.digest)
		}
		first[e.digest] = e
		entries = append(entries, e)
	}
	return entries, nil
}

// manifestObject reads a manifest or index as an object in which no key has a second spelling.
func manifestObject(b []byte, limits Limits) (object, error) {
	if err := checkSmallJSON(b, limits.Depth, maxManifestValues); err != nil {
		return nil, err
	}
	o, err := parseObject(b, "the manifest")
	if err != nil {
		return nil, err
	}
	if err := o.exact("schemaVersion", "mediaType", "manifests", "layers", "config", "fsLayers"); err != nil {
		return nil, err
	}
	if version, err := o.integer("schemaVersion"); err != nil || version != 2 {
		return nil, errors.New("its schemaVersion is not 2")
	}
	return o, nil
}

// maxManifestValues bounds the values of a manifest: a thousand descriptors with their
// platforms and annotations have some 30,000.
const maxManifestValues = 1 << 17

func parseEntry(raw json.RawMessage) (entry, error) {
	e, o, err := parseDescriptor(raw)
	if err != nil {
		return entry{}, err
	}
	if err := o.exact("platform", "annotations"); err != nil {
		return entry{}, err
	}
	if e.annotations, err = o.texts("annotations"); err != nil {
		return entry{}, err
	}
	e.platform, err = parsePlatform(o)
	return e, err
}

// parseDescriptor reads media type, digest and size of a descriptor.
func parseDescriptor(raw json.RawMessage) (entry, object, error) {
	o, err := parseObject(raw, "the descriptor")
	if err != nil {
		return entry{}, nil, err
	}
	if err := o.exact("mediaType", "digest", "size"); err != nil {
		return entry{}, nil, err
	}
	var e entry
	if e.mediaType, err = o.text("mediaType"); err != nil {
		return entry{}, nil, err
	}
	if e.digest, err = o.text("digest"); err != nil {
		return entry{}, nil, err
	}
	if !IsDigest(e.digest) {
		return entry{}, nil, fmt.Errorf("the digest is %q; wanted sha256: and 64 lower-case hexadecimal digits", e.digest)
	}
	if e.size, err = o.integer("size"); err != nil {
		return entry{}, nil, err
	}
	if e.size < 0 {
		return entry{}, nil, fmt.Errorf("the size of %s is negative", e.digest)
	}
	return e, o, nil
}

// texts returns the strings of the object at key; nil where it is missing or null.
func (o object) texts(key string) (map[string]string, error) {
	raw, ok := o[key]
	if !ok || string(raw) == "null" {
		return nil, nil
	}
	inner, err := parseObject(raw, fmt.Sprintf("%q", key))
	if err != nil {
		return nil, err
	}
	texts := make(map[string]string, len(inner))
	for k, v := range inner {
		var s *string
		if json.Unmarshal(v, &s) != nil || s == nil {
			return nil, fmt.Errorf("%q of %q is not a string", k, key)
		}
		texts[k] = *s
	}
	return texts, nil
}

func parsePlatform(descriptor object) (platform, error) {
	raw, ok := descriptor["platform"]
	if !ok || string(raw) == "null" {
		return platform{}, nil
	}
	o, err := parseObject(raw, `"platform"`)
	if err != nil {
		return platform{}, err
	}
	var p platform
	for key, into := range map[string]*string{
		"os": &p.os, "architecture": &p.architecture, "variant": &p.variant, "os.version": &p.version,
	} {
		if err := o.exact(key); err != nil {
			return platform{}, err
		}
		if raw, ok := o[key]; ok && json.Unmarshal(raw, into) != nil {
			return platform{}, fmt.Errorf("%q of the platform is not a string", key)
		}
		if len(*into) > maxPlatformText {
			return platform{}, fmt.Errorf("%q of the platform is longer than %d bytes", key, maxPlatformText)
		}
	}
	if raw, ok := o["os.features"]; ok {
		var features []string
		if json.Unmarshal(raw, &features) != nil || len(features) > maxPlatformText {
			return platform{}, errors.New(`"os.features" of the platform is not a short list of strings`)
		}
		slices.Sort(features)
		p.features = strings.Join(features, ",")
	}
	return p, nil
}

// unknown reports whether the platform is exactly unknown/unknown, as BuildKit writes it.
func (p platform) unknown() bool { return p == platform{os: "unknown", architecture: "unknown"} }

// String returns "os/architecture" or "os/architecture/variant", "" where the index
// says nothing.
func (p platform) String() string {
	if p.os == "" && p.architecture == "" {
		return ""
	}
	return strings.TrimSuffix(p.os+"/"+p.architecture+"/"+p.variant, "/")
}

// normalPlatform writes a platform as images for it are found.
func normalPlatform(s string) string { return policy.NormalPlatform(s) }

// candidate reports whether an entry says that it is an attestation manifest of
// BuildKit's about one of its siblings. Whether it is one, its bytes say.
func (e entry) candidate(siblings []entry) bool {
	if isIndexType(e.mediaType) || !e.platform.unknown() || e.annotations[annotationReferenceType] != attestationManifest {
		return false
	}
	about := e.annotations[annotationReferenceDigest]
	return slices.ContainsFunc(siblings, func(s entry) bool {
		return s.digest == about && s.digest != e.digest && !s.platform.unknown()
	})
}

// onlyInToto says why manifest is not one whose every layer is an in-toto statement,
// which nothing could run; nil if it is.
func onlyInToto(manifest []byte, limits Limits) error {
	o, err := manifestObject(manifest, limits)
	if err != nil {
		return err
	}
	if _, ok := o["manifests"]; ok {
		return errors.New("it is an index")
	}
	layers, err := o.array("layers", maxEntries)
	if err != nil {
		return err
	}
	if len(layers) == 0 {
		return errors.New("it has no layer")
	}
	for i, raw := range layers {
		layer, _, err := parseDescriptor(raw)
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
		if layer.mediaType != mediaTypeInToto {
			return fmt.Errorf("layer %d has the media type %s; wanted %s", i, layer.mediaType, mediaTypeInToto)
		}
	}
	return nil
}
