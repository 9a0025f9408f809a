package cases

import (
	"slices"

	"github.com/releaseassay/assay/internal/lab"
)

// platforms: classes 21 and 23.
func platforms() []Case {
	return slices.Concat(platformPlaces(), platformEntries(), platformIndexes(), platformLists(), stories())
}

// attach adds what one manifest carries, which may be nothing.
type attach func(*Bench, *lab.Release) error

// What an image or an index can carry.
var (
	hangsNothing    attach = func(*Bench, *lab.Release) error { return nil }
	hangsSignature  attach = (*Bench).signs
	hangsProvenance attach = (*Bench).builds
	hangsBoth       attach = (*Bench).evidence
)

// listed is an entry of an index with what it carries.
type listed struct {
	lab.Listed
	with attach
}

// two are an index's usual images, each with its evidence.
func (b *Bench) two() ([]listed, error) {
	images, err := lab.Platforms(b.Case.ID, "linux/amd64", "linux/arm64")
	if err != nil {
		return nil, err
	}
	return []listed{{images[0], hangsBoth}, {images[1], hangsBoth}}, nil
}

// list pushes an index over entries; on is what the index itself carries.
func (b *Bench) list(on attach, list ...listed) (*lab.Release, error) {
	images := make([]lab.Listed, len(list))
	for i, e := range list {
		images[i] = e.Listed
	}
	index, err := lab.NewIndexOf(images...)
	if err != nil {
		return nil, err
	}
	r, err := b.Release()
	if err != nil {
		return nil, err
	}
	r.Image = index
	if err := b.carry(r, list...); err != nil {
		return nil, err
	}
	if err := on(b, r); err != nil {
		return nil, err
	}
	return r, b.Push(r)
}

// carry hangs evidence on images, listed or not.
func (b *Bench) carry(r *lab.Release, list ...listed) error {
	for _, e := range list {
		if e.with == nil {
			continue
		}
		child := r.About(e.Image)
		if err := e.with(b, child); err != nil {
			return err
		}
		r.Carry(child)
	}
	return nil
}

// index pushes an index over two images; on is what the index carries, amd64 and arm64 what they do.
func (b *Bench) index(on, amd64, arm64 attach) (*lab.Release, []listed, error) {
	list, err := b.two()
	if err != nil {
		return nil, nil, err
	}
	list[0].with, list[1].with = amd64, arm64
	r, err := b.list(on, list...)
	return r, list, err
}

func (b *Bench) pushIndex(on, amd64, arm64 attach) error {
	_, _, err := b.index(on, amd64, arm64)
	return err
}

// indexed is a case of an index that itself carries nothing, under a rule if there are lines of one.
func indexed(amd64, arm64 attach, rule ...string) func(*Bench) error {
	return func(b *Bench) error {
		if len(rule) > 0 {
			b.Rule(rule...)
		}
		return b.pushIndex(hangsNothing, amd64, arm64)
	}
}

// Legs that say where evidence has to be.
const (
	signatureLeg  = "signature: {signer: " + releaseSigner + ", on: "
	provenanceLeg = "provenance: {builder: {level: 3}, on: "
)

func demandedOn(place string) []string {
	return []string{SourceLeg, signatureLeg + place + "}", provenanceLeg + place + "}"}
}

// lacking is the answer where an image of an index has not what it needs.
func lacking() Want { return Fails("platforms", "platforms.evidence_missing") }

