package metadata

// Trusted is what has been verified so far of one repository.
type Trusted struct{}

// New starts from a pinned root (5.2): its own keys must have signed it. Every error
// of this package is an *Error.
func New(root []byte, o Options) (*Trusted, error) { panic("to write") }

// UpdateRoot takes the next root (5.3.4 to 5.3.6). Its expiry is judged once the
// last one is there, by [Trusted.UpdateTimestamp] (5.3.10).
func (t *Trusted) UpdateRoot(b []byte) error { panic("to write") }

// UpdateTimestamp takes a timestamp (5.4). An older one that was trusted before may be
// given first, as the cached one is: it then guards against rollback even if expired.
func (t *Trusted) UpdateTimestamp(b []byte) error { panic("to write") }

// UpdateSnapshot takes a snapshot (5.5). cached is one that was trusted before, which
// need not be the one that the timestamp lists: it guards against rollback.
func (t *Trusted) UpdateSnapshot(b []byte, cached bool) error { panic("to write") }

// UpdateTargets takes the top-level targets (5.6).
func (t *Trusted) UpdateTargets(b []byte) error { panic("to write") }

// UpdateDelegated takes a delegated targets role (5.6.7) as one delegator names it. The
// same role by another delegator is another one.
func (t *Trusted) UpdateDelegated(b []byte, role, delegator string) error { panic("to write") }

// Find looks a target up (5.6.7), in pre-order through the delegations that are there.
// Where a role that is not there comes first, it says which one is needed; call it
// again once that was given to UpdateDelegated.
func (t *Trusted) Find(path string) (Target, *Need, error) { panic("to write") }

// List names every target, of those that match wants, in every role that a
// path for which reach is true could lead to. Each must still be looked up with
// Find: another role may come before the one that lists it. reach gets the path
// patterns of a delegation; delegations by hash are always reached.
func (t *Trusted) List(wants func(path string) bool, reach func(patterns []string) bool) ([]string, *Need, error) {
	panic("to write")
}

// ListRole ... (internal helpers as needed)

// Roots returns every root from the pinned one on.
func (t *Trusted) Roots() []Role { panic("to write") }

// Role returns a top-level role, and false while it is not there.
func (t *Trusted) Role(name string) (Role, bool) { panic("to write") }

// ConsistentSnapshot says how files are named (6.2).
func (t *Trusted) ConsistentSnapshot() bool { panic("to write") }

// Meta returns what timestamp or snapshot lists of a role's file: version, and length
// where it is listed, else 0.
func (t *Trusted) Meta(role string) (version, length int64, ok bool) { panic("to write") }

// Floor returns the newest of what was known and what has been verified.
func (t *Trusted) Floor() Floor { panic("to write") }

// Verify checks a target's bytes against length and every known hash (5.7.2).
func (t Target) Verify(b []byte) error { panic("to write") }

// Holder names whoever holds a key, so that one holder under several ids counts once.
func (k Key) Holder() string { panic("to write") }
