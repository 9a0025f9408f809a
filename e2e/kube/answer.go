package main

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// refused wants a reply that denies, with a status and with words in its message.
func refused(r reply, status int, words ...string) error {
	m := r.message()
	if r.good() {
		return fmt.Errorf("ADMITTED with status %d; wanted a denial with %d and %q", r.status, status, words)
	}
	if r.status != status {
		return fmt.Errorf("found a denial with status %d; wanted %d\n%s", r.status, status, m)
	}
	for _, word := range words {
		if !strings.Contains(m, word) {
			return fmt.Errorf("found no %q in the denial:\n%s", word, m)
		}
	}
	if c := control(m); c != "" {
		return fmt.Errorf("found the character %s in the denial; wanted none that drives a terminal", c)
	}
	return nil
}

// forbidden wants a denial that is decided.
func forbidden(r reply, words ...string) error {
	return refused(r, http.StatusForbidden, append([]string{"denied the request: assay: "}, words...)...)
}

// admitted wants a reply that is done.
func admitted(r reply) error {
	if !r.good() {
		return fmt.Errorf("found a denial with status %d; wanted it done\n%s", r.status, r.message())
	}
	return nil
}

// named wants an object whose image at a path is the one given.
func named(r reply, image string, path ...any) error {
	if err := admitted(r); err != nil {
		return err
	}
	o, err := r.object()
	if err != nil {
		return err
	}
	if got := text(o, append(path, "image")...); got != image {
		return fmt.Errorf("found the image %q; wanted %q", got, image)
	}
	return nil
}

// silent wants no warning, and warned one that has all words.
func silent(r reply) error {
	if len(r.warnings) > 0 {
		return fmt.Errorf("found the warnings %q; wanted none", r.warnings)
	}
	return nil
}

func warned(r reply, words ...string) error {
	for _, w := range r.warnings {
		if all(words, func(word string) bool { return strings.Contains(w, word) }) {
			return nil
		}
	}
	return fmt.Errorf("found the warnings %q; wanted one with %q", r.warnings, words)
}

func all(words []string, ok func(string) bool) bool {
	for _, w := range words {
		if !ok(w) {
			return false
		}
	}
	return true
}

// control finds a character with which text from elsewhere could drive a terminal.
func control(m string) string {
	for _, r := range m {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError || r >= 0x202a && r <= 0x202e {
			return fmt.Sprintf("%U", r)
		}
	}
	return ""
}
