package metadata

import "strings"

// rootFile is what a root says (4.3).
type rootFile struct {
	header
	consistent bool
	roles      map[string]signers
}

func readRoot(r reader) rootFile {
	f := rootFile{header: readHeader(r), consistent: r.mayBool("consistent_snapshot"), roles: map[string]signers{}}
	keys := readKeys(r.object("keys"))
	roles := r.object("roles")
	for _, name := range []string{Root, Timestamp, Snapshot, Targets} {
		f.roles[name] = readSigners(roles.object(name), keys)
	}
	return f
}

// metaFile is what timestamp or snapshot lists of one file (4.4).
type metaFile struct {
	version int64
	length  int64 // 0 where nothing is listed
	hashes  hashes
}

func readMetaFile(r reader) metaFile {
	m := metaFile{version: r.integer("version", 1), length: r.mayInteger("length", 1)}
	if h, ok := r.mayObject("hashes"); ok {
		m.hashes = readHashes(h)
	}
	return m
}

// check compares a file of role with what is listed of it.
func (m metaFile) check(b []byte, role, step string) error {
	if m.length > 0 {
		if err := checkLength(b, m.length, role, step); err != nil {
			return err
		}
	}
	if m.hashes == nil {
		return nil
	}
	return m.hashes.check(b, role, step)
}

// timestampFile is what a timestamp says (4.6).
type timestampFile struct {
	header
	snapshot metaFile
}

func readTimestamp(r reader) timestampFile {
	return timestampFile{readHeader(r), readMetaFile(r.object("meta").object(fileName(Snapshot)))}
}

// snapshotFile is what a snapshot says (4.4), by role.
type snapshotFile struct {
	header
	meta map[string]metaFile
}

func readSnapshot(r reader) snapshotFile {
	f := snapshotFile{readHeader(r), map[string]metaFile{}}
	meta := r.object("meta")
	for i, name := range meta.of.names {
		m := readMetaFile(meta.element(name, meta.of.items[i]))
		// No role that is looked up has a file of another extension.
		if role, ok := strings.CutSuffix(name, extension); ok {
			f.meta[role] = m
		}
	}
	return f
}

const extension = ".json"

func fileName(role string) string { return role + extension }

// targetsFile is what a targets role says, the top-level one or a delegated one (4.5).
type targetsFile struct {
	header
	targets     map[string]listing
	delegations delegations
}

// listing is what is said of one target.
type listing struct {
	length int64
	hashes hashes
}

func readTargets(r reader) targetsFile {
	f := targetsFile{header: readHeader(r), targets: map[string]listing{}}
	list := r.object("targets")
	for i, path := range list.of.names {
		t := list.element(path, list.of.items[i])
		f.targets[path] = listing{t.integer("length", 0), readHashes(t.object("hashes"))}
	}
	if d, ok := r.mayObject("delegations"); ok {
		f.delegations = readDelegations(d)
	}
	return f
}
