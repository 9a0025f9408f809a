package lab

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Kinds of parts.
const (
	PartSignature  = "signature"
	PartProvenance = "provenance"
	PartSBOM       = "sbom"
	PartSPDX       = "spdx"
	PartMetadata   = "release-metadata"
	PartScan       = "scan"
	PartVEX        = "vex"
	PartVSA        = "vsa"
	PartTests      = "tests"
)

// PipelinePart is one signed piece of a [Pipeline]'s evidence. The zero value of a field is what the pipeline does.
type PipelinePart struct {
	// Kind is what is signed.
	Kind string `yaml:"kind"`
	// By changes who signs.
	By PipelineHand `yaml:"by"`
	// On is the platform on which it hangs, "os/architecture". Default: the image itself.
	On string `yaml:"on"`
	// About is the digest that it speaks of, or "other" for some other image's. Default: what it hangs on.
	About string `yaml:"about"`
	// After is how long after the release it is signed; it may be negative.
	After time.Duration `yaml:"after"`
	// Form is "legacy", "bundle" or "both". Default: legacy for provenance, which is what slsa-github-generator writes, and
	// a bundle for all else.
	Form string `yaml:"form"`
	// Release is the version whose ref and commit it tells of, certificate included. Default: the pipeline's.
	Release string `yaml:"release"`
	// Provenance replaces what the build says of itself, against the certificate.
	Provenance PipelineBuild `yaml:"build"`
	// Set writes values into the statement at paths, and removes what is null.
	Set map[string]any `yaml:"set"`
	// Raw is signed in place of the statement.
	Raw string `yaml:"raw"`
	// Fault is what is wrong with the bundle: see [pipelineFaults].
	Fault string `yaml:"fault"`
}

// pipelineFaults are what can be wrong with a bundle, by name.
func pipelineFaults() map[string]BundleOption {
	return map[string]BundleOption{
		"": Timestamp(), "false promise": FalsePromise(), "false proof": FalseProof(), "unlogged": Unlogged(), "message": MessageSignature(),
	}
}

// PipelineBuild is what provenance says of a build. The zero value of a field is the pipeline's.
type PipelineBuild struct {
	Repository string         `yaml:"repository"`
	Ref        string         `yaml:"ref"`
	Commit     string         `yaml:"commit"`
	BuilderID  string         `yaml:"builder_id"`
	Event      string         `yaml:"event"`
	Inputs     map[string]any `yaml:"inputs"`
	// Type is "github" for what actions/attest-build-provenance writes.
	Type string `yaml:"type"`
}

// PipelineHand is who signs a part, where that is not the pipeline's own workflow. The zero value of a field changes nothing.
type PipelineHand struct {
	Issuer       string `yaml:"issuer"`
	Repository   string `yaml:"repository"`
	RepositoryID string `yaml:"repository_id"`
	OwnerID      string `yaml:"owner_id"`
	Ref          string `yaml:"ref"`
	Commit       string `yaml:"commit"`
	Workflow     string `yaml:"workflow"`
	Trigger      string `yaml:"trigger"`
	Runner       string `yaml:"runner"`
	Visibility   string `yaml:"visibility"`
	Run          string `yaml:"run"`
	// Builder is the reusable workflow "owner/name/path@ref" that signs when it is called.
	Builder string `yaml:"builder"`
	// Person signs in with this e-mail address.
	Person string `yaml:"person"`
	// Key signs with a plain key, without a certificate.
	Key bool `yaml:"key"`
	// Stranger has the certificate and the log entry made by an instance that nobody trusts.
	Stranger bool `yaml:"stranger"`
	// NoIDs leaves both numeric ids out, as certificates of early 2023 do.
	NoIDs bool `yaml:"no_ids"`
}

// StandardParts are the parts of the pipeline: a signature, provenance by the container generator, a bill of materials in
// CycloneDX and the release's metadata.
func StandardParts() []PipelinePart {
	return []PipelinePart{{Kind: PartSignature}, {Kind: PartProvenance}, {Kind: PartSBOM}, {Kind: PartMetadata}}
}

