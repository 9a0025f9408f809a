package cases

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// repositoryCase is a case about the TUF repository in which people list releases: signature and provenance of the
// image are as they should be, and the rule demands the listing besides.
type repositoryCase struct {
	class      int
	words      string
	shows, why string
	advisories []string
	want       Want
	// people are demanded to have signed; 0 is one.
	people int
	// signers stand in place of the demand for people.
	signers string
	// release and tuf are further keys of the demand and of its repository.
	release, tuf []string
	slow         bool
	// unlisted leaves the image out of the repository.
	unlisted bool
	// spoil does what the attacker did to a good repository.
	spoil func(*hall)
}

// made is the case for the range.
func (r repositoryCase) made() Case {
	return Case{
		ID: slug(r.class, r.words), Class: r.class, Advisories: r.advisories, Shows: r.shows, Why: r.why, Want: r.want,
		Slow: r.slow, Build: r.build,
	}
}

func (r repositoryCase) build(b *Bench) error {
	h, err := newHall(b, r.unlisted)
	if err != nil {
		return err
	}
	if r.spoil != nil {
		r.spoil(h)
	}
	if h.err != nil {
		return h.err
	}
	lines, err := b.ReleaseLeg(h.repo, max(r.people, 1), r.release...)
	if err != nil {
		return err
	}
	if r.signers != "" {
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "  signers:") })
		lines = append(lines, "  signers: "+r.signers)
	}
	for _, key := range r.tuf {
		lines = slices.Insert(lines, 2, "    "+key)
	}
	b.Rule(Standard(append([]string{`tags: {version: "{version}", moving: [latest, "{major}.{minor}"]}`}, lines...)...)...)
	return nil
}

// history lies between the publications of a hall and the present: a moving tag may lag for an hour.
const history = 3 * time.Hour

// hall is a good release with the repository that lists it. Its methods keep the first error.
type hall struct {
	bench *Bench
	repo  *lab.TUF
	image *lab.Release
	err   error
}

// newHall publishes the image, and a repository that lists an older release and, unless told otherwise, this one.
func newHall(b *Bench, unlisted bool) (*hall, error) {
	image, err := b.Good()
	if err != nil {
		return nil, err
	}
	if err := b.Push(image); err != nil {
		return nil, err
	}
	repo, err := lab.NewReleaseTUF(b.Sigstore, b.Now().Add(-history))
	if err != nil {
		return nil, err
	}
	if err := b.StartTUF(repo); err != nil {
		return nil, err
	}
	h := &hall{bench: b, repo: repo, image: image}
	h.list("1.2.2", another("an older release"))
	if !unlisted {
		h.list(lab.DefaultTag, h.digest())
	}
	h.publish()
	return h, h.err
}

func (h *hall) try(err error) {
	if h.err == nil {
		h.err = err
	}
}

func (h *hall) digest() string { return h.image.Image.Digest() }

// another is the digest of an image that is in no registry.
func another(name string) string { return "sha256:" + sum([]byte(name)) }

// target is where the manifest of a version is listed.
func (h *hall) target(version string) string { return lab.ReleaseTarget(h.bench.Repository, version) }

// list lists an image in the top-level targets; listIn in any role.
func (h *hall) list(version, digest string) { h.listIn("targets", version, digest) }

func (h *hall) listIn(role, version, digest string) {
	h.listAs(role, lab.ReleaseEntry{Version: version, Digest: digest})
}

func (h *hall) listAs(role string, e lab.ReleaseEntry) {
	e.Image = h.bench.Repository
	_, err := h.repo.ListIn(role, e)
	h.try(err)
}

// withdraw takes a version off the list of the top-level targets.
func (h *hall) withdraw(version string) { h.repo.RemoveTarget(h.target(version), "targets") }

// publish signs what changed, and the roles that are named.
func (h *hall) publish(again ...string) { h.try(h.repo.Publish(again...)) }

// delegate adds a role to the top-level targets, held by keys; without keys, by the people.
func (h *hall) delegate(name string, keys []*lab.TUFKey, patterns ...string) *lab.TUFRole {
	role := h.role(name, keys)
	h.repo.Targets.Delegations = append(h.repo.Targets.Delegations, lab.TUFDelegation{Role: role, Paths: patterns})
	return role
}

