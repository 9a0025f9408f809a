package verify_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/releaseassay/assay/internal/registry"
	"github.com/releaseassay/assay/verify"
)

// BenchmarkVerifyRealLayout is one whole verification of slsa-verifier's v2.1.0
// image from disk: what the process does beside starting and the network.
func BenchmarkVerifyRealLayout(b *testing.B) {
	module, roots := slsaModule(b), publicGood(b)
	c := slsaCase{Command: "verify-image", Digest: "sha256:234e2c830c2fb31ac5671789d22adfe44d30c3ee831d01beae5e237841a13122"}
	c.Dir = "cli/slsa-verifier/testdata/gha_generic_container/v2.1.0/container_workflow_dispatch"
	c.Args.SourceURI = "github.com/slsa-framework/example-package"
	p := slsaPolicy(b, c)
	ref := reference(b, "ghcr.io/slsa-framework/example-package@"+c.Digest)
	for b.Loop() {
		layout, err := registry.OpenLayout(filepath.Join(module, filepath.FromSlash(c.Dir)), verify.DefaultLimits())
		if err != nil {
			b.Fatal(err)
		}
		v := verify.Verify(context.Background(), layout, ref, p, roots, verify.Options{At: judgementDay, Limits: verify.DefaultLimits()})
		if !v.Passed() {
			b.Fatal("the verdict is not a pass")
		}
		if err := layout.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
