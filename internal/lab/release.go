package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

// What a good release is called. The image tag goes without the "v" of the source tag.
const (
	DefaultRepo     = "acme/widget"
	DefaultTag      = "1.2.3"
	DefaultRef      = "refs/tags/v1.2.3"
	DefaultWorkflow = ".github/workflows/release.yml"
)

// Form says in which layouts a release carries its evidence.
type Form int

// The layouts of evidence.
const (
	BothForms  Form = iota // legacy tags and bundles
	LegacyForm             // .sig and .att tags alone
	BundleForm             // referrers alone
)

// loggingDelay lies between the issue of a certificate and the log entry.
const loggingDelay = time.Minute

// ReleaseOptions describe a release. The zero value of a field gives the default named beside it.
type ReleaseOptions struct {
	// Repository is the image's name, "host/path", which stands in signatures and statements. Required.
	Repository string
	// Repo is the source repository. Default: [DefaultRepo].
	Repo string
	// Tag is the image's tag. Default: [DefaultTag]. The source ref is refs/tags/v + Tag.
	Tag string
	// Seed makes the image's content, and so its digest, another one. Default: repo and tag.
	Seed string
	// Commit is the source commit. Default: [DefaultCommit].
	Commit string
	// Form defaults to BothForms.
	Form Form
	// Platform makes a single image, such as for "linux/amd64". Default: an index over two platforms.
	Platform string
	// At is when signing happens. Default: the instance's Now.
	At time.Time
}

// Release is an image with its evidence. [NewRelease] makes one without any; [Release.Sign] and [Release.Attest] add
// some, and [GoodRelease] does it all.
type Release struct {
	Publication
	// Repository, Repo, Ref and Commit are where the image lies and what it was built from.
	Repository, Repo, Ref, Commit string

	form Form
	at   time.Time
}

// NewRelease makes an image without evidence. Its content, and so its digest, depends on the seed alone.
func NewRelease(s *Sigstore, opts ReleaseOptions) (*Release, error) {
	if opts.Repository == "" {
		return nil, errors.New("make release: no repository given")
	}
	r := &Release{
		Repository:  opts.Repository,
		Repo:        orDefault(opts.Repo, DefaultRepo),
		Commit:      orDefault(opts.Commit, DefaultCommit),
		Publication: Publication{Tag: orDefault(opts.Tag, DefaultTag)},
		form:        opts.Form,
		at:          opts.At,
	}
	r.Ref = "refs/tags/v" + strings.TrimPrefix(r.Tag, "v")
	if r.at.IsZero() {
		r.at = s.Now()
	}
	var err error
	if seed := orDefault(opts.Seed, r.Repo+" "+r.Tag); opts.Platform != "" {
		r.Image, err = NewImage(seed, opts.Platform)
	} else {
		r.Image, err = NewIndex(seed)
	}
	if err != nil {
		return nil, fmt.Errorf("make release: %w", err)
	}
	return r, nil
}

// GoodRelease makes a release as it should be: signed by its own release workflow, with provenance by the container
// generator of slsa-github-generator.
func GoodRelease(s *Sigstore, opts ReleaseOptions) (*Release, error) {
	r, err := NewRelease(s, opts)
	if err != nil {
		return nil, err
	}
	if err := r.Sign(s, r.Signer()); err != nil {
		return nil, err
	}
	return r, r.AddProvenance(s, r.Builder(), r.Provenance())
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// Signer is the identity that signs the image: the release workflow at the release's tag.
func (r *Release) Signer() Identity {
	return GitHub(r.Repo, r.Ref, r.Commit, DefaultWorkflow)
}

// Builder is the identity that signs the provenance: the container generator, called by the release workflow.
func (r *Release) Builder() Identity {
	return ReusableWorkflow(r.Repo, r.Ref, r.Commit, DefaultWorkflow, GeneratorRepository, ContainerGenerator, GeneratorRef)
}

// Provenance describes the release's build.
func (r *Release) Provenance() ProvenanceOptions {
	return ProvenanceOptions{Subjects: Subjects(r.Repository, r.Image.Digest()), Repo: r.Repo, Ref: r.Ref, Commit: r.Commit}
}

// Sign adds a signature by an identity, certified by an instance (usually the release's own).
func (r *Release) Sign(s *Sigstore, id Identity) error {
	signer, err := s.Issue(id, r.at)
	if err != nil {
		return fmt.Errorf("sign release: %w", err)
	}
	if r.form != BundleForm {
		layer, err := signer.LegacySignature(r.Repository, r.Image.Digest(), r.at.Add(loggingDelay))
		if err != nil {
			return fmt.Errorf("sign release: %w", err)
		}
		r.Signatures = append(r.Signatures, layer)
	}
	if r.form == LegacyForm {
		return nil
	}
	statement, err := SignStatement(r.Repository, r.Image.Digest())
	if err != nil {
		return fmt.Errorf("sign release: %w", err)
	}
	return r.addBundle(signer, statement)
}

// Attest adds an attestation by an identity, certified by an instance.
func (r *Release) Attest(s *Sigstore, id Identity, statement []byte) error {
	signer, err := s.Issue(id, r.at)
	if err != nil {
		return fmt.Errorf("attest release: %w", err)
	}
	if r.form != BundleForm {
		layer, err := signer.LegacyAttestation(statement, r.at.Add(loggingDelay))
		if err != nil {
			return fmt.Errorf("attest release: %w", err)
		}
		r.Attestations = append(r.Attestations, layer)
	}
	if r.form == LegacyForm {
		return nil
	}
	return r.addBundle(signer, statement)
}

// AddProvenance adds SLSA v0.2 provenance.
func (r *Release) AddProvenance(s *Sigstore, id Identity, opts ProvenanceOptions) error {
	statement, err := ProvenanceV02(opts)
	if err != nil {
		return fmt.Errorf("write provenance: %w", err)
	}
	return r.Attest(s, id, statement)
}

func (r *Release) addBundle(signer *Signer, statement []byte, opts ...BundleOption) error {
	bundle, err := signer.Bundle(statement, r.at.Add(loggingDelay), append([]BundleOption{Timestamp()}, opts...)...)
	if err != nil {
		return fmt.Errorf("bundle evidence: %w", err)
	}
	r.Referrers = append(r.Referrers, BundleReferrer(bundle))
	return nil
}

// Reference returns "host/path:tag".
func (r *Release) Reference() string { return r.Repository + ":" + r.Tag }

// Push uploads the release to its repository.
func (r *Release) Push(ctx context.Context) error {
	repo, err := name.NewRepository(r.Repository)
	if err != nil {
		return fmt.Errorf("push release: %w", err)
	}
	return Push(ctx, repo, r.Publication)
}
