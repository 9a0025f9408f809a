package credentials

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	ggcr "github.com/google/go-containerregistry/pkg/v1/google"
	"golang.org/x/oauth2"
)

// google logs in with Application Default Credentials, or else as gcloud does. Where
// nothing speaks for the former it does not look for them, since Google's code would
// try to reach the metadata server from anywhere. (go-containerregistry's keychain
// takes errors for "nothing here", so only its two parts are used.)
type google struct {
	getenv    func(string) string
	transport http.RoundTripper
}

func (g google) ask(ctx context.Context, _ authn.Resource) (authn.Authenticator, error) {
	if g.hasDefault() {
		if g.transport != nil {
			ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: g.transport})
		}
		auth, err := ggcr.NewEnvAuthenticator(ctx)
		return auth, briefly(err)
	}
	return ggcr.NewGcloudAuthenticator(ctx)
}

// hasDefault reports whether a file, a variable or the machine says that there are
// default credentials.
func (g google) hasDefault() bool {
	for _, v := range []string{"GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "K_SERVICE", "CLOUD_RUN_JOB"} {
		if g.getenv(v) != "" {
			return true
		}
	}
	const file = "gcloud/application_default_credentials.json"
	for _, dir := range []string{filepath.Join(g.getenv("HOME"), ".config"), g.getenv("APPDATA")} {
		if _, err := os.Stat(filepath.Join(dir, file)); err == nil && filepath.IsAbs(dir) {
			return true
		}
	}
	product, err := os.ReadFile("/sys/class/dmi/id/product_name")
	return err == nil && slices.Contains([]string{"Google", "Google Compute Engine"}, strings.TrimSpace(string(product)))
}

// briefly leaves out the body of a token server's answer.
func briefly(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return fmt.Errorf("the token server answers %s %s", refused.Response.Status, refused.ErrorCode)
	}
	return err
}
