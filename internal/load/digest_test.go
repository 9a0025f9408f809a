package load

import "testing"

// TestDigestIsFramed: no byte can go over from one part of a list to the next, nor a
// file from one list to another's place.
func TestDigestIsFramed(t *testing.T) {
	seen := map[string]int{}
	lists := [][]File{
		nil,
		{{}},
		{{}, {}},
		{{Kind: "a", Name: "b", Bytes: []byte("c")}},
		{{Kind: "ab", Name: "", Bytes: []byte("c")}},
		{{Kind: "", Name: "ab", Bytes: []byte("c")}},
		{{Kind: "a", Name: "", Bytes: []byte("bc")}},
		{{Kind: "a", Name: "bc"}},
		{{Kind: "a"}, {Kind: "b", Bytes: []byte("c")}},
		{{Kind: "a", Bytes: []byte("c")}, {Kind: "b"}},
		{{Kind: "b"}, {Kind: "a", Bytes: []byte("c")}},
		{{Kind: "a", Bytes: []byte("\x00\x00\x00\x00\x00\x00\x00\x01b")}},
		{{Kind: "a", Name: "x"}, {Kind: "a", Name: "y"}},
		{{Kind: "a", Name: "y"}, {Kind: "a", Name: "x"}},
	}
	for i, files := range lists {
		d := digest(files)
		if other, ok := seen[d]; ok {
			t.Errorf("the lists %d and %d have one digest", i, other)
		}
		seen[d] = i
		moved := append([]File{}, files...)
		for j := range moved {
			moved[j].Path, moved[j].Source = "elsewhere", "elsewhere"
		}
		if digest(moved) != d {
			t.Errorf("list %d has another digest elsewhere", i)
		}
	}
}
