package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/slsa-framework/slsa-verifier/v2/verifiers/utils"
)

// build is what SLSA provenance says of a build, v0.2 and v1 alike.
type build struct {
	builderID string
	buildType string
	// triggerURI is what started the build, sourceURI the first material or
	// resolved dependency: "git+https://host/owner/name@ref".
	triggerURI, sourceURI string
	// triggerCommit and sourceCommit are the commits beside them; "" if absent.
	triggerCommit, sourceCommit string
	// sourceParameter is the source that the container-based builder was given.
	sourceParameter string
	// workflow is the path of the workflow file that was started.
	workflow string
	// runURI names the run; runID and runAttempt are its parts where only those are given.
	runURI, runID, runAttempt string
	// params are the GitHub context, with keys in lower case ("github_ref").
	params map[string]any
	// github are internalParameters.github of GitHub's own provenance.
	github map[string]any
	// inputs are the workflow_dispatch inputs; nil if the trigger has none.
	inputs map[string]any
}

// maxPredicate bounds the provenance that is parsed into objects, in bytes: what
// builders write has some ten thousand, with the whole event that started them.
const maxPredicate = 4 << 20

// parseBuild reads a predicate of one of the two provenance types, with exact keys
// (https://slsa.dev/spec/v0.2/provenance, https://slsa.dev/spec/v1.0/provenance).
func parseBuild(predicateType string, predicate json.RawMessage) (*build, error) {
	if len(predicate) > maxPredicate {
		return nil, fmt.Errorf("the predicate has %d bytes; at most %d are read of provenance", len(predicate), maxPredicate)
	}
	dec := json.NewDecoder(bytes.NewReader(predicate))
	dec.UseNumber()
	var p map[string]any
	if err := dec.Decode(&p); err != nil || p == nil {
		return nil, errors.New("the predicate is not a JSON object")
	}
	read, buildType := parseBuildV02, textAt(p, "buildType")
	switch predicateType {
	case PredicateProvenanceV02:
	case PredicateProvenanceV1:
		read, buildType = parseBuildV1, textAt(p, "buildDefinition", "buildType")
	default:
		return nil, fmt.Errorf("the predicate type %q is not SLSA provenance", predicateType)
	}
	if known := buildTypes(predicateType); buildType != "" && !contains(known, buildType) {
		// Where the facts stand in a predicate is for its build type to say.
		return nil, reject(problemUnsupported, "%s", buildType)
	}
	return read(p)
}

func parseBuildV02(p map[string]any) (*build, error) {
	b := &build{
		builderID:     textAt(p, "builder", "id"),
		buildType:     textAt(p, "buildType"),
		triggerURI:    textAt(p, "invocation", "configSource", "uri"),
		triggerCommit: textAt(p, "invocation", "configSource", "digest", "sha1"),
		workflow:      textAt(p, "invocation", "configSource", "entryPoint"),
	}
	var err error
	if b.params, err = lowerKeys(mapAt(p, "invocation", "environment")); err != nil {
		return nil, err
	}
	material, ok := first(p, "materials")
	if !ok {
		return nil, errors.New("the provenance has no materials")
	}
	b.sourceURI, b.sourceCommit = textAt(material, "uri"), textAt(material, "digest", "sha1")
	b.runID, b.runAttempt, _ = strings.Cut(textAt(p, "metadata", "buildInvocationID"), "-")
	b.inputs = mapAt(b.params, "github_event_payload", "inputs")
	return b, b.check()
}

