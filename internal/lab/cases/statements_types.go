package cases

import (
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// nearTypes: class 20, predicate types that nearly match.
func nearTypes() []wrong {
	const v1, v02 = lab.SLSAv1PredicateType, lab.SLSAv02PredicateType
	elsewhere := func(t string) string { return "https://evil/" + strings.TrimPrefix(t, "https://") }
	var all []wrong
	for _, t := range []struct{ words, kind, shows string }{
		{"provenance type of somebody else", elsewhere(v1), "The predicate type ends in the wanted one and is somebody else's."},
		{"old provenance type of somebody else", elsewhere(v02), "The predicate type ends in that of SLSA 0.2 and is somebody else's."},
		{"provenance type v1.1", v1 + ".1", "The predicate type begins with the wanted one and is of another version."},
		{"provenance type with a slash", v02 + "/", "The predicate type is the wanted one with a slash behind it."},
		{"provenance type with a query", v02 + "?v=1", "The predicate type is the wanted one with a query behind it."},
		{"provenance type in capitals", strings.ToUpper(v02), "The predicate type is the wanted one in capitals."},
		{"provenance type over http", strings.Replace(v02, "https", "http", 1), "The predicate type begins with http."},
		{"provenance type without a version", strings.TrimSuffix(v02, "/v0.2"), "The predicate type names provenance and no version."},
		{"provenance type after a space", " " + v02, "The predicate type is the wanted one after a space."},
	} {
		all = append(all, wrong{
			class: 20, words: t.words, shows: t.shows, provenance: built(nil, edited(lab.Set("predicateType", t.kind))),
			want: Fails("provenance", "provenance.missing"),
		})
	}
	const sign = lab.SignPredicateType
	for _, t := range []struct{ words, kind, shows string }{
		{"signing type of somebody else", elsewhere(sign), "The type of the signing statement ends in the wanted one and is somebody else's."},
		{"signing type v2", strings.TrimSuffix(sign, "1") + "2", "The type of the signing statement is of another version."},
		{"signing type v10", sign + "0", "The type of the signing statement begins with the wanted one."},
		{"signing type without a version", strings.TrimSuffix(sign, "/v1"), "The type of the signing statement has no version."},
	} {
		all = append(all, wrong{
			class: 20, words: t.words, shows: t.shows, form: lab.BundleForm,
			signature: attested(ourWorkflow(), func(_ *Bench, r *lab.Release) ([]byte, error) {
				return lab.SignStatement(r.Repository, r.Image.Digest(), lab.Set("predicateType", t.kind))
			}),
			want: Fails("signature", "signature.missing"),
		})
	}
	return append(all,
		wrong{
			class: 20, words: "v0.2 called v1", shows: "The provenance is written as SLSA 0.2 and its type says 1.", why: "Read as version 1, it says nothing of its builder and its source.",
			provenance: built(nil, edited(lab.Set("predicateType", v1))), want: Fails("provenance", "provenance.malformed"),
		},
		wrong{
			class: 20, words: "v1 called v0.2", rule: containerRule, shows: "The provenance is written as SLSA 1 and its type says 0.2.",
			goodProvenance: inContainer(), provenance: inContainer(edited(lab.Set("predicateType", v02))), want: Fails("provenance", "provenance.malformed"),
		},
	)
}

// containerRule accepts what the container-based builder attests, in SLSA 1.
var containerRule = []string{SourceLeg, SignatureLeg, "provenance: {builder: {id: https://github.com/" + lab.GeneratorRepository + "/" + lab.ContainerBasedBuilder + ", level: 3}}"}

// inContainer is provenance by the container-based builder.
func inContainer(says ...func(*lab.ProvenanceOptions)) part {
	return attested(builderFrom(lab.GeneratorRepository, lab.ContainerBasedBuilder, lab.GeneratorRef), tellingOf(lab.ProvenanceContainerBased, says))
}

// onRunner is provenance by GitHub's own action.
func onRunner(says ...func(*lab.ProvenanceOptions)) part {
	return attested(ourWorkflow(), tellingOf(lab.ProvenanceGitHub, says))
}

// tellingOf writes provenance of a release after changes.
func tellingOf(write func(lab.ProvenanceOptions) ([]byte, error), says []func(*lab.ProvenanceOptions)) func(*Bench, *lab.Release) ([]byte, error) {
	return func(_ *Bench, r *lab.Release) ([]byte, error) {
		o := r.Provenance()
		for _, change := range says {
			change(&o)
		}
		return write(o)
	}
}