func platformPlaces() []Case {
	of := func(name, shows string, want Want, build func(*Bench) error) Case {
		return Case{ID: slug(21, name), Class: 21, Shows: shows, Want: want, Build: build}
	}
	return []Case{
		of("evidence on one platform", "One image of the index is signed and attested, the other is not, and nor is the index.", lacking(), indexed(hangsBoth, hangsNothing)),
		of("evidence on the images not the index", "Both images are signed and attested, and the policy wants that of the index, which lists what it likes.",
			Fails("signature", "signature.missing"), indexed(hangsBoth, hangsBoth, demandedOn("index")...)),
		of("evidence on the index not the images", "The index is signed and attested, and the policy wants that of each image.",
			Fails("signature", "signature.missing"), func(b *Bench) error {
				b.Rule(demandedOn("platforms")...)
				return b.pushIndex(hangsBoth, hangsNothing, hangsNothing)
			}),
		of("amd64 shown for arm64", "What was signed about the amd64 image hangs on the arm64 image too.",
			Fails("signature", "signature.subject_mismatch"), func(b *Bench) error { return b.borrowed(0, 1) }),
		of("image shown for the index", "What was signed about one image hangs on the index.",
			Fails("signature", "signature.subject_mismatch"), func(b *Bench) error {
				b.Rule(demandedOn("index")...)
				return b.borrowed(0, -1)
			}),
		of("signature here provenance there", "The amd64 image has a signature and no provenance, the arm64 image has provenance and no signature.", lacking(), indexed(hangsSignature, hangsProvenance)),
		of("provenance of one platform", "The index is signed, and the provenance is about one of its images alone.",
			Fails("provenance", "provenance.missing"), func(b *Bench) error { return b.pushIndex(hangsSignature, hangsProvenance, hangsNothing) }),
		of("digest of an unsigned platform", "The digest of one image is asked for, as a kubelet does, and only the other image of the index is signed.",
			Fails("signature", "signature.missing"), func(b *Bench) error { return b.askOne(1, hangsBoth, hangsNothing) }),
		of("signature of the old index", "The index was signed, then an image was added and the signature of the index before was hung on the new one.",
			Fails("signature", "signature.subject_mismatch"), (*Bench).indexReplaced),
		of("another index named", "The digest of an image that nobody signed is asked for, and a signed index is named that does not hold it.",
			Fails("platforms", "platforms.not_in_index"), (*Bench).strangeIndex),
	}
}

// borrowed has the evidence about one image hang on another as well; -1 is the index.
func (b *Bench) borrowed(from, to int) error {
	list, err := b.two()
	if err != nil {
		return err
	}
	if to >= 0 {
		list[to].with = hangsNothing
	}
	r, err := b.list(hangsNothing, list...)
	if err != nil {
		return err
	}
	lender := r.About(list[from].Image)
	if err := b.evidence(lender); err != nil {
		return err
	}
	if to < 0 {
		return b.hang(r.Image, lender)
	}
	return b.hang(list[to].Image, lender)
}

// hang publishes evidence under a manifest that it is not about.
func (b *Bench) hang(on *lab.Image, lender *lab.Release) error {
	repo, err := b.Repo()
	if err != nil {
		return err
	}
	return lab.PushEvidence(b.Context(), repo, on.Descriptor(), lender.Evidence, b.Registry.Direct())
}

// askOne asks for one image of an index by digest.
func (b *Bench) askOne(n int, amd64, arm64 attach) error {
	_, list, err := b.index(hangsNothing, amd64, arm64)
	if err != nil {
		return err
	}
	b.Ask(Act{Image: b.Repository + "@" + list[n].Digest()})
	return nil
}

// indexReplaced pushes a longer index over a signed one, with what was signed about that.
func (b *Bench) indexReplaced() error {
	signedIndex, list, err := b.index(hangsBoth, hangsNothing, hangsNothing)
	if err != nil {
		return err
	}
	added, err := lab.Platforms(b.Case.ID+" added", "linux/s390x")
	if err != nil {
		return err
	}
	r, err := b.list(hangsNothing, append(list, listed{Listed: added[0]})...)
	if err != nil {
		return err
	}
	return b.hang(r.Image, signedIndex)
}

// strangeIndex asks for an image within an index that does not hold it.
func (b *Bench) strangeIndex() error {
	if err := b.pushIndex(hangsBoth, hangsNothing, hangsNothing); err != nil {
		return err
	}
	other, err := lab.NewImage(b.Case.ID+" other", "linux/amd64")
	if err != nil {
		return err
	}
	repo, err := b.Repo()
	if err != nil {
		return err
	}
	b.Ask(Act{Image: b.Repository + "@" + other.Digest(), Args: []string{"--index", b.Reference()}})
	return lab.PushImage(b.Context(), repo, "", other, b.Registry.Direct())
}
