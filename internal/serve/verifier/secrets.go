package verifier

import (
	"context"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/releaseassay/assay/internal/serve/tenant"
	"github.com/releaseassay/assay/verify"
)

// secrets are the credentials of a tenant for the image in question; the zero value is
// none.
type secrets struct{ chain authn.Keychain }

func (s secrets) keychain() authn.Keychain { return s.chain }

// secretTime is how long it may take to read pull secrets, for one who waits for longer.
const secretTime = 5 * time.Second

// identify says as whom registries are asked: as the tenant where its secrets are for one
// of the repositories that the rule looks into, else as the server, and then the tenant's
// secrets are used for nothing. An answer is one that says that they could not be read.
func (v *Verifier) identify(ctx context.Context, t *task) *kept {
	chain, err := v.pullSecrets(ctx, t)
	if err != nil && t.asked.Tenant.Secrets == "" {
		// Those of a template's service account: its Pods name them, and are judged with them.
		return nil
	}
	if err != nil {
		return v.undecided(*t, verify.PullSecretsUnreadable, verify.Transient, "the pull secrets of the pod could not be read")
	}
	if chain.Principal == "" || chain.Keychain == nil {
		return nil
	}
	names := t.under.rule.Repositories(t.name)
	if !slices.Contains(names, t.name) {
		names = append(names, t.name)
	}
	for _, n := range names {
		repo, err := name.NewRepository(n)
		if err != nil {
			continue // which is said where it is asked
		}
		auth, err := authn.Resolve(ctx, chain, repo)
		if err != nil {
			return v.undecided(*t, verify.PullSecretsUnreadable, verify.Transient, "the pull secrets of the pod could not be used")
		}
		if auth != nil && auth != authn.Anonymous {
			t.principal, t.secrets = chain.Principal, secrets{chain.Keychain}
			return nil
		}
	}
	return nil
}

// pullSecrets reads the secrets of the question's tenant. The reader remembers them.
func (v *Verifier) pullSecrets(ctx context.Context, t *task) (tenant.Keychain, error) {
	if who := t.asked.Tenant; who.ServiceAccount == "" && who.Secrets == "" {
		return tenant.Keychain{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, secretTime)
	defer cancel()
	chain, err := v.Tenants.Read(ctx, t.asked.Tenant)
	if err != nil {
		v.Log.Warn("pull secrets could not be read", "namespace", escaped(t.asked.Tenant.Namespace), "error", escaped(err.Error()))
	}
	return chain, err
}
