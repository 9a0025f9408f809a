package verifier

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/releaseassay/assay/internal/load"
)

// loading is what is known of the last attempts to read what an administrator says.
type loading struct {
	mu sync.Mutex
	// watched are the files of the snapshot in use, sums their content at the last
	// attempt.
	watched []string
	sums    string
	// failed is why the last attempt failed, nil if it did not.
	failed error
}

// rememberLogins is for how long a login of the server's own is used without asking
// credential helpers again. Verdicts are remembered for longer.
const rememberLogins = 30 * time.Second

// read reads everything. Its error is one of configuration.
func (v *Verifier) read() (*snapshot, error) {
	s := &snapshot{loaded: v.Now()}
	watched := v.configured()
	before := fileSums(watched)
	if err := v.readPolicies(s, &watched); err != nil {
		v.Metrics.Loaded("policy", err)
		return nil, err
	}
	v.Metrics.Loaded("policy", nil)
	var err error
	if file := v.limits.Exceptions; file != "" {
		s.exceptions, err = load.ReadExceptions(file)
		if v.Metrics.Loaded("exceptions", err); err != nil {
			return nil, fmt.Errorf("exceptions: %w", err)
		}
	}
	s.accessDigest = fileSums(nonempty(v.limits.Registries))
	s.access, err = load.NewAccess(load.AccessOptions{
		Config: v.limits.Registries, Strict: true, Getenv: v.Getenv, Version: v.Version, RememberLogins: rememberLogins,
		Rate: v.limits.RegistryRate, Burst: v.limits.RegistryBurst, GitHubAPI: v.Getenv("ASSAY_GITHUB_API"),
	})
	if v.Metrics.Loaded("registries", err); err != nil {
		return nil, fmt.Errorf("registries: %w", err)
	}
	watched = append(watched, s.access.Files()...)
	sums := fileSums(watched) // which is compared from now on, so it must be of what was read
	if before != fileSums(v.configured()) || !v.unchanged(s) {
		s.access.Close()
		return nil, errors.New("the files changed while they were read")
	}
	v.loading.mu.Lock()
	defer v.loading.mu.Unlock()
	v.loading.watched, v.loading.sums = watched, sums
	return s, nil
}

// unchanged reports whether the policies and what they name are still what was read.
func (v *Verifier) unchanged(s *snapshot) bool {
	same := func(p *load.Policy, file string) bool {
		again, err := v.readPolicy(file)
		return err == nil && again.Digest == p.Digest
	}
	for _, m := range s.all() {
		if !same(m.Policy, m.file) {
			return false
		}
	}
	return s.shadow == nil || same(s.shadow, v.limits.Shadow)
}

// readPolicies reads the policies of the settings and the shadow, and adds their files.
func (v *Verifier) readPolicies(s *snapshot, watched *[]string) error {
	if len(v.limits.Policies) == 0 {
		return errors.New("policies: there is none; wanted one at least, since nothing passes without")
	}
	note := func(p *load.Policy, file string) {
		for _, f := range p.Files {
			if !slices.Contains(*watched, f) {
				*watched = append(*watched, f)
			}
		}
		for _, w := range p.Warnings {
			v.Log.Warn("policy", "file", file, "warning", w)
		}
	}
	for _, one := range v.limits.Policies {
		p, err := v.readPolicy(one.File)
		if err != nil {
			return fmt.Errorf("policies: %w", err)
		}
		m, err := newMapping(p, one.File, one.Namespaces)
		if err != nil {
			return fmt.Errorf("policies: %w", err)
		}
		note(p, one.File)
		switch {
		case len(one.Namespaces) > 0:
			s.mapped = append(s.mapped, m)
		case s.fallback != nil:
			return fmt.Errorf("policies: %s and %s name no namespaces; wanted one such policy at most", s.fallback.file, one.File)
		default:
			s.fallback = m
		}
	}
	if v.limits.Shadow == "" {
		return nil
	}
	p, err := v.readPolicy(v.limits.Shadow)
	if err != nil {
		return fmt.Errorf("shadow: %w", err)
	}
	note(p, v.limits.Shadow)
	s.shadow = p
	return nil
}

func (v *Verifier) readPolicy(file string) (*load.Policy, error) {
	o := load.PolicyOptions{Version: v.Version, CacheDir: v.state, TrustedRoot: v.limits.TrustedRoot}
	return load.ReadPolicy(file, o)
}

// configured are the files that the settings name.
func (v *Verifier) configured() []string {
	var files []string
	for _, p := range v.limits.Policies {
		files = append(files, p.File)
	}
	return append(files, nonempty(v.limits.Exceptions, v.limits.Shadow, v.limits.Registries, v.limits.TrustedRoot)...)
}

func nonempty(list ...string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// use puts a snapshot into force for every question from now on.
func (v *Verifier) use(s *snapshot) {
	old := v.current.Swap(s)
	v.audits.changed(old, v.Now())
	policies, audits, exceptions := map[string]time.Time{}, map[string]time.Time{}, map[string]time.Time{}
	for _, m := range s.all() {
		policies[named(m.Name)], audits[named(m.Name)] = m.Expires, m.AuditUntil
	}
	if s.exceptions != nil {
		for _, e := range s.exceptions.List {
			if at, there := exceptions[e.Digest]; !there || e.Expires.Before(at) {
				exceptions[e.Digest] = e.Expires
			}
		}
	}
	v.Metrics.Ends("policy", policies)
	v.Metrics.Ends("audit", audits)
	v.Metrics.Ends("exception", exceptions)
	v.trust.read(v, s)
	if old != nil {
		old.access.Close() // what no request uses; those that run go on
	}
}

// Reload reads everything anew and puts it into force at once. On an error nothing
// changes: the last good one stays, and the error is logged and counted.
func (v *Verifier) Reload() error {
	v.reloading.Lock()
	defer v.reloading.Unlock()
	s, err := v.read()
	v.loading.mu.Lock()
	v.loading.failed = err
	v.loading.mu.Unlock()
	if err != nil {
		v.Log.Error("the new configuration is refused, and the last good one stays in force", "error", err)
		return fmt.Errorf("reload: the last good configuration stays in force: %w", err)
	}
	v.use(s)
	v.Log.Info("loaded", "policies", s.policyNames())
	return nil
}

// Trouble is why what lies on disk now is not in force, nil if it is.
func (v *Verifier) Trouble() error {
	v.loading.mu.Lock()
	defer v.loading.mu.Unlock()
	return v.loading.failed
}

// changed reports whether a file is another than when it was last read. Where that
// failed, it is tried again only after a change.
func (v *Verifier) changed() bool {
	v.loading.mu.Lock()
	watched, sums := slices.Clone(v.loading.watched), v.loading.sums
	v.loading.mu.Unlock()
	now := fileSums(watched)
	if now == sums {
		return false
	}
	v.loading.mu.Lock()
	defer v.loading.mu.Unlock()
	v.loading.sums = now
	return true
}
