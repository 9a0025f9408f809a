package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/releaseassay/assay/internal/lab"
)

// Names of the files that a site writes.
const (
	PolicyFile      = "policy.yaml"
	TrustedRootFile = "trusted_root.json"
	CasesFile       = "cases.json"
	DockerFolder    = "docker" // config.json with the lab's password, for $DOCKER_CONFIG
)

// SiteOptions describe a site.
type SiteOptions struct {
	// Now is the present, around which evidence is made. Required. Clock dates what servers do later; its default is a
	// clock that stands still at Now.
	Now   time.Time
	Clock func() time.Time
	// Cases are published; nil is all of them.
	Cases []Case
	// Address is where the main registry listens. Default: a free port of 127.0.0.1.
	Address string
}

// Site is the attack range at work: registries, TUF repositories and all else that the cases need, on loopback. It is
// safe for concurrent use.
type Site struct {
	// Sigstore is what the site's policies trust as public-good.
	Sigstore *lab.Sigstore
	Registry *lab.Registry
	// Questions are the cases with their acts, in the order of the cases.
	Questions []Question

	opts SiteOptions

	mu     sync.Mutex
	files  map[string][]byte
	closer []func() error
}

// Question is a published case. The last of its acts is what the case is about.
type Question struct {
	Case Case
	Acts []Act
	// Policy and TrustedRoot are names of files of the site.
	Policy, TrustedRoot string
	// Env are variables, as KEY=VALUE.
	Env []string
}

// Last is the act that the case is about.
func (q Question) Last() Act { return q.Acts[len(q.Acts)-1] }

// Open publishes cases. The caller closes the site.
func Open(ctx context.Context, opts SiteOptions) (*Site, error) {
	if opts.Now.IsZero() {
		return nil, errors.New("open site: no time given")
	}
	if opts.Clock == nil {
		opts.Clock = func() time.Time { return opts.Now }
	}
	if opts.Cases == nil {
		opts.Cases = All()
	}
	s := &Site{opts: opts, files: map[string][]byte{}}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open site: %w", err), s.Close())
	}
	return s, nil
}

func (s *Site) open(ctx context.Context) error {
	var err error
	// Evidence lies a little in the past, as it does where somebody verifies.
	if s.Sigstore, err = lab.NewSigstore(lab.Options{Now: s.opts.Now.Add(-5 * time.Minute), Name: "lab"}); err != nil {
		return err
	}
	s.Registry = lab.NewRegistry(lab.RegistryOptions{Clock: s.opts.Clock, Address: s.opts.Address})
	if err := s.Registry.Start(); err != nil {
		return err
	}
	s.closes(s.Registry.Close)
	root, err := s.Sigstore.TrustedRoot()
	if err != nil {
		return err
	}
	if err := errors.Join(s.file(TrustedRootFile, root), s.file(PolicyFile, []byte(s.policy(nil)))); err != nil {
		return err
	}
	s.Questions = make([]Question, len(s.opts.Cases))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range s.opts.Cases {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			q, err := s.build(ctx, c)
			if err != nil {
				return fmt.Errorf("case %s: %w", c.ID, err)
			}
			s.Questions[i] = q
			return nil
		})
	}
	return group.Wait()
}

// build publishes one case.
func (s *Site) build(ctx context.Context, c Case) (Question, error) {
	b := &Bench{
		Sigstore: s.Sigstore, Case: c, Registry: s.Registry, Repository: s.Registry.Host() + "/" + s.path(c),
		ctx: ctx, site: s, root: TrustedRootFile,
	}
	if err := c.Build(b); err != nil {
		return Question{}, err
	}
	q := Question{Case: c, Acts: b.questions(), Policy: PolicyFile, TrustedRoot: b.root, Env: b.env}
	if b.rule == nil && len(b.trust)+len(b.head) == 0 && b.match == "" {
		return q, nil
	}
	q.Policy = "policies/" + c.ID + ".yaml"
	return q, s.file(q.Policy, []byte(s.policy(b)))
}

