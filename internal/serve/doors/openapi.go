package doors

import (
	"context"
	"net/http"

	"github.com/releaseassay/assay/docs/schema"
)

// openAPI answers GET /v1/openapi.yaml.
func (d *doors) openAPI(context.Context, *call) (reply, *fault) {
	return reply{status: http.StatusOK, body: schema.OpenAPI, header: map[string]string{"Content-Type": "application/yaml"}}, nil
}
