package main

import (
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/serve/kube"
)

// TestReview holds the template to what the server reads: one Pod with one image, of the size of a real one.
func TestReview(t *testing.T) {
	r := newReview()
	const image = "registry.example/acme/widget:1.0.0"
	b := r.write(nil, uid(1), "web-1", image)
	if len(b) < 4000 || len(b) > 10_000 || len(b) != r.size()+len(uid(1))+len("web-1")+len(image) {
		t.Errorf("got %d bytes", len(b))
	}
	q, err := kube.ParseReview(b)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := kube.Ask(q, nil, false)
	if err != nil || len(asked.Judge) != 1 || asked.Judge[0].Image != image || q.UID != uid(1) {
		t.Errorf("got %+v, %v", asked, err)
	}
}

func TestQuantile(t *testing.T) {
	var all tally
	for i := range 100 {
		all.times = append(all.times, time.Duration(i+1)*time.Millisecond)
	}
	if p50, p99, most := all.quantile(.5), all.quantile(.99), all.quantile(1); p50 != 51 || p99 != 100 || most != 100 {
		t.Errorf("got %v, %v, %v", p50, p99, most)
	}
	if (tally{}).quantile(.99) != 0 {
		t.Error("nothing has no quantile")
	}
}
