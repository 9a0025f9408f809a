package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
)

func TestParse(t *testing.T) {
	for _, s := range []string{
		`{}`, `[]`, `""`, `0`, `-1.5e+3`, ` { "a" : [ 1 , true , null , "x" ] } `, `{"a":{"a":1},"b":[{"a":1},{"a":2}]}`,
		`"\"\\\/\b\f\n\r\té😀é` + "\u2028\x7f" + `"`, `12345678901234567890123456789`, `{"":0}`, `[0,0.0,1E1]`,
	} {
		v, err := parse([]byte(s), 8)
		if err != nil {
			t.Errorf("parse %s: %v", s, err)
			continue
		}
		if got, want := plain(v), std(t, s); !equal(got, want) {
			t.Errorf("%s is read as %v; wanted %v", s, got, want)
		}
	}
	for _, s := range []string{
		``, ` `, `{`, `[`, `"`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `[1,]`, `[,]`, `[1 2]`, `{"a":1 "b":2}`, `{a:1}`, `{1:1}`,
		`nul`, `True`, `NaN`, `Infinity`, `01`, `-`, `-01`, `1.`, `.1`, `1e`, `1e+`, `+1`, `0x1`, `1_0`,
		`"\x"`, `"\u12"`, `"\u12g4"`, `"\u 123"`, `"\uD83D"`, `"\uDE00"`, `"\uD83Dx"`, `"\uD83DA"`, `"\uDE00\uD83D"`, `"\`, `"\u`,
		"\"\n\"", "\"\x00\"", "\"\xff\"", "\"\xed\xa0\x80\"", "\ufeff{}", "{}\x00", `{} {}`, `{}]`, `1 2`,
		`{"a":1,"a":1}`, `{"a":1,"b":{},"\u0061":2}`, `[{"x":{"y":1,"y":2}}]`, `// x` + "\n{}", `'a'`,
	} {
		if v, err := parse([]byte(s), 8); err == nil {
			t.Errorf("%q is read as %v", s, plain(v))
		}
	}
}

func TestParseLimits(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	if _, err := parse(deep(8), 8); err != nil {
		t.Error(err)
	}
	if _, err := parse(deep(9), 8); !errors.Is(err, errDepth) {
		t.Errorf("nesting of 9: %v", err)
	}
	if _, err := parse([]byte(strings.Repeat(`{"a":`, 9)), 8); !errors.Is(err, errDepth) {
		t.Errorf("objects of 9: %v", err)
	}
	if _, err := parse(deep(1<<20), 8); !errors.Is(err, errDepth) {
		t.Errorf("nesting of a million: %v", err)
	}
	many := []byte("[" + strings.Repeat("0,", maxValues) + "0]")
	if _, err := parse(many, 8); !errors.Is(err, errValues) {
		t.Errorf("too many values: %v", err)
	}
}

// std reads a document with encoding/json.
func std(t testing.TB, s string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("encoding/json refuses %q: %v", s, err)
	}
	return v
}

// plain writes a tree as encoding/json reads it.
func plain(v value) any {
	switch v.form {
	case null:
		return nil
	case boolean:
		return v.text == "true"
	case number:
		return json.Number(v.text)
	case text:
		return v.text
	case array:
		all := []any{}
		for _, item := range v.items {
			all = append(all, plain(item))
		}
		return all
	default:
		all := map[string]any{}
		for i, n := range v.names {
			all[n] = plain(v.items[i])
		}
		return all
	}
}

func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func TestCanonical(t *testing.T) {
	for s, want := range map[string]string{
		`{"b":1,"a":[true,false,null]}`: `{"a":[true,false,null],"b":1}`,
		`{"é":1,"z":2,"":3,"Z":4}`:      `{"":3,"Z":4,"z":2,"é":1}`,
		`"\u000a\"\\\/é\u0000"`:         "\"\n\\\"\\\\/é\x00\"",
		// UTF-8 sorts as code points do, UTF-16 does not.
		"{\"\U0001F600\":1,\"\uffff\":2}": "{\"\uffff\":2,\"\U0001F600\":1}",
		`-12`:                             `-12`,
		`123456789012345678901234567890`:  `123456789012345678901234567890`,
	} {
		v, err := parse([]byte(s), 8)
		if err != nil {
			t.Fatal(err)
		}
		got, err := canonical(v)
		if err != nil || string(got) != want {
			t.Errorf("the canonical form of %s is %s (%v); wanted %s", s, got, err, want)
		}
	}
	for _, s := range []string{`1.0`, `1e2`, `1E2`, `-0`, `0.5`, `[{"a":1.5}]`} {
		v, err := parse([]byte(s), 8)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := canonical(v); err == nil {
			t.Errorf("the canonical form of %s is %s", s, got)
		}
	}
}

