package policy_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/docs/schema"
	"github.com/releaseassay/assay/policy"
)

func policySchema(t *testing.T) (*jsonschema.Schema, map[string]any) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.Policy))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	return s, doc.(map[string]any)
}

// Every policy that the documents show, and those of the examples, fits the schema.
func TestSchemaAcceptsPolicies(t *testing.T) {
	s, _ := policySchema(t)
	n := 0
	for _, pattern := range []string{"../docs/*.md", "../docs/examples/*.yaml", "../testdata/verdicts/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range policies(string(b)) {
				if _, err := policy.Parse(file, []byte(text)); err != nil && !strings.Contains(text, "include:") && !strings.Contains(text, policy.FragmentKind) {
					continue // one that is shown to be refused
				}
				n++
				var v any
				if err := yaml.Unmarshal([]byte(text), &v); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				if err := s.Validate(plain(v)); err != nil {
					t.Errorf("%s: the schema refuses a policy that assay takes: %v\n%s", file, err, text)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("found %d policies; are they where this test looks?", n)
	}
}

// policies cuts the policies out of a document, of whatever kind it is.
func policies(text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(`(?ms)^(apiVersion: assay/v1\n.*?)(^`+"```"+`$|^-- |\z)`).FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], "kind: ReleasePolicy") {
			found = append(found, m[1])
		}
	}
	return found
}

// plain writes what YAML reads as JSON would: dates as text.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case int:
		return float64(v)
	case interface{ Format(string) string }:
		return v.Format("2006-01-02")
	}
	return v
}

// The schema knows exactly the keys that the parser knows, in every mapping: each is
// given one key that does not exist, and the parser says which do.
func TestSchemaHasTheParsersKeys(t *testing.T) {
	_, doc := policySchema(t)
	defs := doc["$defs"].(map[string]any)
	for _, m := range mappings {
		t.Run(m.name, func(t *testing.T) {
			text := strings.Replace(m.text, "HERE", "no_such_key: 1", 1)
			read := func(path string) ([]byte, error) {
				if path == "p.yaml" {
					return []byte(text), nil
				}
				return nil, errors.New("no such file")
			}
			_, err := policy.Load("p.yaml", read)
			if err == nil {
				t.Fatalf("an unknown key is accepted:\n%s", text)
			}
			found := regexp.MustCompile(`found unknown key "no_such_key" in [^;]*; wanted one of ([^\n]*)`).FindStringSubmatch(err.Error())
			if found == nil {
				t.Fatalf("no message about the unknown key: %v", err)
			}
			keys := strings.Split(found[1], ", ")
			slices.Sort(keys)
			at := any(doc)
			for _, step := range strings.Fields(m.at) {
				at = at.(map[string]any)[step]
				if o, ok := at.(map[string]any); ok {
					if name, ok := o["$ref"].(string); ok {
						at = defs[strings.TrimPrefix(name, "#/$defs/")]
					}
				} else if list, ok := at.([]any); ok { // oneOf: the branch that is a mapping
					for _, branch := range list {
						if _, ok := branch.(map[string]any)["properties"]; ok {
							at = branch
						}
					}
				}
			}
			var known []string
			for k := range at.(map[string]any)["properties"].(map[string]any) {
				known = append(known, k)
			}
			slices.Sort(known)
			if !slices.Equal(keys, known) {
				t.Errorf("the parser knows %v, the schema %v", keys, known)
			}
		})
	}
}

const top = "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: x}\n"

func inRule(text string) string {
	return top + "images:\n  - match: ghcr.io/o/n\n    " + text + "\n"
}

