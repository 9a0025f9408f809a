package report

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/releaseassay/assay/verify"
)

func sarifRunOf(t *testing.T, v verify.Verdict) sarifRun {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal([]byte(machine(t, "sarif", v)), &log); err != nil {
		t.Fatal(err)
	}
	return log.Runs[0]
}

// TestSARIFHasWhatIsRequired looks for the members that the standard requires and those
// that code scanning does, by their names in the document.
func TestSARIFHasWhatIsRequired(t *testing.T) {
	for name, make := range samples {
		var log map[string]any
		if err := json.Unmarshal([]byte(machine(t, "sarif", make())), &log); err != nil {
			t.Fatal(err)
		}
		at := func(node any, path string) any {
			t.Helper()
			for _, key := range strings.Split(path, ".") {
				if list, ok := node.([]any); ok && key == "0" {
					if len(list) == 0 {
						t.Fatalf("%s: there is nothing at %s", name, path)
					}
					node = list[0]
					continue
				}
				node = node.(map[string]any)[key]
			}
			if node == nil || node == "" {
				t.Errorf("%s: %s is missing", name, path)
			}
			return node
		}
		if at(log, "version") != "2.1.0" || !strings.HasSuffix(at(log, "$schema").(string), "sarif-schema-2.1.0.json") {
			t.Errorf("%s: it is no SARIF 2.1.0", name)
		}
		run := at(log, "runs.0")
		if at(run, "tool.driver.name") != "assay" || at(run, "invocations.0.executionSuccessful") != true {
			t.Errorf("%s: the run is %v", name, run)
		}
		at(run, "tool.driver.informationUri")
		rules := at(run, "tool.driver.rules").([]any)
		for _, r := range rules {
			for _, path := range []string{"id", "shortDescription.text", "fullDescription.text", "help.text", "helpUri", "defaultConfiguration.level", "properties.tags.0"} {
				if text := at(r, path).(string); len(text) > 1024 {
					t.Errorf("%s: %s has %d characters", name, path, len(text))
				}
			}
		}
		for _, r := range at(run, "results").([]any) {
			for _, path := range []string{
				"ruleId", "level", "message.text", "locations.0.physicalLocation.artifactLocation.uri", "locations.0.physicalLocation.region.startLine",
				"locations.0.logicalLocations.0.fullyQualifiedName", "partialFingerprints.primaryLocationLineHash",
			} {
				at(r, path)
			}
			if i := at(r, "ruleIndex").(float64); int(i) >= len(rules) || rules[int(i)].(map[string]any)["id"] != at(r, "ruleId") {
				t.Errorf("%s: the result's rule is not at %v", name, i)
			}
		}
	}
}

