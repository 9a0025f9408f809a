package places

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/releaseassay/assay/verify"
)

// ReadBundles reads Sigstore bundles from a file: one as JSON, or several, one
// after the other, as `gh attestation download` writes them. Whether they are
// bundles is for the authentication to say.
func ReadBundles(path string, limits verify.Limits) ([]verify.Piece, error) {
	f, err := os.Open(path) //nolint:gosec // the path is the user's own
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	defer func() { _ = f.Close() }()
	all, err := io.ReadAll(io.LimitReader(f, limits.PieceBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	if int64(len(all)) > limits.PieceBytes {
		return nil, fmt.Errorf("read the bundle %s: it has more than %d bytes", path, limits.PieceBytes)
	}
	var pieces []verify.Piece
	for dec := json.NewDecoder(bytes.NewReader(all)); ; {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the bundle %s: it is not JSON: %w", path, err)
		}
		if len(pieces) == limits.Pieces {
			return nil, fmt.Errorf("read the bundle %s: it holds more than %d bundles", path, limits.Pieces)
		}
		sum := sha256.Sum256(raw)
		pieces = append(pieces, verify.Piece{
			Layout: verify.Bundle, Place: fmt.Sprintf("%s, bundle %d", path, len(pieces)+1),
			Digest: "sha256:" + hex.EncodeToString(sum[:]), Bytes: raw,
		})
	}
	if len(pieces) == 0 {
		return nil, fmt.Errorf("read the bundle %s: it is empty", path)
	}
	return pieces, nil
}
