package tufclient_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	tuf "github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/releaseassay/assay/tufclient"
)

// A copy of a repository on disk is read as the repository itself is over HTTPS.
func ExampleClient_Refresh() {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	mirror, root := exampleRepository(now.AddDate(0, 0, 7))
	defer os.RemoveAll(mirror)

	client, err := tufclient.New(tufclient.Options{
		MetadataURL: mirror + "/metadata",
		TargetsURL:  mirror + "/targets",
		Fetcher:     tufclient.Directory{},
		Root:        root,
		Time:        now,
		Dir:         filepath.Join(mirror, "cache"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	ctx := context.Background()
	if err := client.Refresh(ctx); err != nil {
		fmt.Println(err)
		return
	}
	target, err := client.Find(ctx, "releases/v1.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	manifest, err := client.Fetch(ctx, target)
	fmt.Println(string(manifest), err)
	// Output: {"version":"1"} <nil>
}

// exampleRepository writes a repository with one target, whose roles share a key.
func exampleRepository(expires time.Time) (dir string, pinned []byte) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	signer, err := signature.LoadSigner(key, crypto.Hash(0))
	must(err)
	public, err := tuf.KeyFromPublicKey(key.Public())
	must(err)
	root := tuf.Root(expires)
	for _, role := range []string{tuf.ROOT, tuf.TIMESTAMP, tuf.SNAPSHOT, tuf.TARGETS} {
		must(root.Signed.AddKey(public, role))
	}
	root.Signed.ConsistentSnapshot = false
	targets := tuf.Targets(expires)
	manifest := []byte(`{"version":"1"}`)
	targets.Signed.Targets["releases/v1.json"], err = tuf.TargetFile().FromBytes("", manifest, "sha256")
	must(err)

	dir, err = os.MkdirTemp("", "example")
	must(err)
	put := func(name string, b []byte) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		must(os.MkdirAll(filepath.Dir(path), 0o700))
		must(os.WriteFile(path, b, 0o600))
	}
	put("targets/releases/v1.json", manifest)
	put("metadata/1.root.json", signedBytes(root, signer))
	put("metadata/targets.json", signedBytes(targets, signer))
	put("metadata/snapshot.json", signedBytes(tuf.Snapshot(expires), signer))
	put("metadata/timestamp.json", signedBytes(tuf.Timestamp(expires), signer))
	return dir, signedBytes(root, signer)
}

func signedBytes[T tuf.Roles](m *tuf.Metadata[T], signer signature.Signer) []byte {
	m.ClearSignatures()
	_, err := m.Sign(signer)
	must(err)
	b, err := m.ToBytes(false)
	must(err)
	return b
}
