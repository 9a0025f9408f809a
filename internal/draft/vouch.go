package draft

import (
	"path"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// vouch writes the policy for an image that carries nothing: a workflow of one's own
// signs the digest into a repository for evidence, and the rule demands that workflow.
func (d *drafter) vouch() []byte {
	ref := d.image.Reference
	pinned := comment(ref.Name() + "@" + d.image.Digest)
	var w writer
	w.remark(0, "A draft, written by `assay policy init`. A PERSON MUST READ IT, and replace OWNER and registry.example.com.")
	w.remark(0, comment(ref.Pinned(d.image.Digest))+" carries no signature and no attestation: nobody says that it is theirs.")
	if len(d.held) > 0 {
		w.remark(0, "BuildKit keeps a bill of materials inside it, which nobody signed: it counts for nothing by itself.")
	}
	w.remark(0, "What is left is to vouch for it: somebody of yours looks at this digest, and a workflow of yours signs it into a repository of yours. The policy demands that signature. The image does not pass until it is there.")
	w.line(0, "#")
	w.remark(0, "In a workflow .github/workflows/vouch.yml of OWNER/vouch that people start by hand on the branch main, with permissions {id-token: write, packages: write}:")
	w.line(0, "#   export COSIGN_REPOSITORY=registry.example.com/evidence")
	w.line(0, "#   cosign sign --yes %s", pinned)
	w.remark(0, "Then: assay verify "+comment(ref.String())+" --policy FILE")
	w.remark(0, "Pin the numeric ids of OWNER/vouch too: repository_id and owner_id under source; `assay inspect` shows them once something is signed.")
	w.line(0, "#")
	w.remark(0, "It constrains neither the version nor the tag: what you vouch for is a digest. Who may start the workflow may vouch.")
	w.line(0, "apiVersion: %s", policy.APIVersion)
	w.line(0, "kind: %s", policy.Kind)
	w.line(0, "metadata: {name: %s}", quoted(path.Base(ref.Name())))
	w.line(0, "images:")
	w.line(2, "- match: %s", quoted(ref.Name()))
	w.lines(4, strings.Split(`evidence: ["registry.example.com/evidence"] # where COSIGN_REPOSITORY points to
source:
  repository: OWNER/vouch
  ref: refs/heads/main
signature:
  signer:
    issuer: https://token.actions.githubusercontent.com
    workflow: .github/workflows/vouch.yml
    trigger: workflow_dispatch
    runner: github-hosted`, "\n"))
	return []byte(w.b.String())
}
