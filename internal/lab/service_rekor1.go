package lab

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"

	// The types of entry that the log takes.
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.2"
)

// rekorQueryLimit is how many entries a client may ask for at once.
const rekorQueryLimit = 10

// rekorTree is the shard's number as entry ids and checkpoints of other tools write it.
var rekorTree = fmt.Sprintf("%016x", rekorTreeID)

// createEntry answers POST /api/v1/log/entries: the entry is verified and brought into its canonical form by Rekor's
// own code, logged, and shown with promise and proof.
func (v *Services) createEntry(w http.ResponseWriter, r *http.Request) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	entry, err := proposedEntry(r.Context(), raw)
	if err != nil {
		return refusal{http.StatusBadRequest, err}
	}
	if err := v.entries.room(entry.body); err != nil {
		return refusal{http.StatusServiceUnavailable, err}
	}
	v.entries.adding.Lock()
	defer v.entries.adding.Unlock()
	id := entryID(entry.body)
	w.Header().Set("Location", r.URL.Path+"/"+id)
	if _, known := v.entries.leaf(leafOf(entry.body)); known {
		return refused(http.StatusConflict, "log entry: an equivalent entry already exists in the transparency log with UUID %s", id)
	}
	tle, err := v.sigstore.rekor1.add(entry, v.opts.Clock(), "")
	if err != nil {
		return err
	}
	w.Header().Set("ETag", id)
	return answerJSON(w, http.StatusCreated, object{id: rekorAnswer(tle)})
}

// proposedEntry verifies a proposed entry and returns what is logged of it. Rekor's code must not end the lab, so that
// a panic in it is an error.
func proposedEntry(ctx context.Context, raw []byte) (entry logEntry, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read proposed entry: it cannot be processed: %v", p)
		}
	}()
	proposed, err := models.UnmarshalProposedEntry(bytes.NewReader(raw), numberKeeper{})
	if err != nil {
		return logEntry{}, fmt.Errorf("read proposed entry: %w", err)
	}
	switch kind := proposed.Kind(); kind {
	case "hashedrekord", "dsse", "intoto":
	default: // other packages may have registered more
		return logEntry{}, fmt.Errorf("read proposed entry: want kind hashedrekord, dsse or intoto, found %q", kind)
	}
	versioned, err := types.CreateVersionedEntry(proposed)
	if err != nil {
		return logEntry{}, fmt.Errorf("verify proposed entry: %w", err)
	}
	body, err := types.CanonicalizeEntry(ctx, versioned)
	if err != nil {
		return logEntry{}, fmt.Errorf("verify proposed entry: %w", err)
	}
	return logEntry{kind: proposed.Kind(), version: versioned.APIVersion(), body: body}, nil
}

// numberKeeper decodes JSON as Rekor's server does.
type numberKeeper struct{}

// Consume implements runtime.Consumer of go-openapi.
func (numberKeeper) Consume(r io.Reader, into any) error {
	d := json.NewDecoder(r)
	d.UseNumber()
	return d.Decode(into)
}

// entryID is the number of the shard and the hash of the leaf.
func entryID(body []byte) string { return rekorTree + leafOf(body) }

// rekorAnswer renders an entry as LogEntryAnon of Rekor's openapi.yaml.
func rekorAnswer(tle *protorekor.TransparencyLogEntry) object {
	proof := tle.GetInclusionProof()
	hashes := []string{}
	for _, h := range proof.GetHashes() {
		hashes = append(hashes, hex.EncodeToString(h))
	}
	return object{
		"body":           tle.GetCanonicalizedBody(),
		"integratedTime": tle.GetIntegratedTime(),
		"logID":          hex.EncodeToString(tle.GetLogId().GetKeyId()),
		"logIndex":       tle.GetLogIndex(),
		"verification": object{
			"signedEntryTimestamp": tle.GetInclusionPromise().GetSignedEntryTimestamp(),
			"inclusionProof": object{
				"checkpoint": proof.GetCheckpoint().GetEnvelope(),
				"hashes":     hashes,
				"logIndex":   proof.GetLogIndex(),
				"rootHash":   hex.EncodeToString(proof.GetRootHash()),
				"treeSize":   proof.GetTreeSize(),
			},
		},
	}
}

