package main

import (
	"encoding/hex"
	"slices"
	"testing"
)

func TestKeys(t *testing.T) {
	run := map[string]func(t *testing.T){
		"threshold not met": func(t *testing.T) {
			c, r := newClient(t)
			r.threshold("snapshot", 3)
			r.addKey("root", "snapshot", newSigner(t, ecdsaKey))
			r.addKey("root", "snapshot", newSigner(t, ecdsaKey))
			r.publish("root", "targets", "snapshot", "timestamp")
			c.init(0)
			c.refresh(0)
			c.has("snapshot 2")
			r.signers["snapshot"] = r.signers["snapshot"][:2]
			r.publish("targets", "snapshot", "timestamp")
			c.refresh(1)
			c.has("snapshot 2")
		},
		"too few keys": func(t *testing.T) {
			c, r := initialised(t)
			for range 4 {
				r.addKey("root", "snapshot", newSigner(t, ecdsaKey))
			}
			r.threshold("snapshot", 6)
			r.publish("root", "snapshot", "timestamp")
			c.refresh(1)
			c.has("root 2", "snapshot 0")
		},
		"one key nine times": func(t *testing.T) {
			c, r := initialised(t)
			s := newSigner(t, ecdsaKey)
			for range 9 {
				r.addKey("root", "snapshot", s)
			}
			r.threshold("snapshot", 6)
			r.publish("root", "snapshot", "timestamp")
			r.rewrite("snapshot", func(signatures []any) []any {
				return append(signatures, slices.Repeat(signatures[1:], 8)...)
			})
			c.refresh(1)
			c.has("snapshot 0")
		},
		"one key under nine ids": func(t *testing.T) {
			c, r := initialised(t)
			s := newSigner(t, ecdsaKey)
			for i := range 9 {
				r.addKey("root", "snapshot", s.with(t, object{"x-copy": i}))
			}
			r.threshold("snapshot", 6)
			r.publish("root", "snapshot", "timestamp")
			c.refresh(1)
			c.has("snapshot 0")
		},
		"one key id signs twice": func(t *testing.T) {
			c, r := initialised(t)
			r.rewrite("snapshot", func(signatures []any) []any { return append(signatures, signatures[0]) })
			c.refresh(1)
			c.has("snapshot 0")
		},
		"wrong signature beside enough good ones": func(t *testing.T) {
			c, r := initialised(t)
			old := r.signers["timestamp"][0].id
			r.addKey("root", "timestamp", newSigner(t, ecdsaKey))
			spoil := func(sig string) {
				r.publish("timestamp")
				r.rewrite("timestamp", func(signatures []any) []any {
					if signatures[0].(object)["keyid"] != old {
						t.Fatal("the signatures are in another order")
					}
					signatures[0].(object)["sig"] = sig
					return signatures
				})
			}
			r.publish("root")
			spoil(otherSignature)
			c.refresh(0)
			c.has("timestamp 2")
			spoil("")
			c.refresh(0)
			c.has("timestamp 3")
		},
	}
	for _, s := range []scheme{rsaKey, ecdsaKey, ed25519Key} {
		run[s.keytype+" "+s.name] = func(t *testing.T) {
			c, r := initialised(t)
			key := newSigner(t, s)
			r.addKey("root", "root", key)
			r.threshold("root", 2)
			r.publish("root")
			c.refresh(0)
			c.has("root 2")
			r.publish("root")
			r.rewrite("root", func(signatures []any) []any {
				for _, signature := range signatures {
					if signature := signature.(object); signature["keyid"] == key.id {
						signature["sig"] = otherThan(key)
					}
				}
				return signatures
			})
			c.refresh(1)
			c.has("root 2")
		}
	}
	for name, run := range run {
		t.Run(name, run)
	}
}

// otherThan is a signature by a key over something else.
func otherThan(s *signer) string { return hex.EncodeToString(s.sign([]byte("something else"))) }

// version is the keys of a role, their threshold, who signs, and whether that will do.
type version struct {
	keys      []int
	threshold int
	signs     []int
	refused   bool
}

func (v version) apply(r *repository, role string, keys []*signer) {
	r.clear(role)
	r.threshold(role, v.threshold)
	for _, i := range v.keys {
		r.authorize("root", role, keys[i])
	}
	for _, i := range v.signs {
		r.signers[role] = append(r.signers[role], keys[i])
	}
}

func newSigners(t *testing.T) []*signer {
	t.Helper()
	keys := make([]*signer, 10)
	for i := range keys {
		keys[i] = newSigner(t, ecdsaKey)
	}
	return keys
}

