package lab

// InTotoMediaType is the media type of a statement that nobody signed.
const InTotoMediaType = "application/vnd.in-toto+json"

// BuildKitAttestation is a statement inside an index, with the manifest that lists it.
type BuildKitAttestation struct {
	// Platform and About are those of the image that it attests.
	Platform, About     string
	Manifest, Statement []byte
}

// BuildKitIndex is an index with attestation manifests beside its images, as
// `docker buildx build --sbom=true` writes it.
type BuildKitIndex struct {
	*Image
	// Manifest is the index.
	Manifest     []byte
	Attestations []BuildKitAttestation
}

// NewBuildKitIndex makes an index over one image for each platform. statement gives the
// statement about each image; one that is nil is left out.
func NewBuildKitIndex(seed string, statement func(platform, digest string) ([]byte, error), platforms ...string) (*BuildKitIndex, error) {
	if len(platforms) == 0 {
		platforms = []string{"linux/amd64", "linux/arm64"}
	}
	entries, err := Platforms(seed, platforms...)
	if err != nil {
		return nil, err
	}
	built := &BuildKitIndex{}
	for _, e := range entries[:len(entries):len(entries)] {
		a := BuildKitAttestation{Platform: e.Platform, About: e.Digest()}
		if a.Statement, err = statement(a.Platform, a.About); err != nil {
			return nil, err
		}
		if a.Statement == nil {
			continue
		}
		attests, err := AttestationManifest(a.Statement)
		if err != nil {
			return nil, err
		}
		if a.Manifest, err = attests.Raw(); err != nil {
			return nil, err
		}
		entries = append(entries, Attesting(attests, a.About))
		built.Attestations = append(built.Attestations, a)
	}
	if built.Image, err = NewIndexOf(entries...); err != nil {
		return nil, err
	}
	built.Manifest, err = built.Raw()
	return built, err
}
