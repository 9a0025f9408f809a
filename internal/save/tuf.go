package save

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// signed is what is read of TUF metadata to name its file. It is verified by whoever reads
// the copy.
type signed struct {
	Signed struct {
		Version    int64 `json:"version"`
		Consistent bool  `json:"consistent_snapshot"`
		Targets    map[string]struct {
			Hashes map[string]string `json:"hashes"`
		} `json:"targets"`
	} `json:"signed"`
}

// repository writes a copy of a TUF repository: what was read of it, under the names that
// a client asks for (specification 1.0.34, section 6.2).
func (w *writer) repository(t TUF) error {
	e := t.Evidence
	consistent := false
	for _, root := range append([][]byte{t.Root}, e.Roots...) {
		s, err := w.metadata("root", true, root)
		if err != nil {
			return err
		}
		consistent = s.Signed.Consistent
	}
	if e.Timestamp == nil {
		return fmt.Errorf("nothing was read of the TUF repository %s", t.Repository.MetadataURL)
	}
	if _, err := w.metadata("timestamp", false, e.Timestamp); err != nil {
		return err
	}
	roles := []verify.DelegatedMetadata{{Role: "snapshot", Bytes: e.Snapshot}, {Role: "targets", Bytes: e.Targets}}
	listed := map[string][]map[string]string{}
	for _, role := range append(roles, e.Delegated...) {
		if role.Bytes == nil {
			continue // what was refused before it is there
		}
		s, err := w.metadata(role.Role, consistent, role.Bytes)
		if err != nil {
			return err
		}
		for name, target := range s.Signed.Targets {
			listed[name] = append(listed[name], target.Hashes)
		}
	}
	for _, m := range e.Manifests {
		if err := w.target(m, consistent, listed[m.Path]); err != nil {
			return err
		}
	}
	w.document.TUF = &t.Repository
	return nil
}

// metadata writes the file of one role.
func (w *writer) metadata(role string, versioned bool, b []byte) (signed, error) {
	var s signed
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("read the TUF metadata of %s: %w", role, err)
	}
	name := quote(role) + ".json"
	if versioned {
		name = strconv.FormatInt(s.Signed.Version, 10) + "." + name
	}
	return s, w.list(TUFFolder+"/metadata/"+name, "", b)
}

// target writes a release manifest under the name that one of those who list it gives.
func (w *writer) target(m verify.Manifest, consistent bool, listed []map[string]string) error {
	if !filepath.IsLocal(m.Path) {
		return fmt.Errorf("the TUF target %q is no path below the repository", m.Path)
	}
	names := []string{""}
	if consistent {
		names = nil
		for _, hashes := range listed {
			for _, algorithm := range []string{"sha256", "sha512"} {
				if h := hashes[algorithm]; h != "" {
					names = append(names, quote(h)+".")
					break
				}
			}
		}
	}
	at := strings.LastIndexByte(m.Path, '/') + 1
	for _, name := range names {
		if err := w.list(TUFFolder+"/targets/"+m.Path[:at]+name+m.Path[at:], "", m.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// quote percent-encodes all but letters, digits and "_.-~", as TUF clients do.
func quote(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_.-~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
