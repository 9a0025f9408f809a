package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// What the example of the documentation is called.
const (
	PipelineName         = "ghcr.io/amaanx86/oci-prometheus-sd-proxy"
	PipelineRepo         = "amaanx86/oci-prometheus-sd-proxy"
	PipelineWorkflow     = ".github/workflows/docker-build-push.yml"
	PipelineMetadataType = "https://github.com/" + PipelineRepo + "/release-metadata"
	PipelineTUF          = "https://amaanx86.github.io/oci-prometheus-sd-proxy-tuf-on-ci"
	PipelineTUFRepo      = PipelineRepo + "-tuf-on-ci"
)

// PipelineOptions describe a release. The zero value is a good one.
type PipelineOptions struct {
	// Version is the image's tag. Default: [DefaultTag].
	Version string `yaml:"version"`
	// Tags are further tags that point to the image.
	Tags  []string      `yaml:"tags"`
	Image PipelineImage `yaml:"image"`
	// Also are other images, by tag, of which nobody signed anything.
	Also map[string]PipelineImage `yaml:"also"`
	// Parts are what is signed. Default: [StandardParts].
	Parts   []PipelinePart  `yaml:"parts"`
	Listing PipelineListing `yaml:"listing"`
	// NoTUF leaves the TUF repository out.
	NoTUF bool `yaml:"no_tuf"`
}

// Pipeline is a release as a project makes it that does everything: an image in a registry with signed evidence of every
// kind, listed in a TUF repository whose keys people hold. Every part can be replaced or left out. It goes by the names
// that it has in the world: [Pipeline.Transport] leads those to the lab.
type Pipeline struct {
	*Sigstore
	Registry *Registry
	// TUF is nil where there is none.
	TUF   *TUF
	Image *Image

	options  PipelineOptions
	stranger *Sigstore
	release  pipelineRelease
}

// pipelineRelease is what the statements of a release tell of.
type pipelineRelease struct {
	name, tag, ref, commit string
	at                     time.Time
}

func pipelineReleaseOf(version string, at time.Time) pipelineRelease {
	tag := "v" + strings.TrimPrefix(version, "v")
	return pipelineRelease{name: PipelineName, tag: tag, ref: "refs/tags/" + tag, commit: commitOf(PipelineRepo + tag), at: at}
}

// PipelineCommit is the commit from which the pipeline builds a version.
func PipelineCommit(version string) string { return pipelineReleaseOf(version, time.Time{}).commit }

// NewPipeline makes a release and publishes it, at the instance's time, in a registry and a TUF repository of its own.
func NewPipeline(s *Sigstore, o PipelineOptions) (*Pipeline, error) {
	stranger, err := NewSigstore(Options{Now: s.Now(), Name: "stranger"})
	if err != nil {
		return nil, fmt.Errorf("make pipeline: %w", err)
	}
	o.Version = cmp.Or(o.Version, DefaultTag)
	if o.Parts == nil {
		o.Parts = StandardParts()
	}
	p := &Pipeline{
		Sigstore: s, stranger: stranger, options: o, release: pipelineReleaseOf(o.Version, s.Now()),
		Registry: NewRegistry(RegistryOptions{Behaviour: Behaviour{Referrers: ReferrersAbsent}, Clock: s.Now}),
	}
	if p.Image, err = o.Image.make(PipelineName, PipelineRepo+" "+o.Version); err != nil {
		return nil, fmt.Errorf("make pipeline: %w", err)
	}
	if err := p.publish(); err != nil {
		return nil, fmt.Errorf("make pipeline: %w", err)
	}
	if o.NoTUF {
		return p, nil
	}
	if err := p.list(o.Listing); err != nil {
		return nil, fmt.Errorf("make pipeline: %w", err)
	}
	return p, nil
}

// Digest returns "sha256:…" of what goes by a name: "image", "other", which is some other image's, or a platform.
func (p *Pipeline) Digest(of string) (string, error) {
	switch of {
	case "", "image":
		return p.Image.Digest(), nil
	case "other":
		return OtherDigest(), nil
	}
	for _, d := range p.Image.Children() {
		if d.Platform != nil && d.Platform.String() == of {
			return d.Digest.String(), nil
		}
	}
	return "", fmt.Errorf("found no platform %q; wanted one of the image's, image or other", of)
}

// OtherDigest is the digest of some image that is not a pipeline's.
func OtherDigest() string { return "sha256:" + hexDigest("another image") }

// publish signs every part and pushes all to the registry.
func (p *Pipeline) publish() error {
	out := Publication{Tag: p.options.Version, Image: p.Image, Below: map[v1.Hash]Evidence{}}
	for _, part := range p.options.Parts {
		on, err := p.Digest(part.On)
		if err != nil {
			return fmt.Errorf("sign %s: %w", part.Kind, err)
		}
		hash, err := v1.NewHash(on)
		if err != nil {
			return fmt.Errorf("sign %s: %w", part.Kind, err)
		}
		below := out.Below[hash]
		to := &below
		if part.On == "" {
			to = &out.Evidence
		}
		if err := p.sign(part, on, to); err != nil {
			return err
		}
		if part.On != "" {
			out.Below[hash] = below
		}
	}
	repo, err := name.NewRepository(PipelineName)
	if err != nil {
		return fmt.Errorf("name repository: %w", err)
	}
	ctx := context.Background()
	if err := Push(ctx, repo, out, remote.WithTransport(p.Transport())); err != nil {
		return err
	}
	for tag, image := range p.options.Also {
		other, err := image.make(PipelineName, PipelineRepo+" "+tag)
		if err == nil {
			err = PushImage(ctx, repo, tag, other, p.Registry.Direct())
		}
		if err != nil {
			return err
		}
	}
	for _, tag := range p.options.Tags {
		if err := PushImage(ctx, repo, tag, p.Image, p.Registry.Direct()); err != nil {
			return err
		}
	}
	return nil
}

