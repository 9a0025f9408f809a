package cases

import (
	"net/http"
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// crowd is how many ask at once.
const crowd = 50

// crowds are gates under load, and registries that they wait for in vain.
func crowds() []Case {
	timeout := CannotTell("signature", "registry.timeout")
	return []Case{
		{
			ID: slug(40, "many ask for an unsigned image"), Class: 40, Want: unsigned,
			Shows: "Fifty ask for one unsigned image at once, and each has to be refused.",
			Build: func(b *Bench) error {
				r, err := b.Release()
				if err != nil {
					return err
				}
				b.Ask(Act{AtOnce: crowd})
				return b.Push(r)
			},
		},
		{
			ID: slug(40, "many ask for a release"), Class: 40, Want: Admits(),
			Shows: "Fifty ask for one good release at once, and each has to be admitted.",
			Build: func(b *Bench) error {
				r, err := b.Good()
				if err != nil {
					return err
				}
				b.Ask(Act{AtOnce: crowd})
				return b.Push(r)
			},
		},
		{
			ID: slug(40, "registry never answers"), Class: 40, Slow: true, Want: timeout,
			Shows: "The registry of an unsigned image takes every question and answers none, so that the caller's patience ends first.",
			Build: func(b *Bench) error { return b.unsignedBehind(wait) },
		},
		{
			ID: slug(40, "registry never answers for evidence"), Class: 40, Slow: true, Want: timeout,
			Shows: "The registry gives out an unsigned image at once, and never says whether something is attached to it.",
			Build: func(b *Bench) error {
				return b.unsignedBehind(func(w http.ResponseWriter, req *http.Request) bool { return ofEvidence(req) && wait(w, req) })
			},
		},
		{
			ID: slug(40, "no credentials"), Class: 40, Want: CannotTell("signature", "registry.unauthorized"),
			Shows: "The registry of an unsigned image wants a password that the gate does not have.",
			Build: func(b *Bench) error { return b.unsignedBehind(stranger) },
		},
		{
			ID: slug(40, "no credentials for evidence"), Class: 40, Want: CannotTell("signature", "registry.unauthorized"),
			Shows: "Anybody may pull the unsigned image, and a password that the gate does not have is needed to see what is attached.",
			Build: func(b *Bench) error {
				return b.unsignedBehind(func(w http.ResponseWriter, req *http.Request) bool { return ofEvidence(req) && stranger(w, req) })
			},
		},
	}
}

// unsignedBehind publishes an unsigned image in a registry with a hook.
func (b *Bench) unsignedBehind(hook lab.Intercept) error {
	own, err := b.own(lab.Behaviour{})
	if err != nil {
		return err
	}
	r, err := b.Release()
	if err != nil {
		return err
	}
	if err := b.Push(r); err != nil {
		return err
	}
	own.SetIntercept(hook)
	return nil
}

// ofEvidence reports whether a request is for what is attached to an image.
func ofEvidence(req *http.Request) bool {
	return strings.Contains(req.URL.Path, "/referrers/") || strings.Contains(req.URL.Path, "/manifests/sha256-")
}

// wait answers when nobody listens any more.
func wait(_ http.ResponseWriter, req *http.Request) bool {
	<-req.Context().Done()
	return true
}

// stranger refuses everybody.
func stranger(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("WWW-Authenticate", `Basic realm="of somebody else"`)
	w.WriteHeader(http.StatusUnauthorized)
	return true
}
