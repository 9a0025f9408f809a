package cases

import (
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// strangers attest a document as the workflow of the same name in another repository.
func (b *Bench) strangers(write dated, edits ...lab.Edit) step {
	return telling(func(r *lab.Release) { r.Repo = "evil/widget" }, b.attests(write, edits...))
}

// billSigners are good documents that nobody demanded signed, or not now.
func billSigners() []Case {
	bill := undated(lab.CycloneDX).dated
	of := func(name, shows, code, more string, steps func(*Bench) []step) Case {
		return Case{ID: slug(25, name), Class: 25, Shows: shows, Want: Fails("sbom", code), Build: func(b *Bench) error {
			b.Rule(Standard(sbomLeg(more))...)
			return b.publishGood(steps(b)...)
		}}
	}
	return []Case{
		of("no bill", "Nobody attested a bill of materials.", "sbom.missing", "", func(*Bench) []step { return nil }),
		of("bill by a stranger", "A workflow of another repository attested the bill of materials.", "sbom.identity_mismatch", "", func(b *Bench) []step {
			return []step{b.strangers(bill)}
		}),
		of("bill of another image", "The bill of materials of another image was hung on this one.", "sbom.subject_mismatch", "", func(b *Bench) []step {
			return []step{func(r *lab.Release) error {
				statement, err := lab.CycloneDX(r.Repository, lab.OtherDigest())
				if err != nil {
					return err
				}
				return r.Attest(b.Sigstore, r.Signer(), statement)
			}}
		}),
		of("bill under a key", "The bill of materials is signed with a key that the policy does not name.", "sbom.key_signed", "", func(b *Bench) []step {
			return []step{func(r *lab.Release) error {
				signer, err := b.NewKeySigner()
				if err != nil {
					return err
				}
				statement, err := lab.CycloneDX(r.Repository, r.Image.Digest())
				if err != nil {
					return err
				}
				return r.AttestBy(signer, statement, lab.Variation{})
			}}
		}),
		of("bill of an unheard type", "The predicate type of the bill of materials has a slash at its end.", "sbom.missing", "", func(b *Bench) []step {
			return []step{b.attests(bill, lab.Set("predicateType", lab.CycloneDXPredicateType+"/"))}
		}),
		of("good bill kept for a bad one", "Today's bill of materials lists a denied component, and last week's, which does not, lies beside it.", "sbom.component_denied",
			", select: newest, max_age: 30d", func(b *Bench) []step {
				return []step{b.attests(bill, listing(component("event-stream", "3.3.6", "pkg:npm/event-stream@3.3.6"))), b.earlier(7*24*time.Hour, bill)}
			}),
		of("new bill held back", "The registry keeps the newest bill of materials back and shows one of last year.", "sbom.too_old",
			", select: newest, max_age: 30d", func(b *Bench) []step { return []step{b.earlier(200*24*time.Hour, bill)} }),
	}
}

// aboutEach writes a document about each image of an index.
func aboutEach(write undated) func(*Bench) func(platform, digest string) ([]byte, error) {
	return func(b *Bench) func(string, string) ([]byte, error) {
		return func(_, digest string) ([]byte, error) { return write(b.Repository, digest) }
	}
}

// buildKit publishes a signed and attested index with statements inside.
func (b *Bench) buildKit(statements func(*Bench) func(platform, digest string) ([]byte, error)) error {
	index, err := lab.NewBuildKitIndex(b.Case.ID, statements(b))
	if err != nil {
		return err
	}
	r, err := b.Release()
	if err != nil {
		return err
	}
	r.Image = index.Image
	return b.finish(r, b.evidence)
}

// buildKitBills are bills of materials inside the index, which nobody signed by themselves.
func buildKitBills() []Case {
	of := func(name, shows, code, more string, statements func(*Bench) func(platform, digest string) ([]byte, error)) Case {
		return Case{ID: slug(25, name), Class: 25, Shows: shows, Want: Fails("sbom", code), Build: func(b *Bench) error {
			b.Rule(Standard(sbomLeg(more))...)
			return b.buildKit(statements)
		}}
	}
	const accepted = ", buildkit: true"
	part := func(digest func(platform, digest string) string) func(*Bench) func(string, string) ([]byte, error) {
		return func(b *Bench) func(string, string) ([]byte, error) {
			return func(platform, about string) ([]byte, error) {
				if about = digest(platform, about); about == "" {
					return nil, nil
				}
				return lab.SPDX(b.Repository, about)
			}
		}
	}
	return []Case{
		of("unsigned bill in the index", "BuildKit's bill of materials lies in the index, and the policy wants a signed one.", "sbom.missing", "", aboutEach(lab.SPDX)),
		of("bill for one platform in the index", "BuildKit's bill of materials is there for amd64 and not for arm64.", "sbom.incomplete", accepted,
			part(func(platform, digest string) string {
				if platform == "linux/arm64" {
					return ""
				}
				return digest
			})),
		of("bill in the index about another image", "The statement that the index keeps about arm64 is about another image.", "sbom.incomplete", accepted,
			part(func(platform, digest string) string {
				if platform == "linux/arm64" {
					return lab.OtherDigest()
				}
				return digest
			})),
		{
			ID: slug(25, "bill in an unsigned index"), Class: 25, Want: Fails("sbom", "sbom.unsigned"),
			Shows: "Both images are signed and attested and the index is not, so that anybody can put a bill of materials into it.",
			Build: func(b *Bench) error {
				b.Rule(Standard(sbomLeg(accepted))...)
				return b.unsignedBuildKit()
			},
		},
	}
}

// unsignedBuildKit publishes an index with statements inside, of which the images alone are signed.
func (b *Bench) unsignedBuildKit() error {
	index, err := lab.NewBuildKitIndex(b.Case.ID, aboutEach(lab.SPDX)(b))
	if err != nil {
		return err
	}
	r, err := b.Release()
	if err != nil {
		return err
	}
	r.Image = index.Image
	for _, d := range index.Children()[:2] {
		child := r.About(lab.Named(d))
		if err := b.evidence(child); err != nil {
			return err
		}
		r.Carry(child)
	}
	return b.Push(r)
}
