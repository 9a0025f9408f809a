package main

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// edge is one delegation: paths is "*" where it is empty.
type edge struct {
	by, role    string
	terminating bool
	paths       []string
}

// build makes the delegations and publishes all of them at version 1.
func build(r *repository, edges ...edge) {
	r.t.Helper()
	roles := []string{}
	for _, e := range edges {
		if e.paths == nil {
			e.paths = []string{"*"}
		}
		r.delegate(e.by, e.role, e.terminating, e.paths...)
		if !slices.Contains(roles, e.role) {
			roles = append(roles, e.role)
		}
	}
	r.publish(append(roles, "targets", "snapshot", "timestamp")...)
}

// TestTraversal: which delegated roles are fetched, and in which order, for a path that none lists.
func TestTraversal(t *testing.T) {
	for name, test := range map[string]struct {
		edges   []edge
		visited string
	}{
		"one":               {[]edge{{by: "targets", role: "A"}}, "A"},
		"one level":         {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}}, "A B"},
		"two levels":        {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "B", role: "C"}}, "A B C"},
		"two levels, order": {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C"}, {by: "A", role: "D"}}, "A C D B"},
		"three levels":      {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C"}, {by: "C", role: "D"}}, "A C D B"},
		"terminating on the second level": {
			[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C", terminating: true}, {by: "A", role: "D"}}, "A C",
		},
		"terminating above the third level": {
			[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C", terminating: true}, {by: "C", role: "D"}}, "A C D",
		},
		"other paths on the first level": {
			[]edge{{by: "targets", role: "A", paths: []string{"*.py"}}, {by: "targets", role: "B"}, {by: "A", role: "C"}}, "B",
		},
		"other paths on the second level": {
			[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C", paths: []string{"*.py"}}, {by: "C", role: "D"}}, "A B",
		},
		"cycle": {
			[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "B", role: "C"}, {by: "C", role: "D"}, {by: "D", role: "B"}}, "A B C D",
		},
		"two roles to a third": {
			[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "B", role: "C"}, {by: "A", role: "C"}}, "A C B",
		},
		"two roles to a third, by other paths": {
			[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "B", role: "C"}, {by: "A", role: "C", paths: []string{"*.py"}}}, "A B C",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := initialised(t)
			build(r, test.edges...)
			c.download(1, "missingpath")
			want := []string{"root 2", "timestamp", "snapshot 2", "targets 2"}
			for role := range strings.FieldsSeq(test.visited) {
				want = append(want, role+" 1")
			}
			r.asks(want...)
			if got := c.trusted(); len(got) != len(want) {
				t.Errorf("trusts %q", got)
			}
			c.download(1, "missingpath") // all is there
			r.asks("root 2", "timestamp")
		})
	}
}

// TestSearch: where a target is found in a tree of delegations.
func TestSearch(t *testing.T) {
	for name, test := range map[string]struct{ path, content, visited string }{
		"no delegation":            {"targetfile", "by targets", ""},
		"wildcard":                 {"README.md", "by A", "A"},
		"separators":               {"releases/x/x_v1", "by C", "B C"},
		"separators and wildcard":  {"releases/y/y_v1.zip", "by D", "B D"},
		"not delegated by all":     {"releases/z/z_v1.zip", "", "B"},
		"wildcards stop at slash":  {"docs/README.md", "", ""},
		"no wildcard for the rest": {"releases/x/deep/x_v1", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := initialised(t)
			r.delegate("targets", "A", false, "*.doc", "*.md")
			r.delegate("targets", "B", false, "releases/*/*")
			r.delegate("B", "C", false, "releases/x/*")
			r.delegate("B", "D", false, "releases/y/*.zip")
			r.add("targets", "targetfile", "by targets")
			r.add("A", "README.md", "by A")
			r.add("A", "docs/README.md", "not by A")
			r.add("C", "releases/x/x_v1", "by C")
			r.add("C", "releases/x/deep/x_v1", "not by C")
			r.add("D", "releases/y/y_v1.zip", "by D")
			r.add("D", "releases/z/z_v1.zip", "not by D")
			r.publish("A", "B", "C", "D", "targets", "snapshot", "timestamp")
			if test.content == "" {
				c.download(1, test.path)
				c.downloaded()
			} else {
				c.download(0, test.path)
				c.downloaded(test.content)
			}
			want := []string{"root 2", "timestamp", "snapshot 2", "targets 2"}
			for role := range strings.FieldsSeq(test.visited) {
				want = append(want, role+" 1")
			}
			r.asks(want...)
		})
	}
}

