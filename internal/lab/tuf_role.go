package lab

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"
)

// TUFRole is one role as it will be published. Fields may be changed at will; [TUF.Publish] sees what is new.
type TUFRole struct {
	Name string
	// Version is the newest that was published. Publishing adds one.
	Version int64
	// Keys and Threshold are what the delegator says of the role; a delegation may say otherwise.
	Keys      []*TUFKey
	Threshold int
	// Signers sign the metadata. Nil means Keys.
	Signers []*TUFKey
	// Lifetime is from publication to expiry; a non-zero Expires stands in its place.
	Lifetime time.Duration
	Expires  time.Time
	// Targets are the files of a targets role by path.
	Targets map[string][]byte
	// Delegations of a targets role, in order, or Succinct ones.
	Delegations []TUFDelegation
	Succinct    *TUFSuccinct
	// Edit changes what will be signed.
	Edit func(signed map[string]any)

	// published is what the newest version was made from, newest its number.
	published string
	newest    int64
}

// TUFDelegation is one entry of a targets role's delegations.
type TUFDelegation struct {
	Role *TUFRole
	// Paths are patterns, PathHashPrefixes the alternative to them.
	Paths, PathHashPrefixes []string
	Terminating             bool
	// Keys and Threshold are those of this delegation. Default: the role's.
	Keys      []*TUFKey
	Threshold int
}

// TUFSuccinct delegates to 2^Bits bins (TAP 15), whose names are Prefix, a hyphen and a number in hexadecimal.
type TUFSuccinct struct {
	Prefix string
	Bits   int
	Bins   []*TUFRole
}

func (d TUFDelegation) keys() ([]*TUFKey, int) {
	keys, threshold := d.Keys, d.Threshold
	if keys == nil {
		keys = d.Role.Keys
	}
	if threshold == 0 {
		threshold = d.Role.Threshold
	}
	return keys, threshold
}

// below lists the roles that this one delegates to.
func (r *TUFRole) below() []*TUFRole {
	var out []*TUFRole
	for _, d := range r.Delegations {
		out = append(out, d.Role)
	}
	if r.Succinct != nil {
		out = append(out, r.Succinct.Bins...)
	}
	return out
}

func (r *TUFRole) signers() []*TUFKey {
	if r.Signers != nil {
		return r.Signers
	}
	return r.Keys
}

func keyIDs(keys []*TUFKey) []string {
	out := []string{}
	for _, k := range keys {
		out = append(out, k.ID)
	}
	return out
}

func addKeys(to object, keys []*TUFKey) {
	for _, k := range keys {
		to[k.ID] = k.render()
	}
}

// renderRoot is section 4.3.
func (t *TUF) renderRoot() object {
	keys, roles := object{}, object{}
	for _, r := range []*TUFRole{t.Root, t.Timestamp, t.Snapshot, t.Targets} {
		addKeys(keys, r.Keys)
		roles[r.Name] = object{"keyids": keyIDs(r.Keys), "threshold": r.Threshold}
	}
	return object{"consistent_snapshot": t.Consistent, "keys": keys, "roles": roles}
}

// renderTargets is section 4.5.
func (t *TUF) renderTargets(r *TUFRole) object {
	targets := object{}
	for path, content := range r.Targets {
		targets[path] = object{"length": len(content), "hashes": t.hashesOf(content)}
	}
	out := object{"targets": targets}
	keys, roles := object{}, []any{}
	for _, d := range r.Delegations {
		ks, threshold := d.keys()
		addKeys(keys, ks)
		role := object{"name": d.Role.Name, "keyids": keyIDs(ks), "threshold": threshold, "terminating": d.Terminating}
		if d.Paths != nil {
			role["paths"] = d.Paths
		}
		if d.PathHashPrefixes != nil {
			role["path_hash_prefixes"] = d.PathHashPrefixes
		}
		roles = append(roles, role)
	}
	switch {
	case r.Succinct != nil:
		bin := r.Succinct.Bins[0]
		addKeys(keys, bin.Keys)
		out["delegations"] = object{"keys": keys, "succinct_roles": object{
			"keyids": keyIDs(bin.Keys), "threshold": bin.Threshold, "bit_length": r.Succinct.Bits, "name_prefix": r.Succinct.Prefix,
		}}
	case len(roles) > 0:
		out["delegations"] = object{"keys": keys, "roles": roles}
	}
	return out
}

func (t *TUF) hashesOf(content []byte) object {
	out := object{}
	for _, algorithm := range t.Hashes {
		switch algorithm {
		case "sha512":
			sum := sha512.Sum512(content)
			out[algorithm] = hex.EncodeToString(sum[:])
		default:
			sum := sha256.Sum256(content)
			out[algorithm] = hex.EncodeToString(sum[:])
		}
	}
	return out
}

// renderMeta is sections 4.4 and 4.6: the versions of other files, and with MetaHashes their lengths and hashes.
func (t *TUF) renderMeta(roles ...*TUFRole) object {
	meta := object{}
	for _, r := range roles {
		m := object{"version": r.Version}
		if t.MetaHashes {
			content := t.File(t.metadataPath(r))
			m["length"], m["hashes"] = len(content), t.hashesOf(content)
		}
		meta[r.Name+".json"] = m
	}
	return object{"meta": meta}
}

// NewTUFRole makes a delegated role with threshold 1; without keys it gets an ed25519 key.
func NewTUFRole(name string, keys ...*TUFKey) (*TUFRole, error) {
	r := &TUFRole{Name: name, Keys: keys, Threshold: 1, Lifetime: 365 * 24 * time.Hour, Targets: map[string][]byte{}}
	if len(keys) == 0 {
		k, err := NewTUFKey(TUFEd25519)
		if err != nil {
			return nil, fmt.Errorf("make role %s: %w", name, err)
		}
		r.Keys = []*TUFKey{k}
	}
	return r, nil
}

// NewTUFSuccinct makes bins that share their keys.
func NewTUFSuccinct(prefix string, bits int, keys ...*TUFKey) (*TUFSuccinct, error) {
	s := &TUFSuccinct{Prefix: prefix, Bits: bits}
	last := 1<<bits - 1
	digits := len(fmt.Sprintf("%x", last))
	for i := range last + 1 {
		bin, err := NewTUFRole(fmt.Sprintf("%s-%0*x", prefix, digits, i), keys...)
		if err != nil {
			return nil, err
		}
		keys = bin.Keys
		s.Bins = append(s.Bins, bin)
	}
	return s, nil
}

// delegated lists the roles below targets, each before those that it delegates to and each once.
func (t *TUF) delegated() []*TUFRole {
	var out []*TUFRole
	seen := map[*TUFRole]bool{t.Targets: true}
	for queue := t.Targets.below(); len(queue) > 0; queue = queue[1:] {
		if r := queue[0]; !seen[r] {
			seen[r] = true
			out = append(out, r)
			queue = append(slices.Clip(queue), r.below()...)
		}
	}
	return out
}

// Role finds a role by name; nil if there is none.
func (t *TUF) Role(name string) *TUFRole {
	for _, r := range append([]*TUFRole{t.Root, t.Timestamp, t.Snapshot, t.Targets}, t.delegated()...) {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// signedOf completes a body with what all roles have.
func signedOf(r *TUFRole, kind string, body object, expires time.Time) object {
	out := object{
		"_type": kind, "spec_version": "1.0.31", "version": r.Version, "expires": expires.UTC().Format("2006-01-02T15:04:05Z"),
	}
	maps.Copy(out, body)
	return out
}
