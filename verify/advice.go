package verify

import (
	"strings"

	"github.com/releaseassay/assay/internal/shell"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/sbom"
)

// next says what a person can do about a code.
func next(c Code) string {
	for _, r := range Reasons() {
		if r.Code == c {
			return r.Next
		}
	}
	return ""
}

// reproduce writes the command of cosign, slsa-verifier or gh that shows by hand
// what a check looks at. It demands no more than that tool can.
func reproduce(check string, q *question) string {
	ref := q.facts.image.Reference
	image := ref.Name() + "@" + q.facts.image.Digest
	switch s, p := q.rule.Signature, q.rule.Provenance; {
	case check == "signature" && len(s.Signers) > 0:
		return cosignCommand(s.Demand, image, q.vars, "verify")
	case check == "provenance" && len(p.Sources) > 0:
		return provenanceCommand(p, image, q.vars)
	case check == "sbom" && len(q.rule.SBOM.Signers) > 0:
		return cosignCommand(q.rule.SBOM.Demand, image, q.vars, "verify-attestation", "--type", sbomType(q.rule.SBOM.Format))
	}
	for _, a := range q.rule.Attestations {
		if check == attestationPrefix+a.Name && len(a.Signers) > 0 {
			return cosignCommand(a.Demand, image, q.vars, "verify-attestation", "--type", a.Type)
		}
	}
	return "" // a policy that was not parsed may demand nothing, and is never met
}

// sbomType is the predicate type to ask cosign for, the commoner one where both do.
func sbomType(format sbom.Format) string {
	if format == sbom.SPDX {
		return sbom.PredicateSPDX
	}
	return sbom.PredicateCycloneDX
}

// cosignCommand writes the command of cosign, with its arguments, for the first signer
// of a demand.
func cosignCommand(s policy.Demand, image string, vars policy.Vars, command ...string) string {
	signer := s.Signers[0]
	args := append([]string{"cosign"}, command...)
	if signer.Key != nil {
		return shell.Join(append(args, "--key", signer.Key.File, image)...)
	}
	args = append(args, "--certificate-oidc-issuer", signer.Issuer)
	switch identity, exact := signer.Identity.Expand(vars); {
	case exact:
		args = append(args, "--certificate-identity", identity)
	case !signer.IdentityRegexp.IsZero():
		args = append(args, "--certificate-identity-regexp", "^(?:"+signer.IdentityRegexp.String()+")$")
	default:
		args = append(args, "--certificate-identity-regexp", "^"+quoteRegexp(repositoryOf(signer, s.Sources))+"/")
	}
	if _, base := policy.IssuerGrammar(signer.Issuer); base == "https://github.com" && len(s.Sources) > 0 {
		if r := s.Sources[0].Repository; r.IsExact() {
			args = append(args, "--certificate-github-workflow-repository", strings.TrimPrefix(r.String(), base+"/"))
		}
	}
	return shell.Join(append(args, image)...)
}

func repositoryOf(signer policy.Signer, sources []policy.Source) string {
	if !signer.Repository.IsZero() {
		return signer.Repository.String()
	}
	if len(sources) > 0 {
		return sources[0].Repository.String()
	}
	return ""
}

// quoteRegexp escapes the characters that stand in URLs, and opens stars.
func quoteRegexp(s string) string {
	return strings.NewReplacer(".", `\.`, "**", ".*", "*", "[^/]*").Replace(s)
}

func provenanceCommand(p *policy.Provenance, image string, vars policy.Vars) string {
	repository := strings.TrimPrefix(p.Sources[0].Repository.String(), "https://")
	if ids := p.Builder.IDs; len(ids) > 0 && strings.HasPrefix(ids[0], generatorWorkflows) {
		args := []string{"slsa-verifier", "verify-image", image, "--source-uri", repository, "--builder-id", ids[0]}
		for _, ref := range p.Sources[0].Ref {
			if s, ok := ref.Expand(vars); ok && strings.HasPrefix(s, "refs/tags/") && len(p.Sources[0].Ref) == 1 {
				args = append(args, "--source-tag", strings.TrimPrefix(s, "refs/tags/"))
			}
		}
		return shell.Join(args...)
	}
	return shell.Join("gh", "attestation", "verify", "oci://"+image, "--repo", strings.TrimPrefix(repository, "github.com/"))
}
