package tufclient

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/releaseassay/assay/tufclient/metadata"
)

const (
	// memorySchema is the version of the floor file's format.
	memorySchema = 1
	// maxMemory bounds the floor file, in bytes. Any snapshot of 2 MiB fits, however its
	// names must be escaped, with maxListed beside it.
	maxMemory = 8 << 20
)

// memory is the floor file: what must never be forgotten of a repository.
type memory struct {
	Schema int `json:"schema"`
	// PinnedSHA256 is of the pinned root's file.
	PinnedSHA256 string `json:"pinned_sha256"`
	// Repository names the repository; "" until the first refresh.
	Repository string         `json:"repository"`
	Floor      metadata.Floor `json:"floor"`
	// Validator is of the timestamp with the floor's version, nil for none.
	Validator *validation       `json:"validator,omitempty"`
	Listed    map[string]string `json:"listed,omitempty"`
	// SHA256 is of this very file with "" in its place.
	SHA256 string `json:"sha256"`
}

// encode writes the one form in which a memory is read again.
func (m memory) encode() ([]byte, error) {
	m.Schema, m.SHA256 = memorySchema, ""
	b, err := m.render()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	m.SHA256 = hex.EncodeToString(sum[:])
	return m.render()
}

// fit is encode, without what was listed if all of it is too large: the floor never gives
// way to it. An error is a floor that could not be read again.
func (m memory) fit() ([]byte, error) {
	b, err := m.encode()
	if err == nil && len(b) > maxMemory {
		m.Listed = nil
		b, err = m.encode()
	}
	if err == nil {
		_, err = parseMemory(b)
	}
	return b, err
}

func (m memory) render() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(m)
	return b.Bytes(), err
}

// parseMemory reads a floor file. It must be, byte for byte, what encode wrote.
func parseMemory(b []byte) (memory, error) {
	if len(b) > maxMemory {
		return memory{}, fmt.Errorf("it has more than %d bytes", maxMemory)
	}
	var m memory
	if err := json.Unmarshal(b, &m); err != nil {
		return memory{}, fmt.Errorf("it is torn, or no floor file: %w", err)
	}
	if m.Schema != memorySchema {
		return memory{}, fmt.Errorf("its schema is %d, and only %d is known", m.Schema, memorySchema)
	}
	again, err := m.encode()
	if err != nil {
		return memory{}, err
	}
	if !bytes.Equal(again, b) {
		return memory{}, errors.New("its checksum is wrong: something else has changed it")
	}
	if err := checkFloor(m.Floor); err != nil {
		return memory{}, err
	}
	return m, nil
}

// checkFloor refuses a floor that no metadata can have.
func checkFloor(f metadata.Floor) error {
	low := min(f.Root, f.Timestamp, f.Snapshot)
	for _, version := range f.Roles {
		low = min(low, version)
	}
	if low < 0 {
		return errors.New("it has a version below zero")
	}
	return nil
}

// belongs refuses the memory of another repository.
func (m memory) belongs(pinned, repository string) error {
	if m.PinnedSHA256 != pinned {
		return fmt.Errorf("it is of another pinned root, with SHA-256 %s in place of %s", m.PinnedSHA256, pinned)
	}
	if m.Repository != "" && repository != "" && m.Repository != repository {
		return fmt.Errorf("it is of another repository, %s in place of %s", m.Repository, repository)
	}
	return nil
}

// plainText replaces what JSON cannot hold, so that a memory reads as it was written.
func plainText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