func parseBuildV1(p map[string]any) (*build, error) {
	b := &build{
		builderID: textAt(p, "runDetails", "builder", "id"),
		buildType: textAt(p, "buildDefinition", "buildType"),
		runURI:    textAt(p, "runDetails", "metadata", "invocationId"),
	}
	dependency, ok := first(mapAt(p, "buildDefinition"), "resolvedDependencies")
	if !ok {
		return nil, errors.New("the provenance has no resolvedDependencies")
	}
	b.sourceURI = textAt(dependency, "uri")
	if b.sourceCommit = textAt(dependency, "digest", "gitCommit"); b.sourceCommit == "" {
		b.sourceCommit = textAt(dependency, "digest", "sha1")
	}
	if b.buildType == buildTypeGitHub {
		w := mapAt(p, "buildDefinition", "externalParameters", "workflow")
		b.triggerURI = "git+" + textAt(w, "repository") + "@" + textAt(w, "ref")
		b.workflow = textAt(w, "path")
		b.github = mapAt(p, "buildDefinition", "internalParameters", "github")
		b.inputs = mapAt(p, "buildDefinition", "externalParameters", "inputs")
		return b, b.check()
	}
	var err error
	if b.params, err = lowerKeys(mapAt(p, "buildDefinition", "internalParameters")); err != nil {
		return nil, err
	}
	workflowRef := textAt(b.params, "github_workflow_ref")
	name, ref, _ := strings.Cut(workflowRef, "@")
	parts := strings.SplitN(name, "/", 3)
	if len(parts) != 3 || ref == "" {
		return nil, fmt.Errorf("the provenance's GITHUB_WORKFLOW_REF is %q; wanted owner/name/path@ref", workflowRef)
	}
	b.triggerURI = "git+https://github.com/" + parts[0] + "/" + parts[1] + "@" + ref
	b.workflow = parts[2]
	b.triggerCommit = textAt(b.params, "github_sha")
	if b.buildType == buildTypeContainerBased {
		b.sourceParameter = textAt(p, "buildDefinition", "externalParameters", "source", "uri")
	}
	b.inputs = mapAt(b.params, "github_event_payload", "inputs")
	return b, b.check()
}

// check wants the fields without which nothing can be compared.
func (b *build) check() error {
	for _, f := range []struct{ name, value string }{
		{"builder id", b.builderID}, {"build type", b.buildType}, {"trigger URI", b.triggerURI}, {"source URI", b.sourceURI},
	} {
		if f.value == "" {
			return fmt.Errorf("the provenance has no %s", f.name)
		}
	}
	return nil
}

// branch returns the branch that a build of a tag came from, as slsa-verifier
// reads it: base_ref of a push, target_commitish of a release; "" if unknown.
func (b *build) branch() string {
	if ref := textAt(b.params, "github_base_ref"); ref != "" {
		return ref
	}
	payload := mapAt(b.params, "github_event_payload")
	switch textAt(b.params, "github_event_name") {
	case "push":
		return textAt(payload, "base_ref")
	case "release":
		if branch := textAt(payload, "release", "target_commitish"); branch != "" {
			return "refs/heads/" + branch
		}
	}
	return ""
}

// agrees compares the statement with the certificate that signed it: what the two
// say of repository, ref, commit, workflow and run must be one story.
func (b *build) agrees(c *Claims, kind buildKind) *Difference {
	trigger := "git+" + c.Repository + "@" + c.Ref
	if c.Repository == "" || c.Ref == "" {
		return missing("repository and ref", b.triggerURI)
	}
	if b.triggerURI != trigger {
		return differ(problemCertificate, "trigger", trigger, b.triggerURI)
	}
	if diff := b.agreesOnSource(c, kind, trigger); diff != nil {
		return diff
	}
	for _, pair := range []struct{ field, certificate, statement string }{
		{"trigger commit", c.Commit, b.triggerCommit},
		{"workflow", configPath(c), b.workflow},
		{"run", c.RunURI, b.runURI},
		{"run id", runPart(c.RunURI, 0), b.runID},
		{"run attempt", runPart(c.RunURI, 1), b.runAttempt},
		{"source parameter", trigger, b.sourceParameter},
		{"run id", runPart(c.RunURI, 0), textAt(b.params, "github_run_id")},
		{"run attempt", runPart(c.RunURI, 1), textAt(b.params, "github_run_attempt")},
		{"repository", strings.TrimPrefix(c.Repository, "https://github.com/"), textAt(b.params, "github_repository")},
		{"event", c.Trigger, textAt(b.params, "github_event_name")},
		{"ref", c.Ref, textAt(b.params, "github_ref")},
		{"repository id", c.RepositoryID, textAt(b.params, "github_repository_id")},
		{"owner id", c.OwnerID, textAt(b.params, "github_repository_owner_id")},
		{"commit", c.Commit, textAt(b.params, "github_sha1")},
		{"event", c.Trigger, textAt(b.github, "event_name")},
		{"repository id", c.RepositoryID, textAt(b.github, "repository_id")},
		{"owner id", c.OwnerID, textAt(b.github, "repository_owner_id")},
		{"runner", c.Runner, textAt(b.github, "runner_environment")},
	} {
		// A claim that older certificates lack, or that this statement does not
		// make, cannot disagree; what is demanded of it is the policy's to say.
		if pair.certificate != "" && pair.statement != "" && pair.certificate != pair.statement {
			return differ(problemCertificate, pair.field, pair.certificate, pair.statement)
		}
	}
	return nil
}

