package kube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// unlike says why encoding/json alone would not let a document pass check, "" if it would.
func unlike(b []byte) string {
	if len(b) > MaxReview || !utf8.Valid(b) || !json.Valid(b) {
		return "no JSON"
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var open []map[string]bool // nil for a list
	key := false               // a key, if the innermost is an object
	for {
		token, err := d.Token()
		if err != nil {
			return "" // the end
		}
		switch x := token.(type) {
		case json.Delim:
			switch x {
			case '{', '[':
				var keys map[string]bool
				if x == '{' {
					keys = map[string]bool{}
				}
				if open, key = append(open, keys), x == '{'; len(open) > maxDepth {
					return "too deep"
				}
				continue
			default:
				open = open[:len(open)-1]
			}
		case string:
			if key {
				keys := open[len(open)-1]
				if keys[x] {
					return "a key twice"
				}
				if keys[x] = true; len(keys) > maxKeys {
					return "too many keys"
				}
				key = false
				continue
			}
		}
		key = len(open) > 0 && open[len(open)-1] != nil
	}
}

// agree holds check, and every value that is walked to, against encoding/json.
func agree(t *testing.T, b []byte) bool {
	t.Helper()
	v, err := check(b)
	if why := unlike(b); (why == "") != (err == nil) {
		t.Fatalf("%.300q: found %v, wanted %q", b, err, why)
	}
	if err == nil {
		sameValues(t, v, b)
	}
	return err == nil
}

func sameValues(t *testing.T, v value, raw json.RawMessage) {
	t.Helper()
	if raw = bytes.Trim(raw, " \t\r\n"); !bytes.Equal(v.raw(), raw) {
		t.Fatalf("found %.300q, wanted %.300q", v.raw(), raw)
	}
	n := 0
	var err, says error
	switch raw[0] {
	case '{':
		var want map[string]json.RawMessage
		says = json.Unmarshal(raw, &want)
		err = members(v, place{}, func(key []byte, v value) error {
			if _, ok := want[string(key)]; !ok {
				t.Fatalf("found the key %q in %.300q", key, raw)
			}
			n++
			sameValues(t, v, want[string(key)])
			return nil
		})
		n -= len(want)
	case '[':
		var want []json.RawMessage
		says = json.Unmarshal(raw, &want)
		err = elements(v, place{}, func(_ place, v value) error {
			n++
			sameValues(t, v, want[n-1])
			return nil
		})
		n -= len(want)
	case '"':
		var want, got string
		says = json.Unmarshal(raw, &want)
		if got, err = text(v, place{}); got != want {
			t.Fatalf("found %q, wanted %q", got, want)
		}
	}
	if err != nil || says != nil || n != 0 {
		t.Fatalf("%.300q: %v, %v, %d too many", raw, err, says, n)
	}
}

// FuzzCheck is [agree], of anything.
func FuzzCheck(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Add([]byte(hostile(rand.New(rand.NewPCG(1, 1)))))
	f.Fuzz(func(t *testing.T, b []byte) { agree(t, b) })
}

// TestCheckAgrees is [agree], of documents on both sides of every bound of the scan.
func TestCheckAgrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(4096, 1024))
	taken, refused := 0, 0
	for range 200 {
		text := hostile(rng)
		if rng.IntN(3) == 0 { // with a piece somewhere else, or missing
			i := rng.IntN(len(text))
			j := i + rng.IntN(min(len(text)-i, 30))
			k := rng.IntN(len(text))
			text = text[:k] + text[i:j] + text[min(k+rng.IntN(3), len(text)):]
		}
		if agree(t, []byte(text)) {
			taken++
		} else {
			refused++
		}
	}
	if t.Logf("%d taken, %d refused", taken, refused); taken < 40 || refused < 40 {
		t.Error("the documents are too much alike to show anything")
	}
	// Each key twice, where keys are compared one by one, in a map, and in between.
	for _, n := range []int{1, fewKeys - 1, fewKeys, fewKeys + 1, 2 * fewKeys, manyKeys} {
		for _, around := range []int{0, manyKeys/40 - 1, manyKeys / 40, manyKeys/40 + 1} {
			nested := nest(around, 40)
			for _, i := range []int{0, n / 2, min(n, fewKeys) - 1, n - 1} {
				for _, last := range []string{fmt.Sprintf("k%d", i), fmt.Sprintf(`\u006b%d`, i), "k"} {
					if text := strings.Replace(nested, "%s", wide(n, "0", last), 1); agree(t, []byte(text)) != (last == "k") {
						t.Fatalf("%d keys within %d objects: %s", n, around, last)
					}
				}
			}
		}
	}
	for n := maxKeys - 1; n <= maxKeys+1; n++ {
		agree(t, []byte(wide(n, "0", "last")))
	}
	for n := maxDepth - 2; n <= maxDepth+1; n++ {
		agree(t, []byte(strings.Repeat(`{"a":[`, n/2)+strings.Repeat(`[`, n%2)+strings.Repeat(`]`, n%2)+strings.Repeat(`]}`, n/2)))
	}
}

// hostile is a document with more spans, more keys and more depth than is noted, or nearly.
func hostile(rng *rand.Rand) string {
	one := func(all ...string) string { return all[rng.IntN(len(all))] }
	leaf := func() string {
		return one("0", "null", "true", "-1.5e+3", `""`, `"}]{[,:"`, `"\\\""`, `"\ud800é\u0000"`, "[]", "{}", "[ 1 , {} ]", `"`+strings.Repeat("x", leastSpan-4+rng.IntN(8))+`"`)
	}
	last := func() string { // seldom a key that is there
		if rng.IntN(40) > 0 {
			return "last"
		}
		return one("k0", `\u006b0`, "k1", "a", "K0")
	}
	within := func(in string) string {
		for range []int{0, 1, 3, 40}[rng.IntN(4)] {
			in = wide(rng.IntN(50), leaf(), "in", in, last(), leaf())
		}
		return in
	}
	many := func() string {
		n := []int{3, 300, maxSpans - 3 + rng.IntN(6)}[rng.IntN(3)]
		return "[" + strings.Repeat(`{"a":["`+strings.Repeat("x", rng.IntN(2*leastSpan))+`",{"]}":" \"} "}]}`+one(",", " , "), n) + leaf() + "]"
	}
	parts := []string{within(leaf()), within(leaf()), wide([]int{3, fewKeys - 2 + rng.IntN(5), manyKeys - 2 + rng.IntN(5)}[rng.IntN(3)], leaf(), last())}
	if rng.IntN(10) == 0 {
		parts = append(parts, many())
	}
	rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return within(`{"a":[` + strings.Join(parts, one(",", "\n,\t")) + `],"image":"r.example/a"}`)
}

// wide is an object of n keys of one value, and of further keys and values; a last key
// without a value has 1.
func wide(n int, v string, further ...string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&b, `"k%d":%s,`, i, v)
	}
	for i := 0; i < len(further); i += 2 {
		v := "1"
		if i+1 < len(further) {
			v = further[i+1]
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + further[i] + `":` + v)
	}
	return b.String() + "}"
}
