package lab_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"github.com/releaseassay/assay/internal/lab"
)

// newTUF makes a repository with one ordinary key of each kind.
func newTUF(t *testing.T, o lab.TUFOptions) *lab.TUF {
	t.Helper()
	o.Now = then
	for kind, to := range map[lab.TUFKeyKind]*[]*lab.TUFKey{lab.TUFEd25519: &o.Root, lab.TUFECDSA: &o.Targets, lab.TUFRSA: &o.Timestamp} {
		if *to == nil {
			k, err := lab.NewTUFKey(kind)
			*to = []*lab.TUFKey{must(t, k, err)}
		}
	}
	repo, err := lab.NewTUF(o)
	return must(t, repo, err)
}

// goTUF has go-tuf's own client refresh from the pinned root and fetch a target.
func goTUF(t *testing.T, repo *lab.TUF, at time.Time, target string) ([]byte, error) {
	t.Helper()
	server := httptest.NewServer(repo.Handler())
	defer server.Close()
	c, err := config.New(server.URL+"/metadata", repo.FirstRoot())
	must(t, c, err)
	c.DisableLocalCache, c.RemoteTargetsURL = true, server.URL+"/targets"
	u, err := updater.New(c)
	must(t, u, err).UnsafeSetRefTime(at)
	if err := u.Refresh(); err != nil {
		return nil, err
	}
	info, err := u.GetTargetInfo(target)
	if err != nil {
		return nil, err
	}
	_, content, err := u.DownloadTarget(info, "", "")
	return content, err
}

// TestTUFOrdinary wants go-tuf's own client to accept what the lab makes of ordinary keys.
func TestTUFOrdinary(t *testing.T) {
	const target = "dir/file.txt"
	want := []byte("hello")
	cases := map[string]struct {
		options lab.TUFOptions
		change  func(*testing.T, *lab.TUF)
	}{
		"plain":             {change: func(_ *testing.T, r *lab.TUF) { r.AddTarget(target, want, "targets") }},
		"inconsistent":      {lab.TUFOptions{Inconsistent: true}, func(_ *testing.T, r *lab.TUF) { r.AddTarget(target, want, "targets") }},
		"hashes in meta":    {lab.TUFOptions{MetaHashes: true}, func(_ *testing.T, r *lab.TUF) { r.AddTarget(target, want, "targets") }},
		"glob delegation":   {change: delegates(target, want, lab.TUFDelegation{Paths: []string{"dir/*.txt"}, Terminating: true})},
		"name with a slash": {change: delegatesTo("a/b", target, want, lab.TUFDelegation{Paths: []string{"dir/*"}})},
		"succinct": {lab.TUFOptions{MetaHashes: true}, func(t *testing.T, r *lab.TUF) {
			t.Helper()
			s, err := lab.NewTUFSuccinct("bin", 3)
			r.Targets.Succinct = must(t, s, err)
			for _, bin := range s.Bins {
				r.AddTarget(target, want, bin.Name)
			}
		}},
		"rotated": {change: func(t *testing.T, r *lab.TUF) {
			t.Helper()
			r.AddTarget(target, want, "targets")
			for range 3 {
				err := r.RotateRoot(func(r *lab.TUF) {
					for _, role := range []*lab.TUFRole{r.Root, r.Timestamp, r.Targets, r.Snapshot} {
						a, err := lab.NewTUFKey(lab.TUFECDSA)
						b, errB := lab.NewTUFKey(lab.TUFEd25519)
						role.Keys, role.Threshold = []*lab.TUFKey{must(t, a, err), must(t, b, errB)}, 2
					}
				})
				must(t, 0, err)
			}
		}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			repo := newTUF(t, test.options)
			test.change(t, repo)
			must(t, 0, repo.Publish())
			got, err := goTUF(t, repo, then.Add(time.Hour), target)
			if must(t, got, err); !bytes.Equal(got, want) {
				t.Errorf("found %q", got)
			}
			if _, err := goTUF(t, repo, then.Add(49*time.Hour), target); err == nil {
				t.Error("an expired timestamp was accepted")
			}
		})
	}
}