// TestRoleNames: names that mean something in a URL or a path, and nothing here.
func TestRoleNames(t *testing.T) {
	for _, role := range []string{"?", "#", "/delegatedrole", "../delegatedrole", "..", ".", "a b", "%2F", "ünï", `back\slash`, "1.root", "root.json"} {
		t.Run(role, func(t *testing.T) {
			c, r := newClient(t)
			r.delegate("targets", role, false, "*")
			r.addKey("targets", role, newSigner(t, ecdsaKey))
			r.publish(role, "targets", "snapshot", "timestamp")
			c.init(0)
			c.download(1, "nonexistent target")
			r.asks("root 2", "timestamp", "snapshot 2", "targets 2", url.PathEscape(role)+" 1")
			if got := len(c.trusted()); got != 5 {
				t.Errorf("trusts %q, want five roles", c.trusted())
			}
			outside, err := filepath.Glob(filepath.Join(filepath.Dir(c.dir), "*.json"))
			if err != nil || len(outside) > 0 {
				t.Errorf("files outside the metadata folder: %q, %v", outside, err)
			}
			c.download(1, "nonexistent target")
			r.asks("root 2", "timestamp")
		})
	}
}

// TestDiamond: a role with two delegators, each of which knows another key of it.
func TestDiamond(t *testing.T) {
	diamond := func(t *testing.T) (*client, *repository) {
		t.Helper()
		c, r := initialised(t)
		r.delegate("targets", "A", false, "a")
		r.delegate("targets", "B", false, "b")
		r.delegate("A", "C", false, "a")
		r.delegate("B", "C", false, "b")
		r.add("C", "a", "for A")
		r.add("C", "b", "for B")
		return c, r
	}
	publish := func(r *repository) { r.publish("A", "B", "C", "targets", "snapshot", "timestamp") }
	run := map[string]func(t *testing.T){
		"signed for the first delegator alone": func(t *testing.T) {
			c, r := diamond(t)
			r.signers["C"] = r.signers["C"][:1]
			publish(r)
			c.download(1, "a", "b")
			c.downloaded("for A")
			c.download(1, "b")
			c.downloaded("for A")
		},
		"signed for the second delegator alone": func(t *testing.T) {
			c, r := diamond(t)
			r.signers["C"] = r.signers["C"][1:]
			publish(r)
			c.download(1, "a", "b")
			c.downloaded()
			c.download(0, "b")
			c.downloaded("for B")
			c.download(1, "b", "a")
			c.downloaded("for B")
		},
		"signed for both": func(t *testing.T) {
			c, r := diamond(t)
			publish(r)
			c.download(0, "a", "b")
			c.downloaded("for A", "for B")
			c.download(0, "b", "a")
		},
		"signed for the second since": func(t *testing.T) {
			c, r := diamond(t)
			both := r.signers["C"]
			r.signers["C"] = both[:1]
			publish(r)
			c.download(1, "a", "b")
			r.signers["C"] = both[1:]
			r.publish("C", "snapshot", "timestamp")
			c.download(0, "b")
			c.downloaded("for A", "for B")
			c.download(1, "a")
		},
	}
	for name, run := range run {
		t.Run(name, run)
	}
}
