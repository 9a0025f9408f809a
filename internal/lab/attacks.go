package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Attack is a release that must not pass, with the reason that a verifier has to give.
type Attack struct {
	*Release
	// Name is short and goes into the tag.
	Name string
	// Shows says in one sentence what is wrong.
	Shows string
	// Advisory names a published weakness of this kind; empty when there is none to name.
	Advisory string
	// WantCheck is the check that has to fail and WantCode its reason.
	WantCheck, WantCode string
}

// Attacks makes the attacks of the demonstration. Each is a version of its own under the repository of opts, tagged
// with the tag of opts, a hyphen and the attack's name, and all else about it is as in a good release.
func Attacks(s *Sigstore, opts ReleaseOptions) ([]Attack, error) {
	stranger, err := NewSigstore(Options{Now: s.Now(), Name: "stranger"})
	if err != nil {
		return nil, fmt.Errorf("make second instance: %w", err)
	}
	base := orDefault(opts.Tag, DefaultTag)
	var out []Attack
	for _, recipe := range attackRecipes(s, stranger) {
		opts.Tag = base + "-" + recipe.Name
		release, err := NewRelease(s, opts)
		if err != nil {
			return nil, fmt.Errorf("make attack %s: %w", recipe.Name, err)
		}
		for _, step := range recipe.steps {
			if err := step(release); err != nil {
				return nil, fmt.Errorf("make attack %s: %w", recipe.Name, err)
			}
		}
		recipe.Release = release
		out = append(out, recipe.Attack)
	}
	return out, nil
}

// attackRecipe is an attack with the steps that turn a bare image into it.
type attackRecipe struct {
	Attack
	steps []step
}

type step func(*Release) error

func attackRecipes(s, stranger *Sigstore) []attackRecipe {
	return []attackRecipe{
		{
			Attack: Attack{
				Name:      "unsigned",
				Shows:     "Somebody pushed an image and attached nothing to it.",
				Advisory:  "CVE-2025-25204",
				WantCheck: "signature", WantCode: "signature.missing",
			},
		},
		{
			Attack: Attack{
				Name:      "signed-by-stranger",
				Shows:     "The signature is valid, but the workflow that made it belongs to another repository.",
				WantCheck: "signature", WantCode: "signature.identity_mismatch",
			},
			steps: []step{strangerSigns(s), provenance(s, nil)},
		},
		{
			Attack: Attack{
				Name:      "provenance-of-another",
				Shows:     "The provenance is authentic, but it describes another image.",
				WantCheck: "provenance", WantCode: "provenance.subject_mismatch",
			},
			steps: []step{sign(s), provenance(s, otherSubject)},
		},
		{
			Attack: Attack{
				Name:      "sbom-for-signature",
				Shows:     "The right workflow attested a bill of materials and never signed the image.",
				Advisory:  "CVE-2022-35929",
				WantCheck: "signature", WantCode: "signature.missing",
			},
			steps: []step{attestSBOM(s), provenance(s, nil)},
		},
		{
			Attack: Attack{
				Name:      "built-from-branch",
				Shows:     "The image is signed at the tag, but it was built from the main branch.",
				WantCheck: "provenance", WantCode: "provenance.source_mismatch",
			},
			steps: []step{sign(s), branchProvenance(s)},
		},
		{
			Attack: Attack{
				Name:      "unknown-authority",
				Shows:     "Every name is right, but the certificates and logs are of an instance that nobody trusts.",
				WantCheck: "signature", WantCode: "trust.unknown_authority",
			},
			steps: []step{sign(stranger), provenance(stranger, nil)},
		},
	}
}

func sign(s *Sigstore) step {
	return func(r *Release) error { return r.Sign(s, r.Signer()) }
}

// strangerSigns has the workflow of the same name in another repository sign.
func strangerSigns(s *Sigstore) step {
	return func(r *Release) error {
		return r.Sign(s, GitHub("evil/widget", r.Ref, commitOf("evil"), DefaultWorkflow).WithIDs("6666", "7777"))
	}
}

// provenance adds good provenance after a change to what it says.
func provenance(s *Sigstore, change func(*ProvenanceOptions)) step {
	return func(r *Release) error {
		opts := r.Provenance()
		if change != nil {
			change(&opts)
		}
		return r.AddProvenance(s, r.Builder(), opts)
	}
}

func otherSubject(o *ProvenanceOptions) {
	o.Subjects = Subjects(o.Subjects[0].Name, hexDigest("another image"))
}

// branchProvenance adds provenance, certificate included, of a build of the main branch.
func branchProvenance(s *Sigstore) step {
	return func(r *Release) error {
		branch := *r
		branch.Ref = "refs/heads/main"
		return r.AddProvenance(s, branch.Builder(), branch.Provenance())
	}
}

func attestSBOM(s *Sigstore) step {
	return func(r *Release) error {
		statement, err := CycloneDX(r.Repository, r.Image.Digest())
		if err != nil {
			return err
		}
		return r.Attest(s, r.Signer(), statement)
	}
}

// hexDigest derives a made-up SHA-256 from a name.
func hexDigest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}
