package trust

import (
	"crypto"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// mirror is a TUF repository with consistent snapshots, one key per role, held
// in memory and served over HTTP.
type mirror struct {
	t        *testing.T
	keys     map[string]ed25519.PrivateKey
	expires  time.Time
	versions map[string]int64
	files    map[string][]byte
	url      string
}

func newMirror(t *testing.T, trusted []byte) *mirror {
	t.Helper()
	m := &mirror{
		t:        t,
		keys:     map[string]ed25519.PrivateKey{},
		expires:  time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second),
		versions: map[string]int64{},
		files:    map[string][]byte{},
	}
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		m.newKey(role)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, ok := m.files[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(server.Close)
	m.url = server.URL
	m.publishRoot()
	m.publish(trusted)
	return m
}

func (m *mirror) newKey(role string) {
	m.t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	m.must(err)
	m.keys[role] = key
}

// anchor is the first TUF root.
func (m *mirror) anchor() []byte { return m.files["1.root.json"] }

// publishRoot adds a TUF root that names the current keys, signed by them and by
// the root keys given.
func (m *mirror) publishRoot(olderKeys ...ed25519.PrivateKey) {
	m.t.Helper()
	m.versions[metadata.ROOT]++
	root := metadata.Root(m.expires)
	root.Signed.Version = m.versions[metadata.ROOT]
	for role, key := range m.keys {
		public, err := metadata.KeyFromPublicKey(key.Public())
		m.must(err)
		m.must(root.Signed.AddKey(public, role))
	}
	for _, key := range append(olderKeys, m.keys[metadata.ROOT]) {
		m.sign(root, key)
	}
	data, err := root.ToBytes(false)
	m.must(err)
	m.files[fmt.Sprintf("%d.root.json", root.Signed.Version)] = data
}

// publish makes trusted the current trusted root.
func (m *mirror) publish(trusted []byte) {
	m.t.Helper()
	for _, role := range []string{metadata.TARGETS, metadata.SNAPSHOT, metadata.TIMESTAMP} {
		m.versions[role]++
	}
	info, err := metadata.TargetFile().FromBytes(target, trusted, "sha256")
	m.must(err)
	info.Path = target
	m.files["targets/"+digest(trusted)+"."+target] = trusted

	targets := metadata.Targets(m.expires)
	targets.Signed.Version = m.versions[metadata.TARGETS]
	targets.Signed.Targets = map[string]*metadata.TargetFiles{target: info}
	m.sign(targets, m.keys[metadata.TARGETS])
	data, err := targets.ToBytes(false)
	m.must(err)
	m.files[fmt.Sprintf("%d.targets.json", targets.Signed.Version)] = data

	snapshot := metadata.Snapshot(m.expires)
	snapshot.Signed.Version = m.versions[metadata.SNAPSHOT]
	snapshot.Signed.Meta["targets.json"] = metadata.MetaFile(targets.Signed.Version)
	m.sign(snapshot, m.keys[metadata.SNAPSHOT])
	data, err = snapshot.ToBytes(false)
	m.must(err)
	m.files[fmt.Sprintf("%d.snapshot.json", snapshot.Signed.Version)] = data

	timestamp := metadata.Timestamp(m.expires)
	timestamp.Signed.Version = m.versions[metadata.TIMESTAMP]
	timestamp.Signed.Meta["snapshot.json"] = metadata.MetaFile(snapshot.Signed.Version)
	m.sign(timestamp, m.keys[metadata.TIMESTAMP])
	data, err = timestamp.ToBytes(false)
	m.must(err)
	m.files["timestamp.json"] = data
}

func (m *mirror) sign(doc interface {
	Sign(signature.Signer) (*metadata.Signature, error)
}, key ed25519.PrivateKey) {
	m.t.Helper()
	signer, err := signature.LoadSigner(key, crypto.Hash(0))
	m.must(err)
	_, err = doc.Sign(signer)
	m.must(err)
}

func (m *mirror) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// seed is a binary that was built an hour ago with the mirror's first TUF root
// and the public-good trusted root.
func (m *mirror) seed() seed {
	return seed{
		name:      PublicGoodName,
		source:    "a test",
		published: time.Now().Add(-time.Hour),
		trusted:   []byte(embeddedTrustedRoot),
		anchor:    m.anchor(),
	}
}
