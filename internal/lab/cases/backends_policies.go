package cases

import (
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// edits are questions about one image under a policy that changed in between.
func edits() []Case {
	var out []Case
	for _, e := range []struct {
		words, shows string
		want         Want
		head, rule   []string
		stranger     bool // brings a root of its own
	}{
		{
			words: "policy edited", shows: "The image passed, and the policy demands the source of another project now.",
			want: Fails("signature", "signature.identity_mismatch"),
			rule: []string{`source: {repository: acme/gadget, ref: "refs/tags/v{version}"}`, SignatureLeg, ProvenanceLeg},
		},
		{
			words: "policy expired", shows: "The image passed, and the policy has come to its end.",
			want: Fails("policy", "policy.expired"), head: []string{"expires: 2020-01-01"}, rule: Standard(),
		},
		{
			words: "digest denied", shows: "The image passed, and the policy denies its digest now.",
			want: Fails("freshness", "freshness.denied_digest"), head: []string{`deny: {digests: ["DIGEST"]}`}, rule: Standard(),
		},
		{
			words: "trust rotated", shows: "The image passed, and the signature has to be by another authority now.",
			want: Fails("signature", "trust.unknown_authority"), stranger: true,
			rule: []string{
				SourceLeg, `signature: {trust: rotated, signer: {issuer: ` + lab.GitHubIssuer + `, workflow: ` + lab.DefaultWorkflow + `}}`, ProvenanceLeg,
			},
		},
	} {
		out = append(out, Case{ID: slug(39, e.words), Class: 39, Shows: e.shows, Want: e.want, PolicyOnly: true, Build: func(b *Bench) error {
			return b.edited(e.head, e.rule, e.stranger)
		}})
	}
	return out
}

// edited asks for a good release under its own policy, and then under another one. DIGEST is the release's.
func (b *Bench) edited(head, rule []string, stranger bool) error {
	r, err := b.Good()
	if err != nil {
		return err
	}
	head = slices.Clone(head)
	for i := range head {
		head[i] = strings.ReplaceAll(head[i], "DIGEST", r.Image.Digest())
	}
	if stranger {
		other, err := lab.NewSigstore(lab.Options{Now: b.Now(), Name: "rotated"})
		if err != nil {
			return err
		}
		if err := b.Trust("rotated", other); err != nil {
			return err
		}
		b.Rule(Standard()...)
	}
	policy, err := b.Other("then", head, rule)
	if err != nil {
		return err
	}
	b.Ask(Act{Want: Admits()})
	b.Ask(Act{Policy: policy})
	return b.Push(r)
}