func delegates(target string, content []byte, d lab.TUFDelegation) func(*testing.T, *lab.TUF) {
	return delegatesTo("releases", target, content, d)
}

func delegatesTo(name, target string, content []byte, d lab.TUFDelegation) func(*testing.T, *lab.TUF) {
	return func(t *testing.T, r *lab.TUF) {
		t.Helper()
		role, err := lab.NewTUFRole(name)
		d.Role = must(t, role, err)
		r.Targets.Delegations = append(r.Targets.Delegations, d)
		r.AddTarget(target, content, name)
	}
}

// TestTUFPublish wants versions to grow by what changed and by nothing else.
func TestTUFPublish(t *testing.T) {
	repo := newTUF(t, lab.TUFOptions{})
	versions := func() [4]int64 {
		return [4]int64{repo.Root.Version, repo.Timestamp.Version, repo.Snapshot.Version, repo.Targets.Version}
	}
	for _, step := range []struct {
		name   string
		change func() error
		want   [4]int64
	}{
		{"new", func() error { return nil }, [4]int64{1, 1, 1, 1}},
		{"nothing", func() error { return repo.Publish() }, [4]int64{1, 1, 1, 1}},
		{"cron", func() error { repo.Now = then.Add(time.Hour); return repo.Publish("timestamp") }, [4]int64{1, 2, 1, 1}},
		{"target", func() error { repo.AddTarget("a", []byte("1"), "targets"); return repo.Publish() }, [4]int64{1, 3, 2, 2}},
		{"same target", func() error { repo.AddTarget("a", []byte("1"), "targets"); return repo.Publish() }, [4]int64{1, 3, 2, 2}},
		{"root", func() error { return repo.RotateRoot(func(*lab.TUF) {}) }, [4]int64{2, 3, 2, 2}},
		{"root again", func() error { return repo.Publish() }, [4]int64{2, 3, 2, 2}},
		{"fast forward", func() error { repo.Timestamp.Version = 98; return repo.Publish() }, [4]int64{2, 99, 2, 2}},
		{"signers", func() error {
			repo.Snapshot.Signers = []*lab.TUFKey{repo.Targets.Keys[0]}
			return repo.Publish()
		}, [4]int64{2, 100, 3, 2}},
	} {
		if must(t, 0, step.change()); versions() != step.want {
			t.Errorf("after %s: wanted %v, found %v", step.name, step.want, versions())
		}
	}
	if _, err := goTUF(t, repo, then, "a"); err == nil {
		t.Error("a snapshot by the targets' key was accepted")
	}
}