func (h *hall) role(name string, keys []*lab.TUFKey) *lab.TUFRole {
	if keys == nil {
		keys = h.people()
	}
	role, err := lab.NewTUFRole(name, keys...)
	if err != nil {
		h.try(err)
		return &lab.TUFRole{Name: name}
	}
	return role
}

// releases is the pattern that fits every release of the image.
func (h *hall) releases() string { return h.target("*") }

// moveTo has a delegated role list the image in place of the top-level targets.
func (h *hall) moveTo(role string) {
	h.withdraw(lab.DefaultTag)
	h.listIn(role, lab.DefaultTag, h.digest())
}

// people are those who hold root and targets.
func (h *hall) people() []*lab.TUFKey { return slices.Clone(h.repo.Targets.Keys) }

// identity is a key that is an identity of the site's Sigstore.
func (h *hall) identity(id lab.Identity) *lab.TUFKey {
	k, err := lab.NewSigstoreTUFKey(h.bench.Sigstore, id)
	if err != nil {
		h.try(err)
		return &lab.TUFKey{}
	}
	return k
}

func (h *hall) person(email, issuer string) *lab.TUFKey { return h.identity(lab.Person(email, issuer)) }

// machine is a workflow on the main branch of a repository.
func (h *hall) machine(repo string) *lab.TUFKey {
	return h.identity(lab.GitHub(repo, "refs/heads/main", lab.DefaultCommit, ".github/workflows/sign.yml"))
}

// ordinary is a key without an identity.
func (h *hall) ordinary() *lab.TUFKey {
	k, err := lab.NewTUFKey(lab.TUFEd25519)
	if err != nil {
		h.try(err)
		return &lab.TUFKey{}
	}
	return k
}

// rotate publishes a root after a change, and everything that the change touches.
func (h *hall) rotate(change func()) { h.try(h.repo.RotateRoot(func(*lab.TUF) { change() })) }

// holders replaces those who hold the top-level targets.
func (h *hall) holders(threshold int, keys ...*lab.TUFKey) {
	h.rotate(func() { h.repo.Targets.Keys, h.repo.Targets.Threshold = keys, threshold })
}

// serve returns a turn that serves the repository as it is now.
func (h *hall) serve() func(context.Context) error {
	files := h.repo.Files()
	return func(context.Context) error {
		h.repo.SetFiles(files)
		return nil
	}
}

// seen has the gate ask about the repository as it is now, before the attack.
func (h *hall) seen(want Want) { h.bench.Ask(Act{Turn: h.serve(), Want: want}) }

// attack asks the case's own question about the repository as it is now.
func (h *hall) attack() { h.bench.Ask(Act{Turn: h.serve()}) }

// metadata is the path of a role's newest file.
func (h *hall) metadata(role string) string { return h.repo.MetadataPath(role) }

// put gives a file the content of another.
func (h *hall) put(path string, content []byte) { h.repo.SetFile(path, content) }

// tag lets a further tag name the image.
func (h *hall) tag(tag string) {
	repo, err := h.bench.Repo()
	if err != nil {
		h.try(err)
		return
	}
	h.try(lab.PushImage(h.bench.Context(), repo, tag, h.image.Image, h.bench.Registry.Direct()))
}

// ask puts the case's question about another tag or digest of the image, such as ":latest".
func (h *hall) ask(suffix string) { h.bench.Ask(Act{Image: h.bench.Repository + suffix}) }

// refusedAs is a conclusive refusal by this check, openAs one that leaves it undecided. Codes without a full stop are of the check.
func refusedAs(code string) Want { return Fails("release", releaseCode(code)) }

func openAs(code string) Want { return CannotTell("release", releaseCode(code)) }

func releaseCode(code string) string {
	if strings.Contains(code, ".") {
		return code
	}
	return "release." + code
}

// faulty returns a turn after which the server answers otherwise for a path, a prefix where it ends with "*"; without
// an answer it serves files again.
func (h *hall) faulty(path string, answer http.HandlerFunc) func(context.Context) error {
	return func(context.Context) error {
		h.repo.SetFault(path, answer)
		if answer == nil {
			h.repo.SetFault("*", nil)
		}
		return nil
	}
}
