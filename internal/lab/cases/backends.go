package cases

import (
	"context"
	"slices"

	"github.com/releaseassay/assay/internal/lab"
)

// backends: classes 37 to 40, in what a command line can be asked.
func backends() []Case {
	return slices.Concat(claims(), forgedVerdicts(), places(), neighbours(), memories(), outages(), edits(), crowds(), escapes())
}

var unsigned = Fails("signature", "signature.missing")

// bare makes an unsigned image that says these pairs of itself wherever it can.
func (b *Bench) bare(pairs map[string]string) (*lab.Release, error) {
	r, err := b.Release()
	if err != nil || pairs == nil {
		return r, err
	}
	r.Image, err = lab.Labelled(b.Case.ID, pairs)
	return r, err
}

// evil makes another image under the same tag, which nobody signed.
func (b *Bench) evil() (*lab.Release, error) {
	return b.Release(func(o *lab.ReleaseOptions) { o.Seed = b.Case.ID + " unsigned" })
}

// own gives the case a registry that its acts can change.
func (b *Bench) own(behaviour lab.Behaviour) (*lab.Registry, error) {
	return b.UseRegistry(lab.RegistryOptions{Behaviour: behaviour, Clock: b.site.opts.Clock})
}

// turn makes the registry behave so before an act.
func (b *Bench) turn(hook lab.Intercept) func(context.Context) error {
	registry := b.Registry
	return func(context.Context) error {
		registry.SetIntercept(hook)
		return nil
	}
}
