package kube

import (
	"encoding/json"
	"errors"
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

func TestScanSeeds(t *testing.T) {
	for _, text := range seeds {
		if got := check([]byte(text)) == nil; got != json.Valid([]byte(text)) {
			t.Errorf("%q: taken %t", text, got)
		}
	}
	for _, text := range []string{`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[{"a\"":1,"a\"":2}]`, "\"\xff\"",
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), strings.Repeat("[", 1<<20)} {
		if check([]byte(text)) == nil {
			t.Errorf("%.40q: want a refusal", text)
		}
	}
	if err := check([]byte(strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth))); err != nil {
		t.Error(err)
	}
}
