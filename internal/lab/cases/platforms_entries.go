package cases

import (
	"fmt"
	"maps"

	"github.com/releaseassay/assay/internal/lab"
)

// entries is a case of an index whose two images are signed and attested, and whose list is changed.
func entries(change func([]listed) ([]listed, error)) func(*Bench) error {
	return func(b *Bench) error {
		list, err := b.two()
		if err != nil {
			return err
		}
		if list, err = change(list); err != nil {
			return err
		}
		_, err = b.list(hangsNothing, list...)
		return err
	}
}

// added adds one image that carries something.
func added(platform string, with attach) func([]listed) ([]listed, error) {
	return func(list []listed) ([]listed, error) {
		img, err := lab.NewImage("added for "+list[0].Digest(), "linux/amd64")
		return append(list, listed{lab.Listed{Image: img, Platform: platform}, with}), err
	}
}

// hangsStrangers signs and attests as the workflow of the same name in another repository.
func hangsStrangers(b *Bench, r *lab.Release) error {
	return r.Telling(func(r *lab.Release) { r.Repo = "evil/widget" }, b.evidence)
}

// nestedIndex is an index that lists, beside two signed images, an index over a third, which is signed or not.
func nestedIndex(good bool) func(*Bench) error {
	return entriesWith(func(b *Bench, list []listed) ([]listed, error) {
		inside, err := lab.Platforms(b.Case.ID+" inside", "linux/s390x")
		if err != nil {
			return nil, err
		}
		inner, err := lab.NewIndexOf(inside...)
		if err != nil {
			return nil, err
		}
		// What is signed of the inner index says nothing for whoever picks an image out of it.
		list = append(list, listed{lab.Listed{Image: inner}, hangsBoth})
		if !good {
			return list, nil
		}
		r, err := b.Release()
		if err != nil {
			return nil, err
		}
		child := r.About(inside[0].Image)
		if err := b.evidence(child); err != nil {
			return nil, err
		}
		// It lies in the repository before the image does.
		return list, b.hang(inside[0].Image, child)
	})
}

func entriesWith(change func(*Bench, []listed) ([]listed, error)) func(*Bench) error {
	return func(b *Bench) error {
		return entries(func(list []listed) ([]listed, error) { return change(b, list) })(b)
	}
}

// attesting adds an entry that says that it is BuildKit's attestation manifest about the first image, after a change.
func attesting(make func() (*lab.Image, error), change func(*lab.Listed)) func(*Bench) error {
	return entries(func(list []listed) ([]listed, error) {
		manifest, err := make()
		if err != nil {
			return nil, err
		}
		entry := lab.Attesting(manifest, list[0].Digest())
		entry.Annotations = maps.Clone(entry.Annotations)
		if change != nil {
			change(&entry)
		}
		return append(list, listed{Listed: entry}), nil
	})
}

func statementsAlone() (*lab.Image, error) { return lab.AttestationManifest([]byte(`{"_type":"x"}`)) }
func nothingInside() (*lab.Image, error)   { return lab.AttestationManifest() }
func runnable() (*lab.Image, error)        { return lab.Disguised("disguised") }
func ordinary() (*lab.Image, error)        { return lab.NewImage("no attestation", "linux/amd64") }

// eachOther adds two attestation manifests, each of which names the other.
func eachOther(list []listed) ([]listed, error) {
	first, err := lab.AttestationManifest([]byte("1"))
	if err != nil {
		return nil, err
	}
	second, err := lab.AttestationManifest([]byte("2"))
	if err != nil {
		return nil, err
	}
	return append(list, listed{Listed: lab.Attesting(first, second.Digest())}, listed{Listed: lab.Attesting(second, first.Digest())}), nil
}

