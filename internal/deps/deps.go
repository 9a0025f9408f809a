// Package deps keeps modules in go.mod while the packages that use them are being written.
package deps

import (
	_ "github.com/google/go-containerregistry/pkg/authn"
	_ "github.com/google/go-containerregistry/pkg/registry"
	_ "github.com/google/go-containerregistry/pkg/v1/layout"
	_ "github.com/google/go-containerregistry/pkg/v1/remote/transport"
	_ "github.com/goccy/go-yaml"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/santhosh-tekuri/jsonschema/v6"
	_ "github.com/sigstore/cosign/v2/pkg/cosign"
	_ "github.com/sigstore/fulcio/pkg/certificate"
	_ "github.com/sigstore/sigstore-go/pkg/tuf"
	_ "github.com/sigstore/sigstore-go/pkg/verify"
	_ "github.com/slsa-framework/slsa-verifier/v2/errors"
	_ "github.com/slsa-framework/slsa-verifier/v2/verifiers/utils"
	_ "github.com/theupdateframework/go-tuf/v2/metadata"
	_ "github.com/urfave/cli/v2"
	_ "golang.org/x/mod/semver"
	_ "golang.org/x/sync/errgroup"
)
