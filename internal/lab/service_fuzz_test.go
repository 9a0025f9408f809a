package lab_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// FuzzServices sends bytes through every door that takes some: each is answered, none with the fault of the server.
func FuzzServices(f *testing.F) {
	s, err := lab.NewSigstore(lab.Options{Now: then})
	if err != nil {
		f.Fatal(err)
	}
	v := lab.NewServices(s, lab.ServicesOptions{Clock: func() time.Time { return then }})
	token, err := v.GitHubToken("sigstore", nil)
	if err != nil {
		f.Fatal(err)
	}
	paths := []string{
		"/api/v1/signingCert", "/api/v2/signingCert", "/api/v1/log/entries", "/api/v1/log/entries/retrieve", "/api/v2/log/entries", "/api/v1/timestamp",
	}
	for i := range paths {
		for _, seed := range []string{
			"", "{}", "null", `{"apiVersion":"0.0.1","kind":"intoto","spec":{"content":{"envelope":{"payloadType":"","signatures":[{}]}}}}`,
			`{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{}},"signature":{"publicKey":{}}}}`,
			`{"apiVersion":"0.0.1","kind":"dsse","spec":{"proposedContent":{"envelope":"{}","verifiers":[""]}}}`,
			`{"entries":[{"apiVersion":"0.0.1","kind":"dsse","spec":{}}],"logIndexes":[null]}`,
			`{"hashedRekordRequestV002":{"signature":{"verifier":{}}}}`, `{"dsseRequestV002":{"verifiers":[{}],"envelope":{"signatures":[{}]}}}`,
			`{"publicKeyRequest":{"publicKey":{"content":"-----BEGIN PUBLIC KEY-----"}},"certificateSigningRequest":""}`,
		} {
			f.Add(uint8(i), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, door uint8, body []byte) {
		path := paths[int(door)%len(paths)]
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		if path == "/api/v1/timestamp" {
			req.Header.Set("Content-Type", "application/timestamp-query")
		}
		w := httptest.NewRecorder()
		v.ServeHTTP(w, req)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%s is answered %d: %s", path, w.Code, w.Body)
		}
		if w.Code >= http.StatusBadRequest && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s is refused with %s", path, w.Body)
		}
	})
}
