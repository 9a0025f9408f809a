package tufclient_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tuf "github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// difference is a decision in which go-tuf and this project are known to differ; docs/
// tuf-differences.md says which of them is right. Each recognises itself by what the step
// did and what both answered; a difference that none recognises fails the test.
type difference struct {
	name string
	is   func(c *comparison) bool
}

// differences are tried in this order.
func differences() []difference {
	all := []difference{
		{"root not kept", rootNotKept},
		{"403 for the next root", forbiddenDiffers},
		{"spoilt cache is fatal", spoiltFatal},
		{"timestamp without snapshot panics", withoutSnapshotPanics},
		{"short key panics", shortKeyPanics},
		{"timestamp over 16,384 bytes", timestampCap},
		{"hash prefixes in base64", prefixInBase64},
		{"diamond by role name", diamond},
		{"no floor under a lost root", lostCache("5.3.5")},
		{"no floor under a lost timestamp", lostCache("5.4.3.1")},
		{"no floor under a lost listing of the snapshot", lostCache("5.4.3.2")},
		{"no floor under a lost snapshot", lostCache("5.5.5")},
		{"cached snapshot not held to its hash", staleSnapshot},
		{"recovery after rotation", recovery},
		{"escaped role names not cached", escapedNotCached},
		{"bad timestamp of the trusted version", badTimestampAgain},
		{"key id without a key", keyFault("not found in")},
		{"unknown key type refuses all", keyFault("unsupported public key type")},
		{"too many delegations", tooManyDelegations},
		{"unknown hash beside a known one", unknownHashBeside},
		{"unsafe target path", unsafeTarget},
	}
	for _, f := range forms() {
		all = append(all, difference{f.name, f.is})
	}
	return all
}

// weRefuse says that ours refuses what go-tuf takes.
func (c *comparison) weRefuse() bool {
	return c.find < 0 && (!c.theirs.refused() || c.took) && c.ours.err != nil
}

// theirError and ourReason are of the point on which they differ.
func (c *comparison) theirError() error {
	if c.find >= 0 {
		return c.theirs.finds[c.find].err
	}
	return c.theirs.err
}

func (c *comparison) ourReason() string {
	if c.find >= 0 {
		return reason(outcome{err: c.ours.finds[c.find].err})
	}
	return reason(c.ours)
}

// rootNotKept is another root in go-tuf's hands than ours has verified, where go-tuf
// begins from the pinned root each time: a mirror withholds the newest root, or replaced
// it by another that the same keys signed.
func rootNotKept(c *comparison) bool {
	served := sha256.Sum256(c.st.view.files[fmt.Sprintf("m/%d.root.json", c.ours.root)])
	hidden := c.st.view.newestRoot() < c.ours.root || c.ours.rootSHA256 != hex.EncodeToString(served[:])
	return !c.p.h.keepRoot && c.theirs.trusted != nil && c.ours.root > 0 && c.ours.rootSHA256 != c.theirs.rootSHA256 && hidden
}

// forbiddenDiffers is 403 for a root that is not there.
func forbiddenDiffers(c *comparison) bool {
	var status *tuf.ErrDownloadHTTP
	return c.find < 0 && errors.As(c.theirs.err, &status) && status.StatusCode == http.StatusForbidden && strings.HasSuffix(status.URL, ".root.json")
}

// spoiltFatal is a file in the cache that is no JSON, or cut off.
func spoiltFatal(c *comparison) bool {
	theirs := c.theirError()
	var syntax *json.SyntaxError
	return c.spoilt && errors.As(theirs, &syntax)
}

// withoutSnapshotPanics is a rightly signed timestamp that lists nothing.
func withoutSnapshotPanics(c *comparison) bool {
	return c.st.name == "timestamp-without-snapshot" && c.theirs.panicked != nil && c.ours.err != nil
}

// shortKeyPanics is an ed25519 key of one byte.
func shortKeyPanics(c *comparison) bool {
	return strings.Contains(fmt.Sprint(c.theirs.panicked), "bad public key length")
}

