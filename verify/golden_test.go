package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/places"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// verdictsDir holds one case a file; testdata/README.md says how they are written.
const verdictsDir = "../testdata/verdicts"

// goldenCase is case.yaml: what is asked about what release.
type goldenCase struct {
	// Reference is what is asked about; "" is the release's tag. Index is the index that
	// is named for it.
	Reference string `yaml:"reference"`
	Index     string `yaml:"index"`
	// After is how long after the release it is judged; 0 is a day.
	After        time.Duration `yaml:"after"`
	ImageVersion string        `yaml:"image_version"`
	Hypothetical bool          `yaml:"hypothetical"`
	// Withdrawn takes the release off its list after an earlier run has seen it there.
	Withdrawn bool `yaml:"withdrawn"`
	// Release is the release; to its parts, or else the standard ones, the other three apply.
	Release lab.PipelineOptions `yaml:"release"`
	Without []string            `yaml:"without"`
	Change  []lab.PipelinePart  `yaml:"change"`
	Add     []lab.PipelinePart  `yaml:"add"`
	// Show lists more of the verdict that is compared, by path.
	Show []string `yaml:"show"`
}

// parts are those that the release is made with.
func (c goldenCase) parts(t testing.TB) []lab.PipelinePart {
	t.Helper()
	parts := slices.Clone(c.Release.Parts)
	if parts == nil {
		parts = lab.StandardParts()
	}
	find := func(kind string) int {
		i := slices.IndexFunc(parts, func(p lab.PipelinePart) bool { return p.Kind == kind })
		if i < 0 {
			t.Fatalf("the release has no part %q to change or leave out", kind)
		}
		return i
	}
	for _, changed := range c.Change {
		parts[find(changed.Kind)] = changed
	}
	for _, kind := range c.Without {
		i := find(kind)
		parts = slices.Delete(parts, i, i+1)
	}
	return append(parts, c.Add...)
}

func TestGoldenVerdicts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(verdictsDir, "*.txtar"))
	if err != nil || len(files) < 60 {
		t.Fatalf("found %d cases, %v; wanted at least 60", len(files), err)
	}
	s := must(lab.NewSigstore(lab.Options{Now: then}))
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive := must(txtar.ParseFile(file))
			got, v := runGolden(t, s, archive)
			assertDecided(t, v)
			want := []byte(nil)
			for i := range archive.Files {
				if f := &archive.Files[i]; f.Name == "want.yaml" {
					want, f.Data = f.Data, got
				}
			}
			if bytes.Equal(want, got) {
				return
			}
			if !*update {
				t.Fatalf("%s\nfound:\n%s\nwanted:\n%s\n%s\nrun: %+v", archive.Comment, got, want, decision(t, v), v.Run)
			}
			if want == nil {
				archive.Files = append(archive.Files, txtar.File{Name: "want.yaml", Data: got})
			}
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// runGolden makes the release of a case, asks about it over the collectors, and
// writes what is compared.
func runGolden(t *testing.T, s *lab.Sigstore, archive *txtar.Archive) ([]byte, verify.Verdict) {
	t.Helper()
	if strings.TrimSpace(string(archive.Comment)) == "" {
		t.Error("the case does not say what it shows")
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	var c goldenCase
	files["case.yaml"] = bytes.ReplaceAll(files["case.yaml"], []byte("${other}"), []byte(lab.OtherDigest()))
	dec := yaml.NewDecoder(bytes.NewReader(files["case.yaml"]))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && len(bytes.TrimSpace(files["case.yaml"])) > 0 {
		t.Fatalf("case.yaml: %v", err)
	}
	c.Release.Parts = c.parts(t)
	text, ok := files["policy.yaml"]
	c.Release.NoTUF = ok && !bytes.Contains(text, []byte("${ROOT}"))
	made := must(lab.NewPipeline(s, c.Release))
	if !ok {
		text = made.Policy()
	}
	p, err := policy.Parse("policy.yaml", []byte(filledIn(t, made, string(text))))
	if err != nil {
		t.Fatal(err)
	}
	if c.Reference == "" {
		c.Reference = "${NAME}:" + lab.DefaultTag
	}
	o := verify.Options{At: then.Add(c.After), Version: c.ImageVersion, Hypothetical: c.Hypothetical, Limits: verify.DefaultLimits()}
	if c.After == 0 {
		o.At = today
	}
	if c.Index != "" {
		o.Index = reference(t, filledIn(t, made, c.Index))
	}
	ref, state := reference(t, filledIn(t, made, c.Reference)), t.TempDir()
	if c.Withdrawn {
		ask(t, made, p, ref, o, state)
		if err := made.Withdraw(); err != nil {
			t.Fatal(err)
		}
	}
	v := ask(t, made, p, ref, o, state)
	if text, ok := files["exceptions.yaml"]; ok {
		e := must(policy.ParseExceptions("exceptions.yaml", []byte(filledIn(t, made, string(text)))))
		verify.Except(&v, e.List, e.Digest, o.At)
	}
	return digestsNamedIn(made, summary(t, v, c.Show)), v
}

var anyDigest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// digestsNamedIn writes digests by what they are of, as a case does: those of evidence are
// others in each run.
func digestsNamedIn(made *lab.Pipeline, text []byte) []byte {
	names := map[string]string{lab.OtherDigest(): "${other}", made.Image.Digest(): "${image}"}
	for _, d := range made.Image.Children() {
		if p := d.Platform; p != nil && p.OS != "unknown" && must(made.Digest(p.String())) == d.Digest.String() {
			names[d.Digest.String()] = "${" + p.String() + "}"
		}
	}
	return anyDigest.ReplaceAllFunc(text, func(digest []byte) []byte {
		if name, ok := names[string(digest)]; ok {
			return []byte(name)
		}
		return []byte("sha256:*")
	})
}

// filledIn writes what is only known once a release is made: ${ROOT}, ${NAME}, and
// ${image}, ${other} and ${linux/amd64} for digests.
func filledIn(t testing.TB, made *lab.Pipeline, text string) string {
	t.Helper()
	text = strings.NewReplacer("${ROOT}", made.RootSHA256(), "${NAME}", lab.PipelineName).Replace(text)
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			return text
		}
		of, after, closed := strings.Cut(rest, "}")
		if !closed {
			t.Fatalf("%q does not end", rest)
		}
		text = before + must(made.Digest(of)) + after
	}
}

