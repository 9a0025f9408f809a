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
		// check is what the place's evidence is for, and absent its code where there is none.
		check, absent string
		form          Form
		referrers     ReferrersMode
		path          func(*Scene) string
	}{
		{"sig", "legacy signature", "signature", "signature.identity_mismatch", LegacyForm, ReferrersListed, (*Scene).sigPath},
		{"att", "legacy attestations", "provenance", "provenance.missing", LegacyForm, ReferrersListed, (*Scene).attPath},
		{"referrers", "list of referrers", "signature", "signature.identity_mismatch", BundleForm, ReferrersListed, (*Scene).listPath},
		{"fallback", "fallback tag", "signature", "signature.identity_mismatch", BundleForm, ReferrersEmpty, (*Scene).fallbackPath},
	} {
		for _, trouble := range []struct {
			name, gets, code string
			status           int
		}{
			{"401", "a 401", "registry.unauthorized", http.StatusUnauthorized},
			{"403", "a 403", "registry.forbidden", http.StatusForbidden},
			{"429", "a 429", "registry.rate_limited", http.StatusTooManyRequests},
			{"500", "a 500", "registry.server_error", http.StatusInternalServerError},
			{"503", "a 503", "registry.server_error", http.StatusServiceUnavailable},
			{"page", "a page to sign in", "registry.malformed", http.StatusOK},
			{"reset", "a cut connection", "registry.unreachable", reset},
			{"timeout", "no answer", "registry.timeout", never},
			{"404", "a 404", place.absent, http.StatusNotFound},
		} {
			out = append(out, Hostile{
				Name:  "downgrade-" + place.name + "-" + trouble.name,
				Shows: fmt.Sprintf("Who asks for the %s gets %s, and a stranger's signature lies in the other layout.", place.shows, trouble.gets),
				Slow:  trouble.status == never, WantCode: trouble.code, WantCheck: place.check, Refused: trouble.code == place.absent,
				form: place.form, behaviour: Behaviour{Referrers: place.referrers},
				publish: strangerBeside,
				set:     func(s *Scene) error { s.fail(place.path(s), trouble.status); return nil },
			})
		}
	}
	return out
}

// What is not a status of HTTP.
const (
	never = -iota - 1 // no answer
	reset             // the connection is cut
)

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

// fail ends all requests for a path in a status. With 200 comes a page for people.
func (s *Scene) fail(path string, status int) {
	s.answer(path, func(w http.ResponseWriter, req *http.Request) {
		switch status {
		case never:
			s.silence(w, req)
		case reset:
			panic(http.ErrAbortHandler)
		case http.StatusOK:
			page200(w, req)
		default:
			refuse(w, status, "DENIED", "not now")
		}
	})
}
