package lab_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sigstore/rekor/pkg/client"
	"github.com/sigstore/rekor/pkg/generated/client/entries"
	"github.com/sigstore/rekor/pkg/generated/client/pubkey"
	"github.com/sigstore/rekor/pkg/generated/client/tlog"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
	"github.com/sigstore/rekor/pkg/types/dsse"
	"github.com/sigstore/rekor/pkg/types/hashedrekord"
	"github.com/sigstore/rekor/pkg/types/intoto"
	rekorverify "github.com/sigstore/rekor/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"

	genclient "github.com/sigstore/rekor/pkg/generated/client"

	"github.com/releaseassay/assay/internal/lab"
)

func rekorClient(t *testing.T, d doors) *genclient.Rekor {
	t.Helper()
	c, err := client.GetRekorClient(d.URL())
	return must(t, c, err)
}

// logVerifier is the log's key as the log gives it out.
func logVerifier(t *testing.T, c *genclient.Rekor) signature.Verifier {
	t.Helper()
	resp, err := c.Pubkey.GetPublicKey(pubkey.NewGetPublicKeyParams())
	key, err2 := cryptoutils.UnmarshalPEMToPublicKey([]byte(must(t, resp, err).Payload))
	v, err3 := signature.LoadDefaultVerifier(must(t, key, err2))
	return must(t, v, err3)
}

// proposals are entries of every kind that a client makes, all by the same signer.
func proposals(t *testing.T, s *lab.Sigstore) map[string]models.ProposedEntry {
	t.Helper()
	signer, err := s.Issue(release(), then)
	env, err2 := must(t, signer, err).Envelope(lab.InTotoPayloadType, statement(t))
	must(t, env, err2)
	sig, err := signer.Sign([]byte("message"))
	cert := [][]byte{signer.CertificatePEM()}
	out := map[string]models.ProposedEntry{}
	for name, c := range map[string]struct {
		kind  types.TypeImpl
		props types.ArtifactProperties
	}{
		"hashedrekord/0.0.1": {hashedrekord.New(), types.ArtifactProperties{
			PKIFormat: "x509", PublicKeyBytes: cert, SignatureBytes: must(t, sig, err),
			ArtifactHash: "sha256:ab530a13e45914982b79f9b7e3fba994cfd1f3fb22f71cea1afbf02b460c6d1d",
		}},
		"dsse/0.0.1":   {dsse.New(), types.ArtifactProperties{PublicKeyBytes: cert, ArtifactBytes: env}},
		"intoto/0.0.1": {intoto.New(), types.ArtifactProperties{PublicKeyBytes: cert, ArtifactBytes: env}},
		"intoto/0.0.2": {intoto.New(), types.ArtifactProperties{PublicKeyBytes: cert, ArtifactBytes: env}},
	} {
		_, version, _ := strings.Cut(name, "/")
		proposed, err := c.kind.CreateProposedEntry(t.Context(), version, c.props)
		out[name] = must(t, proposed, err)
	}
	return out
}

// TestRekorV1 logs entries with Rekor's own client, verifies promise and proof with its own code, and finds them again.
func TestRekorV1(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{})
	c := rekorClient(t, d)
	key := logVerifier(t, c)
	for name, proposed := range proposals(t, d.sigstore) {
		t.Run(name, func(t *testing.T) {
			created, err := c.Entries.CreateLogEntry(entries.NewCreateLogEntryParams().WithProposedEntry(proposed))
			must(t, created, err)
			entry, ok := created.Payload[created.ETag]
			if !ok || !strings.HasSuffix(string(created.Location), "/"+created.ETag) {
				t.Fatalf("created %s at %s: %v", created.ETag, created.Location, created.Payload)
			}
			verifyEntry(t, entry, key)
			if *entry.IntegratedTime != then.Unix() {
				t.Errorf("integrated at %d", *entry.IntegratedTime)
			}
			_, err = c.Entries.CreateLogEntry(entries.NewCreateLogEntryParams().WithProposedEntry(proposed))
			if conflict, ok := err.(*entries.CreateLogEntryConflict); !ok || conflict.Location != created.Location { //nolint:errorlint // the client's own type
				t.Errorf("a second time: %v", err)
			}
			byIndex, err := c.Entries.GetLogEntryByIndex(entries.NewGetLogEntryByIndexParams().WithLogIndex(*entry.LogIndex))
			verifyEntry(t, must(t, byIndex, err).Payload[created.ETag], key)
			byUUID, err := c.Entries.GetLogEntryByUUID(entries.NewGetLogEntryByUUIDParams().WithEntryUUID(created.ETag[16:]))
			verifyEntry(t, must(t, byUUID, err).Payload[created.ETag], key)
			query := &models.SearchLogQuery{EntryUUIDs: []string{created.ETag}, LogIndexes: []*int64{entry.LogIndex}}
			query.SetEntries([]models.ProposedEntry{proposed})
			found, err := c.Entries.SearchLogQuery(entries.NewSearchLogQueryParams().WithEntry(query))
			if n := len(must(t, found, err).Payload); n != 3 {
				t.Errorf("found %d entries", n)
			}
		})
	}
	info, err := c.Tlog.GetLogInfo(tlog.NewGetLogInfoParams())
	if n := *must(t, info, err).Payload.TreeSize; n != 7 {
		t.Errorf("the tree has %d leaves, want 3 of its own and 4", n)
	}
}

