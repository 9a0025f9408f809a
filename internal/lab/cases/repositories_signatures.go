package cases

import (
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// metadataSignatures are by identities in whose name somebody else signs the targets.
func metadataSignatures() []repositoryCase {
	few, unknown := refusedAs("threshold"), refusedAs("trust.unknown_authority")
	person := func(change func(*lab.Identity)) func(*hall, *lab.TUFSigning) {
		return func(_ *hall, s *lab.TUFSigning) { change(&s.Identity) }
	}
	evidence := func(o ...lab.BundleOption) func(*hall, *lab.TUFSigning) {
		return func(_ *hall, s *lab.TUFSigning) { s.Bundle = o }
	}
	certificate := func(o ...lab.LeafOption) func(*hall, *lab.TUFSigning) {
		return func(_ *hall, s *lab.TUFSigning) { s.Leaf = o }
	}
	var all []repositoryCase
	for _, c := range []struct {
		words, shows string
		want         Want
		sign         func(*hall, *lab.TUFSigning)
	}{
		{"a maintainer of another issuer", "Somebody else signed the listing: the certificate has the maintainer's address, and another issuer.", few,
			person(func(id *lab.Identity) { id.Extensions.Issuer = "https://accounts.google.com" })},
		{"a maintainer of an issuer with a slash", "The certificate's issuer is the right one with a slash more.", few,
			person(func(id *lab.Identity) { id.Extensions.Issuer += "/" })},
		{"a stranger for a maintainer", "A stranger with a certificate of their own signed the listing under the maintainer's key id.", few,
			person(func(id *lab.Identity) { id.Email = "mallory@example.com" })},
		{"a maintainer with a longer name", "The certificate's address begins with the maintainer's.", few,
			person(func(id *lab.Identity) { id.Email += ".evil.example" })},
		{"a maintainer in capitals", "The certificate's address is the maintainer's in capitals, which may be another mailbox.", few,
			person(func(id *lab.Identity) { id.Email = "ALICE@example.com" })},
		{"a maintainer with a second name", "The certificate has the maintainer's address, and a second name beside it.", few,
			person(func(id *lab.Identity) { id.SANs = []string{"https://mallory.example/"} })},
		{"a bundle over other bytes", "The maintainer signed something else, and the bundle was put under the listing.", few,
			func(_ *hall, s *lab.TUFSigning) { s.Over = []byte("something else") }},
		{"a sig of another bundle", "The signature beside the bundle is not the bundle's.", few,
			func(_ *hall, s *lab.TUFSigning) { s.Sig = func(sig string) string { return "AAAA" + sig[4:] } }},
		{"metadata that are in no log", "The maintainer's signature over the listing is in no transparency log, where nobody would see it.", few,
			evidence(lab.Unlogged())},
		{"metadata with a timestamp in place of a log", "A timestamp authority saw the signature, and no transparency log did.", few,
			evidence(lab.Unlogged(), lab.Timestamp())},
		{"metadata in an unknown log", "The signature is in a log that nobody trusts.", unknown, evidence(lab.UnknownLog())},
		{"metadata in a log of a false name", "The log entry names the trusted log and is signed by another key.", few, evidence(lab.ImpostorLog())},
		{"metadata without a certificate log", "The certificate carries no promise of a certificate transparency log.", few, certificate(lab.NoSCT())},
		{"metadata by an unknown certificate log", "The certificate's promise is by a log that nobody trusts.", few, certificate(lab.UnknownCTLog())},
		{"metadata by a certificate of its own", "The certificate with the maintainer's address is signed by itself.", unknown, certificate(lab.SelfSigned())},
		{"metadata logged after the certificate", "The signature was logged an hour after the certificate had expired.", few,
			func(h *hall, s *lab.TUFSigning) { s.At, s.Logged = h.repo.Now, h.repo.Now.Add(time.Hour) }},
		{"metadata of another instance", "The certificate, the log and the timestamp are of a Sigstore that nobody trusts, which certifies anybody as the maintainer.", unknown,
			func(h *hall, s *lab.TUFSigning) { s.Sigstore = h.unknownSigstore() }},
	} {
		all = append(all, repositoryCase{class: 34, words: c.words, shows: c.shows, want: c.want, spoil: func(h *hall) {
			h.repo.Targets.Signers = []*lab.TUFKey{h.people()[0].But(func(s *lab.TUFSigning) { c.sign(h, s) })}
			h.publish()
		}})
	}
	return append(all, movedSignatures()...)
}

// unknownSigstore is an instance that no policy trusts.
func (h *hall) unknownSigstore() *lab.Sigstore {
	s, err := lab.NewSigstore(lab.Options{Now: h.bench.Now(), Name: "stranger"})
	if err != nil {
		h.try(err)
		return h.bench.Sigstore
	}
	return s
}

// movedSignatures are rightly made, for something else.
func movedSignatures() []repositoryCase {
	few := refusedAs("threshold")
	return []repositoryCase{
		{class: 34, words: "targets by the key of another role", want: few,
			shows: "The workflow that signs snapshot and timestamp signed the listing too, which is not its to sign.",
			spoil: func(h *hall) {
				h.repo.Targets.Signers = h.repo.Timestamp.Keys
				h.publish()
			}},
		{class: 34, words: "targets by another role under a maintainers id", want: few,
			shows: "The workflow that signs snapshot and timestamp signed the listing under a maintainer's key id.",
			spoil: func(h *hall) {
				h.repo.Targets.Signers = []*lab.TUFKey{h.repo.Timestamp.Keys[0].Labelled(h.people()[0].ID)}
				h.publish()
			}},
		{class: 34, words: "a signature of another role", want: few,
			shows: "The maintainers' signatures of the root were put under the listing.",
			spoil: func(h *hall) { h.try(h.repo.MoveSignatures("root", "targets")) }},
		{class: 34, words: "a signature of an older version", want: few,
			shows: "The maintainers' signatures of an older listing were put under a newer one.",
			spoil: func(h *hall) {
				var old []lab.TUFSignature
				h.try(h.repo.EditSignatures(h.metadata("targets"), func(all []lab.TUFSignature) []lab.TUFSignature {
					old = all
					return all
				}))
				h.publish("targets")
				h.try(h.repo.EditSignatures(h.metadata("targets"), func([]lab.TUFSignature) []lab.TUFSignature { return old }))
			}},
		{class: 34, words: "a signature without a bundle", want: few,
			shows: "The signature is the maintainer's, and the bundle that shows whose it is was taken away.",
			spoil: func(h *hall) {
				h.try(h.repo.EditSignatures(h.metadata("targets"), func(all []lab.TUFSignature) []lab.TUFSignature {
					for i := range all {
						all[i].Bundle = nil
					}
					return all
				}))
			}},
		{class: 34, words: "a timestamp by a maintainer", want: few,
			shows: "A maintainer, who holds root and targets, signed the timestamp, which is the workflow's to sign.",
			spoil: func(h *hall) {
				h.repo.Timestamp.Signers = h.people()
				h.publish()
			}},
	}
}