// path is a case's repository below its registry.
func (s *Site) path(c Case) string {
	if c.Class == 0 {
		return "good/" + c.ID + "/widget"
	}
	return "attack/" + c.ID + "/widget"
}

// policy writes the shared policy, or that of one case, which lies in a folder below.
func (s *Site) policy(b *Bench) string {
	rule, match, up := Standard(), `"127.0.0.1:*/**"`, "."
	var head, trust []string
	if b != nil {
		head, trust, match, up = b.head, b.trust, `"`+b.Repository+`"`, ".."
		if b.match != "" {
			match = `"` + b.match + `"`
		}
		if b.rule != nil {
			rule = b.rule
		}
	}
	s.mu.Lock()
	root := sum(s.files[TrustedRootFile])
	s.mu.Unlock()
	lines := []string{"apiVersion: assay/v1", "kind: ReleasePolicy", "metadata: {name: lab}", "trust:",
		"  public-good: {file: ./" + TrustedRootFile + ", sha256: " + root + "}"}
	for _, t := range trust {
		lines = append(lines, "  "+t)
	}
	lines = append(append(lines, head...), "images:", "  - match: "+match)
	for _, r := range rule {
		lines = append(lines, "    "+r)
	}
	return strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "file: ./", "file: "+up+"/")
}

// file keeps a file for [Site.Write].
func (s *Site) file(name string, content []byte) error {
	if !fs.ValidPath(name) {
		return fmt.Errorf("add file: found the path %q", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.files[name]; ok {
		return fmt.Errorf("add file: there are two of the name %s", name)
	}
	s.files[name] = content
	return nil
}

func (s *Site) closes(f func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closer = append(s.closer, f)
}

// Close stops every server. It may be called twice.
func (s *Site) Close() error {
	s.mu.Lock()
	all := s.closer
	s.closer = nil
	s.mu.Unlock()
	slices.Reverse(all)
	var errs []error
	for _, f := range all {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// Write writes policies, roots and the list of cases into a folder, which is made if it is not there. The list comes
// last: where it lies, the rest is whole.
func (s *Site) Write(dir, control string) error {
	list, err := json.MarshalIndent(s.Listing(control), "", "  ")
	if err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	docker, err := s.dockerConfig()
	if err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := make([]string, 0, len(s.files))
	for name := range s.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := writeFile(dir, name, s.files[name]); err != nil {
			return err
		}
	}
	if err := writeFile(dir, DockerFolder+"/config.json", docker); err != nil {
		return err
	}
	return writeFile(dir, CasesFile, append(list, '\n'))
}

func writeFile(dir, name string, content []byte) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	if err := os.WriteFile(file+".part", content, 0o600); err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	if err := os.Rename(file+".part", file); err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	return nil
}

// dockerConfig is a docker configuration that logs in at every registry of the site that is asked for.
func (s *Site) dockerConfig() ([]byte, error) {
	auths := map[string]any{}
	for _, q := range s.Questions {
		for _, a := range q.Acts {
			host, _, _ := strings.Cut(a.Image, "/")
			auths[host] = map[string]string{"username": lab.User, "password": lab.Password}
		}
	}
	return json.Marshal(map[string]any{"auths": auths})
}

// Turn makes the world as an act of a case needs it; acts count from 0.
func (s *Site) Turn(ctx context.Context, id string, act int) error {
	for _, q := range s.Questions {
		if q.Case.ID != id {
			continue
		}
		if act < 0 || act >= len(q.Acts) {
			return fmt.Errorf("turn case %s: found act %d; it has %d", id, act, len(q.Acts))
		}
		if turn := q.Acts[act].Turn; turn != nil {
			return turn(ctx)
		}
		return nil
	}
	return fmt.Errorf("turn case: nothing is called %q", id)
}
