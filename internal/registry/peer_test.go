package registry

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	peer "github.com/google/go-containerregistry/pkg/registry"
)

// TestAgainstPeer runs against the registry of go-containerregistry, which lists
// referrers under the type of their config rather than their own.
func TestAgainstPeer(t *testing.T) {
	for _, api := range []bool{true, false} {
		server := httptest.NewServer(peer.New(peer.WithReferrersSupport(api), peer.Logger(log.New(io.Discard, "", 0))))
		defer server.Close()
		push := func(method, path, mediaType string, body []byte) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/v2/o/n"+path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", mediaType)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusCreated {
				t.Fatalf("%s %s: %s", method, path, resp.Status)
			}
		}
		blob := func(mediaType, body string) descriptor {
			d := descriptor{MediaType: mediaType, Digest: digestOf([]byte(body)), Size: int64(len(body))}
			push(http.MethodPost, "/blobs/uploads/?digest="+d.Digest, "application/octet-stream", []byte(body))
			return d
		}
		manifest := func(tag, mediaType string, content map[string]any) descriptor {
			body, err := json.Marshal(content)
			if err != nil {
				t.Fatal(err)
			}
			d := descriptor{MediaType: mediaType, Digest: digestOf(body), Size: int64(len(body))}
			if tag == "" {
				tag = d.Digest
			}
			push(http.MethodPut, "/manifests/"+tag, mediaType, body)
			return d
		}
		image := manifest("v1", typeOCIManifest, map[string]any{
			"schemaVersion": 2, "mediaType": typeOCIManifest, "config": blob("", "{}"), "layers": []any{},
		})
		manifest(fallbackTag(image.Digest)+".sig", typeOCIManifest, map[string]any{"layers": []any{blob(typeSimpleSigning, "s")}})
		bundle := manifest("", typeOCIManifest, map[string]any{
			"artifactType": typeBundle3, "config": map[string]any{"mediaType": typeEmpty},
			"subject": image, "layers": []any{blob(typeBundle3, "b")},
		})
		if !api {
			manifest(fallbackTag(image.Digest), typeOCIIndex, index(bundle))
		}
		r := New(Options{Keychain: anonymous{}})
		ref := reference(t, server.Listener.Addr().String()+"/o/n:v1")
		got, err := r.Resolve(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		evidence := r.Collect(t.Context(), got, everything)
		same(t, "failures", troubles(evidence), nil)
		pieces := summary(evidence)
		if !slices.Equal(pieces, []string{"bundle b", "legacy-signature s"}) {
			t.Errorf("referrers API %v: got %q", api, pieces)
		}
	}
}