// TestTUFServer wants conditional requests, faults and the log to work, and a folder to hold what is served.
func TestTUFServer(t *testing.T) {
	repo := newTUF(t, lab.TUFOptions{})
	must(t, 0, repo.Start())
	defer repo.Close()
	get := func(path string, header ...string) *http.Response {
		req, err := http.NewRequest(http.MethodGet, repo.MetadataURL()+path, nil)
		must(t, req, err)
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		must(t, resp, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	first := get("/timestamp.json")
	if got := get("/timestamp.json", "If-None-Match", first.Header.Get("ETag")).StatusCode; got != http.StatusNotModified {
		t.Errorf("with the ETag: %d", got)
	}
	repo.SetValidator(lab.ModifiedDate)
	if got := get("/timestamp.json", "If-Modified-Since", get("/timestamp.json").Header.Get("Last-Modified")).StatusCode; got != http.StatusNotModified {
		t.Errorf("with the date: %d", got)
	}
	if got := get("/2.root.json").StatusCode; got != http.StatusNotFound {
		t.Errorf("a root that is not there: %d", got)
	}
	repo.SetFault("metadata/2*", lab.AnswerStatus(http.StatusForbidden))
	if got := get("/2.root.json").StatusCode; got != http.StatusForbidden {
		t.Errorf("with a fault: %d", got)
	}
	repo.SetFault("metadata/timestamp.json", lab.AnswerTruncated(repo.File("metadata/timestamp.json")))
	if _, err := io.ReadAll(get("/timestamp.json").Body); err == nil {
		t.Error("half an answer was read as a whole one")
	}
	repo.SetFault("metadata/timestamp.json", lab.AnswerEndlessly([]byte("{")))
	if n, err := io.CopyN(io.Discard, get("/timestamp.json").Body, 1<<20); err != nil {
		t.Errorf("an endless answer ended after %d bytes: %v", n, err)
	}
	if log := repo.Requests(); len(log) < 6 || log[0].Path != "/metadata/timestamp.json" || log[0].Bytes == 0 || log[1].Status != 304 {
		t.Errorf("the log is %+v", log)
	}
	dir := t.TempDir()
	must(t, 0, repo.WriteDir(dir))
	got, err := os.ReadFile(filepath.Join(dir, "metadata", "1.root.json"))
	if must(t, got, err); !bytes.Equal(got, repo.FirstRoot()) {
		t.Error("the folder holds another root")
	}
}

// TestTUFSigstore verifies every file of a release repository with sigstore-go alone.
func TestTUFSigstore(t *testing.T) {
	for name, options := range map[string][]lab.BundleOption{"rekor v1": nil, "rekor v2": {lab.RekorV2()}} {
		t.Run(name, func(t *testing.T) {
			s := newSigstore(t, lab.Options{})
			repo, err := lab.NewReleaseTUF(s, then)
			must(t, repo, err)
			for _, k := range append(repo.Root.Keys, repo.Snapshot.Keys...) {
				k.Signing.Bundle = options
			}
			target, err := repo.AddRelease("1.2.3", "ghcr.io/acme/widget", digest)
			if must(t, target, err) != "widget/releases/v1.2.3.json" {
				t.Errorf("the manifest lies at %s", target)
			}
			must(t, 0, repo.Publish("root"))
			for role, people := range map[string]bool{"root": true, "targets": true, "snapshot": false, "timestamp": false} {
				checkMetadata(t, s, repo, role, people)
			}
		})
	}
}

func checkMetadata(t *testing.T, s *lab.Sigstore, repo *lab.TUF, role string, people bool) {
	t.Helper()
	var file struct {
		Signatures []lab.TUFSignature `json:"signatures"`
		Signed     json.RawMessage    `json:"signed"`
	}
	must(t, 0, json.Unmarshal(repo.File(repo.MetadataPath(role)), &file))
	message, err := cjson.EncodeCanonical(file.Signed)
	must(t, message, err)
	rootJSON, err := s.TrustedRoot()
	material, err2 := root.NewTrustedRootFromJSON(must(t, rootJSON, err))
	v, err := verify.NewVerifier(must(t, material, err2), verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	must(t, v, err)
	identities := [][2]string{{lab.FirstPerson, lab.PersonIssuer}, {lab.SecondPerson, lab.PersonIssuer}}
	if !people {
		identities = [][2]string{{lab.OnlineSigner().SAN, lab.GitHubIssuer}}
	}
	if len(file.Signatures) != len(identities) {
		t.Fatalf("%s has %d signatures; wanted %d", role, len(file.Signatures), len(identities))
	}
	for i, sig := range file.Signatures {
		b := &bundle.Bundle{}
		must(t, 0, b.UnmarshalJSON(sig.Bundle))
		id, err := verify.NewShortCertificateIdentity(identities[i][1], "", identities[i][0], "")
		policy := verify.NewPolicy(verify.WithArtifact(bytes.NewReader(message)), verify.WithCertificateIdentity(must(t, id, err)))
		if _, err := v.Verify(b, policy); err != nil {
			t.Errorf("%s, signature %d: %v", role, i, err)
		}
	}
}
