package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// Description is what is known of a repository, for people.
type Description struct {
	MetadataURL string `json:"metadata_url"`
	TargetsURL  string `json:"targets_url"`
	// RootSHA256 is the digest of the pinned root.
	RootSHA256 string           `json:"root_sha256"`
	State      verify.StateKind `json:"state"`
	// Path is where the copy is kept, StateFile the floor where that is elsewhere.
	Path      string `json:"path,omitempty"`
	StateFile string `json:"state_file,omitempty"`
	// Floor is the newest that was seen.
	Floor metadata.Floor `json:"floor"`
	// Expires is when the first of the top-level roles expires.
	Expires time.Time `json:"expires,omitzero"`
	Expired bool      `json:"expired"`
	Roles   []Role    `json:"roles"`
	// Targets are the files that the repository lists, Withdrawn those that it once did.
	Targets   []string `json:"targets"`
	Withdrawn []string `json:"withdrawn,omitempty"`
	// Failure is what went wrong.
	Failure string `json:"failure,omitempty"`
}

// Role is one role and who holds it.
type Role struct {
	Name    string    `json:"name"`
	Version int64     `json:"version"`
	Expires time.Time `json:"expires"`
	Expired bool      `json:"expired"`
	// By is who authorised it, as "root 1": for a root, the one before it and itself.
	By        string   `json:"by"`
	Threshold int      `json:"threshold"`
	Holders   []Holder `json:"holders"`
}

// Holder is whoever holds a key: an identity with its issuer, or an ordinary key by
// the SHA-256 of its SubjectPublicKeyInfo, as a policy lists it.
type Holder struct {
	Identity string `json:"identity,omitempty"`
	Issuer   string `json:"issuer,omitempty"`
	Type     string `json:"type"`
	SHA256   string `json:"sha256,omitempty"`
	// Signed is true if the holder signed this version, At when by the log.
	Signed bool      `json:"signed"`
	At     time.Time `json:"at,omitzero"`
}

// Describe says what a client knows, judging expiry at a time. It reads what is kept
// and, of a client that was refreshed, what is missing of delegated metadata.
func (r *Repositories) Describe(ctx context.Context, client *tufclient.Client, repo Repository) (Description, error) {
	kept := client.State()
	d := r.Unread(repo)
	d.Floor = kept.Floor
	switch {
	case known(kept):
		d.State = verify.StateKnown
	case repo.Stateless || d.Path == "" && d.StateFile == "":
		d.State = verify.StateNone
	}
	trusted := client.Trusted()
	if trusted == nil {
		return d, nil
	}
	d.Floor = trusted.Floor()
	var roles []metadata.Role
	for _, name := range []string{metadata.Root, metadata.Timestamp, metadata.Snapshot, metadata.Targets} {
		if role, ok := trusted.Role(name); ok {
			roles = append(roles, role)
			if d.Expires.IsZero() || role.Expires.Before(d.Expires) {
				d.Expires = role.Expires
			}
		}
	}
	d.Expired = !d.Expires.IsZero() && repo.At.After(d.Expires)
	if len(roles) < 4 {
		d.add(roles, repo.At)
		return d, nil
	}
	delegated, err := d.list(ctx, client)
	d.add(append(roles, delegated...), repo.At)
	for path := range kept.Listed {
		if err == nil && !slices.Contains(d.Targets, path) {
			d.Withdrawn = append(d.Withdrawn, path)
		}
	}
	slices.Sort(d.Withdrawn)
	return d, err
}

// Unread describes a repository whose state could not be read.
func (r *Repositories) Unread(repo Repository) Description {
	return Description{
		MetadataURL: repo.TUF.MetadataURL, TargetsURL: repo.TUF.TargetsURL, RootSHA256: repo.TUF.Root.SHA256,
		State: verify.StateBootstrap, Path: r.Folder(repo), StateFile: r.options.StateFile, Roles: []Role{}, Targets: []string{},
	}
}

// list names the targets, and returns the delegated roles that list them.
func (d *Description) list(ctx context.Context, client *tufclient.Client) ([]metadata.Role, error) {
	all := func(string) bool { return true }
	paths, err := client.List(ctx, all, func([]string) bool { return true })
	if err != nil {
		return nil, err
	}
	var roles []metadata.Role
	for _, path := range paths {
		target, err := client.Find(ctx, path)
		var refused *metadata.Error
		if errors.As(err, &refused) && refused.Kind == metadata.NotListed {
			continue
		}
		if err != nil {
			return roles, err
		}
		d.Targets = append(d.Targets, path)
		for _, role := range target.Roles[min(1, len(target.Roles)):] {
			if !slices.ContainsFunc(roles, func(o metadata.Role) bool { return same(o, role) }) {
				roles = append(roles, role)
			}
		}
	}
	slices.Sort(d.Targets)
	return roles, nil
}

// same reports whether two roles are one: of one name by one delegator.
func same(a, b metadata.Role) bool {
	return a.Name == b.Name && len(a.Authorizations) > 0 && len(b.Authorizations) > 0 &&
		a.Authorizations[0].By == b.Authorizations[0].By
}

func (d *Description) add(roles []metadata.Role, at time.Time) {
	for _, role := range roles {
		for _, a := range role.Authorizations {
			out := Role{
				Name: role.Name, Version: role.Version, Expires: role.Expires, Expired: at.After(role.Expires),
				By: fmt.Sprintf("%s %d", a.By, a.ByVersion), Threshold: a.Threshold, Holders: []Holder{},
			}
			for _, k := range a.Keys {
				h := Holder{Identity: k.Identity, Issuer: k.Issuer, Type: k.Type, SHA256: k.Fingerprint}
				for _, s := range a.Signed {
					if s.Key.Holder() == k.Holder() {
						h.Signed, h.At = true, s.Time
					}
				}
				out.Holders = append(out.Holders, h)
			}
			d.Roles = append(d.Roles, out)
		}
	}
}
