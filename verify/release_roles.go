package verify

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// showRoles writes the roles on the way for the verdict.
func (j *releaseJudge) showRoles() {
	for _, role := range j.way() {
		for _, a := range role.Authorizations {
			shown := VerdictRole{
				Name: role.Name, Version: role.Version, Expires: role.Expires.UTC(), Expired: j.expired(role),
				By: fmt.Sprintf("%s %d", a.By, a.ByVersion), Threshold: a.Threshold, Holders: []VerdictHolder{},
			}
			for _, k := range a.Keys {
				shown.Holders = append(shown.Holders, j.holder(k, a.Signed))
			}
			slices.SortFunc(shown.Holders, func(a, b VerdictHolder) int {
				return cmp.Or(cmp.Compare(a.Identity, b.Identity), cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Type, b.Type))
			})
			j.shown.Roles = append(j.shown.Roles, shown)
		}
	}
}

func (j *releaseJudge) holder(k metadata.Key, signed []metadata.Signature) VerdictHolder {
	h := VerdictHolder{Identity: k.Identity, Issuer: k.Issuer, Key: k.Fingerprint, Type: k.Type}
	if j.demand.Signers != nil {
		_, human := people{*j.demand.Signers}.person(k)
		h.Human = &human
	}
	for _, s := range signed {
		if s.Key.Holder() != k.Holder() {
			continue
		}
		h.Signed = true
		if !s.Time.IsZero() {
			t := s.Time.UTC()
			h.Time = &t
		}
	}
	return h
}
