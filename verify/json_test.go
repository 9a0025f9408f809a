package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestCheckJSON(t *testing.T) {
	for in, wanted := range map[string]string{
		`{}`: "", `[]`: "", `""`: "", ` { "a" : [ 1 , -2.5e3 , true , null ] } `: "", `{"a":{"a":1},"b":{"a":1}}`: "",
		`[{"a":1},{"a":2}]`: "", `"\\\""`: "", `{"\"":1,"\\":2}`: "",
		``: "parse JSON", `{`: "parse JSON", `{"a":1,}`: "parse JSON", `{} {}`: "after its end", `1 2`: "after its end", `{"a":1}x`: "after its end",
		`{"a":1,"a":1}`: `"a" twice`, `{"a":1,"\u0061":1}`: `"a" twice`, `{"x":{"a":[],"b":0,"a":{}}}`: `"a" twice`,
		"\"\xff\"": "UTF-8", `[[[[]]]]`: "", `[[[[[]]]]]`: "too deeply", `{"a":{"a":{"a":{"a":{}}}}}`: "too deeply",
		strings.Repeat("[", 100000): "parse JSON", strings.Repeat("[", 9000) + strings.Repeat("]", 9000): "too deeply",
	} {
		err := checkJSON([]byte(in), 4)
		if (err == nil) != (wanted == "") || (err != nil && !strings.Contains(err.Error(), wanted)) {
			t.Errorf("%.40q: found %v; wanted %q", in, err, wanted)
		}
	}
}

// FuzzCheckJSON holds the walker to encoding/json's own tokens, and what it passes
// to encoding/json's reading of an object.
func FuzzCheckJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null}],"c":"\"\\"}`, `{"a":1,"\u0061":2}`, `[[[]]]`, ` 1.5e-7 `, `{"":{}}`, "{\"a\":\t[ ]\n}", `"` + "\u2028" + `"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		const depth = 6
		got, want := checkJSON(b, depth), slowCheck(b, depth)
		if (got == nil) != (want == nil) {
			t.Fatalf("%q: found %v; encoding/json says %v", b, got, want)
		}
		o, err := parseObject(b, "it")
		if err != nil || got != nil {
			return
		}
		var reference map[string]json.RawMessage
		if err := json.Unmarshal(b, &reference); err != nil {
			t.Fatal(err)
		}
		if len(o) != len(reference) {
			t.Fatalf("%q: found %d keys; wanted %d", b, len(o), len(reference))
		}
		for k, v := range reference {
			if !bytes.Equal(o[k], v) {
				t.Fatalf("%q: %q is %q; wanted %q", b, k, o[k], v)
			}
		}
	})
}

// slowCheck does what checkJSON does with encoding/json's tokens.
func slowCheck(b []byte, depth int) error {
	if !json.Valid(b) || !bytes.Equal(bytes.ToValidUTF8(b, nil), b) {
		return errors.New("not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := slowValue(dec, depth); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something after the end")
	}
	return nil
}

func slowValue(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth == 0 {
		return errors.New("too deep")
	}
	keys := map[any]bool{}
	for dec.More() {
		if open == '{' {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			if keys[key] {
				return errors.New("twice")
			}
			keys[key] = true
		}
		if err := slowValue(dec, depth-1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// TestBombsAreRefusedBeforeTheyAreParsed shows that what is small to send and large
// to hold is counted first.
func TestBombsAreRefusedBeforeTheyAreParsed(t *testing.T) {
	many := func(element string) string { return strings.Repeat(element+",", 1<<20) + element }
	limits := DefaultLimits()
	for name, c := range map[string]struct {
		wanted string
		parse  func() error
	}{
		"entries of a bundle": {"too many values", func() error {
			_, err := parseBundle([]byte(`{"verificationMaterial":{"tlogEntries":[`+many("{}")+`]}}`), limits)
			return err
		}},
		"signatures of an envelope": {"too many values", func() error {
			_, err := parseEnvelope([]byte(`{"payloadType":"`+payloadTypeInToto+`","payload":"e30=","signatures":[`+many("0")+`]}`), limits)
			return err
		}},
		"subjects of a statement": {"more than 1024 elements", func() error {
			_, err := parsePayload([]byte(`{"_type":"https://in-toto.io/Statement/v1","predicateType":"x","subject":[`+many("0")+`]}`), limits)
			return err
		}},
		"predicate": {"at most 4194304 are read", func() error {
			_, err := parseBuild(PredicateProvenanceV1, []byte(`{"a":[`+many("0000")+`]}`))
			return err
		}},
	} {
		if err := c.parse(); err == nil || !strings.Contains(err.Error(), c.wanted) {
			t.Errorf("%s: found %v; wanted %q in it", name, err, c.wanted)
		}
	}
}