// OptionalParts are what a pipeline may sign besides: a vulnerability scan, VEX, a verification summary and test results.
func OptionalParts() []PipelinePart {
	return []PipelinePart{{Kind: PartScan}, {Kind: PartVEX}, {Kind: PartVSA}, {Kind: PartTests}}
}

// identity is who signs.
func (h PipelineHand) identity(kind string, r pipelineRelease) Identity {
	if h.Person != "" {
		return Person(h.Person, cmp.Or(h.Issuer, PersonIssuer))
	}
	repo, ref, commit := cmp.Or(h.Repository, PipelineRepo), cmp.Or(h.Ref, r.ref), cmp.Or(h.Commit, r.commit)
	workflow := cmp.Or(h.Workflow, PipelineWorkflow)
	builder := h.Builder
	if builder == "" && kind == PartProvenance {
		builder = GeneratorRepository + "/" + ContainerGenerator + "@" + GeneratorRef
	}
	id := GitHub(repo, ref, commit, workflow)
	if path, at, ok := strings.Cut(builder, "@"); ok {
		if elements := strings.SplitN(path, "/", 3); len(elements) == 3 {
			id = ReusableWorkflow(repo, ref, commit, workflow, elements[0]+"/"+elements[1], elements[2], at)
		}
	}
	e := &id.Extensions
	for _, c := range []struct {
		to    *string
		value string
	}{
		{&e.Issuer, h.Issuer}, {&e.SourceRepositoryIdentifier, h.RepositoryID}, {&e.SourceRepositoryOwnerIdentifier, h.OwnerID},
		{&e.RunnerEnvironment, h.Runner}, {&e.SourceRepositoryVisibilityAtSigning, h.Visibility}, {&e.RunInvocationURI, h.Run},
		{&e.BuildTrigger, h.Trigger}, {&e.GithubWorkflowTrigger, h.Trigger},
	} {
		if c.value != "" {
			*c.to = c.value
		}
	}
	if h.NoIDs {
		e.SourceRepositoryIdentifier, e.SourceRepositoryOwnerIdentifier = "", ""
	}
	return id
}

// statement writes what a part says. A signature has none in the legacy layout.
func (p PipelinePart) statement(r pipelineRelease, about string) ([]byte, error) {
	if p.Raw != "" {
		return []byte(p.Raw), nil
	}
	raw, err := p.plainStatement(r, about)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", p.Kind, err)
	}
	if raw, err = setAll(raw, p.Set); err != nil {
		return nil, fmt.Errorf("change %s: %w", p.Kind, err)
	}
	return raw, nil
}

func (p PipelinePart) plainStatement(r pipelineRelease, about string) ([]byte, error) {
	switch p.Kind {
	case PartSignature:
		return SignStatement(r.name, about)
	case PartProvenance:
		b := p.Provenance
		o := ProvenanceOptions{
			Subjects: Subjects(r.name, about), Repo: cmp.Or(b.Repository, PipelineRepo), Ref: cmp.Or(b.Ref, r.ref), Commit: cmp.Or(b.Commit, r.commit),
			Workflow: PipelineWorkflow, BuilderID: b.BuilderID, Event: b.Event, Inputs: b.Inputs,
		}
		if b.Type == "github" {
			return ProvenanceGitHub(o)
		}
		return ProvenanceV02(o)
	case PartSBOM:
		return CycloneDX(r.name, about)
	case PartSPDX:
		return SPDX(r.name, about)
	case PartMetadata:
		return Statement(StatementV1, PipelineMetadataType, Subjects(r.name, about), object{
			"digest": about, "commit": r.commit, "tag": r.tag, "build": object{"timestamp": r.at.UTC().Format(time.RFC3339)},
		})
	}
	return p.furtherStatement(r, about)
}

// furtherStatement writes the parts that a pipeline may have beside the standard ones.
func (p PipelinePart) furtherStatement(r pipelineRelease, about string) ([]byte, error) {
	at := r.at.Add(p.After)
	switch p.Kind {
	case PartScan:
		return Scan(r.name, about, at)
	case PartVEX:
		return OpenVEX(r.name, about, at)
	case PartVSA:
		return VSA(r.name, about, at)
	case PartTests:
		return TestResult(r.name, about)
	}
	return nil, fmt.Errorf("found the kind %q; wanted one of those that lab knows", p.Kind)
}
