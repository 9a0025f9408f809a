package metadata_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// publicGood verifies with the public-good root that is built in.
type publicGood struct{ root *verify.TrustedRoot }

func (p publicGood) Verify(bundle, message []byte, identity, issuer string) (time.Time, error) {
	v, err := verify.VerifyBlob(bundle, verify.Blob{Content: bytes.NewReader(message)},
		verify.BlobSigner{Identity: identity, Issuer: issuer}, p.root, verify.DefaultLimits())
	if err != nil {
		return time.Time{}, err
	}
	first := v.Times()[0].Time
	for _, at := range v.Times() {
		if at.Time.Before(first) {
			first = at.Time
		}
	}
	return first, nil
}

// realTime is one at which the real repository had not expired.
var realTime = time.Date(2026, 4, 19, 0, 0, 0, 0, time.UTC)

// realRepository reads the real repository that lies beside this one, where it does.
func realRepository(t testing.TB) (repository, metadata.Options) {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "testdata", "sd-proxy-tuf", "metadata")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the real repository is not beside this one: %v", err)
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	builtin, warning := trust.Builtin("")
	if warning != "" {
		t.Fatal(warning)
	}
	root, err := verify.NewTrustedRoot(policy.PublicGood, "built in", builtin.JSON, policy.Thresholds{SCTs: 1, LogEntries: 1, Timestamps: 1})
	if err != nil {
		t.Fatal(err)
	}
	return repository{
		roots:     [][]byte{read("1.root.json")},
		timestamp: read("timestamp.json"), snapshot: read("4.snapshot.json"), targets: read("4.targets.json"),
	}, metadata.Options{Time: realTime, Sigstore: publicGood{root}}
}

func TestRealRepository(t *testing.T) {
	r, o := realRepository(t)
	trusted := mustRun(t, r, o)
	found, need, err := trusted.Find("oci-prometheus-sd-proxy/releases/v1.5.0.json")
	if err != nil || need != nil {
		t.Fatalf("look up v1.5.0: needs %v, error %v", need, err)
	}
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "testdata", "sd-proxy-tuf", "targets", "oci-prometheus-sd-proxy",
		"releases", found.Hashes["sha256"]+".v1.5.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Verify(b); err != nil {
		t.Error(err)
	}
	owner := metadata.Key{
		ID:   "aa731b3cc24464a6bf5e42d9b54998a2b6fa97a5a7c8f4ff3492bcaea4b37efb",
		Type: "sigstore-oidc", Scheme: "Fulcio", Identity: "amaanulhaq.s@outlook.com", Issuer: "https://github.com/login/oauth",
	}
	a := found.Roles[0].Authorizations[0]
	if a.By != metadata.Root || a.ByVersion != 1 || a.Threshold != 1 || !slices.Equal(a.Keys, []metadata.Key{owner}) ||
		len(a.Signed) != 1 || a.Signed[0].Key != owner {
		t.Errorf("targets were authorised thus: %+v", a)
	}
	if at := a.Signed[0].Time; at.Format(time.DateOnly) != "2026-04-18" {
		t.Errorf("targets were signed at %s", at)
	}
	_, _, err = trusted.Find("oci-prometheus-sd-proxy/releases/v9.9.9.json")
	want(t, err, metadata.NotListed, "targets", "5.7.2")

	floor := trusted.Floor()
	if floor.Root != 1 || floor.Timestamp != 10 || floor.Snapshot != 4 || !maps.Equal(floor.Roles, map[string]int64{"targets": 4}) {
		t.Errorf("the floor is %+v", floor)
	}
	names, _, err := trusted.List(func(path string) bool { return strings.Contains(path, "1.4.2") }, nil, nil)
	if err != nil || len(names.Paths) != 2 {
		t.Errorf("listed %v, error %v", names, err)
	}
}

func TestRealRepositoryHasExpired(t *testing.T) {
	r, o := realRepository(t)
	o.Time = time.Date(2026, 4, 20, 18, 7, 46, 0, time.UTC)
	trusted, err := r.run(o)
	want(t, err, metadata.Expired, "timestamp", "5.4.4")
	want(t, trusted.UpdateSnapshot(r.snapshot, false), metadata.Expired, "timestamp", "5.4.4")
	if floor := trusted.Floor(); floor.Timestamp != 0 {
		t.Errorf("an expired timestamp raised the floor to %d", floor.Timestamp)
	}
	o.DeferExpiryUnsafe = true
	if _, err := r.run(o); err != nil {
		t.Errorf("with expiry deferred: %v", err)
	}
	o.DeferExpiryUnsafe, o.Time = false, time.Date(2027, 4, 10, 0, 0, 0, 0, time.UTC)
	_, err = r.run(o)
	want(t, err, metadata.Expired, "root", "5.3.10")
}
