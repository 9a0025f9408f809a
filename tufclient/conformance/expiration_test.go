package main

import "testing"

func TestExpiration(t *testing.T) {
	run := map[string]func(t *testing.T){
		"root": func(t *testing.T) {
			c, r := refreshed(t)
			r.publish("root")
			c.refresh(0)
			r.expire("root", -day)
			r.publish("root")
			c.refresh(1)
			c.has("root 3", "timestamp 1", "snapshot 1")
		},
		"timestamp": func(t *testing.T) {
			c, r := refreshed(t)
			r.expire("timestamp", -5*day)
			r.publish("timestamp")
			c.refresh(1)
			c.trusts(topLevel...)
		},
		"snapshot": func(t *testing.T) {
			c, r := refreshed(t)
			r.expire("snapshot", -5*day)
			r.publish("snapshot", "timestamp")
			c.refresh(1)
			c.trusts("root 1", "snapshot 1", "targets 1", "timestamp 2")
		},
		"targets": func(t *testing.T) {
			c, r := refreshed(t)
			r.expire("targets", -5*day)
			r.publish("targets", "snapshot", "timestamp")
			c.refresh(1)
			c.trusts("root 1", "snapshot 2", "targets 1", "timestamp 2")
		},
		"targets not published": func(t *testing.T) {
			c, r := refreshed(t)
			r.expire("targets", -5*day)
			r.publish("snapshot", "timestamp")
			c.refresh(0)
			c.trusts("root 1", "snapshot 2", "targets 1", "timestamp 2")
		},
		"local root": func(t *testing.T) {
			c, r := initialised(t)
			r.expire("root", 7*day)
			r.publish("root")
			c.refresh(0)
			r.expire("root", 21*day)
			r.publish("root")
			c.refreshAt(18*day, 0)
			c.has("root 3")
		},
		"local timestamp": func(t *testing.T) {
			c, r := initialised(t)
			r.expire("timestamp", 7*day)
			r.publish("timestamp")
			c.refresh(0)
			r.expire("timestamp", 21*day)
			r.publish("targets", "snapshot", "timestamp")
			c.refreshAt(18*day, 0)
			c.trusts("root 1", "snapshot 2", "targets 2", "timestamp 3")
		},
		"local timestamp, nothing newer": func(t *testing.T) {
			c, r := initialised(t)
			r.expire("timestamp", 7*day)
			r.publish("timestamp")
			c.refresh(0)
			c.refreshAt(8*day, 1)
			c.has("timestamp 2")
		},
	}
	for _, role := range []string{"snapshot", "targets"} {
		run["local "+role] = func(t *testing.T) {
			c, r := initialised(t)
			r.expire(role, 7*day)
			r.publish(role, "snapshot", "timestamp")
			c.refresh(0)
			r.expire(role, 21*day)
			r.publish(role, "snapshot", "timestamp")
			c.refreshAt(18*day, 0)
			c.keeps(role, r.last(role))
		}
		run["local "+role+", nothing newer"] = func(t *testing.T) {
			c, r := initialised(t)
			r.expire(role, 7*day)
			r.publish(role, "snapshot", "timestamp")
			c.refresh(0)
			c.refreshAt(8*day, 1)
		}
	}
	for name, run := range run {
		t.Run(name, run)
	}
}

// TestDelegatedExpiration: the same of a delegated role, which is looked at when a target needs it.
func TestDelegatedExpiration(t *testing.T) {
	delegated := func(t *testing.T, r *repository) {
		t.Helper()
		r.delegate("targets", "delegated", false, "path/*")
		r.expire("delegated", 7*day)
		r.add("delegated", "path/first", "first")
		r.add("delegated", "path/second", "second")
	}
	run := map[string]func(t *testing.T){
		"when first seen": func(t *testing.T) {
			c, r := initialised(t)
			delegated(t, r)
			r.expire("delegated", -day)
			r.publish("delegated", "targets", "snapshot", "timestamp")
			c.refresh(0)
			c.download(1, "path/first")
			c.downloaded()
			c.trusts("root 1", "snapshot 2", "targets 2", "timestamp 2")
		},
		"local, nothing newer": func(t *testing.T) {
			c, r := initialised(t)
			delegated(t, r)
			r.publish("delegated", "targets", "snapshot", "timestamp")
			c.download(0, "path/first")
			c.downloaded("first")
			c.downloadAt(18*day, 1, "path/second")
			c.downloaded("first")
		},
		"local, newer": func(t *testing.T) {
			c, r := initialised(t)
			delegated(t, r)
			r.publish("delegated", "targets", "snapshot", "timestamp")
			c.download(0, "path/first")
			r.expire("delegated", 21*day)
			r.publish("delegated", "snapshot", "timestamp")
			c.downloadAt(18*day, 0, "path/second")
			c.downloaded("first", "second")
		},
	}
	for name, run := range run {
		t.Run(name, run)
	}
}
