package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// realImages maps the versions of slsa-github-generator to the digests of the
// images that its tests keep: nine layouts, made by other people.
func realImages(t testing.TB) map[string]string {
	t.Helper()
	b, err := os.ReadFile("../testdata/slsa-verifier-container-cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []slsaCase
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	images := map[string]string{}
	for _, c := range cases {
		if c.Command != "verify-artifact" {
			images[c.Version] = c.Digest
		}
	}
	if len(images) != 9 {
		t.Fatalf("found %d real images; wanted 9", len(images))
	}
	return images
}

func realDigest(t testing.TB, version string) string {
	t.Helper()
	return realImages(t)[version]
}

const realName = "ghcr.io/slsa-framework/example-package"

// TestRealClaims reads the certificates of real images: v1.4.0 has extensions .1
// to .6 alone, v1.6.0 lacks .22. A claim that is demanded and missing is a
// failure; where nothing demands it, the image passes.
func TestRealClaims(t *testing.T) {
	for version, missing := range map[string]map[string]string{
		"v1.4.0": {
			"runner": "signer: {issuer: https://token.actions.githubusercontent.com, runner: github-hosted}", "visibility": "signer: {issuer: https://token.actions.githubusercontent.com, visibility: public}",
			"repository_id": `source: {repository: slsa-framework/example-package, repository_id: "486325809"}`, "owner_id": `source: {repository: slsa-framework/example-package, owner_id: "80431187"}`,
		},
		"v1.6.0": {"visibility": "signer: {issuer: https://token.actions.githubusercontent.com, visibility: public}"},
		"v2.1.0": {},
	} {
		t.Run(version, func(t *testing.T) {
			c := realCases(t, version)[0]
			v := c.judge(t, c.pieces...)
			wantPass(t, v)
			found := finding(t, v, "provenance").Found[0]
			golden(t, "claims-"+version+".json", append(must(json.MarshalIndent(found.Claims, "", "  ")), '\n'))
			if found.Log != verify.LogPromise {
				t.Errorf("log %s; wanted %s", found.Log, verify.LogPromise)
			}
			for field, demand := range missing {
				c.policy = realPolicy(t, demand)
				v := c.judge(t, c.pieces...)
				wantFail(t, v, "provenance", verify.ProvenanceClaimMissing)
				if d := finding(t, v, "provenance").Found[0].Difference; d == nil || d.Field != field || d.Found != "" {
					t.Errorf("%s: %+v", field, d)
				}
			}
			if version == "v2.1.0" { // it makes every claim, so demands of them can be met
				claims := found.Claims
				c.policy = realPolicy(t, `signer: {issuer: "`+claims.Issuer+`", runner: `+claims.Runner+`, visibility: `+claims.Visibility+`, trigger: `+claims.Trigger+`}`,
					`source: {repository: slsa-framework/example-package, repository_id: "`+claims.RepositoryID+`", owner_id: "`+claims.OwnerID+`", commit: "`+claims.Commit+`", ref: `+claims.Ref+`}`)
				wantPass(t, c.judge(t, c.pieces...))
			}
		})
	}
}

// realPolicy demands provenance of the real images, with further keys of the demand.
func realPolicy(t *testing.T, lines ...string) *policy.Policy {
	t.Helper()
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "source:") }) {
		lines = append(lines, "source: {repository: slsa-framework/example-package}")
	}
	text := policyText(`provenance: {builder: {id: "` + generatorID + `"}, ` + strings.Join(lines, ", ") + "}")
	p, err := policy.Parse("real.yaml", []byte(strings.Replace(text, imageName, realName, 1)))
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return p
}

// golden compares with a file of testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: found\n%s\nwanted\n%s", path, got, want)
	}
}