// ask verifies as the program does: over the collectors, by the names of the world.
func ask(t testing.TB, made *lab.Pipeline, p *policy.Policy, ref verify.Reference, o verify.Options, state string) verify.Verdict {
	t.Helper()
	spent := budget.New(budget.Default(), budget.Clock{})
	source := &places.Source{
		Image:    registry.New(registry.Options{Transport: made.Transport(), Budget: spent}),
		Releases: release.New(release.Options{Dir: state, Transport: made.Transport(), Budget: spent}),
	}
	trust := verify.Trust{}
	if made.TUF != nil {
		trust.Pinned = append(trust.Pinned, pinnedRoot(made.TUF.FirstRoot()))
	}
	trust.Roots = []*verify.TrustedRoot{must(verify.NewTrustedRoot(policy.PublicGood, "lab", must(made.TrustedRoot()), p.Trust[policy.PublicGood].Thresholds))}
	return verify.Verify(context.Background(), source, ref, p, trust, o)
}

// assertDecided checks what holds of every verdict.
func assertDecided(t testing.TB, v verify.Verdict) {
	t.Helper()
	required, bad, undecided := 0, 0, 0
	for _, f := range v.Checks {
		switch {
		case !f.Required && f.Result != verify.NotRequired:
			t.Errorf("%s is not required and has the result %s", f.ID, f.Result)
		case !f.Required:
			continue
		case f.Result == verify.Passed && f.Code != "":
			t.Errorf("%s passed with the code %s", f.ID, f.Code)
		case f.Result != verify.Passed && (!documented(f.Code) || f.Message == ""):
			t.Errorf("%s has the result %s, the code %q, and the message %q", f.ID, f.Result, f.Code, f.Message)
		}
		required++
		if f.Result != verify.Passed {
			bad++
		}
		if f.Result == verify.Errored {
			undecided++
		}
	}
	if v.Passed() != (required > 0 && bad == 0) || v.Conclusive != (undecided == 0 || bad > undecided) {
		t.Errorf("the verdict is pass=%v conclusive=%v with %d of %d required checks bad, %d undecided", v.Passed(), v.Conclusive, bad, required, undecided)
	}
}

// summary writes what is compared of a verdict: nothing that depends on a key.
func summary(t testing.TB, v verify.Verdict, show []string) []byte {
	t.Helper()
	var b bytes.Buffer
	decided := must(v.Verdict.MarshalText())
	fmt.Fprintf(&b, "verdict: %s\nconclusive: %v\nchecks:\n", decided, v.Conclusive)
	for _, f := range v.Checks {
		fmt.Fprintf(&b, "  %s: %s\n", f.ID, strings.TrimSpace(f.Result.String()+" "+string(f.Code)))
	}
	if len(show) == 0 {
		return b.Bytes()
	}
	var decoded any
	if err := json.Unmarshal(decision(t, v), &decoded); err != nil {
		t.Fatal(err)
	}
	b.WriteString("show:\n")
	for _, path := range show {
		fmt.Fprintf(&b, "  %s: ", path)
		enc := json.NewEncoder(&b) // one line, with its end
		enc.SetEscapeHTML(false)
		if err := enc.Encode(found(decoded, path)); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// found follows a path of members: "sbom.message" is of the check of that name,
// "image.version" of the verdict. A list is entered by an index, or by the id, claim or
// digest of an element; what is not there is null.
func found(at any, path string) any {
	if verdict, ok := at.(map[string]any); ok {
		for _, c := range verdict["checks"].([]any) {
			if id := c.(map[string]any)["id"].(string); path == id || strings.HasPrefix(path, id+".") {
				return follow(c, strings.TrimPrefix(strings.TrimPrefix(path, id), "."))
			}
		}
	}
	return follow(at, path)
}

func follow(at any, path string) any {
	for path != "" && at != nil {
		var key string
		key, path, _ = strings.Cut(path, ".")
		switch in := at.(type) {
		case map[string]any:
			at = in[key]
		case []any:
			at = element(in, key)
		default:
			return nil
		}
	}
	return at
}

func element(list []any, key string) any {
	if i, err := strconv.Atoi(key); err == nil && i < len(list) {
		return list[i]
	}
	for _, e := range list {
		if m, ok := e.(map[string]any); ok && (m["claim"] == key || m["platform"] == key || m["source"] == key || m["code"] == key || m["rule"] == key) {
			return e
		}
	}
	return nil
}
