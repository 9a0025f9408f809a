package lab

import (
	"context"
	"fmt"
	"net/http"
)

// hostileDowngrades fail where the evidence lies, and answer everywhere else: who takes that for absence finds only
// the signature by somebody else that lies in the other layout.
func hostileDowngrades() []Hostile {
	var out []Hostile
	for _, place := range []struct {
		name, shows string
		form        Form
		referrers   ReferrersMode
		path        func(*Scene) string
	}{
		{"sig", "legacy signature", LegacyForm, ReferrersListed, (*Scene).sigPath},
		{"att", "legacy attestations", LegacyForm, ReferrersListed, (*Scene).attPath},
		{"referrers", "list of referrers", BundleForm, ReferrersListed, (*Scene).listPath},
		{"fallback", "fallback tag", BundleForm, ReferrersEmpty, (*Scene).fallbackPath},
	} {
		for _, trouble := range []struct {
			name, code string
			status     int
		}{
			{"401", "registry.unauthorized", http.StatusUnauthorized},
			{"403", "registry.forbidden", http.StatusForbidden},
			{"429", "registry.rate_limited", http.StatusTooManyRequests},
			{"500", "registry.server_error", http.StatusInternalServerError},
			{"timeout", "registry.timeout", 0},
		} {
			out = append(out, Hostile{
				Name:  "downgrade-" + place.name + "-" + trouble.name,
				Shows: fmt.Sprintf("The %s ends in a %s, and a stranger's signature lies in the other layout.", place.shows, trouble.name),
				Slow:  trouble.status == 0, WantCode: trouble.code,
				form: place.form, behaviour: Behaviour{Referrers: place.referrers},
				publish: strangerBeside,
				set:     func(s *Scene) error { s.fail(place.path(s), trouble.status); return nil },
			})
		}
	}
	return out
}

// strangerBeside puts a stranger's signature into the layout that the release does not use.
func strangerBeside(ctx context.Context, s *Scene) error {
	other := *s.Release
	other.Evidence, other.form = Evidence{}, LegacyForm
	if s.Release.form == LegacyForm {
		other.form = BundleForm
	}
	if err := strangerSigns(s.sigstore)(&other); err != nil {
		return err
	}
	repo, err := s.repository()
	if err != nil {
		return err
	}
	return PushEvidence(ctx, repo, s.Release.Image.Descriptor(), other.Evidence, s.Registry.Direct())
}

// fail ends all requests for a path in a status, or for 0 in none.
func (s *Scene) fail(path string, status int) {
	s.answer(path, func(w http.ResponseWriter, req *http.Request) {
		if status == 0 {
			s.silence(w, req)
			return
		}
		refuse(w, status, "DENIED", "not now")
	})
}
