package lab_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/releaseassay/assay/internal/lab"
)

// TestGitHubAPI asks the stand-in what a client may meet at GitHub, as one http.Handler.
func TestGitHubAPI(t *testing.T) {
	const about = "sha256:5d41402abc4b2a76b9719d911017c592ae1f2c3d4e5f60718293a4b5c6d7e8f9"
	api := lab.NewGitHubAPI(lab.GitHubOptions{Token: "good", RateLimit: 60, Clock: func() time.Time { return then }})
	api.AddRepository("acme/widget", false)
	api.AddRepository("acme/secret", true)
	for _, repo := range []string{"acme/widget", "acme/secret"} {
		if err := api.Attest(repo, []byte(`{"of":"`+repo+`"}`), about); err != nil {
			t.Fatal(err)
		}
	}
	if api.Attest("acme/nothing", []byte(`{}`), about) == nil {
		t.Error("a repository that does not exist took an attestation")
	}
	for name, test := range map[string]struct {
		path, token, version string
		status               int
		says                 string
	}{
		"public":            {"/repos/Acme/Widget/attestations/" + about, "", "", 200, `"repository_id":1001`},
		"under api/v3":      {"/api/v3/repos/acme/widget/attestations/" + about, "", "", 200, `"bundle":null`},
		"by number":         {"/repositories/1001/attestations/" + about, "", "2026-03-10", 200, `"initiator":"user"`},
		"organisation":      {"/orgs/acme/attestations/" + about, "good", "", 200, `"repository_id":1002`},
		"user":              {"/users/acme/attestations/" + about, "", "", 200, `"repository_id":1001`},
		"repository":        {"/repos/acme/widget", "", "", 200, `"full_name":"acme/widget"`},
		"none":              {"/repos/acme/widget/attestations/" + strings.Replace(about, "5d41", "6d41", 1), "", "", 404, "Not Found"},
		"no digest":         {"/repos/acme/widget/attestations/sha256:x", "", "", 422, "Invalid"},
		"private":           {"/repos/acme/secret/attestations/" + about, "", "", 404, "Not Found"},
		"private with it":   {"/repos/acme/secret/attestations/" + about, "good", "", 200, `"repository_id":1002`},
		"bad token":         {"/repos/acme/widget", "bad", "", 401, "Bad credentials"},
		"bad version":       {"/repos/acme/widget", "", "2020-01-01", 400, "not a supported version"},
		"nothing":           {"/user", "", "", 404, "Not Found"},
		"blob unsigned":     {"/attestations/1001/1.json.sn", "", "", 403, "AuthenticationFailed"},
		"blob with a token": {"/attestations/1001/1.json.sn?sig=c2lnbmVk", "good", "", 400, "InvalidAuthenticationInfo"},
		"no blob":           {"/attestations/1001/9.json.sn?sig=c2lnbmVk", "", "", 404, "BlobNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			status, header, body := askGitHub(t, api, test.path, test.token, test.version)
			if status != test.status || !strings.Contains(body, test.says) {
				t.Errorf("%d %s", status, body)
			}
			if isBlob := strings.HasPrefix(test.path, "/attestations/"); isBlob != (header.Get("X-Ratelimit-Limit") == "") {
				t.Errorf("headers %v", header)
			}
		})
	}
	t.Run("blob", func(t *testing.T) {
		_, _, list := askGitHub(t, api, "/repos/acme/widget/attestations/"+about, "", "")
		var got struct {
			Attestations []struct {
				BundleURL string `json:"bundle_url"`
			}
		}
		if err := json.Unmarshal([]byte(list), &got); err != nil || len(got.Attestations) != 1 {
			t.Fatalf("%s: %v", list, err)
		}
		_, header, blob := askGitHub(t, api, got.Attestations[0].BundleURL, "", "")
		bundle, err := snappy.Decode(nil, []byte(blob))
		if err != nil || string(bundle) != `{"of":"acme/widget"}` || header.Get("Content-Type") != "application/x-snappy" {
			t.Errorf("%s %v", bundle, err)
		}
	})
	t.Run("rate limit", func(t *testing.T) {
		api.LimitPrimary(then.Add(time.Minute))
		status, header, body := askGitHub(t, api, "/repos/acme/widget", "", "")
		if status != 403 || header.Get("X-Ratelimit-Remaining") != "0" || !strings.Contains(body, "API rate limit exceeded") {
			t.Errorf("%d %v %s", status, header, body)
		}
	})
	if log := api.Requests(); len(log) == 0 || log[0].Method != http.MethodGet || log[0].Host == "" || !log[0].Start.Equal(then) {
		t.Errorf("log %+v", log)
	}
}

func askGitHub(t *testing.T, h http.Handler, target, token, version string) (int, http.Header, string) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, target, nil)
	req.Header.Set("User-Agent", "test")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if version != "" {
		req.Header.Set("X-GitHub-Api-Version", version)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Result().Header, string(body)
}
