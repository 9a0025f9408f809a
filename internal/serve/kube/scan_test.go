package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are JSON and what is nearly JSON.
var seeds = []string{
	"", " ", "null", "nul", "nulll", "true", "tru", "false", "fals", " true ", "true true", "\ufefftrue", "\x00", "1\x00",
	"0", "-0", "01", "-", "-a", "1.", "1.0", ".5", "1e", "1e5", "1E+5", "1e-", "1e-05", "+1", "0x1", "1 2", "Infinity", "NaN",
	`""`, `"`, `"a`, `"\"`, `"\""`, `"\\"`, `"\\\"`, `"\\\""`, `"\u00e9"`, `"\u00e"`, `"\u00eg"`, `"\ud800"`, `"\ud83d\ude00"`, `"\x"`, `"\/\b\f\n\r\t"`,
	"\"\n\"", "\"\x1f\"", "\"\x7f\"", "\"é\"", `'a'`, `"a" "b"`,
	"[]", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1,2]", " [ 1 , 2 ] ", "[]]", "[[]", "[1}", "[:]",
	"{}", "{", "}", `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1,}`, `{,"a":1}`, `{"a":1 "b":2}`, `{"a":1,"b":2}`, `{a:1}`, `{1:1}`, `{"a"::1}`, `{"a",1}`, `{"a":1]`,
	`{"a":{"b":[{"c":"d\"e"}]}}`, `{"a":1}{"b":2}`, "// c\n1", "1 // c", "{\"k:{\\\"name\\\":1}\":{}}",
}

// FuzzScan compares what is taken for JSON, and how strings are read, with encoding/json.
func FuzzScan(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := scan{b: b}
		err := s.whole()
		switch {
		case err == nil && !json.Valid(b):
			t.Fatalf("%q is not JSON", b)
		case errors.Is(err, errSyntax) && json.Valid(b):
			t.Fatalf("%q is JSON", b)
		case err != nil || !utf8.Valid(b):
			return
		}
		spansAgree(t, b, s.spans)
		for i := 0; i < len(b); i++ {
			if b[i] != '"' {
				continue
			}
			end, _ := past(b, i)
			var want string
			if err := json.Unmarshal(b[i:end], &want); err != nil || unquote(b[i:end]) != want {
				t.Fatalf("%q is read as %q, want %q (%v)", b[i:end], unquote(b[i:end]), want, err)
			}
			i = end - 1
		}
	})
}

// spansAgree holds what was noted of objects and lists against walking over them.
func spansAgree(t *testing.T, b []byte, spans []span) {
	t.Helper()
	for i, s := range spans {
		if end := (&document{b: b}).end(s.from); end != s.to || s.to-s.from < leastSpan || i > 0 && spans[i-1].from >= s.from {
			t.Fatalf("%.80q: found the end of %d at %d, want %d", b, s.from, s.to, end)
		}
	}
}

// TestSpans has more objects and lists than are noted, small ones, and ones within others.
func TestSpans(t *testing.T) {
	long, short := `{"a":"`+strings.Repeat("x", leastSpan)+`"}`, `{"b":["]",{"c":"\"}"}]}`
	text := "[" + strings.Repeat(`{"in":[`+long+","+short+"]},"+short+",", maxSpans) + long + "]"
	s := scan{b: []byte(text)}
	if err := s.whole(); err != nil || len(s.spans) != maxSpans {
		t.Fatalf("noted %d: %v", len(s.spans), err)
	}
	spansAgree(t, s.b, s.spans)
	v, err := check(s.b)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = elements(v, place{}, func(_ place, v value) error {
		if n++; !json.Valid(v.raw()) {
			t.Fatalf("element %d is %.80q", n, v.raw())
		}
		return nil
	})
	if err != nil || n != 2*maxSpans+1 {
		t.Fatalf("%d elements: %v", n, err)
	}
}

// nest writes objects within each other, each of so many keys beside the next, and %s
// in the innermost.
func nest(depth, keys int) string {
	head := "{"
	for k := range keys {
		head += fmt.Sprintf(`"key %d":0,`, k)
	}
	return strings.Repeat(head+`"in":`, depth) + "%s" + strings.Repeat("}", depth)
}

func accepted(b []byte) bool { _, err := check(b); return err == nil }

func TestScanSeeds(t *testing.T) {
	for _, text := range seeds {
		if got := accepted([]byte(text)); got != json.Valid([]byte(text)) {
			t.Errorf("%q: taken %t", text, got)
		}
	}
	for _, text := range []string{`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[{"a\"":1,"a\"":2}]`, "\"\xff\"",
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), strings.Repeat("[", 1<<20)} {
		if accepted([]byte(text)) {
			t.Errorf("%.40q: want a refusal", text)
		}
	}
	// More keys around each other than are compared one by one.
	if nested := nest(maxDepth-1, 9); !accepted([]byte(fmt.Sprintf(nested, `{"x":1,"y":2}`))) || accepted([]byte(fmt.Sprintf(nested, `{"x":1,"x":2}`))) {
		t.Error("keys of an object deep within others are not told apart")
	}
	if _, err := check([]byte(strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth))); err != nil {
		t.Error(err)
	}
}