// TestRealImagesWithoutSignature judges the nine real images, none of which is
// signed, by a policy that demands it: as layouts and from a registry, with the
// same decision byte for byte.
func TestRealImagesWithoutSignature(t *testing.T) {
	ctx := context.Background()
	served := lab.NewRegistry(lab.RegistryOptions{})
	if err := served.Start(); err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	repository := served.Host() + "/slsa-framework/example-package"
	const signer = `signature: {signer: {issuer: https://token.actions.githubusercontent.com, workflow: ".github/workflows/*"}}`
	source := `source: {repository: slsa-framework/example-package, ref: "**"}`
	for demand, lines := range map[string][]string{
		"a signature":           {source, signer},
		"a signature or a key":  {source, `signature: {signer: [{issuer: https://token.actions.githubusercontent.com, workflow: ".github/workflows/*"}, {key: {file: cosign.pub, sha256: "` + strings.Repeat("0", 64) + `"}}]}`},
		"a signature and build": {source, signer, `provenance: {builder: {id: "` + generatorID + `"}}`},
	} {
		text := strings.Replace(policyText(lines...), imageName, repository, 1)
		p, err := policy.Parse("test.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
		for version, digest := range realImages(t) {
			t.Run(version+" "+demand, func(t *testing.T) {
				dir := filepath.Join(slsaModule(t), "cli", "slsa-verifier", "testdata", "gha_generic_container", version, "container_workflow_dispatch")
				ref := reference(t, repository+"@"+digest)
				layout, err := registry.OpenLayout(dir, verify.DefaultLimits())
				if err != nil {
					t.Fatal(err)
				}
				pushLayout(t, dir, repository)
				o := verify.Options{At: judgementDay, Limits: verify.DefaultLimits()}
				saved := verify.Verify(ctx, layout, ref, p, publicGood(t), o)
				fetched := verify.Verify(ctx, registry.New(registry.Options{}), ref, p, publicGood(t), o)
				for _, v := range []verify.Verdict{saved, fetched} {
					wantFail(t, v, "signature", verify.SignatureMissing)
					if f := finding(t, v, "provenance"); f.Required && f.Result != verify.Passed {
						t.Errorf("provenance: %s %s", f.Code, f.Message)
					}
				}
				if a, b := decision(t, saved), decision(t, fetched); !bytes.Equal(a, b) {
					t.Errorf("the layout and the registry differ:\n%s\n%s", a, b)
				}
				if saved.Run.Requests != 0 || fetched.Run.Requests == 0 {
					t.Errorf("%d requests for the layout, %d for the registry", saved.Run.Requests, fetched.Run.Requests)
				}
			})
		}
	}
}

// pushLayout serves everything in a layout from a registry: blobs, the image by
// its digest, and its attestations under the tag that cosign gives them.
func pushLayout(t *testing.T, dir, repository string) {
	t.Helper()
	ctx := context.Background()
	repo, err := name.NewRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	index := ociIndex(t, filepath.Join(dir, "index.json"))
	blobs := filepath.Join(dir, "blobs", "sha256")
	entries, err := os.ReadDir(blobs)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := lab.PutBlob(ctx, repo, "application/octet-stream", must(os.ReadFile(filepath.Join(blobs, e.Name())))); err != nil {
			t.Fatal(err)
		}
	}
	image, tags := "", map[string]string{lab.KindAttestations: ".att", lab.KindSignatures: ".sig"}
	for _, m := range index.Manifests {
		if tags[m.Annotations["kind"]] == "" {
			image = strings.TrimPrefix(m.Digest, "sha256:")
		}
	}
	for _, m := range index.Manifests {
		tag := ""
		if suffix := tags[m.Annotations["kind"]]; suffix != "" {
			tag = "sha256-" + image + suffix
		}
		path := filepath.Join(blobs, strings.TrimPrefix(m.Digest, "sha256:"))
		for _, child := range ociIndex(t, path).Manifests { // which the registry wants first
			raw := must(os.ReadFile(filepath.Join(blobs, strings.TrimPrefix(child.Digest, "sha256:"))))
			if _, err := lab.PutManifest(ctx, repo, "", child.MediaType, raw); err != nil {
				t.Fatal(err)
			}
		}
		raw := must(os.ReadFile(path))
		if _, err := lab.PutManifest(ctx, repo, tag, m.MediaType, raw); err != nil {
			t.Fatal(err)
		}
	}
}

type ociManifests struct {
	Manifests []struct {
		MediaType   string            `json:"mediaType"`
		Digest      string            `json:"digest"`
		Annotations map[string]string `json:"annotations"`
	} `json:"manifests"`
}

// ociIndex reads an index; a manifest is one without members.
func ociIndex(t *testing.T, path string) ociManifests {
	t.Helper()
	var index ociManifests
	if err := json.Unmarshal(must(os.ReadFile(path)), &index); err != nil {
		t.Fatal(err)
	}
	return index
}
