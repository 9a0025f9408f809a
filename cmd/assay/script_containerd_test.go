package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
)

// newContainerd writes what containerd would give for the good release and for the
// unsigned image: DESCRIPTOR and UNSIGNED_DESCRIPTOR, with UNSIGNED the latter's digest,
// and KIND_DESCRIPTOR, the good index served as a manifest; and settings with a policy for
// the fixture: PLUGIN, PLUGIN_AUDIT under audit, PLUGIN_EXCEPTED with an exception. PLUGIN logs to ANSWERS.
func newContainerd(t *testing.T, release *lab.Release, attacks []lab.Attack, exceptions map[string]string, root, dir string) map[string]string {
	t.Helper()
	env := map[string]string{}
	write := func(name, file, content string) {
		env[name] = filepath.Join(dir, file)
		must(t, os.WriteFile(env[name], []byte(content), 0o600))
	}
	good, err := json.Marshal(release.Image.Descriptor())
	must(t, err)
	write("DESCRIPTOR", "descriptor.json", string(good)+"\n")
	write("KIND_DESCRIPTOR", "descriptor-kind.json", strings.Replace(string(good), "image.index", "image.manifest", 1))
	for _, a := range attacks {
		if a.Name == "unsigned" {
			d, err := json.Marshal(a.Image.Descriptor())
			must(t, err)
			env["UNSIGNED"] = a.Image.Digest()
			write("UNSIGNED_DESCRIPTOR", "descriptor-unsigned.json", string(d))
		}
	}
	for _, p := range []struct{ name, mode, workflow, settings string }{
		{"PLUGIN", "", ".github/workflows/release.yml", "log: answers.jsonl\n"},
		{"PLUGIN_AUDIT", "mode: {audit: {until: 2099-01-01}}\n", ".github/workflows/release.yml", ""},
		{"PLUGIN_EXCEPTED", "", "w", "exceptions: " + exceptions["EXCEPTED"] + "\n"},
	} {
		file := strings.ToLower(p.name) + "-policy.yaml"
		write(p.name+"_POLICY", file, "apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: plugin}\n"+p.mode+`images:
  - match: "**/acme/widget"
    source: {repository: acme/widget, ref: "refs/tags/v{version}"}
    signature: {signer: {issuer: "https://token.actions.githubusercontent.com", workflow: "`+p.workflow+`"}}
`)
		write(p.name, strings.ToLower(p.name)+".yaml", "policy: "+file+"\ntrusted_root: "+root+"\n"+p.settings)
	}
	env["ANSWERS"] = filepath.Join(dir, "answers.jsonl")
	return env
}

// newContainerdListed writes settings for a listed release: PLUGIN_LISTED, which keeps
// what was seen in PLUGIN_STATE, and LISTED_DESCRIPTOR.
func newContainerdListed(t *testing.T, tuf map[string]string, root, dir string) map[string]string {
	t.Helper()
	env := map[string]string{
		"PLUGIN_LISTED": filepath.Join(dir, "plugin-listed.yaml"), "PLUGIN_STATE": filepath.Join(dir, "plugin-state"),
		"LISTED_DESCRIPTOR": filepath.Join(dir, "descriptor-listed.json"),
	}
	must(t, os.WriteFile(env["PLUGIN_LISTED"], []byte("policy: "+tuf["RELEASE"]+"\ntrusted_root: "+root+"\nstate: plugin-state\n"), 0o600))
	must(t, os.WriteFile(env["LISTED_DESCRIPTOR"], []byte(`{"mediaType":"`+index+`","digest":"`+tuf["TUF_DIGEST"]+`","size":1}`), 0o600))
	return env
}
