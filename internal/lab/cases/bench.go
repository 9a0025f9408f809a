package cases

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/releaseassay/assay/internal/lab"
)

// Bench is where one case is made. Its Repository is the case's own, "HOST/attack/ID/widget" (or "HOST/good/..."); the
// source repository, its workflow and its tag are those of every release of the lab, so that one command line can be
// put to all cases.
type Bench struct {
	// Sigstore is the instance that the site's policies trust as public-good.
	*lab.Sigstore
	Case Case
	// Registry holds the case's images; UseRegistry replaces it.
	Registry *lab.Registry
	// Repository is the name of the case's image without a tag.
	Repository string

	ctx  context.Context //nolint:containedctx // a bench lives as long as one call of Build
	site *Site

	acts  []Act
	args  []string
	rule  []string // of the case's own policy; nil is the shared policy
	head  []string
	match string
	trust []string
	root  string // the trusted root that other tools need
	env   []string
}

// Context ends when the site gives up opening.
func (b *Bench) Context() context.Context { return b.ctx }

// Release makes a bare release of this case, with a content of its own. Options that are not given are those of every
// release; Seed and Repository are the bench's.
func (b *Bench) Release(change ...func(*lab.ReleaseOptions)) (*lab.Release, error) {
	return lab.NewRelease(b.Sigstore, b.options(change))
}

// Good makes a release as it should be: signature and provenance.
func (b *Bench) Good(change ...func(*lab.ReleaseOptions)) (*lab.Release, error) {
	return lab.GoodRelease(b.Sigstore, b.options(change))
}

func (b *Bench) options(change []func(*lab.ReleaseOptions)) lab.ReleaseOptions {
	o := lab.ReleaseOptions{Repository: b.Repository, Seed: b.Case.ID}
	for _, c := range change {
		c(&o)
	}
	return o
}

// Form makes a release carry its evidence in one layout.
func Form(f lab.Form) func(*lab.ReleaseOptions) {
	return func(o *lab.ReleaseOptions) { o.Form = f }
}

// Push publishes a release, past every behaviour of the registry.
func (b *Bench) Push(r *lab.Release) error { return b.PushTo(b.Registry, r) }

// PushTo publishes a release in a registry, past its behaviour.
func (b *Bench) PushTo(to *lab.Registry, r *lab.Release) error {
	repo, err := name.NewRepository(r.Repository)
	if err != nil {
		return fmt.Errorf("push %s: %w", r.Repository, err)
	}
	return lab.Push(b.ctx, repo, r.Publication, to.Direct())
}

// Repo is the case's repository in its registry.
func (b *Bench) Repo() (name.Repository, error) { return name.NewRepository(b.Repository) }

// UseRegistry gives the case a registry of its own, started and closed with the site.
func (b *Bench) UseRegistry(opts lab.RegistryOptions) (*lab.Registry, error) {
	r, err := b.NewRegistry(opts)
	if err != nil {
		return nil, err
	}
	b.Registry = r
	b.Repository = r.Host() + "/" + b.site.path(b.Case)
	return r, nil
}

// NewRegistry starts a further registry.
func (b *Bench) NewRegistry(opts lab.RegistryOptions) (*lab.Registry, error) {
	r := lab.NewRegistry(opts)
	if err := r.Start(); err != nil {
		return nil, err
	}
	b.Closes(r.Close)
	return r, nil
}

// Closes has the site call a function when it closes.
func (b *Bench) Closes(f func() error) { b.site.closes(f) }

// Rule gives the case a policy of its own with one rule for its repository: each line is a key of the rule, such as
// "signature: {...}", and lines below it that belong to it are indented. See [Standard].
func (b *Bench) Rule(lines ...string) { b.rule = lines }

// Match replaces what that rule is for, which is the bench's Repository.
func (b *Bench) Match(pattern string) { b.match = pattern }

// Other writes a further policy, for [Act].Policy, with these keys at the top and this rule for the bench's Repository.
func (b *Bench) Other(name string, head, rule []string) (string, error) {
	other := *b
	other.head, other.rule = head, rule
	file := "policies/" + b.Case.ID + "-" + name + ".yaml"
	return file, b.File(file, []byte(b.site.policy(&other)))
}

// Head adds keys to the top of the case's own policy, such as "deny: {...}".
func (b *Bench) Head(lines ...string) { b.head = append(b.head, lines...) }

