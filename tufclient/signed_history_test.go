package tufclient_test

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// signedKinds are attacks and mistakes by holders of some or all keys.
func signedKinds() []kind {
	return []kind{
		{"rollback-timestamp", 3, rollbackTimestamp},
		{"rollback-snapshot", 3, rollbackSnapshot},
		{"rollback-targets", 3, rollbackTargets("targets")},
		{"rollback-delegated", 3, rollbackTargets("")},
		{"drop-role", 2, dropRole},
		{"fast-forward-timestamp", 2, fastForward("timestamp")},
		{"fast-forward-snapshot", 2, fastForward("snapshot")},
		{"fast-forward-targets", 2, fastForward("targets")},
		{"recover", 4, recoverBy("timestamp", "snapshot")},
		{"recover-timestamp", 2, recoverBy("timestamp")},
		{"recover-snapshot", 2, recoverBy("snapshot")},
		{"recover-part", 2, recoverPart},
		{"expired", 5, expired},
		{"expired-briefly", 2, expiredBriefly},
		{"same-version", 2, sameVersion},
		{"few-signatures", 3, fewSignatures},
		{"no-signatures", 2, signedBy(func(*history, *simulator, []holder) []holder { return nil })},
		{"stranger", 2, signedBy(stranger)},
		{"other-role", 3, signedBy(otherRole)},
		{"old-keys", 2, signedBy(oldKeys)},
		{"signature-twice", 2, signatureTwice},
		{"broken-signature", 2, brokenSignature},
		{"two-ids", 3, twoIDs},
		{"threshold-zero", 2, thresholdOf(0)},
		{"threshold-high", 2, thresholdOf(9)},
		{"wrong-version", 3, wrongVersion},
		{"wrong-type", 3, wrongType},
		{"root-version", 2, rootVersion},
		{"root-not-by-old", 2, rootWithout(true)},
		{"root-not-by-new", 2, rootWithout(false)},
		{"lists-wrong-hash", 2, listsWrong("hashes")},
		{"lists-wrong-length", 2, listsWrong("length")},
		{"timestamp-without-snapshot", 1, timestampWithout},
		{"snapshot-without-targets", 1, snapshotWithout},
	}
}

func rollbackTimestamp(h *history, st *step) bool {
	f := h.fork()
	f.timestampVersion = max(0, f.timestampVersion-1-h.rng.Int64N(3))
	h.show(st, f)
	return true
}

// rollbackSnapshot is what the holder of the timestamp's and snapshot's keys can do.
func rollbackSnapshot(h *history, st *step) bool {
	f := h.fork()
	f.snapshotVersion = max(0, f.snapshotVersion-2-h.rng.Int64N(3))
	f.touch("snapshot")
	h.show(st, f)
	return true
}

// rollbackTargets lists an older, rightly signed version of a targets role.
func rollbackTargets(role string) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		if st.role = role; role == "" {
			st.role = h.delegated(h.sim)
		}
		if st.role == "" {
			return false
		}
		f := h.fork()
		f.roles[st.role].version = max(0, f.roles[st.role].version-2-h.rng.Int64N(2))
		f.touch(st.role)
		h.show(st, f)
		return true
	}
}

// dropRole publishes a snapshot that no longer lists a role.
func dropRole(h *history, st *step) bool {
	if st.role = h.delegated(h.sim); st.role == "" {
		return false
	}
	f := h.fork()
	delete(f.roles, st.role)
	f.touch("snapshot")
	h.show(st, f)
	return true
}

// fastForward raises a version so far that the honest repository falls behind.
func fastForward(role string) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		st.role = role
		f := h.fork()
		const far = 1000
		switch role {
		case "timestamp":
			f.timestampVersion += far
		case "snapshot":
			f.snapshotVersion += far
		default:
			f.roles[role].version += far
		}
		f.touch(role)
		h.show(st, f)
		return true
	}
}

// recoverBy rotates keys so that versions may begin low again (5.3.11).
func recoverBy(roles ...string) func(*history, *step) bool {
	return func(h *history, _ *step) bool {
		for _, role := range roles {
			h.rotate(h.sim, role)
		}
		if h.chance(40) {
			h.sim.timestampVersion, h.sim.snapshotVersion = h.rng.Int64N(3), h.rng.Int64N(3)
			h.sim.touch("snapshot")
		}
		h.advance()
		return true
	}
}

