package cases

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/releaseassay/assay/internal/lab"
)

// platformIndexes are indexes that two clients read differently. The release workflow signed and attested each.
func platformIndexes() []Case {
	malformed := Fails("platforms", "platforms.malformed")
	of := func(name, shows string, change func([]byte) ([]byte, error)) Case {
		return Case{ID: slug(21, name), Class: 21, Shows: shows, Want: malformed, Build: func(b *Bench) error { return b.rewritten(hangsBoth, string(types.OCIImageIndex), change) }}
	}
	both := of("index and manifest at once", "The signed document is an index and also the manifest of an image: what runs depends on the client.", inserted(`"manifests":[`, `"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:`+fmt.Sprintf("%064d", 0)+`","size":2},"layers":[],`))
	both.Advisories, both.Want = []string{"CVE-2021-41190"}, CannotTell("signature", "registry.malformed")
	called := Case{
		ID: slug(21, "index called an image"), Class: 21, Advisories: []string{"CVE-2021-41190"}, Want: CannotTell("signature", "registry.malformed"),
		Shows: "The registry calls the index an image, so that nobody looks at the images in it, of which one is unsigned.",
		Build: func(b *Bench) error { return b.mislabelled(hangsBoth, hangsNothing) },
	}
	return []Case{
		both, called,
		{
			ID: slug(21, "image called an artifact"), Class: 21, Want: lacking(),
			Shows: "An unsigned image was added to the index, whose entry says that it is an artifact: some clients run it all the same.",
			Build: func(b *Bench) error { return b.relabelled("artifactType", "application/vnd.example.document") },
		},
		{
			ID: slug(21, "image of an unknown media type"), Class: 21, Want: lacking(),
			Shows: "An unsigned image was added to the index under a media type that nobody knows, for clients that look at the platform alone.",
			Build: func(b *Bench) error {
				return b.relabelled("mediaType", "application/vnd.example.image.v1+json")
			},
		},
		of("list given twice", "The signed index has its list of images twice, the second of them empty.", inserted(`"manifests":[`, `"manifests":[],`)),
		of("list in another case", "The signed index has its list of images a second time as Manifests, which some readers take for the same.", inserted(`"manifests":[`, `"Manifests":[],`)),
		of("digest in another case", "An entry of the signed index has a Digest before its digest.", inserted(`"digest":"sha256:`, `"Digest":"sha256:`+fmt.Sprintf("%064d", 0)+`",`)),
		{
			ID: slug(21, "empty index"), Class: 21, Want: Fails("platforms", "platforms.empty"),
			Shows: "The release workflow signed an index that lists no image, so that whatever is demanded of each holds.",
			Build: func(b *Bench) error { _, err := b.list(hangsBoth); return err },
		},
	}
}

// inserted puts text before the first occurrence of another.
func inserted(before, text string) func([]byte) ([]byte, error) { return replaced(before, text+before) }

// rewritten publishes a good index with its bytes changed, and evidence about those.
func (b *Bench) rewritten(with attach, mediaType string, change func([]byte) ([]byte, error)) error {
	r, err := b.Release()
	if err != nil {
		return err
	}
	repo, err := b.Repo()
	if err != nil {
		return err
	}
	raw, err := r.Image.Raw()
	if err != nil {
		return err
	}
	if raw, err = change(raw); err != nil {
		return err
	}
	if err := lab.PushImage(b.Context(), repo, "", r.Image, b.Registry.Direct()); err != nil {
		return err
	}
	return b.putRaw(repo, r, with, mediaType, raw)
}

// putRaw publishes bytes as the release's image, with evidence about them.
func (b *Bench) putRaw(repo name.Repository, r *lab.Release, with attach, mediaType string, raw []byte) error {
	desc, err := lab.PutManifest(b.Context(), repo, r.Tag, mediaType, raw, b.Registry.Direct())
	if err != nil {
		return err
	}
	about := r.About(lab.Named(desc))
	if err := with(b, about); err != nil {
		return err
	}
	return lab.PushEvidence(b.Context(), repo, desc, about.Evidence, b.Registry.Direct())
}

// relisted publishes an index over entries with its bytes changed, so that evidence about its images alone counts.
func (b *Bench) relisted(mediaType string, change func([]byte) ([]byte, error), list ...listed) error {
	r, err := b.list(hangsNothing, list...)
	if err != nil {
		return err
	}
	raw, err := r.Image.Raw()
	if err != nil {
		return err
	}
	if raw, err = change(raw); err != nil {
		return err
	}
	repo, err := b.Repo()
	if err != nil {
		return err
	}
	return b.putRaw(repo, r, hangsNothing, mediaType, raw)
}

// mislabelled publishes an index without a media type of its own under that of an image. Its images carry what they do.
func (b *Bench) mislabelled(amd64, arm64 attach) error {
	list, err := b.two()
	if err != nil {
		return err
	}
	list[0].with, list[1].with = amd64, arm64
	return b.relisted(string(types.OCIManifestSchema1), replaced(`"mediaType":"`+string(types.OCIImageIndex)+`",`, ""), list...)
}

// relabelled adds an unsigned image and sets a member of its entry in the index.
func (b *Bench) relabelled(key, value string) error {
	list, err := b.two()
	if err != nil {
		return err
	}
	if list, err = added("linux/s390x", hangsNothing)(list); err != nil {
		return err
	}
	return b.relisted(string(types.OCIImageIndex), func(raw []byte) ([]byte, error) {
		var index struct {
			SchemaVersion int              `json:"schemaVersion"`
			MediaType     string           `json:"mediaType"`
			Manifests     []map[string]any `json:"manifests"`
		}
		if err := json.Unmarshal(raw, &index); err != nil {
			return nil, err
		}
		index.Manifests[len(index.Manifests)-1][key] = value
		return json.Marshal(index)
	}, list...)
}

// replaced writes one text for the first occurrence of another.
func replaced(old, now string) func([]byte) ([]byte, error) {
	return func(raw []byte) ([]byte, error) {
		if !bytes.Contains(raw, []byte(old)) {
			return nil, fmt.Errorf("found no %s in %s", old, raw)
		}
		return bytes.Replace(raw, []byte(old), []byte(now), 1), nil
	}
}

// platformLists are indexes that hold other platforms than the policy lists; all of each is signed and attested.
func platformLists() []Case {
	of := func(name, shows, code, demand string, change func([]listed) ([]listed, error)) Case {
		return Case{ID: slug(21, name), Class: 21, Shows: shows, Want: Fails("platforms", code), Build: func(b *Bench) error {
			b.Rule(Standard("platforms: " + demand)...)
			return entries(change)(b)
		}}
	}
	const both = "{require: [linux/amd64, linux/arm64], only: [linux/amd64, linux/arm64]}"
	return []Case{
		of("platform left out", "The index was pushed again without the arm64 image, and nodes on arm64 fall back to what they find.", "platforms.missing", both,
			func(list []listed) ([]listed, error) { return list[:1], nil }),
		of("platform not listed", "The index holds an image for a platform that the policy does not list, signed like the others.", "platforms.unexpected", both, added("linux/s390x", hangsBoth)),
		of("two images for one platform", "The index holds two signed images for one platform: which of them runs depends on the client.", "platforms.ambiguous", both, added("linux/amd64", hangsBoth)),
	}
}
