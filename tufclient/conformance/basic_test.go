package main

import (
	"encoding/json"
	"testing"
)

// The cases of the public suite, in our words, are here and in the files for expiration, rollback,
// keys, download and delegation; what is added to them stands among them or in more_test.go.

var topLevel = []string{"root 1", "snapshot 1", "targets 1", "timestamp 1"}

func TestBasic(t *testing.T) {
	first := []string{"root 2", "timestamp", "snapshot 1", "targets 1"}
	run := map[string]func(t *testing.T){
		"refresh requests": func(t *testing.T) {
			c, r := initialised(t)
			r.asks()
			c.refresh(0)
			r.asks(first...)
		},
		"refresh trusted data": func(t *testing.T) {
			c, r := refreshed(t)
			for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
				c.keeps(role, r.last(role))
			}
			c.trusts(topLevel...)
		},
		"implicit refresh": func(t *testing.T) {
			c, r := initialised(t)
			c.download(1, "nonexistent artifact")
			r.asks(first...)
			c.trusts(topLevel...)
			c.downloaded()
		},
		"invalid initial root": func(t *testing.T) {
			c, r := newClient(t)
			var envelope object
			if err := json.Unmarshal(c.root, &envelope); err != nil {
				t.Fatal(err)
			}
			delete(envelope["signed"].(object), "version")
			c.root = r.file(envelope)
			c.tryInit()
			c.refresh(1)
			r.asks()
		},
		"unsigned initial root": func(t *testing.T) {
			c, r := newClient(t)
			r.rewrite("root", func(signatures []any) []any {
				signatures[0].(object)["sig"] = otherSignature
				return signatures
			})
			c.root = r.last("root")
			c.tryInit()
			c.refresh(1)
			r.asks()
		},
		"metadata bytes match": func(t *testing.T) {
			c, r := initialised(t)
			r.published["timestamp"][0] = append(r.last("timestamp"), ' ')
			c.refresh(0)
			c.keeps("timestamp", r.last("timestamp"))
		},
		"custom fields": func(t *testing.T) {
			c, r := refreshed(t)
			r.signed["root"]["custom-field"] = "value"
			entry, _ := r.delegation("root", "root")
			entry["another-field"] = "value"
			r.addKey("root", "root", newSigner(t, ecdsaKey).with(t, object{"extra-field": object{"a": 1, "b": 2}}))
			r.publish("root")
			c.refresh(0)
			c.has("root 2")
		},
		"escapes and wide characters": func(t *testing.T) {
			c, r := refreshed(t)
			r.signed["root"]["x-text"] = "\u00fc \U0001F511 \" \\ / < & > \u2028 \t\u0001"
			r.publish("root")
			r.ascii("root")
			c.refresh(0)
			c.keeps("root", r.last("root"))
		},
		"deprecated keyid_hash_algorithms": func(t *testing.T) {
			c, r := initialised(t)
			r.clear("snapshot")
			r.addKey("root", "snapshot", newSigner(t, ecdsaKey).with(t, object{"keyid_hash_algorithms": "md5"}))
			r.publish("root", "snapshot", "timestamp")
			c.refresh(0)
			c.has("root 2", "snapshot 2")
		},
		"incorrect metadata type": func(t *testing.T) {
			c, r := initialised(t)
			r.addKey("root", "snapshot", r.signers["timestamp"][0])
			r.signed["snapshot"]["meta"] = object{"snapshot.json": object{"version": 1}}
			r.publish("root", "snapshot")
			r.published["timestamp"] = append(r.published["timestamp"], r.last("snapshot"))
			r.published["snapshot"] = r.published["snapshot"][:1]
			c.refresh(1)
			c.trusts("root 2")
		},
		"faketime": func(t *testing.T) {
			c, r := initialised(t)
			r.expire("root", 7*day)
			r.publish("root")
			c.refresh(0)
			c.refreshAt(8*day, 1)
		},
	}
	for name, run := range run {
		t.Run(name, run)
	}
}

