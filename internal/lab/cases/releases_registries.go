package cases

import (
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

func releaseRegistries() []Case {
	at := func(name, shows string, behaviour lab.Behaviour) Case {
		return good(name, shows, func(b *Bench) error {
			// The time of this machine: a limit that stands still never ends.
			if _, err := b.UseRegistry(lab.RegistryOptions{Behaviour: behaviour}); err != nil {
				return err
			}
			return b.publish(nil, b.evidence)
		})
	}
	var cases []Case
	for _, behaviour := range lab.Behaviours() {
		cases = append(cases, at("registry like "+behaviour.Name, "The release lies in a registry like this: "+behaviour.Shows, behaviour))
	}
	return append(cases,
		at("registry without referrers", "The registry has no referrers API, so that bundles are listed under the fallback tag.", lab.Behaviour{Referrers: lab.ReferrersAbsent}),
		at("registry with token", "The registry gives a token to anybody who asks, and nothing without one.", lab.Behaviour{Auth: lab.TokenAuth}),
		at("registry private", "The registry gives a token that opens the image only to those who log in.", lab.Behaviour{Auth: lab.TokenAuth, Private: true}),
		at("registry in pages", "The registry lists one referrer a page.", lab.Behaviour{PageSize: 1}),
		at("registry with a limit", "The registry answers four requests and then asks to come back in a second.", lab.Behaviour{Requests: 4, RetryAfter: time.Second}),
		good("registry with a blob store", "The registry sends everybody who reads a blob to another host, which takes a password for a mistake.", func(b *Bench) error {
			registry, err := b.UseRegistry(lab.RegistryOptions{Behaviour: lab.Behaviour{Auth: lab.BasicAuth, Private: true}})
			if err != nil {
				return err
			}
			store, err := b.NewRegistry(lab.RegistryOptions{})
			if err != nil {
				return err
			}
			registry.StoreBlobs(store)
			return b.publish(nil, b.evidence)
		}),
	)
}
