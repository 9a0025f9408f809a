package doors

import (
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/settings"
)

// TestWhoseSecrets: the pull secrets of a Pod are those that it names, since a node uses no others; those of a template
// are its service account's as well.
func TestWhoseSecrets(t *testing.T) {
	none := func(object string) string {
		return strings.Replace(object, `"imagePullSecrets":[{"name":"one"},{"name":"two"}],`, "", 1)
	}
	for name, c := range map[string]struct {
		ask  asked
		want serve.Tenant
	}{
		"pod":            {asked{object: pod(pinned("good"))}, serve.Tenant{Namespace: "prod", ServiceAccount: "runner", Secrets: "one\ntwo"}},
		"pod, none":      {asked{object: none(pod(pinned("good")))}, serve.Tenant{Namespace: "prod"}},
		"template":       {asked{kind: "Deployment", object: deployment(pinned("good"))}, serve.Tenant{Namespace: "prod", ServiceAccount: "runner", Secrets: "one\ntwo"}},
		"template, none": {asked{kind: "Deployment", object: none(deployment(pinned("good")))}, serve.Tenant{Namespace: "prod", ServiceAccount: "runner"}},
	} {
		s := open(t, settings.Settings{PullSecrets: true}, nil)
		s.review(t, "validate", c.ask.String())
		if len(s.fake.asked) != 1 || s.fake.asked[0].Tenant != c.want {
			t.Errorf("%s: asked %+v, want the tenant %+v", name, s.fake.asked, c.want)
		}
	}
}
