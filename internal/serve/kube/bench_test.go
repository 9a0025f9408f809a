package kube

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkAsk reads the review of a Pod of some 7 kB, and lists its images.
func BenchmarkAsk(b *testing.B) {
	var env, managed []string
	for i := range 36 {
		env = append(env, fmt.Sprintf(`{"name":"SETTING_%02d","value":"some value of the setting number %d"}`, i, i))
		managed = append(managed, fmt.Sprintf(`"k:{\"name\":\"SETTING_%02d\"}":{".":{},"f:name":{},"f:value":{}}`, i))
	}
	review := []byte(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"6f1c4f2e-0000-4000-8000-000000000001",` +
		`"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},` +
		`"name":"web","namespace":"shop","operation":"CREATE","userInfo":{"username":"someone","groups":["system:authenticated"]},` +
		`"object":{"kind":"Pod","apiVersion":"v1","metadata":{"namespace":"shop","managedFields":[{"fieldsV1":{"f:spec":{"f:env":{` +
		strings.Join(managed, ",") + `}}}}]},"spec":{"containers":[{"name":"web","image":"ghcr.io/acme/widget:1.0@sha256:` +
		strings.Repeat("0123456789abcdef", 4) + `","env":[` + strings.Join(env, ",") + `]}]}},"oldObject":null,"dryRun":false}}`)
	b.SetBytes(int64(len(review)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := ParseReview(review)
		if err != nil {
			b.Fatal(err)
		}
		q, err := Ask(r, nil, false)
		if err != nil || len(q.Judge) != 1 {
			b.Fatal(q, err)
		}
	}
}