// found renders a kept entry with a proof in the tree as it is now.
func (v *Services) found(tle *protorekor.TransparencyLogEntry) (object, error) {
	in := v.sigstore.rekor1.tree.at(tle.GetInclusionProof().GetLogIndex())
	cp, err := v.sigstore.rekor1.checkpoint(in, "")
	if err != nil {
		return nil, err
	}
	shown := &protorekor.TransparencyLogEntry{
		LogIndex: tle.GetLogIndex(), LogId: tle.GetLogId(), IntegratedTime: tle.GetIntegratedTime(),
		InclusionPromise: tle.GetInclusionPromise(), InclusionProof: proofOf(in, cp), CanonicalizedBody: tle.GetCanonicalizedBody(),
	}
	return object{entryID(tle.GetCanonicalizedBody()): rekorAnswer(shown)}, nil
}

func (v *Services) entryByIndex(w http.ResponseWriter, r *http.Request) error {
	index, err := strconv.ParseInt(r.URL.Query().Get("logIndex"), 10, 64)
	if err != nil {
		return refused(http.StatusUnprocessableEntity, "get entry: want a number in logIndex: %w", err)
	}
	tle, ok := v.entries.index(index)
	if !ok {
		return refused(http.StatusNotFound, "get entry: none has index %d", index)
	}
	return v.answerFound(w, tle)
}

func (v *Services) entryByUUID(w http.ResponseWriter, r *http.Request) error {
	tle, ok := v.entryNamed(r.PathValue("uuid"))
	if !ok {
		return refused(http.StatusNotFound, "get entry: none has the id %.200q", r.PathValue("uuid"))
	}
	return v.answerFound(w, tle)
}

func (v *Services) answerFound(w http.ResponseWriter, tle *protorekor.TransparencyLogEntry) error {
	answer, err := v.found(tle)
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusOK, answer)
}

// entryNamed finds an entry by its id, with the number of the shard or without.
func (v *Services) entryNamed(id string) (*protorekor.TransparencyLogEntry, bool) {
	return v.entries.leaf(strings.TrimPrefix(strings.ToLower(id), rekorTree))
}

// retrieveEntries answers POST /api/v1/log/entries/retrieve with those of the wanted entries that there are.
func (v *Services) retrieveEntries(w http.ResponseWriter, r *http.Request) error {
	var query models.SearchLogQuery
	if err := readJSON(r, &query); err != nil {
		return err
	}
	if n := len(query.EntryUUIDs) + len(query.LogIndexes) + len(query.Entries()); n > rekorQueryLimit {
		return refused(http.StatusUnprocessableEntity, "retrieve entries: want at most %d queries, found %d", rekorQueryLimit, n)
	}
	var matches []*protorekor.TransparencyLogEntry
	for _, id := range query.EntryUUIDs {
		if tle, ok := v.entryNamed(id); ok {
			matches = append(matches, tle)
		}
	}
	for _, index := range query.LogIndexes {
		if index == nil {
			continue
		}
		if tle, ok := v.entries.index(*index); ok {
			matches = append(matches, tle)
		}
	}
	for _, proposed := range query.Entries() {
		leaf, err := leafOfProposed(r.Context(), proposed)
		if err != nil {
			return refusal{http.StatusBadRequest, err}
		}
		if tle, ok := v.entries.leaf(leaf); ok {
			matches = append(matches, tle)
		}
	}
	answers := []object{}
	for _, tle := range matches {
		answer, err := v.found(tle)
		if err != nil {
			return err
		}
		answers = append(answers, answer)
	}
	return answerJSON(w, http.StatusOK, answers)
}

// leafOfProposed names the leaf that a proposed entry would make.
func leafOfProposed(ctx context.Context, proposed models.ProposedEntry) (string, error) {
	raw, err := json.Marshal(proposed)
	if err != nil {
		return "", fmt.Errorf("encode proposed entry: %w", err)
	}
	entry, err := proposedEntry(ctx, raw)
	if err != nil {
		return "", err
	}
	return leafOf(entry.body), nil
}

func (v *Services) logInfo(w http.ResponseWriter, _ *http.Request) error {
	head := v.sigstore.rekor1.tree.latest()
	cp, err := v.sigstore.rekor1.checkpoint(head, "")
	if err != nil {
		return err
	}
	return answerJSON(w, http.StatusOK, object{
		"rootHash": hex.EncodeToString(head.root), "treeSize": head.size, "signedTreeHead": cp,
		"treeID": strconv.Itoa(rekorTreeID), "inactiveShards": []object{},
	})
}

func (v *Services) logPublicKey(w http.ResponseWriter, _ *http.Request) error {
	key, err := v.sigstore.RekorPublicKeyPEM()
	if err != nil {
		return err
	}
	return answerBytes(w, http.StatusOK, "application/x-pem-file", key)
}
