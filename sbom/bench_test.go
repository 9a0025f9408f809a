package sbom

import (
	"bytes"
	"fmt"
	"testing"
)

// large returns an honest document of n components.
func large(n int) []byte {
	var out bytes.Buffer
	out.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[`)
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `{"type":"library","bom-ref":"pkg:npm/%%40acme/lib-%d@1.%d.0","group":"@acme","name":"lib-%d","version":"1.%d.0",`+
			`"licenses":[{"license":{"id":"MIT"}}],"hashes":[{"alg":"SHA-256","content":"%s"}],"purl":"pkg:npm/%%40acme/lib-%d@1.%d.0"}`, i, i, i, i, hex64, i, i)
	}
	out.WriteString(`]}`)
	return out.Bytes()
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{300, 10_000} {
		doc := large(n)
		b.Run(fmt.Sprintf("%d components", n), func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(doc, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
