package lab

import (
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	rekortiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"github.com/sigstore/rekor-tiles/v2/pkg/types/hashedrekord"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"
)

// tileAlgorithms are the signature algorithms that the public instance's log takes.
var tileAlgorithms = sync.OnceValues(func() (*signature.AlgorithmRegistryConfig, error) {
	return signature.NewAlgorithmRegistryConfig([]protocommon.PublicKeyDetails{
		protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_2048_SHA256,
		protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_3072_SHA256,
		protocommon.PublicKeyDetails_PKIX_RSA_PKCS1V15_4096_SHA256,
		protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
		protocommon.PublicKeyDetails_PKIX_ECDSA_P384_SHA_384,
		protocommon.PublicKeyDetails_PKIX_ECDSA_P521_SHA_512,
		protocommon.PublicKeyDetails_PKIX_ED25519,
		protocommon.PublicKeyDetails_PKIX_ED25519_PH,
	})
})

// createTileEntry answers POST /api/v2/log/entries: the entry is verified, a hashedrekord by Rekor's own code, logged,
// and shown with its proof. A second one like the first is a conflict.
func (v *Services) createTileEntry(w http.ResponseWriter, r *http.Request) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	entry, err := requestedTileEntry(raw)
	if err != nil {
		return refusal{http.StatusBadRequest, err}
	}
	if err := v.tiles.room(entry.body); err != nil {
		return refusal{http.StatusServiceUnavailable, err}
	}
	v.tiles.adding.Lock()
	defer v.tiles.adding.Unlock()
	if known, ok := v.tiles.leaf(leafOf(entry.body)); ok {
		return refused(http.StatusConflict, "log entry: an equivalent entry already exists in the transparency log with index %d", known.GetLogIndex())
	}
	tle, err := v.sigstore.rekor2.add(entry, "")
	if err != nil {
		return err
	}
	v.tiles.put(tle)
	answer, err := protojson.Marshal(tle)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return answerBytes(w, http.StatusCreated, "application/json", answer)
}

// requestedTileEntry verifies a request and returns what is logged of it.
func requestedTileEntry(raw []byte) (entry logEntry, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read requested entry: it cannot be processed: %v", p)
		}
	}()
	var request rekortiles.CreateEntryRequest
	if err := protojson.Unmarshal(raw, &request); err != nil {
		return logEntry{}, fmt.Errorf("read requested entry: %w", err)
	}
	algorithms, err := tileAlgorithms()
	if err != nil {
		return logEntry{}, fmt.Errorf("list algorithms: %w", err)
	}
	var verified *rekortiles.Entry
	switch spec := request.GetSpec().(type) {
	case *rekortiles.CreateEntryRequest_HashedRekordRequestV002:
		verified, err = hashedrekord.ToLogEntry(spec.HashedRekordRequestV002, algorithms)
	case *rekortiles.CreateEntryRequest_DsseRequestV002:
		verified, err = dsseTileEntry(spec, algorithms)
	default:
		return logEntry{}, errors.New("read requested entry: want hashedRekordRequestV002 or dsseRequestV002")
	}
	if err != nil {
		return logEntry{}, fmt.Errorf("verify requested entry: %w", err)
	}
	return canonicalTileEntry(verified)
}

// canonicalTileEntry encodes an entry in the form of RFC 8785.
func canonicalTileEntry(e *rekortiles.Entry) (logEntry, error) {
	raw, err := protojson.Marshal(e)
	if err != nil {
		return logEntry{}, fmt.Errorf("encode rekor v2 entry: %w", err)
	}
	body, err := jsoncanonicalizer.Transform(raw)
	if err != nil {
		return logEntry{}, fmt.Errorf("canonicalize rekor v2 entry: %w", err)
	}
	return logEntry{kind: e.GetKind(), version: e.GetApiVersion(), body: body}, nil
}

func (v *Services) tileCheckpoint(w http.ResponseWriter, _ *http.Request) error {
	cp, err := v.sigstore.rekor2.checkpoint(v.sigstore.rekor2.tree.latest(), "")
	if err != nil {
		return err
	}
	return answerBytes(w, http.StatusOK, "text/plain; charset=utf-8", []byte(cp))
}
