package main

import (
	"slices"
	"strings"
	"testing"
)

// Every server starts after those that it needs, and the timestamp authority before Rekor v1, which takes its port.
func TestOrder(t *testing.T) {
	var made []string
	for _, s := range (&stack{}).steps() {
		for _, earlier := range s.after {
			if !slices.Contains(made, earlier) {
				t.Errorf("%s starts before %s", s.name, earlier)
			}
		}
		made = append(made, s.name)
		if _, err := toolNamed(s.name); err != nil {
			t.Error(err)
		}
	}
	if tsa := slices.Index(made, "timestamp-server"); tsa < 0 || tsa > slices.Index(made, "rekor1") {
		t.Errorf("found the order %v; wanted timestamp-server before rekor1", made)
	}
	for _, tool := range tools() {
		if tool.Module == "servers" && !slices.Contains(made, tool.Name) {
			t.Errorf("nothing starts %s", tool.Name)
		}
	}
}

func TestCTConfig(t *testing.T) {
	got := string(ctConfig("42", "run/roots.pem", []byte{0x30, 0x00, '"', 0xff}))
	for _, want := range []string{"log_id: 42\n", `roots_pem_file: "run/roots.pem"`, `der: "\x30\x00\x22\xff"`} {
		if !strings.Contains(got, want) {
			t.Errorf("found no %s in\n%s", want, got)
		}
	}
}

func TestPort(t *testing.T) {
	for url, want := range map[string]string{fulcioURL: "7001", ctURL: "7002", tsaURL: "7005"} {
		if got := port(url); got != want {
			t.Errorf("port of %s: found %q; wanted %q", url, got, want)
		}
	}
}
