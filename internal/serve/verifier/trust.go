package verifier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// trusted is what is known of the age of the root that is built in.
type trusted struct {
	mu sync.Mutex
	// builtin is false where no policy rests on that root; then nothing has an age.
	builtin bool
	// date is when the root in use was known for the current one, tried when it was last
	// asked for another.
	date, tried time.Time
	// update asks; tests put something else here.
	update func(context.Context, trust.UpdateOptions) (trust.Result, error)
}

// updateEvery is how often the trusted root is asked for: it changes a few times a year.
const updateEvery = 6 * time.Hour

// read notes what a snapshot rests on.
func (t *trusted) read(v *Verifier, s *snapshot) {
	builtin := false
	for _, m := range s.all() {
		for _, entry := range m.Policy.Policy.Trust {
			builtin = builtin || entry.Builtin
		}
	}
	root, _ := trust.Builtin(v.state)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.builtin = builtin && v.limits.TrustedRoot == ""
	if root.Date.After(t.date) {
		t.date = root.Date
	}
}

// updateTrust asks Sigstore's TUF repository for its trusted root, where a policy rests on
// it. The root that is built in needs no network, and serves until its age is too high.
func (v *Verifier) updateTrust(ctx context.Context) {
	t := &v.trust
	now := v.Now()
	t.mu.Lock()
	due := t.builtin && (t.tried.IsZero() || !now.Before(t.tried.Add(updateEvery)) || now.Before(t.tried))
	update := t.update
	t.mu.Unlock()
	if !due {
		return
	}
	if update == nil {
		update = trust.Update
	}
	ctx, cancel := context.WithTimeout(ctx, v.limits.Verification)
	defer cancel()
	result, err := update(ctx, trust.UpdateOptions{CacheDir: v.state, Now: now, Transport: v.current.Load().access.Transport()})
	if v.Metrics.Loaded("trust", err); err != nil {
		v.Log.Warn("the trusted root could not be updated, and the last one stays", "error", escaped(err.Error()))
		return
	}
	t.mu.Lock()
	t.date, t.tried = now, now
	t.mu.Unlock()
	if result.Changed {
		_ = v.Reload() // which logs it
	}
}

// Ready reports why questions cannot be answered well: the verifier is closed, what is
// trusted is too old, or the store that replicas share what they have seen through cannot
// be reached.
func (v *Verifier) Ready() error {
	if v.background.Err() != nil {
		return errors.New("the verifier is closed")
	}
	v.trust.mu.Lock()
	builtin, date := v.trust.builtin, v.trust.date
	v.trust.mu.Unlock()
	if age := v.Now().Sub(date); builtin && v.limits.TrustAge > 0 && age > v.limits.TrustAge {
		return fmt.Errorf("the trusted root was last known to be current at %s, longer ago than trust_age (%s): let the server reach %s, or bring a root with trusted_root",
			date.UTC().Format(time.RFC3339), v.limits.TrustAge, trust.DefaultMirror)
	}
	if v.Floors == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(v.background, 2*time.Second)
	defer cancel()
	for _, r := range v.repositories() {
		if _, err := v.Floors.Raise(ctx, release.Identity(r.root, r.demand.TUF.MetadataURL), metadata.Floor{}); err != nil {
			return fmt.Errorf("share_floor: %w", err)
		}
	}
	if err := v.Floors.Ready(ctx); err != nil {
		return fmt.Errorf("share_floor: %w", err)
	}
	return nil
}

// ages says since when things are what they are.
func (v *Verifier) ages() map[string]time.Time {
	s := v.current.Load()
	all := map[string]time.Time{}
	for _, m := range s.all() {
		all["policy "+named(m.Name)] = s.loaded
	}
	v.trust.mu.Lock()
	defer v.trust.mu.Unlock()
	if v.trust.builtin {
		all["trust"] = v.trust.date
	}
	return all
}
