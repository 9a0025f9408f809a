package main

import "testing"

// restart has a role's versions begin anew, at URL 1.
func (r *repository) restart(role string) {
	delete(r.published, role)
	r.signed[role]["version"] = 1
}

func (r *repository) publishTimes(n int, role string) {
	r.t.Helper()
	for range n {
		r.publish(role)
	}
}

func TestRollback(t *testing.T) {
	run := map[string]func(t *testing.T){
		"snapshot that timestamp does not list": func(t *testing.T) {
			c, r := initialised(t)
			r.publish("snapshot", "timestamp")
			c.refresh(0)
			r.restart("snapshot")
			r.publish("snapshot")
			c.refresh(0)
			c.has("snapshot 2")
			r.asksLast("timestamp")
		},
		"timestamp": func(t *testing.T) {
			c, r := initialised(t)
			r.publish("timestamp")
			c.refresh(0)
			c.has("timestamp 2")
			r.restart("timestamp")
			r.publish("timestamp")
			c.refresh(1)
			c.has("timestamp 2")
			r.asksLast("timestamp")
		},
		"targets fast-forward recovery": func(t *testing.T) {
			c, r := initialised(t)
			r.publishTimes(99, "targets")
			r.publish("snapshot", "timestamp")
			c.refresh(0)
			c.has("targets 100")
			r.rotate("snapshot")
			r.restart("targets")
			r.publish("root", "targets", "snapshot", "timestamp")
			c.refresh(0)
			c.has("targets 1", "root 2", "snapshot 3")
		},
		"snapshot fast-forward recovery": func(t *testing.T) {
			c, r := initialised(t)
			r.publishTimes(99, "snapshot")
			r.publish("timestamp")
			c.refresh(0)
			c.has("snapshot 100")
			r.rotate("snapshot")
			r.rotate("timestamp")
			r.restart("snapshot")
			r.publish("root", "targets", "snapshot", "timestamp")
			c.refresh(0)
			c.has("snapshot 1", "root 2")
		},
		"timestamp fast-forward recovery": func(t *testing.T) {
			c, r := initialised(t)
			r.publishTimes(99, "timestamp")
			c.refresh(0)
			c.has("timestamp 100")
			r.rotate("timestamp")
			r.restart("timestamp")
			r.publish("root", "targets", "snapshot", "timestamp")
			c.refresh(0)
			c.has("timestamp 1", "root 2")
		},
		"new snapshot that timestamp does not list": func(t *testing.T) {
			c, r := initialised(t)
			r.publish("snapshot")
			r.meta("snapshot")["version"] = 1
			r.publish("root", "timestamp")
			c.refresh(0)
			c.trusts("root 2", "snapshot 1", "targets 1", "timestamp 2")
		},
	}
	for name, hashes := range map[string]bool{"": false, " with hashes": true} {
		run["snapshot"+name] = func(t *testing.T) {
			c, r := initialised(t)
			r.hashes = hashes
			r.publish("snapshot", "timestamp")
			c.refresh(0)
			r.restart("snapshot")
			r.publish("snapshot", "timestamp")
			c.refresh(1)
			c.has("timestamp 2", "snapshot 2")
			r.asksLast("timestamp")
		}
		run["targets"+name] = func(t *testing.T) {
			c, r := initialised(t)
			r.hashes = hashes
			r.publish("targets", "snapshot", "timestamp")
			c.refresh(0)
			r.restart("targets")
			r.publish("targets", "snapshot", "timestamp")
			c.refresh(1)
			c.has("snapshot 2", "targets 2")
		}
	}
	for name, run := range run {
		t.Run(name, run)
	}
}