func verifyEntry(t *testing.T, e models.LogEntryAnon, key signature.Verifier) {
	t.Helper()
	if e.Body == nil {
		t.Fatal("no entry under its id")
	}
	if err := rekorverify.VerifyLogEntry(t.Context(), &e, key); err != nil {
		t.Error(err)
	}
}

// TestRekorV1KnowsTheLab finds entries that did not come through the door, as they were before the lab spoilt them.
func TestRekorV1KnowsTheLab(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{})
	signer, err := d.sigstore.Issue(release(), then)
	raw, err2 := must(t, signer, err).Bundle(statement(t), then, lab.FalsePromise(), lab.FalseProof())
	var bundle struct {
		VerificationMaterial struct {
			TlogEntries []struct {
				LogIndex int64 `json:",string"`
			}
		}
	}
	if err := json.Unmarshal(must(t, raw, err2), &bundle); err != nil {
		t.Fatal(err)
	}
	c := rekorClient(t, d)
	index := bundle.VerificationMaterial.TlogEntries[0].LogIndex
	found, err := c.Entries.GetLogEntryByIndex(entries.NewGetLogEntryByIndexParams().WithLogIndex(index))
	for _, entry := range must(t, found, err).Payload {
		verifyEntry(t, entry, logVerifier(t, c))
	}
}

// TestRekorV1Refuses sends what the log must not hold, and asks for what it does not hold.
func TestRekorV1Refuses(t *testing.T) {
	d := openDoors(t, lab.ServicesOptions{})
	const door = "/api/v1/log/entries"
	spoiled := func(name, from, to string) []byte {
		raw, err := json.Marshal(proposals(t, d.sigstore)[name])
		out := bytes.Replace(must(t, raw, err), []byte(from), []byte(to), 1)
		if bytes.Equal(out, raw) {
			t.Fatalf("%s has no %s: %s", name, from, raw)
		}
		return out
	}
	for name, c := range map[string]struct {
		path   string
		body   []byte
		status int
	}{
		"other hash":       {door, spoiled("hashedrekord/0.0.1", "ab530a13", "ab530a14"), http.StatusBadRequest},
		"other payload":    {door, spoiled("dsse/0.0.1", "vnd.in-toto", "vnd.in-tota"), http.StatusBadRequest},
		"no certificate":   {door, spoiled("dsse/0.0.1", `"verifiers":["`, `"verifiers":["AAAA`), http.StatusBadRequest},
		"unknown version":  {door, spoiled("dsse/0.0.1", `"apiVersion":"0.0.1"`, `"apiVersion":"9.0.0"`), http.StatusBadRequest},
		"other kind":       {door, []byte(`{"apiVersion":"0.0.1","kind":"rekord","spec":{}}`), http.StatusBadRequest},
		"unknown kind":     {door, []byte(`{"apiVersion":"0.0.1","kind":"poem","spec":{}}`), http.StatusBadRequest},
		"no spec":          {door, []byte(`{"apiVersion":"0.0.1","kind":"dsse"}`), http.StatusBadRequest},
		"null spec":        {door, []byte(`{"apiVersion":"0.0.1","kind":"intoto","spec":null}`), http.StatusBadRequest},
		"no json":          {door, []byte(`entry`), http.StatusBadRequest},
		"nothing":          {door, nil, http.StatusBadRequest},
		"large":            {door, make([]byte, 17<<20), http.StatusRequestEntityTooLarge},
		"many queries":     {door + "/retrieve", []byte(`{"logIndexes":[1,2,3,4,5,6,7,8,9,10,11]}`), http.StatusUnprocessableEntity},
		"queries in words": {door + "/retrieve", []byte(`{"logIndexes":["one"]}`), http.StatusBadRequest},
		"unknown queries":  {door + "/retrieve", []byte(`{"logIndexes":[1,null],"entryUUIDs":["00"]}`), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			if got, answer := post(t, d.URL()+c.path, "application/json", nil, c.body); got != c.status {
				t.Errorf("answered %d: %.500s", got, answer)
			}
		})
	}
	for path, want := range map[string]int{
		door + "?logIndex=1":                              http.StatusNotFound,
		door + "?logIndex=one":                            http.StatusUnprocessableEntity,
		door + "/" + hex.EncodeToString(make([]byte, 40)): http.StatusNotFound,
	} {
		if got := status(t, d.URL()+path, nil); got != want {
			t.Errorf("%s is answered %d", path, got)
		}
	}
	_, body := get(t, http.MethodGet, d.URL()+"/api/v1/log", nil)
	if !bytes.Contains(body, []byte(`"treeSize":3`)) {
		t.Errorf("the log has grown: %s", body)
	}
}