// agreesOnSource compares the first material with the trigger. A delegated builder
// may build another commit of the same repository, and then gives no ref.
func (b *build) agreesOnSource(c *Claims, kind buildKind, trigger string) *Difference {
	uri, ref, err := utils.ParseGitURIAndRef(b.sourceURI)
	if err != nil {
		return differ(problemCertificate, "source", trigger, b.sourceURI)
	}
	if ref == "" && kind == kindDelegator {
		if uri != "git+"+c.Repository {
			return differ(problemCertificate, "source", "git+"+c.Repository, b.sourceURI)
		}
		return nil
	}
	if b.sourceURI != trigger {
		return differ(problemCertificate, "source", trigger, b.sourceURI)
	}
	if b.sourceCommit == "" || c.Commit == "" || b.sourceCommit != c.Commit {
		return differ(problemCertificate, "source commit", c.Commit, b.sourceCommit)
	}
	return nil
}

// configPath is the path of the workflow file that was started, by the certificate.
func configPath(c *Claims) string {
	rest, ok := strings.CutPrefix(c.ConfigURI, c.Repository+"/")
	if !ok || c.Repository == "" {
		return ""
	}
	path, _, _ := strings.Cut(rest, "@")
	return path
}

// runPart returns id (0) or attempt (1) of ".../actions/runs/ID/attempts/N".
func runPart(uri string, part int) string {
	_, rest, ok := strings.Cut(uri, "/actions/runs/")
	if !ok {
		return ""
	}
	id, attempt, _ := strings.Cut(rest, "/attempts/")
	return []string{id, attempt}[part]
}

// mapAt walks exact keys down to an object; nil if there is none.
func mapAt(m map[string]any, path ...string) map[string]any {
	for _, key := range path {
		m, _ = m[key].(map[string]any)
	}
	return m
}

// textAt walks exact keys down to a string, or to a number as it was written.
func textAt(m map[string]any, path ...string) string {
	m = mapAt(m, path[:len(path)-1]...)
	switch v := m[path[len(path)-1]].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// first returns the first element of an array of objects.
func first(m map[string]any, key string) (map[string]any, bool) {
	a, _ := m[key].([]any)
	if len(a) == 0 {
		return nil, false
	}
	o, ok := a[0].(map[string]any)
	return o, ok
}

// lowerKeys lowers the keys of one object: builders of either generation write
// the GitHub context in one case or the other. Keys that then collide contradict
// each other.
func lowerKeys(m map[string]any) (map[string]any, error) {
	lower := make(map[string]any, len(m))
	for k, v := range m {
		l := strings.ToLower(k)
		if _, twice := lower[l]; twice {
			return nil, fmt.Errorf("the provenance has the parameter %q in two cases", l)
		}
		lower[l] = v
	}
	return lower, nil
}
