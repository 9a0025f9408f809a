package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/verify"
)

// Run looks at files, the trusted root and TUF repositories from time to time, until ctx
// ends or the verifier is closed. Whatever fails is logged and counted, and the last good
// one stays.
func (v *Verifier) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.background, cancel)()
	v.look(ctx)
	whole := time.NewTimer(jittered(v.limits.Refresh))
	defer whole.Stop()
	for {
		files := time.NewTimer(jittered(min(filesEvery, v.limits.Refresh)))
		select {
		case <-files.C:
			v.lookAtFiles()
		case <-whole.C:
			files.Stop()
			v.look(ctx)
			whole.Reset(jittered(v.limits.Refresh))
		case <-ctx.Done():
			files.Stop()
			return
		}
	}
}

// filesEvery is how often the files of policies are looked at: an edit of deny is waited
// for, and reading files costs little.
const filesEvery = 10 * time.Second

// lookAtFiles reads everything anew if a file has changed.
func (v *Verifier) lookAtFiles() {
	defer func() {
		if p := recover(); p != nil {
			v.Log.Error("the look at files ended in a panic", "panic", p)
		}
	}()
	if v.changed() {
		_ = v.Reload() // which logs it
	}
}

// jittered spreads replicas that were started together: a tenth more or less.
func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(max(d, time.Second)) * (0.9 + 0.2*rand.Float64())) //nolint:gosec // no secret
}

// look is one look at everything.
func (v *Verifier) look(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			v.Log.Error("the look at files and repositories ended in a panic", "panic", p)
		}
	}()
	v.updateTrust(ctx)
	if v.changed() || v.Trouble() != nil {
		_ = v.Reload() // which logs it
	}
	v.refreshRepositories(ctx)
	v.count()
}

// count says what the caches hold.
func (v *Verifier) count() {
	entries, bytes := v.verdicts.Len()
	v.Metrics.Entries("memory", entries, bytes)
	entries, bytes = v.tags.Len()
	v.Metrics.Entries("tag", entries, bytes)
	entries, bytes = v.evidence.memory.Len()
	v.Metrics.Entries("evidence", entries, bytes)
}

// listing is a TUF repository that a policy names, with what it is verified by.
type listing struct {
	demand policy.Release
	root   []byte
	// material is the trusted root for what identities signed, nil for none.
	material *verify.TrustedRoot
}

// repositories are the TUF repositories of all policies in force, each once.
func (v *Verifier) repositories() []listing {
	var all []listing
	seen := map[repository]bool{}
	for _, m := range v.current.Load().all() {
		for _, rule := range m.Rules {
			if rule.Release == nil || seen[repositoryOf(rule.Release)] {
				continue
			}
			seen[repositoryOf(rule.Release)] = true
			l := listing{demand: *rule.Release}
			for _, pinned := range m.Policy.Trust.Pinned {
				if pinned.SHA256() == l.demand.TUF.Root.SHA256 {
					l.root = pinned.Bytes()
				}
			}
			for _, r := range m.Policy.Trust.Roots {
				if r.Name() == l.demand.Trust {
					l.material = r
				}
			}
			all = append(all, l)
		}
	}
	return all
}

// refreshRepositories brings the copies of all TUF repositories up to date, so that first
// reviews find them, and verdicts over older ones are not used any more.
func (v *Verifier) refreshRepositories(ctx context.Context) {
	for _, l := range v.repositories() {
		if l.demand.TUF.Refresh == policy.RefreshNever || ctx.Err() != nil {
			continue
		}
		err := v.refreshRepository(ctx, l)
		if v.Metrics.Loaded("tuf", err); err != nil {
			v.Log.Warn("a TUF repository could not be refreshed", "repository", l.demand.TUF.MetadataURL, "error", escaped(err.Error()))
		}
	}
}

func (v *Verifier) refreshRepository(ctx context.Context, l listing) error {
	ctx, cancel := context.WithTimeout(ctx, v.limits.Verification)
	defer cancel()
	demand := l.demand
	o := v.open(task{conf: v.current.Load()})
	defer o.budget.Release()
	client, err := o.Repositories.Open(release.Repository{
		TUF: demand.TUF, Root: l.root, Sigstore: verify.MetadataSigstore(l.material, verify.DefaultLimits()), At: v.Now(),
	})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if demand.TUF.StateRequired && !release.Known(client) {
		return errors.New("nothing is known of it yet, and the policy demands that something is: run assay trust tuf init")
	}
	if v.Floors == nil {
		err = client.Refresh(ctx)
	} else {
		err = v.refreshShared(ctx, client, release.Identity(l.root, demand.TUF.MetadataURL))
	}
	if err != nil {
		return err
	}
	v.versions.saw(repositoryOf(&demand), versionOf(client))
	return nil
}

// refreshShared is a refresh that is held to what other replicas have seen, and tells
// them what it saw.
func (v *Verifier) refreshShared(ctx context.Context, client *tufclient.Client, identity [sha256.Size]byte) error {
	floor, err := v.Floors.Raise(ctx, identity, client.Floor())
	if err == nil {
		err = client.Hold(floor)
	}
	if err == nil {
		err = client.Refresh(ctx)
	}
	if err == nil {
		_, err = v.Floors.Raise(ctx, identity, client.Floor())
	}
	return err
}

// versionOf is what a client has verified.
func versionOf(client *tufclient.Client) version {
	var now version
	for _, r := range client.Trusted().Roots() {
		now.root = max(now.root, r.Version)
	}
	if r, ok := client.Trusted().Role("snapshot"); ok {
		now.snapshot = r.Version
	}
	return now
}