// recoverPart replaces one of two keys of timestamp or snapshot, and lowers versions.
func recoverPart(h *history, st *step) bool {
	role := pick(h, []string{"timestamp", "snapshot"})
	if len(h.sim.top[role].holders) < 2 {
		h.sim.top[role] = h.sim.newRole(2, 1)
		h.sim.touch("root", role)
		h.publish()
		return true
	}
	rotatePart(h, st)
	h.sim.timestampVersion, h.sim.snapshotVersion = h.rng.Int64N(3), h.rng.Int64N(3)
	h.sim.touch("snapshot")
	h.publish()
	return true
}

// expired publishes a role that is past its expiry.
func expired(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	past := h.sim.now.Add(-time.Duration(1+h.rng.IntN(48)) * time.Hour)
	if h.chance(10) { // the very second: not yet expired
		past = h.sim.now.Truncate(time.Second)
	}
	f := h.fork()
	f.touch(st.role)
	f.timestampVersion += h.rng.Int64N(3) // what has expired must not raise the floor
	f.twists[st.role] = twist{edit: func(m map[string]any) { m["expires"] = past.Format(time.RFC3339) }}
	h.show(st, f)
	return true
}

// expiredBriefly publishes honestly with an expiry that a later step mends.
func expiredBriefly(h *history, st *step) bool {
	st.role = h.lowRole(h.sim)
	past := h.sim.now.Add(-time.Hour)
	h.sim.touch(st.role)
	h.sim.twists[st.role] = twist{edit: func(m map[string]any) { m["expires"] = past.Format(time.RFC3339) }}
	h.publish()
	st.view = newView(h.sim.files)
	h.adopt(h.sim)
	return true
}

// sameVersion publishes other content under the version that clients have.
func sameVersion(h *history, st *step) bool {
	st.role = h.lowRole(h.sim)
	f := h.fork()
	switch st.role {
	case "timestamp":
		f.timestampVersion--
		f.touch("snapshot")
	case "snapshot":
		f.snapshotVersion--
		h.putTarget(f, "targets")
	default:
		f.roles[st.role].version--
		h.putTarget(f, st.role)
	}
	h.show(st, f)
	return true
}

// fewSignatures signs with one key less than the threshold.
func fewSignatures(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	n := 1 + h.rng.IntN(3)
	h.setRole(h.sim, st.role, h.sim.newRole(n, n))
	h.publish()
	f := h.fork()
	f.touch(st.role)
	f.twists[st.role] = twist{holders: func(l []holder) []holder { return l[:n-1] }}
	h.show(st, f)
	return true
}

// signedBy signs a role by other holders.
func signedBy(who func(*history, *simulator, []holder) []holder) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		st.role = h.anyRole(h.sim)
		f := h.fork()
		f.touch(st.role)
		f.twists[st.role] = twist{holders: func(l []holder) []holder { return who(h, f, l) }}
		h.show(st, f)
		return true
	}
}

// stranger signs with another key under the right ids.
func stranger(_ *history, s *simulator, l []holder) []holder {
	out := slices.Clone(l)
	for i := range out {
		out[i].key = s.newHolder().key
	}
	return out
}

// otherRole signs with another role's keys, under their ids or the right ones.
func otherRole(h *history, s *simulator, l []holder) []holder {
	others := s.roleOf(h.anyRole(s)).holders
	if len(others) == 0 || h.chance(50) {
		return others
	}
	out := slices.Clone(l)
	for i := range out {
		out[i].key = others[i%len(others)].key
	}
	return out
}

// oldKeys signs with the first keys of a top-level role, where others have come since.
func oldKeys(h *history, s *simulator, l []holder) []holder {
	first := s.first[pick(h, []string{"root", "timestamp", "snapshot", "targets"})].holders
	if slices.ContainsFunc(l, func(o holder) bool { return o.id == first[0].id }) {
		return nil
	}
	return first
}

func signatureTwice(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	f := h.fork()
	f.touch(st.role)
	f.twists[st.role] = twist{signatures: func(l []any) []any { return append(l, l...) }}
	h.show(st, f)
	return true
}

