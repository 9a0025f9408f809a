package main

import (
	"fmt"
	"strings"

	"github.com/releaseassay/assay/e2e/internal/tool"
)

// tools lists all of them, the quick ones of each module first.
func tools() []tool.Tool {
	return []tool.Tool{
		{Name: "trillmem", Module: "servers", Package: "github.com/releaseassay/assay/e2e/tools/servers/trillmem"},
		{Name: "crane", Module: "servers", Package: "github.com/google/go-containerregistry/cmd/crane"},
		{Name: "rekor2", Module: "servers", Package: "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix"},
		{Name: "timestamp-server", Module: "servers", Package: "github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server"},
		{Name: "ct_server", Module: "servers", Package: "github.com/google/certificate-transparency-go/trillian/ctfe/ct_server"},
		{Name: "fulcio", Module: "servers", Package: "github.com/sigstore/fulcio"},
		{Name: "rekor1", Module: "servers", Package: "github.com/sigstore/rekor/cmd/rekor-server"},
		{Name: "cosign3", Module: "cosign3", Package: "github.com/sigstore/cosign/v3/cmd/cosign"},
		{Name: "cosign2", Module: "cosign2", Package: "github.com/sigstore/cosign/v2/cmd/cosign"},
		{Name: oracle, Module: "slsa-verifier", Package: "github.com/slsa-framework/slsa-verifier/v2/cli/slsa-verifier"},
	}
}

// oracle is a tool that no scenario needs: it is built when it is asked for by name.
const oracle = "slsa-verifier"

// toolNamed finds one.
func toolNamed(name string) (tool.Tool, error) {
	var names []string
	for _, t := range tools() {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return tool.Tool{}, fmt.Errorf("found no tool %q; wanted one of %s", name, strings.Join(names, ", "))
}