// TestRootRotation: chains of roots, the last of which may be refused.
func TestRootRotation(t *testing.T) {
	five, rotated := []int{0, 1, 2, 3, 4}, []int{0, 1, 3, 4, 5}
	for name, versions := range map[string][]version{
		"1 of 1 rotated":                      {{keys: []int{1}, threshold: 1, signs: []int{1}}, {keys: []int{2}, threshold: 1, signs: []int{2, 1}}, {keys: []int{2}, threshold: 1, signs: []int{2}}},
		"1 of 1 rotated, signatures unused":   {{keys: []int{1}, threshold: 1, signs: []int{3, 1, 4}}, {keys: []int{2}, threshold: 1, signs: []int{3, 2, 1, 4}}, {keys: []int{2}, threshold: 1, signs: []int{3, 2, 4}}},
		"3 of 5, signers vary":                {{keys: five, threshold: 3, signs: []int{0, 2, 4}}, {keys: five, threshold: 3, signs: []int{0, 4, 1}}, {keys: five, threshold: 3, signs: []int{0, 1, 3}}, {keys: five, threshold: 3, signs: []int{0, 1, 3}}},
		"3 of 5, one rotated":                 {{keys: five, threshold: 3, signs: []int{0, 2, 4}}, {keys: rotated, threshold: 3, signs: []int{0, 4, 1}}},
		"3 of 5, one rotated, in two steps":   {{keys: five, threshold: 3, signs: []int{0, 2, 4}}, {keys: rotated, threshold: 3, signs: []int{0, 2, 4, 5}}, {keys: rotated, threshold: 3, signs: []int{0, 4, 5}}},
		"3 of 5, all rotated, in two steps":   {{keys: five, threshold: 3, signs: []int{0, 2, 4}}, {keys: []int{5, 6, 7, 8, 9}, threshold: 3, signs: []int{0, 2, 4, 5, 6, 7}}, {keys: []int{5, 6, 7, 8, 9}, threshold: 3, signs: []int{5, 6, 7}}},
		"1 of 3 to 2 of 3":                    {{keys: []int{1, 2, 3}, threshold: 1, signs: []int{1}}, {keys: []int{1, 2, 3}, threshold: 2, signs: []int{1, 2}}},
		"2 of 3 to 1 of 3":                    {{keys: []int{1, 2, 3}, threshold: 2, signs: []int{1, 2}}, {keys: []int{1, 2, 3}, threshold: 1, signs: []int{1, 2}}, {keys: []int{1, 2, 3}, threshold: 1, signs: []int{1}}},
		"1 of 1 to 2 of 2":                    {{keys: []int{1}, threshold: 1, signs: []int{1}}, {keys: []int{1, 2}, threshold: 2, signs: []int{1, 2}}},
		"1 of 1 rotated, old did not sign":    {{keys: []int{1}, threshold: 1, signs: []int{1}}, {keys: []int{2}, threshold: 1, signs: []int{2, 3, 4}, refused: true}},
		"1 of 1 rotated, new did not sign":    {{keys: []int{1}, threshold: 1, signs: []int{1}}, {keys: []int{2}, threshold: 1, signs: []int{1, 3, 4}, refused: true}},
		"3 of 5, too few of the new signed":   {{keys: five, threshold: 3, signs: []int{0, 2, 4}}, {keys: rotated, threshold: 3, signs: []int{0, 2, 4}, refused: true}},
		"3 of 5, too few of the old signed":   {{keys: five, threshold: 3, signs: []int{0, 2, 4}}, {keys: rotated, threshold: 3, signs: []int{0, 4, 5}, refused: true}},
		"1 of 3 to 2 of 3, new threshold not": {{keys: []int{1, 2, 3}, threshold: 1, signs: []int{1}}, {keys: []int{1, 2, 3}, threshold: 2, signs: []int{2}, refused: true}},
		"2 of 3 to 1 of 3, old threshold not": {{keys: []int{1, 2, 3}, threshold: 2, signs: []int{1, 2}}, {keys: []int{1, 2, 3}, threshold: 1, signs: []int{1}, refused: true}},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := newClient(t)
			keys := newSigners(t)
			delete(r.published, "root")
			for _, v := range versions {
				v.apply(r, "root", keys)
				r.publish("root")
			}
			r.publish("targets", "snapshot", "timestamp")
			c.root = r.published["root"][0]
			c.init(0)
			newest := len(versions)
			if versions[newest-1].refused {
				c.refresh(1)
				newest--
			} else {
				c.refresh(0)
			}
			c.keeps("root", r.published["root"][newest-1])
		})
	}
}

// TestRotation: the same of the other top-level roles, one after another.
func TestRotation(t *testing.T) {
	five, rotated := []int{0, 1, 2, 3, 4}, []int{0, 1, 3, 4, 5}
	for name, v := range map[string]version{
		"1 of 1 rotated":                   {keys: []int{2}, threshold: 1, signs: []int{2}},
		"1 of 1, signatures unused":        {keys: []int{1}, threshold: 1, signs: []int{3, 1, 4}},
		"1 of 1 rotated, new did not sign": {keys: []int{2}, threshold: 1, signs: []int{1, 3, 4}, refused: true},
		"3 of 5, one of another signed":    {keys: rotated, threshold: 3, signs: []int{0, 2, 4}, refused: true},
		"3 of 5, one did not sign":         {keys: rotated, threshold: 3, signs: []int{0, 4}, refused: true},
		"3 of 5, first combination":        {keys: five, threshold: 3, signs: []int{0, 2, 4}},
		"3 of 5, second combination":       {keys: five, threshold: 3, signs: []int{0, 4, 1}},
		"3 of 5, third combination":        {keys: five, threshold: 3, signs: []int{0, 1, 3}},
		"3 of 5, fourth combination":       {keys: five, threshold: 3, signs: []int{1, 2, 3}},
		"3 of 5, fifth combination":        {keys: five, threshold: 3, signs: []int{2, 3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := initialised(t)
			keys := newSigners(t)
			for _, role := range []string{"timestamp", "snapshot", "targets"} {
				v.apply(r, role, keys)
				r.publish("root", "targets", "snapshot", "timestamp")
				if v.refused {
					c.refresh(1)
					continue
				}
				c.refresh(0)
				c.keeps(role, r.last(role))
			}
		})
	}
}