// brokenSignature spoils one signature of a role.
func brokenSignature(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	f := h.fork()
	f.touch(st.role)
	which := h.rng.IntN(4)
	f.twists[st.role] = twist{signatures: func(l []any) []any {
		if len(l) == 0 {
			return l
		}
		entry := maps.Clone(l[which%len(l)].(map[string]any))
		sig := []byte(entry["sig"].(string))
		if sig[10]++; sig[10] != '1' { // a digit of both alphabets
			sig[10] = '0'
		}
		entry["sig"] = string(sig)
		if f.ring.sigstore {
			entry["bundle"] = map[string]any{"messageSignature": map[string]any{"signature": string(sig)}}
		}
		l[which%len(l)] = entry
		return l
	}}
	h.show(st, f)
	return true
}

// twoIDs lists one key under two ids, and wants two keys.
func twoIDs(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	f := h.fork()
	k := f.newHolder()
	again := holder{id: "again-" + k.id[:16], key: k.key}
	h.setRole(f, st.role, simRole{holders: []holder{k, again}, threshold: 2})
	h.show(st, f)
	return true
}

// thresholdOf publishes a threshold that no number of signatures should meet.
func thresholdOf(n int) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		st.role = h.anyRole(h.sim)
		f := h.fork()
		r := f.roleOf(st.role)
		h.setRole(f, st.role, simRole{holders: r.holders, threshold: n})
		if n == 0 && h.chance(50) {
			f.twists[st.role] = twist{signatures: func([]any) []any { return []any{} }}
		}
		h.show(st, f)
		return true
	}
}

// wrongVersion puts another version into a file than what lists it says.
func wrongVersion(h *history, st *step) bool {
	if st.role = h.lowRole(h.sim); st.role == "timestamp" {
		return false
	}
	f := h.fork()
	f.touch(st.role)
	by := int64(pick(h, []int{-1, 1}))
	f.twists[st.role] = twist{edit: func(m map[string]any) {
		n, err := m["version"].(json.Number).Int64()
		must(err)
		m["version"] = n + by
	}}
	h.show(st, f)
	return true
}

// wrongType signs metadata that says it is another role's.
func wrongType(h *history, st *step) bool {
	st.role = h.anyRole(h.sim)
	f := h.fork()
	f.touch(st.role)
	other := pick(h, []string{"root", "timestamp", "snapshot", "targets", "mirrors", ""})
	if other == st.role || other == "targets" && f.roles[st.role] != nil {
		return false
	}
	f.twists[st.role] = twist{edit: func(m map[string]any) { m["_type"] = other }}
	h.show(st, f)
	return true
}

// rootVersion publishes a root whose version does not follow.
func rootVersion(h *history, st *step) bool {
	f := h.fork()
	st.role = "root"
	h.rotate(f, "timestamp")
	by := pick(h, []int64{-1, 1, 5})
	f.twists["root"] = twist{edit: func(m map[string]any) { m["version"] = f.rootVersion + by }}
	h.show(st, f)
	return true
}

// rootWithout publishes a root that its predecessor's keys, or its own, did not sign.
func rootWithout(old bool) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		st.role = "root"
		f := h.fork()
		before := f.oldRoot
		h.rotate(f, "root")
		if old {
			f.oldRoot = nil
		} else {
			f.twists["root"] = twist{holders: func([]holder) []holder { return before }}
		}
		h.show(st, f)
		return true
	}
}

// listsWrong publishes a snapshot or timestamp with a wrong hash or length.
func listsWrong(member string) func(*history, *step) bool {
	return func(h *history, st *step) bool {
		f := h.fork()
		st.role = pick(h, []string{"timestamp", "snapshot"})
		h.putTarget(f, "targets")
		f.touch("snapshot")
		length := pick(h, []int64{1, 17, 100_000})
		f.twists[st.role] = twist{edit: func(m map[string]any) {
			for _, v := range m["meta"].(map[string]any) {
				if entry := v.(map[string]any); member == "length" {
					entry["length"] = length
				} else {
					entry["hashes"] = map[string]any{"sha256": "00" + "11223344556677889900112233445566778899001122334455667788990011"}
				}
			}
		}}
		h.show(st, f)
		return true
	}
}

func timestampWithout(h *history, st *step) bool {
	st.role = "timestamp"
	f := h.fork()
	f.twists["timestamp"] = twist{edit: func(m map[string]any) { m["meta"] = map[string]any{} }}
	h.show(st, f)
	return true
}

func snapshotWithout(h *history, st *step) bool {
	st.role = "snapshot"
	f := h.fork()
	f.touch("snapshot")
	f.twists["snapshot"] = twist{edit: func(m map[string]any) { delete(m["meta"].(map[string]any), "targets.json") }}
	h.show(st, f)
	return true
}