// timestampCap is a timestamp larger than go-tuf reads unless told otherwise.
func timestampCap(c *comparison) bool {
	return c.find < 0 && errors.Is(c.theirs.err, &tuf.ErrDownloadLengthMismatch{}) && len(c.st.view.files["m/timestamp.json"]) > 16384
}

// prefixInBase64 is a lookup in which some loaded delegation by hash prefixes matches the
// target's digest in hexadecimal (4.5) and not in base64, or the other way round.
func prefixInBase64(c *comparison) bool {
	if c.find < 0 {
		return false
	}
	sum := sha256.Sum256([]byte(c.st.paths[c.find]))
	right, wrong := hex.EncodeToString(sum[:]), base64.URLEncoding.EncodeToString(sum[:])
	for _, role := range c.theirs.trusted.Targets {
		if role.Signed.Delegations == nil {
			continue
		}
		for _, d := range role.Signed.Delegations.Roles {
			in := func(digest string) bool {
				return slices.ContainsFunc(d.PathHashPrefixes, func(p string) bool { return strings.HasPrefix(digest, p) })
			}
			if in(right) != in(wrong) {
				return true
			}
		}
	}
	return false
}

// diamond is a lookup with a role that two of the loaded roles delegate to.
func diamond(c *comparison) bool {
	if c.find < 0 {
		return false
	}
	by := map[string]int{}
	for _, role := range c.theirs.trusted.Targets {
		if role.Signed.Delegations == nil {
			continue
		}
		for _, d := range role.Signed.Delegations.Roles {
			if by[d.Name]++; by[d.Name] > 1 {
				return true
			}
		}
	}
	return false
}

// lostCache is a rollback, refused in a step of the specification, after the cached file
// with which go-tuf would compare has gone.
func lostCache(step string) func(*comparison) bool {
	return func(c *comparison) bool {
		var why *metadata.Error
		return c.lost && c.find < 0 && errors.As(c.ours.err, &why) && why.Kind == metadata.Rollback && why.Step == step &&
			(!c.theirs.refused() || c.theirs.timestamp != c.ours.timestamp)
	}
}

// staleSnapshot is a cached snapshot of the listed version that go-tuf uses although the
// timestamp lists another hash or length (5.5.2).
func staleSnapshot(c *comparison) bool {
	t := c.theirs.trusted
	isSnapshot := func(name string) bool { return strings.HasSuffix(name, "snapshot.json") }
	fetched := slices.ContainsFunc(c.theirs.requests, isSnapshot)
	if t == nil || t.Timestamp == nil || t.Snapshot == nil || fetched || !slices.ContainsFunc(c.ours.requests, isSnapshot) {
		return false
	}
	kept, err := os.ReadFile(filepath.Join(c.p.goDir, "m", "snapshot.json"))
	listed := t.Timestamp.Signed.Meta["snapshot.json"]
	return err == nil && listed != nil && listed.VerifyLengthHashes(kept) != nil
}

// recovery is metadata after keys of timestamp or snapshot were replaced (5.3.11), where what
// go-tuf has cached is still signed well enough, and is used or compared with.
func recovery(c *comparison) bool {
	return c.find < 0 && c.unsettled && reason(c.ours) != "rollback"
}

// escapedNotCached is a delegated role that go-tuf fetches again, since it looks for it
// under another name than it was written under.
func escapedNotCached(c *comparison) bool {
	if c.find < 0 {
		return false
	}
	for role := range c.theirs.trusted.Snapshot.Signed.Meta {
		again := func(name string) bool { return strings.HasSuffix(name, "."+role) || name == "m/"+role }
		if url.PathEscape(role) != role && slices.ContainsFunc(c.theirs.requests, again) && !slices.ContainsFunc(c.ours.requests, again) {
			return true
		}
	}
	return false
}

// badTimestampAgain is a timestamp of the version that is trusted and of a form that
// 4.6 forbids: go-tuf compares versions first, and goes on with the one it has.
func badTimestampAgain(c *comparison) bool {
	var why *metadata.Error
	return c.weRefuse() && c.st.forked != nil && errors.As(c.ours.err, &why) && why.Role == "timestamp" && why.Kind == metadata.Malformed &&
		!c.took && c.theirs.timestamp == c.st.forked.timestampVersion
}
