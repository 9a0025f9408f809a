package metadata

import (
	"crypto/sha256"
	"fmt"
)

// UpdateTargets takes the top-level targets (5.6).
func (t *Trusted) UpdateTargets(b []byte) error {
	if t.snapshot == nil {
		return outOfTurn(Targets, "5.6", "the snapshot before the targets")
	}
	return t.addTargets(b, edge{Root, Targets}, t.root.roles[Targets], t.root.version)
}

// UpdateDelegated takes a delegated targets role (5.6.7) as one delegator names it. The
// same role by another delegator is another one, though of the same content. Given again,
// it is [Same].
func (t *Trusted) UpdateDelegated(b []byte, role, delegator string) error {
	f, ok := t.files[delegator]
	if !ok {
		return outOfTurn(role, "5.6.7", "the delegator "+quote(delegator)+" before the role")
	}
	s, ok := f.delegations.signers(role)
	if !ok {
		return &Error{
			Kind: NotDelegated, Role: role, Step: "5.6.7.2",
			Wanted: "a delegation to it by " + quote(delegator), Found: fmt.Sprintf("none in version %d", f.version),
		}
	}
	if have, ok := t.roles[edge{delegator, role}]; ok {
		return versionError(Same, role, "5.6.7.1", "the role once by "+quote(delegator), have.Version)
	}
	return t.addTargets(b, edge{delegator, role}, s, f.version)
}

// addTargets verifies a targets role against the snapshot and its delegator.
func (t *Trusted) addTargets(b []byte, to edge, s signers, by int64) error {
	role := to.role
	listed, ok := t.snapshot.meta[role]
	if !ok {
		return notInSnapshot(role, t.snapshot.version)
	}
	if err := listed.check(b, role, "5.6.2"); err != nil {
		return err
	}
	e, err := t.open(b, role, Targets, "4.5", t.o.Limits.TargetsBytes)
	if err != nil {
		return err
	}
	f, err := read(e, role, "4.5", readTargets)
	if err != nil {
		return err
	}
	a, err := s.authorize(e, t.o.Sigstore, role, "5.6.3", to.delegator, by)
	if err != nil {
		return err
	}
	if f.version != listed.version {
		return versionError(MixAndMatch, role, "5.6.4", fmt.Sprintf("version %d, which the snapshot lists", listed.version), f.version)
	}
	if err := t.checkMin(role, "5.6.4", f.version); err != nil {
		return err
	}
	if err := t.checkExpiry(role, "5.6.5", f.expires); err != nil {
		return err
	}
	sum := sha256.Sum256(e.canonical)
	if have, ok := t.signed[role]; ok && have != sum {
		return &Error{
			Kind: MixAndMatch, Role: role, Step: "5.6.4",
			Wanted: "the content that another delegator's role of this name and version has", Found: "other content",
		}
	}
	t.roles[to] = newRole(role, f.header, e, a)
	t.files[role], t.signed[role] = &f, sum
	return nil
}
