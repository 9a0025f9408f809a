package tenant

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/cache"
)

const (
	// life is how long a tenant's keychain is remembered: so long a login that was taken
	// away may still be used.
	life = 30 * time.Second
	// memory is how many bytes of keychains are remembered.
	memory = 8 << 20
	// maxSecrets is how many pull secrets a pod may name, as in package kube.
	maxSecrets = 100
	// readTime is how long all requests for one tenant take at most.
	readTime = 10 * time.Second
	// defaultAccount is the service account of a pod that names none.
	defaultAccount = "default"
)

// Folder is where Kubernetes mounts a pod's service account.
const Folder = "/var/run/secrets/kubernetes.io/serviceaccount"

// Options say where the API server is, and as whom it is asked.
type Options struct {
	// Dir is the mounted service account: token and ca.crt, both read anew as they
	// change. Default: [Folder].
	Dir string
	// Host and Port are KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT.
	Host, Port string
	// Secret makes principals tell nothing of what is in a secret, even to whoever
	// guesses it. Replicas that share a store must have the same, such as their store key.
	Secret []byte
	Log    *slog.Logger
	// Now is the clock.
	Now func() time.Time
}

// InCluster returns a reader that asks the API server of the cluster it runs in. It makes
// no request; its errors are of configuration.
func InCluster(o Options) (Reader, error) {
	if o.Dir == "" {
		o.Dir = Folder
	}
	if o.Now == nil {
		return nil, errors.New("read pull secrets: wanted a clock, found none")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a, err := newAPI(o.Dir, o.Host, o.Port)
	if err != nil {
		return nil, fmt.Errorf("read pull secrets: %w", err)
	}
	return &reader{api: a, options: o, kept: cache.NewMemory[Keychain](memory, o.Now)}, nil
}

// reader is a Reader over the API server.
type reader struct {
	api     *api
	options Options
	kept    *cache.Memory[Keychain]
	flights singleflight.Group
}

// Read implements [Reader]. A pod that names no pull secrets has those of its service
// account, as Kubernetes does it when it creates the pod.
func (r *reader) Read(ctx context.Context, t serve.Tenant) (Keychain, error) {
	if t.IsZero() {
		return Keychain{Keychain: keychain(nil)}, nil
	}
	key := keyOf(t)
	if k, ok := r.kept.Get(key); ok {
		return k, nil
	}
	done := r.flights.DoChan(string(key[:]), func() (any, error) {
		// Whoever asked first may go; the others still want it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
		defer cancel()
		began := r.options.Now()
		k, err := r.read(ctx, t)
		if err == nil {
			r.kept.Set(key, k, k.Keychain.(keychain).weight(), began.Add(life))
		}
		return k, err
	})
	select {
	case result := <-done:
		if result.Err != nil {
			return Keychain{}, result.Err
		}
		return result.Val.(Keychain), nil
	case <-ctx.Done():
		return Keychain{}, fmt.Errorf("read the pull secrets of the namespace %.70q: %w", t.Namespace, context.Cause(ctx))
	}
}

// Close ends the connections.
func (r *reader) Close() error {
	r.api.client.CloseIdleConnections()
	return nil
}

func (r *reader) read(ctx context.Context, t serve.Tenant) (k Keychain, err error) {
	defer func() {
		if p := recover(); p != nil { // which in a flight would end the process
			k, err = Keychain{}, errors.New("read pull secrets: it ended in a panic")
		}
	}()
	names, err := r.names(ctx, t)
	if err != nil {
		return Keychain{}, err
	}
	var logins []login
	for _, name := range names {
		secret, found, err := r.api.get(ctx, "Secret", t.Namespace, name)
		if errors.Is(err, errNotGranted) {
			r.options.Log.Info("a pull secret is not read", "why", err.Error())
			continue
		}
		if err != nil {
			return Keychain{}, err
		}
		if !found {
			r.options.Log.Debug("a pull secret is not there", "namespace", t.Namespace, "secret", name)
			continue
		}
		more, err := readLogins(secret)
		if err != nil {
			return Keychain{}, fmt.Errorf("read the Secret %s in the namespace %s: %w", name, t.Namespace, err)
		}
		logins = append(logins, more...)
	}
	all := newKeychain(logins)
	return Keychain{Keychain: all, Principal: all.principal(r.options.Secret, t.Namespace)}, nil
}

// names are those of the pull secrets, each once and in their order.
func (r *reader) names(ctx context.Context, t serve.Tenant) ([]string, error) {
	var all []string
	if t.Secrets != "" {
		all = strings.Split(t.Secrets, "\n")
	} else {
		account := t.ServiceAccount
		if account == "" {
			account = defaultAccount
		}
		o, _, err := r.api.get(ctx, "ServiceAccount", t.Namespace, account)
		if errors.Is(err, errNotGranted) {
			r.options.Log.Info("a service account is not read", "why", err.Error())
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, s := range o.ImagePullSecrets {
			all = append(all, s.Name)
		}
	}
	var names []string
	seen := map[string]bool{"": true}
	for _, name := range all {
		if !seen[name] {
			names = append(names, name)
		}
		seen[name] = true
	}
	if len(names) > maxSecrets {
		return nil, fmt.Errorf("read the pull secrets in the namespace %.70q: wanted at most %d, found %d", t.Namespace, maxSecrets, len(names))
	}
	return names, nil
}

// keyOf names a tenant in memory. Those that read the same secrets need not be the same.
func keyOf(t serve.Tenant) cache.Key {
	var b []byte
	for _, s := range []string{t.Namespace, t.ServiceAccount, t.Secrets} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	return sha256.Sum256(b)
}
