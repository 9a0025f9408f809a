// Package trust holds the trusted roots that verification starts from: the
// public-good Sigstore root that is built in, the newer one that a user asked
// for with Update, and roots that users keep in files.
//
// A root is a value. Nothing here is process-wide state, nothing is fetched
// unless Update is called, and roots are never merged. What Update saved is
// used only after its TUF signatures were checked again from the TUF root that
// is built in, so whoever can write the cache cannot choose the authorities.
//
// Start with [Builtin].
package trust

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the public-good root
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// MaxSize bounds a trusted root, in bytes. The public-good one has under 8 KiB.
const MaxSize = 4 << 20

// PublicGoodName is the name of the root of Sigstore's public instance.
const PublicGoodName = "public-good"

var (
	//go:embed public-good/trusted_root.json
	embeddedTrustedRoot string
	//go:embed public-good/root.json
	embeddedTUFRoot string
)

// Root is a named trusted root and where it came from.
type Root struct {
	// Name is what policies call the root; Load leaves it empty.
	Name string `json:"name"`
	// JSON is the Sigstore trusted root, media type
	// application/vnd.dev.sigstore.trustedroot+json;version=0.1.
	JSON []byte `json:"-"`
	// SHA256 is the digest of JSON in hex.
	SHA256 string `json:"sha256"`
	// Source says where JSON came from, in words for a person.
	Source string `json:"source"`
	// Date is when JSON was published (built in) or fetched (updated). It is
	// zero for a file.
	Date time.Time `json:"date,omitzero"`
}

// PublicGood returns the public-good root that is built in, whatever a cache holds.
func PublicGood() Root {
	return publicGood().root()
}

// Load reads a trusted root from a file. A sha256 that is not empty (64 hex
// digits, "sha256:" before them allowed) must be the digest of the file.
func Load(file, sha256 string) (Root, error) {
	data, err := readFile(file, MaxSize)
	if err != nil {
		return Root{}, fmt.Errorf("read trusted root: %w", err)
	}
	r := newRoot("", data, "file "+file, time.Time{})
	if sha256 != "" {
		wanted, err := parseDigest(sha256)
		if err != nil {
			return Root{}, fmt.Errorf("load trusted root %s: %w", file, err)
		}
		if r.SHA256 != wanted {
			return Root{}, fmt.Errorf("load trusted root %s: sha256 wanted %s, found %s: "+
				"restore the file that was reviewed, or review this one and write its sha256 instead", file, wanted, r.SHA256)
		}
	}
	if _, err := parse(data); err != nil {
		return Root{}, fmt.Errorf("load trusted root %s: %w", file, err)
	}
	return r, nil
}

// seed is what a binary is born with: a trusted root, and the TUF root that a
// newer one must be signed from. Tests make their own.
type seed struct {
	name      string
	source    string
	published time.Time
	trusted   []byte
	anchor    []byte
}

func publicGood() seed {
	published, err := time.Parse(time.RFC3339, embeddedPublished)
	if err != nil {
		panic(err) // a generated constant; a test parses it
	}
	return seed{
		name:      PublicGoodName,
		source:    embeddedSource,
		published: published,
		trusted:   []byte(embeddedTrustedRoot),
		anchor:    []byte(embeddedTUFRoot),
	}
}

func (s seed) root() Root {
	source := fmt.Sprintf("built in, from %s of %s", s.source, s.published.Format(time.DateOnly))
	return newRoot(s.name, s.trusted, source, s.published)
}

func newRoot(name string, data []byte, source string, date time.Time) Root {
	return Root{Name: name, JSON: data, SHA256: digest(data), Source: source, Date: date}
}

// parse accepts a trusted root that something can be verified with.
func parse(data []byte) (*root.TrustedRoot, error) {
	tr, err := root.NewTrustedRootFromJSON(data)
	if err != nil {
		if isTUF(data) {
			return nil, errors.New("wanted a Sigstore trusted root, found TUF metadata: " +
				"take the target trusted_root.json of that TUF repository")
		}
		return nil, fmt.Errorf("wanted a Sigstore trusted root (%s), found something else: "+
			"take it again from whoever runs that Sigstore instance: %w", root.TrustedRootMediaType01, err)
	}
	if len(tr.FulcioCertificateAuthorities()) == 0 && len(tr.RekorLogs()) == 0 {
		return nil, errors.New("wanted a certificate authority or a transparency log, found neither: " +
			"nothing can be verified with this root")
	}
	return tr, nil
}

func isTUF(data []byte) bool {
	var doc struct {
		Signed     json.RawMessage `json:"signed"`
		Signatures json.RawMessage `json:"signatures"`
	}
	return json.Unmarshal(data, &doc) == nil && doc.Signed != nil && doc.Signatures != nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func parseDigest(s string) (string, error) {
	hexits := strings.ToLower(strings.TrimPrefix(s, "sha256:"))
	if raw, err := hex.DecodeString(hexits); err != nil || len(raw) != sha256.Size {
		return "", fmt.Errorf("sha256 wanted 64 hex digits, found %q", s)
	}
	return hexits, nil
}

// readFile reads a file of at most limit bytes.
func readFile(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("read %s: wanted at most %d bytes, found more", file, limit)
	}
	return buf.Bytes(), nil
}
