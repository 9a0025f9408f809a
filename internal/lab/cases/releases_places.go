package cases

import "github.com/releaseassay/assay/internal/lab"

// releasePlaces are indexes of which the evidence lies in other places, the good twins of class 21.
func releasePlaces() []Case {
	return []Case{
		good("evidence on each platform", "Each image of the index is signed and attested by itself, and nothing is said of the index.", indexed(hangsBoth, hangsBoth)),
		good("evidence of a nested index", "An index inside the index holds an image, which is signed and attested like those beside it.", nestedIndex(true)),
		good("buildkit attestations", "The index lists BuildKit's attestation manifests, which nobody can run, beside images that are signed and attested.", entries(func(e []listed) ([]listed, error) {
			manifest, err := lab.AttestationManifest([]byte(`{"_type":"` + lab.StatementV01 + `"}`))
			return append(e, listed{Listed: lab.Attesting(manifest, e[0].Digest())}), err
		})),
		good("legs in two places", "The index is signed, and the provenance is about each of its images.", func(b *Bench) error {
			return b.pushIndex(hangsSignature, hangsProvenance, hangsProvenance)
		}),
		good("one platform of a named index", "The digest of one platform is asked for, and the index that holds it is named, which is signed and attested.", func(b *Bench) error {
			_, list, err := b.index(hangsBoth, hangsNothing, hangsNothing)
			if err != nil {
				return err
			}
			b.Ask(Act{Image: b.Repository + "@" + list[0].Digest(), Args: []string{"--index", b.Reference()}})
			return nil
		}),
		good("platforms as listed", "The index holds the platforms that the policy lists, and no other.", func(b *Bench) error {
			b.Rule(Standard("platforms: {require: [linux/amd64, linux/arm64], only: [linux/amd64, linux/arm64]}")...)
			return b.pushIndex(hangsBoth, hangsNothing, hangsNothing)
		}),
	}
}
