package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/releaseassay/assay/internal/lab"
)

// image is one that lies in a registry.
type image struct {
	repo name.Repository
	*lab.Image
}

// publish makes an image, for one platform or an index over two, and pushes it under the tag of the release.
func publish(ctx context.Context, registry, path string, index bool) (*image, error) {
	repo, err := name.NewRepository(registry + "/" + path)
	if err != nil {
		return nil, fmt.Errorf("name repository: %w", err)
	}
	var made *lab.Image
	if index {
		made, err = lab.NewIndex(path)
	} else {
		made, err = lab.NewImage(path, "linux/amd64")
	}
	if err != nil {
		return nil, err
	}
	return &image{repo, made}, lab.PushImage(ctx, repo, lab.DefaultTag, made)
}

// tagged is how a user asks for it, pinned how cosign signs it.
func (i *image) tagged() string { return i.repo.Name() + ":" + lab.DefaultTag }
func (i *image) pinned() string { return i.repo.Name() + "@" + i.Digest() }

// attestation is what is attested of an image.
type attestation struct {
	// kind is what cosign's --type takes.
	kind      string
	predicate json.RawMessage
	by        claims
}

// The types as cosign's --type has them; a type of one's own is its URI.
const (
	kindSBOM     = "cyclonedx"
	kindSLSA02   = "slsaprovenance02"
	kindSLSA1    = "slsaprovenance1"
	kindOfOurOwn = lab.MetadataPredicateType
	kindOfNobody = "https://example.test/nobody-attests-this"
)

// attestations are what a release with these claims says of an image: bill of materials, provenance by the container
// generator (v0.2), provenance by GitHub (v1) and metadata of its own. Statements tell of the build what the token does.
func (i *image) attestations(c claims, now time.Time) ([]attestation, error) {
	build := lab.ProvenanceOptions{
		Subjects: lab.Subjects(i.repo.Name(), i.Digest()), Repo: c["repository"], Ref: c["ref"], Commit: c["sha"], Event: c["event_name"],
		RepositoryID: c["repository_id"], OwnerID: c["repository_owner_id"],
	}
	var out []attestation
	for _, s := range []struct {
		kind  string
		by    claims
		write func() ([]byte, error)
	}{
		{kindSBOM, c, func() ([]byte, error) { return lab.CycloneDX(i.repo.Name(), i.Digest()) }},
		{kindSLSA02, c.generator(), func() ([]byte, error) { return lab.ProvenanceV02(build) }},
		{kindSLSA1, c, func() ([]byte, error) { return lab.ProvenanceGitHub(asGitHub(build, c)) }},
		{kindOfOurOwn, c, func() ([]byte, error) { return lab.ReleaseMetadata(i.repo.Name(), i.Digest(), now) }},
	} {
		statement, err := s.write()
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", s.kind, err)
		}
		predicate, err := predicateOf(statement)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", s.kind, err)
		}
		out = append(out, attestation{s.kind, predicate, s.by})
	}
	return out, nil
}

// asGitHub says what actions/attest-build-provenance says of a job: its workflow is the builder, also where another
// repository has called it, and the kind of runner stands in the internal parameters.
func asGitHub(build lab.ProvenanceOptions, c claims) lab.ProvenanceOptions {
	build.BuilderID = c.identity()
	build.Edit = func(statement map[string]any) {
		in := statement
		for _, name := range []string{"predicate", "buildDefinition", "internalParameters", "github"} {
			in, _ = in[name].(map[string]any)
		}
		if in != nil {
			in["runner_environment"] = c["runner_environment"]
		}
	}
	return build
}

// predicateOf cuts the predicate out of a statement: cosign wraps it again.
func predicateOf(statement []byte) (json.RawMessage, error) {
	var s struct{ Predicate json.RawMessage }
	if err := json.Unmarshal(statement, &s); err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	if len(s.Predicate) == 0 {
		return nil, fmt.Errorf("found no predicate in %.80s", statement)
	}
	return s.Predicate, nil
}