// otherSignature is an ECDSA signature over something else.
const otherSignature = "3045022100d1b2e60b2d5fd4d7f0e7a3d7a3a4e28d3f7bc1f1ad3a0f9f44a5f5f2a1c4b7d902200f4e37c2b8d1a5960c83b7f2ee14d6a95b0c7f8e2d3a4b5c6d7e8f9011223344"

// TestUnsigned: a role that its key did not sign is not taken, what came before it is.
func TestUnsigned(t *testing.T) {
	for role, trusted := range map[string][]string{
		"root":      {"root 1"},
		"timestamp": {"root 2"},
		"snapshot":  {"root 2", "timestamp 2"},
		"targets":   {"root 2", "snapshot 2", "timestamp 2"},
	} {
		t.Run(role, func(t *testing.T) {
			c, r := newClient(t)
			r.signers[role] = nil
			r.publish("root", "targets", "snapshot", "timestamp")
			c.init(0)
			c.refresh(1)
			c.trusts(trusted...)
		})
	}
}

// TestVersionMismatch: the version in a file is not that of its URL.
func TestVersionMismatch(t *testing.T) {
	for role, trusted := range map[string][]string{
		"root":     {"root 1"},
		"snapshot": {"root 2", "timestamp 2"},
		"targets":  {"root 2", "snapshot 2", "timestamp 2"},
	} {
		t.Run(role, func(t *testing.T) {
			c, r := newClient(t)
			r.signed[role]["version"] = 2
			for _, each := range []string{"root", "targets", "snapshot", "timestamp"} {
				r.publish(each) // one of them as version 3 under the URL of 2
				if each == role && role != "root" {
					r.meta(role)["version"] = 2
				}
			}
			c.init(0)
			c.refresh(1)
			c.trusts(trusted...)
		})
	}
}

// TestMeta: what timestamp and snapshot say of the file below them.
func TestMeta(t *testing.T) {
	run := map[string]func(t *testing.T){
		"timestamp content changes": func(t *testing.T) {
			c, r := refreshed(t)
			was := r.last("timestamp")
			delete(r.published, "timestamp")
			r.meta("snapshot")["version"] = 100
			r.publish("timestamp")
			c.refresh(0)
			r.asksLast("timestamp")
			c.keeps("timestamp", was)
		},
		"hash support": func(t *testing.T) {
			c, r := newClient(t)
			r.hashes = true
			r.publish("targets", "snapshot", "timestamp")
			c.init(0)
			c.refresh(0)
			c.trusts("root 1", "snapshot 2", "targets 2", "timestamp 2")
			r.publish("targets")
			r.meta("targets")["hashes"] = object{"sha256": sum("sha256", []byte("another file"))}
			r.publish("snapshot", "timestamp")
			c.refresh(1)
			c.trusts("root 1", "snapshot 3", "targets 2", "timestamp 3")
		},
		"new targets that snapshot does not list": func(t *testing.T) {
			c, r := refreshed(t)
			r.publish("targets")
			c.refresh(0)
			c.has("targets 1")
			r.asksLast("timestamp")
		},
		"snapshot 404": func(t *testing.T) {
			c, r := refreshed(t)
			r.meta("snapshot")["version"] = 2
			r.publish("timestamp")
			c.refresh(1)
			r.asksLast("snapshot 2")
			c.trusts("root 1", "snapshot 1", "targets 1", "timestamp 2")
		},
		"targets 404": func(t *testing.T) {
			c, r := refreshed(t)
			r.meta("targets")["version"] = 2
			r.publish("snapshot", "timestamp")
			c.refresh(1)
			r.asksLast("targets 2")
			c.trusts("root 1", "snapshot 2", "targets 1", "timestamp 2")
		},
		"timestamp 404": func(t *testing.T) {
			c, r := refreshed(t)
			delete(r.published, "timestamp")
			c.refresh(1)
			r.asksLast("timestamp")
		},
		"timestamp without an answer": func(t *testing.T) {
			c, r := refreshed(t)
			delete(r.published, "timestamp")
			r.silent = true
			c.refresh(1)
			r.asksLast("timestamp")
		},
	}
	for name, run := range run {
		t.Run(name, run)
	}
}
