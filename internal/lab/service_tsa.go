package lab

import (
	"crypto"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net/http"
)

// timestampQuery is TimeStampReq of RFC 3161, section 2.4.1.
type timestampQuery struct {
	Version    int
	Imprint    messageImprint
	Policy     asn1.ObjectIdentifier `asn1:"optional"`
	Nonce      *big.Int              `asn1:"optional"`
	CertReq    bool                  `asn1:"optional"`
	Extensions asn1.RawValue         `asn1:"optional,tag:0"`
}

// Hashes that may be timestamped, as the object identifiers of RFC 5754.
var imprintHashes = map[string]crypto.Hash{
	"2.16.840.1.101.3.4.2.1": crypto.SHA256,
	"2.16.840.1.101.3.4.2.2": crypto.SHA384,
	"2.16.840.1.101.3.4.2.3": crypto.SHA512,
}

// timestamp answers POST /api/v1/timestamp with a token for the request (RFC 3161, section 3.4). What is not granted
// gets a status of HTTP, as the real service does.
func (v *Services) timestamp(w http.ResponseWriter, r *http.Request) error {
	if t := r.Header.Get("Content-Type"); t != "application/timestamp-query" {
		return refused(http.StatusUnsupportedMediaType, "timestamp: want a request of type application/timestamp-query, found %.100q", t)
	}
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	query, err := parseTimestampQuery(raw)
	if err != nil {
		return refusal{http.StatusBadRequest, err}
	}
	token, err := v.sigstore.tsa.answer(stampRequest{imprint: query.Imprint, nonce: query.Nonce, bare: !query.CertReq}, v.opts.Clock())
	if err != nil {
		return err
	}
	return answerBytes(w, http.StatusCreated, "application/timestamp-reply", token)
}

func parseTimestampQuery(raw []byte) (timestampQuery, error) {
	var query timestampQuery
	rest, err := asn1.Unmarshal(raw, &query)
	if err != nil {
		return timestampQuery{}, fmt.Errorf("read timestamp request: %w", err)
	}
	algorithm := query.Imprint.HashAlgorithm.Algorithm
	hash, known := imprintHashes[algorithm.String()]
	switch {
	case len(rest) > 0:
		return timestampQuery{}, fmt.Errorf("read timestamp request: %d bytes follow it", len(rest))
	case query.Version != 1:
		return timestampQuery{}, fmt.Errorf("read timestamp request: want version 1, found %d", query.Version)
	case !known:
		return timestampQuery{}, fmt.Errorf("read timestamp request: want SHA-256, SHA-384 or SHA-512, found %s", algorithm)
	case len(query.Imprint.HashedMessage) != hash.Size():
		return timestampQuery{}, fmt.Errorf("read timestamp request: want a hash of %d bytes, found %d", hash.Size(), len(query.Imprint.HashedMessage))
	case len(query.Policy) > 0 && !query.Policy.Equal(oidTimestampPolicy):
		return timestampQuery{}, fmt.Errorf("read timestamp request: want policy %s or none, found %s", oidTimestampPolicy, query.Policy)
	case len(query.Extensions.FullBytes) > 0:
		return timestampQuery{}, fmt.Errorf("read timestamp request: want no extensions")
	}
	return query, nil
}

func (v *Services) timestampChain(w http.ResponseWriter, _ *http.Request) error {
	return answerBytes(w, http.StatusOK, "application/pem-certificate-chain", v.sigstore.TSAChainPEM())
}
