package cases

import (
	"context"
	"slices"

	"github.com/releaseassay/assay/internal/lab"
)

// registries: classes 27 to 33.
func registries() []Case {
	return slices.Concat(hostiles(), spellings(), tokens(), addresses())
}

// hostiles are the hostile registries of package lab: behind each lies a good release.
func hostiles() []Case {
	var out []Case
	for _, h := range lab.Hostiles() {
		c := Case{
			ID: slug(h.Class, h.Name), Class: h.Class, Shows: h.Shows, Slow: h.Slow, Want: wanted(h),
			Build: func(b *Bench) error { return b.scene(h) },
		}
		if h.Advisory != "" {
			c.Advisories = []string{h.Advisory}
		}
		if h.WantCode == "" {
			c.Why = "It passes: what is judged is pinned, and the registry can hide nothing by this."
		}
		out = append(out, c)
	}
	return out
}

func wanted(h lab.Hostile) Want {
	switch {
	case h.WantCode == "":
		return Admits()
	case h.Refused:
		return Fails(h.WantCheck, h.WantCode)
	}
	return CannotTell(h.WantCheck, h.WantCode)
}

// scene opens a hostile registry and asks for its release. The registry begins anew with each question.
func (b *Bench) scene(h lab.Hostile) error {
	scene, err := h.Open(b.ctx, b.Sigstore, lab.RegistryOptions{Clock: b.site.opts.Clock})
	if err != nil {
		return err
	}
	b.Closes(scene.Close)
	b.Registry, b.Repository = scene.Registry, scene.Release.Repository
	b.Ask(Act{Image: scene.Reference, Want: b.Case.Want.About(scene.Pinned), Turn: func(context.Context) error { return scene.Arm() }})
	return nil
}