// mappings are all that a policy can have, each with HERE where a key can stand, and
// where in the schema its properties are.
var mappings = []struct{ name, text, at string }{
	{"the policy", top + "HERE\n", ""},
	{"metadata", "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: x, HERE}\n", "properties metadata"},
	{"mode", top + "mode: {HERE}\n", "$defs mode oneOf"},
	{"mode.audit", top + "mode: {audit: {HERE}}\n", "$defs mode oneOf properties audit"},
	{"grace", top + "grace: {HERE}\n", "$defs grace oneOf"},
	{"include", top + "include: [{HERE}]\n", "properties include items"},
	{"a trusted root", top + "trust: {corp: {HERE}}\n", "$defs trustedRoot oneOf"},
	{"thresholds", top + "trust: {corp: {thresholds: {HERE}}}\n", "$defs trustedRoot oneOf properties thresholds"},
	{"a builder", top + "builders: [{HERE}]\n", "$defs builder"},
	{"identities", top + "identities: {HERE}\n", "properties identities"},
	{"a named signer", top + "identities: {signers: {x: {HERE}}}\n", "$defs signer"},
	{"a named source", top + "identities: {sources: {x: {HERE}}}\n", "$defs source"},
	{"deny", top + "deny: {HERE}\n", "properties deny"},
	{"deny.digests", top + "deny: {digests: [{HERE}]}\n", "properties deny properties digests items oneOf"},
	{"deny.versions", top + "deny: {versions: [{HERE}]}\n", "properties deny properties versions items"},
	{"deny.signed", top + "deny: {signed: [{HERE}]}\n", "properties deny properties signed items"},
	{"a rule", inRule("HERE"), "$defs rule"},
	{"mirrors", inRule("mirrors: [{HERE}]"), "$defs rule properties mirrors items"},
	{"tags", inRule("tags: {HERE}"), "$defs rule properties tags"},
	{"source", inRule("source: {HERE}"), "$defs source"},
	{"signature", inRule("signature: {HERE}"), "$defs signature"},
	{"signer", inRule("signature: {signer: {HERE}}"), "$defs signer"},
	{"signer.key", inRule("signature: {signer: {key: {HERE}}}"), "$defs signer properties key"},
	{"signed", inRule("signature: {signer: {signed: {HERE}}}"), "$defs window"},
	{"provenance", inRule("provenance: {HERE}"), "$defs provenance"},
	{"provenance.builder", inRule("provenance: {builder: {HERE}}"), "$defs provenance properties builder"},
	{"sbom", inRule("sbom: {HERE}"), "$defs sbom"},
	{"sbom.deny_components", inRule("sbom: {deny_components: [{HERE}]}"), "$defs sbom properties deny_components items"},
	{"sbom.rules", inRule("sbom: {rules: [{HERE}]}"), "$defs sbom properties rules items"},
	{"an attestation", inRule("attestations: {x: {HERE}}"), "$defs attestation"},
	{"metadata shape", inRule("attestations: {x: {metadata: {HERE}}}"), "$defs attestation properties metadata"},
	{"scan", inRule("attestations: {x: {scan: {HERE}}}"), "$defs attestation properties scan"},
	{"vex", inRule("attestations: {x: {vex: {HERE}}}"), "$defs attestation properties vex"},
	{"vsa", inRule("attestations: {x: {vsa: {HERE}}}"), "$defs attestation properties vsa"},
	{"tests", inRule("attestations: {x: {tests: {HERE}}}"), "$defs attestation properties tests oneOf"},
	{"release", inRule("release: {HERE}"), "$defs release"},
	{"release.tuf", inRule("release: {tuf: {HERE}}"), "$defs release properties tuf"},
	{"release.tuf.root", inRule("release: {tuf: {root: {HERE}}}"), "$defs release properties tuf properties root"},
	{"release.fields", inRule("release: {fields: {HERE}}"), "$defs release properties fields"},
	{"release.signers", inRule("release: {signers: {HERE}}"), "$defs release properties signers"},
	{"release.signers.identities", inRule("release: {signers: {identities: [{HERE}]}}"), "$defs release properties signers properties identities items"},
	{"release.signers.keys", inRule("release: {signers: {keys: [{HERE}]}}"), "$defs release properties signers properties keys items"},
	{"release.moving", inRule("release: {moving: {HERE}}"), "$defs release properties moving"},
	{"release.offline", inRule("release: {offline: {HERE}}"), "$defs release properties offline"},
	{"platforms", inRule("platforms: {HERE}"), "$defs rule properties platforms"},
	{"consistency", inRule("consistency: {HERE}"), "$defs rule properties consistency oneOf"},
	{"freshness", inRule("freshness: {HERE}"), "$defs rule properties freshness"},
}