// Trust names the root of another instance in the case's own policy, so that a rule can demand it: `trust: NAME`.
func (b *Bench) Trust(name string, s *lab.Sigstore, more ...string) error {
	raw, err := s.TrustedRoot()
	if err != nil {
		return fmt.Errorf("write the root %s: %w", name, err)
	}
	return b.TrustRoot(name, raw, more...)
}

// TrustRoot names a root by its bytes; more are further keys of the entry, such as "thresholds: {...}".
func (b *Bench) TrustRoot(name string, raw []byte, more ...string) error {
	file := "roots/" + b.Case.ID + "." + name + ".json"
	if err := b.File(file, raw); err != nil {
		return err
	}
	entry := append([]string{"file: ./" + file, "sha256: " + sum(raw)}, more...)
	b.trust = append(b.trust, name+": {"+strings.Join(entry, ", ")+"}")
	b.root = file
	return nil
}

// File writes a file beside the policies, whose names are relative to the site's folder.
func (b *Bench) File(name string, content []byte) error { return b.site.file(name, content) }

// Args are further arguments of `assay verify` for every act that names none.
func (b *Bench) Args(args ...string) { b.args = args }

// Env are variables, as KEY=VALUE, that assay is run with.
func (b *Bench) Env(env ...string) { b.env = env }

// Ask adds a question; the last one is the case's own. Without any, the gate is asked for Repository:1.2.3 and has to
// answer as Case.Want says.
func (b *Bench) Ask(a Act) { b.acts = append(b.acts, a) }

// Reference is what a gate is asked for unless an act says otherwise.
func (b *Bench) Reference() string { return b.Repository + ":" + lab.DefaultTag }

// TUF starts a repository of releases: two people hold root and targets, a workflow snapshot and timestamp.
func (b *Bench) TUF() (*lab.TUF, error) {
	t, err := lab.NewReleaseTUF(b.Sigstore, b.Now())
	if err != nil {
		return nil, err
	}
	return t, b.StartTUF(t)
}

// StartTUF serves a repository until the site closes.
func (b *Bench) StartTUF(t *lab.TUF) error {
	if err := t.Start(); err != nil {
		return err
	}
	b.Closes(t.Close)
	return nil
}

// ReleaseLeg writes the lines of a rule that demand a listing in a started repository, signed by so many people; more are
// further keys of `release`.
func (b *Bench) ReleaseLeg(t *lab.TUF, people int, more ...string) ([]string, error) {
	root := "roots/" + b.Case.ID + ".tuf.json"
	if err := b.File(root, t.FirstRoot()); err != nil {
		return nil, err
	}
	lines := []string{
		"release:",
		"  tuf:",
		"    metadata_url: " + t.MetadataURL(),
		"    targets_url: " + t.TargetsURL(),
		"    root: {file: ./" + root + ", sha256: " + sum(t.FirstRoot()) + "}",
		"  target: " + lab.ReleasePattern(b.Repository),
		fmt.Sprintf("  signers: {class: human, people: %d}", people),
	}
	for _, m := range more {
		lines = append(lines, "  "+m)
	}
	return lines, nil
}

// Legs of the standard rule, to build others from.
const (
	SourceLeg     = `source: {repository: ` + lab.DefaultRepo + `, ref: "refs/tags/v{version}"}`
	SignatureLeg  = `signature: {signer: {issuer: ` + lab.GitHubIssuer + `, workflow: ` + lab.DefaultWorkflow + `}}`
	ProvenanceLeg = `provenance: {builder: {level: 3}}`
)

// Standard are the lines of the rule that most cases are judged by.
func Standard(more ...string) []string {
	return append([]string{SourceLeg, SignatureLeg, ProvenanceLeg}, more...)
}

// questions are the acts with everything filled in.
func (b *Bench) questions() []Act {
	acts := slices.Clone(b.acts)
	if len(acts) == 0 {
		acts = []Act{{}}
	}
	for i := range acts {
		a := &acts[i]
		if a.Image == "" {
			a.Image = b.Reference()
		}
		if a.Args == nil {
			a.Args = b.args
		}
		if a.Want.Verdict == "" {
			a.Want = b.Case.Want
		}
		a.AtOnce = max(a.AtOnce, 1)
	}
	return acts
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