func platformEntries() []Case {
	of := func(name, shows string, want Want, build func(*Bench) error) Case {
		return Case{ID: slug(21, name), Class: 21, Shows: shows, Want: want, Build: build}
	}
	disguised := Fails("platforms", "platforms.not_attestation")
	about := func(digest string) func(*lab.Listed) {
		return func(e *lab.Listed) { e.Annotations[lab.BuildKitDigestAnnotation] = digest }
	}
	return []Case{
		of("platform added", "An image for one more platform, which nobody signed, was added to an index of signed images.", lacking(), entries(added("linux/s390x", hangsNothing))),
		of("platform added by a stranger", "The added image is signed and attested by a workflow of another repository.",
			Fails("signature", "signature.identity_mismatch"), entries(added("linux/s390x", hangsStrangers))),
		of("image without a platform", "The added image names no platform, so that clients take it as they please.", lacking(), entries(added("", hangsNothing))),
		of("second image for a platform", "The added image is for a platform that the index has already, and some clients take the last.", lacking(), entries(added("linux/amd64", hangsNothing))),
		of("variant of a platform", "The added image is for linux/amd64/v3, which clients on new processors prefer to the signed one.", lacking(), entries(added("linux/amd64/v3", hangsNothing))),
		of("signed image moved in the list", "An unsigned image stands in the list in the place of the signed one for linux/amd64, and that one follows without a platform.",
			lacking(), entries(func(list []listed) ([]listed, error) {
				list, err := added("linux/amd64", hangsNothing)(list)
				list[0], list[2] = list[2], list[0]
				list[2].Platform = ""
				return list, err
			})),
		of("nested index", "The index lists another index, which is signed and attested, and the image inside is not.", lacking(), nestedIndex(false)),
		of("nested too deep", "Four indexes lie inside each other, and only the outermost but the image is what clients run.",
			CannotTell("signature", "limit.exceeded"), deep(5)),
		of("image behind two hundred and fifty six", "The index lists 256 signed images, and then one that nobody signed.", CannotTell("signature", "limit.exceeded"), (*Bench).crowd),
		of("unknown platform with real layers", "An entry for unknown/unknown bears BuildKit's mark, and besides a statement it has a layer that can be run.", disguised, attesting(runnable, nil)),
		of("unknown platform without statements", "An entry bears BuildKit's mark, and its manifest has no layer at all.", disguised, attesting(nothingInside, nil)),
		of("unknown platform with an image", "An entry bears BuildKit's mark, and its manifest is an ordinary image.", disguised, attesting(ordinary, nil)),
		of("mark names no sibling", "An attestation manifest names an image that is not in the index.", disguised, attesting(statementsAlone, about(lab.OtherDigest()))),
		of("mark names itself", "An attestation manifest names itself.", disguised, attesting(statementsAlone, func(e *lab.Listed) { about(e.Digest())(e) })),
		of("mark names nothing", "An attestation manifest names no image.", disguised, attesting(statementsAlone, func(e *lab.Listed) { delete(e.Annotations, lab.BuildKitDigestAnnotation) })),
		of("mark with a platform", "An entry bears BuildKit's mark and the platform linux/amd64, so that clients may run it.", disguised, attesting(runnable, func(e *lab.Listed) { e.Platform = "linux/amd64" })),
		of("mark with a variant", "An entry bears BuildKit's mark and the platform unknown/unknown/v8.", disguised, attesting(statementsAlone, func(e *lab.Listed) { e.Platform = lab.UnknownPlatform + "/v8" })),
		of("mark without a platform", "An entry bears BuildKit's mark and no platform.", disguised, attesting(runnable, func(e *lab.Listed) { e.Platform = "" })),
		of("another mark", "An entry for unknown/unknown says that it is an attestation, in words that are not BuildKit's.", disguised,
			attesting(statementsAlone, func(e *lab.Listed) { e.Annotations[lab.BuildKitTypeAnnotation] = "attestation" })),
		of("marks that name each other", "Two attestation manifests name each other and no image.", disguised, entries(eachOther)),
	}
}

// deep is an index of so many levels around two signed images, of which nothing else is signed.
func deep(levels int) func(*Bench) error {
	return func(b *Bench) error {
		list, err := b.two()
		if err != nil {
			return err
		}
		index, err := lab.NewIndexOf(list[0].Listed, list[1].Listed)
		if err != nil {
			return err
		}
		for range levels - 1 {
			if index, err = lab.NewIndexOf(lab.Listed{Image: index}); err != nil {
				return err
			}
		}
		r, err := b.Release()
		if err != nil {
			return err
		}
		r.Image = index
		if err := b.carry(r, list...); err != nil {
			return err
		}
		return b.Push(r)
	}
}

// crowd publishes an index of more images than anybody looks at, of which the last is not signed.
func (b *Bench) crowd() error {
	b.Rule(SourceLeg, SignatureLeg)
	r, err := b.Release(Form(lab.BundleForm))
	if err != nil {
		return err
	}
	signer, err := b.Issue(r.Signer(), b.Now())
	if err != nil {
		return err
	}
	names := make([]string, 257)
	for i := range names {
		names[i] = fmt.Sprintf("linux/amd64/v%d", i)
	}
	images, err := lab.Platforms(b.Case.ID, names...)
	if err != nil {
		return err
	}
	if r.Image, err = lab.NewIndexOf(images...); err != nil {
		return err
	}
	for _, e := range images[:len(images)-1] {
		child := r.About(e.Image)
		if err := child.SignBy(signer, lab.Variation{Form: lab.BundleForm}); err != nil {
			return err
		}
		r.Carry(child)
	}
	return b.Push(r)
}