// TestSARIFFitsItsSchema judges by the standard's own schema, which the linter's module
// has in its test data. Where that module is not in the module cache there is nothing to
// judge by: nothing is downloaded.
func TestSARIFFitsItsSchema(t *testing.T) {
	cmd := exec.Command("go", "list", "-modfile=../../scripts/tools.mod", "-m", "-f", "{{.Dir}}", "github.com/securego/gosec/v2")
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off")
	dir, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(dir)) == "" {
		t.Skip("the linter's modules are not in the module cache")
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "report/sarif/testdata/sarif-schema-2.1.0.json"))
	if err != nil {
		t.Skip(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(sarifSchema, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(sarifSchema)
	if err != nil {
		t.Fatal(err)
	}
	judge := func(text string) error {
		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(parsed)
	}
	for name, make := range samples {
		if err := judge(machine(t, "sarif", make())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if judge(strings.Replace(machine(t, "sarif", impostor()), `"level": "error"`, `"level": "fatal"`, 1)) == nil {
		t.Error("the schema accepts anything")
	}
}

// TestSARIFResults wants one result for each required check that is not a pass.
func TestSARIFResults(t *testing.T) {
	run := sarifRunOf(t, crowded())
	if len(run.Results) != 2 || run.Results[0].Properties.Check != "signature" || run.Results[1].Properties.Check != "provenance" {
		t.Fatalf("the results are %+v", run.Results)
	}
	first := run.Results[0]
	for _, want := range []string{"ghcr.io/acme/app:1.4.0@" + sha("ab"), "signature is not a pass (signature.identity_mismatch)", "Wanted: identity a workflow of", "Found: ", "mallory", "Next: "} {
		if !strings.Contains(first.Message.Text, want) {
			t.Errorf("the message lacks %q: %s", want, first.Message.Text)
		}
	}
	if got := first.Locations[0].Physical.Artifact.URI; got != "ghcr.io/acme/app" {
		t.Errorf("the path is %s", got)
	}
	if got := first.Locations[0].Logical[0].FullyQualifiedName; got != "ghcr.io/acme/app:1.4.0@"+sha("ab") {
		t.Errorf("the location is %s", got)
	}
	v := undecided()
	open := sarifRunOf(t, v)
	if len(open.Results) != 1 || !strings.Contains(open.Results[0].Message.Text, "signature could not be decided (registry.rate_limited)") || open.Properties.Conclusive ||
		len(open.Invocations[0].Execution) != 1 || !strings.Contains(open.Invocations[0].Execution[0].Message.Text, "429") {
		t.Errorf("the undecided run is %+v", open)
	}
	excused := sarifRunOf(t, excepted())
	if text := excused.Results[0].Message.Text; !strings.Contains(text, "Excused until 2026-03-12T08:00:00Z by carol@acme.example") || !excused.Properties.Excepted || *excused.Properties.Enforced {
		t.Errorf("the excused run is %+v", excused)
	}
}

// TestSARIFFingerprints wants a problem to stay one alert from release to release.
func TestSARIFFingerprints(t *testing.T) {
	of := func(change func(*verify.Verdict)) string {
		v := impostor()
		change(&v)
		return sarifRunOf(t, v).Results[0].Fingerprints["primaryLocationLineHash"]
	}
	first := of(func(*verify.Verdict) {})
	if same := of(func(v *verify.Verdict) {
		v.Image.Tag, v.Image.Digest, v.Image.Pinned, v.Image.Requested = "1.5.0", sha("cd"), "ghcr.io/acme/app:1.5.0@"+sha("cd"), "ghcr.io/acme/app:1.5.0"
		v.Policy.Digest, v.Run, v.Checks[0].Message = sha("b9"), verify.Run{}, "other words"
	}); same != first {
		t.Errorf("another release gives %s; wanted %s", same, first)
	}
	for name, change := range map[string]func(*verify.Verdict){
		"image": func(v *verify.Verdict) { v.Image.Name = "ghcr.io/acme/other" },
		"check": func(v *verify.Verdict) { v.Checks[0].ID = "attestations.x" },
		"code":  func(v *verify.Verdict) { v.Checks[0].Code = verify.SignatureMissing },
	} {
		if of(change) == first {
			t.Errorf("another %s gives the same fingerprint", name)
		}
	}
}

func TestSARIFPath(t *testing.T) {
	for name, want := range map[string]string{
		"ghcr.io/acme/app": "ghcr.io/acme/app", "localhost:5000/app": "localhost%3A5000/app", "/etc/passwd": "_/etc/passwd",
		"../../x": "_/_/x", "a//b": "a/_/b", "https://x": "https%3A/_/x", "": "_", "a b#c?d": "a%20b%23c%3Fd",
	} {
		if got := pathOf(verify.VerdictImage{Name: name}); got != want {
			t.Errorf("the path of %q is %s; wanted %s", name, got, want)
		}
	}
	if got := pathOf(verify.VerdictImage{Requested: "app:1"}); got != "app%3A1" {
		t.Errorf("the path of an image without a name is %s", got)
	}
}

// TestRulesHaveAPage wants every code's link to lead to a heading that is there.
func TestRulesHaveAPage(t *testing.T) {
	read := func(file string) string {
		b, err := os.ReadFile(filepath.Join("../../docs", file))
		if err != nil {
			t.Fatal(err)
		}
		return strings.ToLower(string(b))
	}
	pages := map[string]string{reasonsURI: read("reasons.md"), outputsURI: read("outputs.md")}
	codes := []string{codeNothingCounted, codeHypothetical, codeUnexplained, "no.such", ""}
	for _, r := range verify.Reasons() {
		codes = append(codes, string(r.Code))
	}
	for _, code := range codes {
		r := ruleOf(code)
		page, anchor, ok := strings.Cut(r.HelpURI, "#")
		if text := pages[page]; !ok || text == "" || !strings.Contains(text, "\n## "+anchor+"\n") {
			t.Errorf("%s: there is no heading at %s", code, r.HelpURI)
		}
		if r.Short.Text == "" || !strings.Contains(r.Help.Text, "What to do: ") || !strings.Contains(r.Help.Text, r.HelpURI) {
			t.Errorf("%s: the rule is %+v", code, r)
		}
	}
	for _, code := range codes[:3] {
		if !strings.Contains(pages[outputsURI], "`"+code+"`") {
			t.Errorf("docs/outputs.md does not name %s", code)
		}
	}
}

func TestSARIFVersion(t *testing.T) {
	for version, want := range map[string]string{"v0.1.0": "0.1.0", "1.2.3-rc.1+x": "1.2.3-rc.1+x", "(devel)": "", "": "", "v1": "", "v1.2.3 x": ""} {
		v := passing()
		v.Run.Assay = version
		if d := sarifRunOf(t, v).Tool.Driver; d.SemanticVersion != want || d.Version != value(version) {
			t.Errorf("of %q the driver is %+v", version, d)
		}
	}
}
