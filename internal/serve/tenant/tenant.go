// Package tenant reads the pull secrets of a pod from the API server, with the
// server's own service account, and makes of them a keychain that is asked for
// nothing but the hosts that the secrets name.
package tenant

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/releaseassay/assay/internal/serve"
)

// Keychain is what a tenant's secrets open.
type Keychain struct {
	authn.Keychain
	// Principal names the tenant and the content of its secrets, "" where they hold no
	// credentials: it belongs to every key under which something is remembered.
	Principal string
}

// Reader reads pull secrets.
type Reader interface {
	// Read returns the keychain of a tenant. A secret that is not there is passed over,
	// as the kubelet does, and so is one that the server was not granted; one that cannot be
	// read for another reason is an error.
	Read(ctx context.Context, t serve.Tenant) (Keychain, error)
}
