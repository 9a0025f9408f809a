package coverage

import (
	"bytes"
	"testing"

	"github.com/releaseassay/assay/policy"
)

// FuzzRead: whatever stdin brings is a list of references or an error, and every
// reference is a row.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"nginx\n", `{"kind": "Pod", "spec": {"containers": [{"image": "a"}]}}`, "kind: Pod\nspec: {containers: [{image: a}]}\n", "---\n---\nkind: List\nitems: [{kind: Pod}]\n",
		`{"kind": "List", "items": [null]}`, "kind: &a Pod\n", "%YAML 1.1\n---\n", `{"kind": "Pod", "spec": {"volumes": {"image": {"reference": 1}}}}`,
	} {
		f.Add([]byte(seed))
	}
	p, err := policy.Parse("p", []byte(text))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		refs, err := Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		table := Of(p, refs)
		if (len(refs) == 0) != (len(table.Images) == 0) {
			t.Errorf("%d references, %d rows", len(refs), len(table.Images))
		}
		var out bytes.Buffer
		if err := Text(&out, table); err != nil {
			t.Error(err)
		}
		if err := JSON(&out, table); err != nil {
			t.Error(err)
		}
	})
}