// FuzzCanonical compares parser and canonical form with encoding/json and
// go-securesystemslib: what is accepted here reads the same there.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		`{"b":[1,-2,"x\u00e9\ud83d\ude00",true,null],"a":{}}`, `9223372036854775808`, `-0`, `1.5`, `{"a":1,"a":2}`, `"\ud800"`,
		`{"\u0061":1,"A":2,"":[[[]]]}`, "\"\u2028<>&\"", `[1] `, `1e1000`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parse(b, 32)
		if err != nil {
			return
		}
		if !json.Valid(b) {
			t.Fatalf("%q is no JSON", b)
		}
		want := std(t, string(b))
		if !equal(plain(v), want) {
			t.Fatalf("%q is read as %v; encoding/json reads %v", b, plain(v), want)
		}
		got, err := canonical(v)
		if err != nil {
			return
		}
		again, err := parse(got, 32)
		if controls(got) {
			return // canonical JSON does not escape them, so that it is no JSON
		}
		if err != nil {
			t.Fatalf("the canonical form %q is no JSON: %v", got, err)
		}
		if twice, err := canonical(again); err != nil || !bytes.Equal(twice, got) {
			t.Fatalf("the canonical form of %q is %q, and of that %q", b, got, twice)
		}
		theirs, err := cjson.EncodeCanonical(want)
		if err != nil {
			return // integers beyond 64 bits
		}
		if !bytes.Equal(got, theirs) {
			t.Fatalf("the canonical form of %q is %q; go-securesystemslib has %q", b, got, theirs)
		}
	})
}

func controls(b []byte) bool {
	return bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' })
}

func TestReadTime(t *testing.T) {
	for s, ok := range map[string]bool{
		"2026-06-01T00:00:00Z": true, "2026-06-01T00:00:00.123456789Z": true, "2028-02-29T23:59:59Z": true,
		"2026-06-01T00:00:00,5Z": false, "2026-06-01T00:00:00+00:00": false, "2026-06-01t00:00:00z": false, "2026-06-01 00:00:00Z": false,
		"2026-06-01T00:00:00": false, "2026-02-29T00:00:00Z": false, "2026-06-01T24:00:00Z": false, "2026-06-01T00:00:60Z": false, "": false,
		"2026-06-01T00:00:00." + strings.Repeat("0", 400) + "Z": false, "20260601T000000Z": false, "+2026-06-01T00:00:00Z": false,
		"2026-6-1T00:00:00Z": false,
	} {
		var err error
		r := reader{"signed", value{form: object, names: []string{"expires"}, items: []value{{form: text, text: s}}}, &err}
		at := readTime(r, "expires")
		if (err == nil) != ok {
			t.Errorf("%s is read as %s, error %v", s, at, err)
		}
		if ok && at.Location() != time.UTC {
			t.Errorf("%s is read in %s", s, at.Location())
		}
	}
}

func TestReadInteger(t *testing.T) {
	for s, ok := range map[string]bool{
		"1": true, "9223372036854775807": true, "9223372036854775808": false, "0": false, "-1": false, "1.0": false, "1e3": false,
	} {
		var err error
		r := reader{"signed", value{form: object, names: []string{"version"}, items: []value{{form: number, text: s}}}, &err}
		if r.integer("version", 1); (err == nil) != ok {
			t.Errorf("the version %s: error %v", s, err)
		}
		r.of.items[0].form = text
		if err = nil; r.integer("version", math.MinInt64) != 0 || err == nil {
			t.Errorf("the version %q in quotes passes", s)
		}
	}
}

func TestErrorsAreShort(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	for _, s := range []string{
		`{"signed":{"_type":"` + long + `"},"signatures":[]}`,
		`{"signed":{"` + long + `":1,"` + long + `":1},"signatures":[]}`,
		`{"signed":{"_type":"root","spec_version":"1.0","version":1,"expires":"` + long + `","keys":{},"roles":{}},"signatures":[]}`,
		`{"signed":{"_type":"root","x":1` + strings.Repeat("0", 1<<19) + `.5},"signatures":[]}`,
		`{"signed":{"_type":"root","spec_version":"1.0","version":1,"expires":"2026-06-01T00:00:00Z","keys":{"` + long + `":1},"roles":{}},"signatures":[]}`,
	} {
		_, err := New([]byte(s), Options{Time: time.Unix(1, 0), Limits: Limits{RootBytes: 1 << 30}})
		if err == nil || len(err.Error()) > 1200 {
			t.Errorf("the error is of %d bytes", len(err.Error()))
		}
	}
}
