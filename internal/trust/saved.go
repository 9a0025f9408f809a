package trust

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

const (
	// target is the TUF target that holds the trusted root.
	target = "trusted_root.json"
	// maxSaved bounds the file that Update writes, in bytes.
	maxSaved = 16 << 20
)

// saved is the file that Update writes: a trusted root with the TUF metadata
// that authorises it, in one file so that the two cannot part.
type saved struct {
	Version     int       `json:"version"` // of this format
	Mirror      string    `json:"mirror"`
	Fetched     time.Time `json:"fetched"`
	Roots       [][]byte  `json:"roots"` // the TUF root it started from, then each newer one
	Timestamp   []byte    `json:"timestamp"`
	Snapshot    []byte    `json:"snapshot"`
	Targets     []byte    `json:"targets"`
	TrustedRoot []byte    `json:"trusted_root"`
}

// vouched is what the signatures of a saved file were found to say.
type vouched struct {
	root      *metadata.Metadata[metadata.RootType]
	timestamp *metadata.Metadata[metadata.TimestampType]
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	targets   *metadata.Metadata[metadata.TargetsType]
}

func savedPath(cacheDir, name string) string {
	return filepath.Join(cacheDir, name+".json")
}

// readSaved returns what path holds and what is signed in it.
func readSaved(path string, anchor []byte) (saved, vouched, error) {
	data, err := readFile(path, maxSaved)
	if err != nil {
		return saved{}, vouched{}, err
	}
	var s saved
	if err := json.Unmarshal(data, &s); err != nil {
		return saved{}, vouched{}, fmt.Errorf("parse %s: %w", path, err)
	}
	v, err := s.verify(anchor)
	if err != nil {
		return saved{}, vouched{}, fmt.Errorf("verify %s: %w", path, err)
	}
	return s, v, nil
}

// verify walks TUF's chain (specification 5.3 to 5.7) from anchor down to the
// trusted root: each newer TUF root, then timestamp, snapshot, targets, the
// target. Expiry is left to the update, which saw it at the time of fetching: a
// root that was current then stays usable when the timestamp lapses days later.
func (s saved) verify(anchor []byte) (vouched, error) {
	if s.Version != 1 {
		return vouched{}, fmt.Errorf("saved by another assay: wanted format 1, found %d", s.Version)
	}
	set, err := trustedmetadata.New(anchor)
	if err != nil {
		return vouched{}, fmt.Errorf("load the built-in TUF root: %w", err)
	}
	for _, raw := range s.Roots {
		next, err := metadata.Root().FromBytes(raw)
		if err != nil {
			return vouched{}, fmt.Errorf("parse TUF root: %w", err)
		}
		if next.Signed.Version <= set.Root.Signed.Version {
			continue // the anchor itself, or older than the anchor of this binary
		}
		if _, err := set.UpdateRoot(raw); err != nil {
			return vouched{}, fmt.Errorf("verify TUF root %d: %w", next.Signed.Version, err)
		}
	}
	v := vouched{root: set.Root}
	if v.timestamp, err = metadata.Timestamp().FromBytes(s.Timestamp); err != nil {
		return vouched{}, fmt.Errorf("parse TUF timestamp: %w", err)
	}
	if err := v.root.VerifyDelegate(metadata.TIMESTAMP, v.timestamp); err != nil {
		return vouched{}, fmt.Errorf("verify TUF timestamp: %w", err)
	}
	if v.snapshot, err = metadata.Snapshot().FromBytes(s.Snapshot); err != nil {
		return vouched{}, fmt.Errorf("parse TUF snapshot: %w", err)
	}
	if err := v.root.VerifyDelegate(metadata.SNAPSHOT, v.snapshot); err != nil {
		return vouched{}, fmt.Errorf("verify TUF snapshot: %w", err)
	}
	if err := listed(v.timestamp.Signed.Meta["snapshot.json"], s.Snapshot, v.snapshot.Signed.Version); err != nil {
		return vouched{}, fmt.Errorf("verify TUF snapshot: %w", err)
	}
	if v.targets, err = metadata.Targets().FromBytes(s.Targets); err != nil {
		return vouched{}, fmt.Errorf("parse TUF targets: %w", err)
	}
	if err := v.root.VerifyDelegate(metadata.TARGETS, v.targets); err != nil {
		return vouched{}, fmt.Errorf("verify TUF targets: %w", err)
	}
	if err := listed(v.snapshot.Signed.Meta["targets.json"], s.Targets, v.targets.Signed.Version); err != nil {
		return vouched{}, fmt.Errorf("verify TUF targets: %w", err)
	}
	info := v.targets.Signed.Targets[target]
	if info == nil || len(info.Hashes) == 0 {
		return vouched{}, fmt.Errorf("find %s: not among the top-level TUF targets", target)
	}
	if err := info.VerifyLengthHashes(s.TrustedRoot); err != nil {
		return vouched{}, fmt.Errorf("verify %s: %w", target, err)
	}
	if _, err := parse(s.TrustedRoot); err != nil {
		return vouched{}, fmt.Errorf("parse %s: %w", target, err)
	}
	return v, nil
}

// listed checks metadata against the entry of the role above it.
func listed(entry *metadata.MetaFiles, data []byte, version int64) error {
	if entry == nil {
		return errors.New("not listed by the role above it")
	}
	if entry.Version != version {
		return fmt.Errorf("version wanted %d, found %d", entry.Version, version)
	}
	return entry.VerifyLengthHashes(data)
}

// newerThan reports whether the saved root was published after t. The time of
// fetching is only what the file says. The signed expiry bounds a false claim:
// metadata that had lapsed by t is older than t, whoever says otherwise.
func (s saved) newerThan(t time.Time, v vouched) bool {
	return s.Fetched.After(t) && v.timestamp.Signed.Expires.After(t)
}

// follows refuses metadata older than what an earlier update saved. Roles whose
// keys have changed since start again, as TUF says (5.3.11): an attacker who had
// the old key may have run its version numbers up.
func (v vouched) follows(old vouched) error {
	if v.root.Signed.Version < old.root.Signed.Version {
		return rolledBack("root", old.root.Signed.Version, v.root.Signed.Version)
	}
	if v.root.VerifyDelegate(metadata.TIMESTAMP, old.timestamp) != nil ||
		v.root.VerifyDelegate(metadata.SNAPSHOT, old.snapshot) != nil {
		return nil
	}
	if v.timestamp.Signed.Version < old.timestamp.Signed.Version {
		return rolledBack("timestamp", old.timestamp.Signed.Version, v.timestamp.Signed.Version)
	}
	if v.snapshot.Signed.Version < old.snapshot.Signed.Version {
		return rolledBack("snapshot", old.snapshot.Signed.Version, v.snapshot.Signed.Version)
	}
	if v.targets.Signed.Version < old.targets.Signed.Version {
		return rolledBack("targets", old.targets.Signed.Version, v.targets.Signed.Version)
	}
	return nil
}

func rolledBack(role string, wanted, found int64) error {
	return fmt.Errorf("TUF %s wanted version %d or newer, found %d: the mirror serves an older state than it did before", role, wanted, found)
}

// write replaces path by s, whole or not at all.
func (s saved) write(path string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if len(data) > maxSaved {
		return fmt.Errorf("wanted at most %d bytes of metadata, found %d", maxSaved, len(data))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".update-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