// sign makes one part and adds it to evidence.
func (p *Pipeline) sign(part PipelinePart, on string, to *Evidence) error {
	about := on
	if part.About != "" {
		about = part.About
		if !strings.HasPrefix(about, "sha256:") {
			var err error
			if about, err = p.Digest(part.About); err != nil {
				return fmt.Errorf("sign %s: %w", part.Kind, err)
			}
		}
	}
	release := p.release
	if part.Release != "" {
		release = pipelineReleaseOf(part.Release, p.Now())
	}
	at := p.Now().Add(part.After)
	signer, err := p.signer(part, release, at)
	if err != nil {
		return fmt.Errorf("sign %s: %w", part.Kind, err)
	}
	statement, err := part.statement(release, about)
	if err != nil {
		return err
	}
	form := cmp.Or(part.Form, map[string]string{PartProvenance: "legacy"}[part.Kind], "bundle")
	if !slices.Contains([]string{"legacy", "bundle", "both"}, form) {
		return fmt.Errorf("sign %s: found the form %q; wanted legacy, bundle or both", part.Kind, form)
	}
	logged := at.Add(loggingDelay)
	if form != "bundle" {
		if err := addLegacy(to, signer, part, about, statement, logged); err != nil {
			return fmt.Errorf("sign %s: %w", part.Kind, err)
		}
	}
	if form != "legacy" {
		fault, known := pipelineFaults()[part.Fault]
		if !known {
			return fmt.Errorf("sign %s: found the fault %q; wanted one of pipelineFaults", part.Kind, part.Fault)
		}
		bundle, err := signer.Bundle(statement, logged, Timestamp(), fault)
		if err != nil {
			return fmt.Errorf("sign %s: %w", part.Kind, err)
		}
		to.Referrers = append(to.Referrers, BundleReferrer(bundle))
	}
	return nil
}

func addLegacy(to *Evidence, signer *Signer, part PipelinePart, about string, statement []byte, logged time.Time) error {
	if part.Kind == PartSignature {
		var opts []LegacyOption
		if part.Raw != "" {
			opts = append(opts, LegacyPayload([]byte(part.Raw)))
		}
		layer, err := signer.LegacySignature(PipelineName, about, logged, opts...)
		to.Signatures = append(to.Signatures, layer)
		return err
	}
	layer, err := signer.LegacyAttestation(statement, logged)
	to.Attestations = append(to.Attestations, layer)
	return err
}

func (p *Pipeline) signer(part PipelinePart, r pipelineRelease, at time.Time) (*Signer, error) {
	from := p.Sigstore
	if part.By.Stranger {
		from = p.stranger
	}
	if part.By.Key {
		return from.NewKeySigner()
	}
	return from.Issue(part.By.identity(part.Kind, r), at)
}

// Start serves the registry and the TUF repository on loopback, until Close.
func (p *Pipeline) Start() error {
	if err := p.Registry.Start(); err != nil {
		return err
	}
	if p.TUF == nil {
		return nil
	}
	return p.TUF.Start()
}

// Close stops serving.
func (p *Pipeline) Close() error {
	if p.TUF == nil {
		return p.Registry.Close()
	}
	return errors.Join(p.Registry.Close(), p.TUF.Close())
}

// Transport answers for the hosts of the pipeline's names: over loopback where it has been started, else in memory. It
// knows no other host.
func (p *Pipeline) Transport() http.RoundTripper { return pipelineTransport{p} }

type pipelineTransport struct{ *Pipeline }

// RoundTrip implements http.RoundTripper.
func (t pipelineTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	registry, _, _ := strings.Cut(PipelineName, "/")
	pages, folder, _ := strings.Cut(strings.TrimPrefix(PipelineTUF, "https://"), "/")
	out := req.Clone(req.Context())
	var handler http.Handler
	switch path, inside := strings.CutPrefix(req.URL.Path, "/"+folder); {
	case req.URL.Scheme != "https":
	case req.URL.Host == registry:
		handler, out.URL.Host = t.Registry, t.Registry.host
	case req.URL.Host == pages && inside && t.TUF != nil:
		handler, out.URL.Host = t.TUF.Handler(), t.TUF.host
		out.URL.Path, out.URL.RawPath = path, strings.TrimPrefix(req.URL.RawPath, "/"+folder)
	}
	switch {
	case handler == nil:
		return nil, fmt.Errorf("find %s: the lab serves no such address", req.URL)
	case out.URL.Host == "":
		out.URL.Host = req.URL.Host
		return direct{handler}.RoundTrip(out)
	}
	out.URL.Scheme, out.Host = "http", ""
	return http.DefaultTransport.RoundTrip(out)
}
