// Package schema holds the JSON Schemas of what assay reads and writes, as they are
// published.
package schema

import _ "embed"

// Policy is the JSON Schema (2020-12) of policies and of the fragments that they include.
//
//go:embed policy.v1.json
var Policy []byte

// OpenAPI describes the server's own routes, below /v1 (OpenAPI 3.1).
//
//go:embed openapi.v1.yaml
var OpenAPI []byte
