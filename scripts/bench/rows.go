package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/releaseassay/assay/internal/lab"
)

// row is one layout of evidence, with the bounds that we promise for it.
type row struct {
	name      string
	form      lab.Form
	behaviour lab.Behaviour
	// requests and depth bound what comes after ping and token.
	requests, depth int
}

func rows() []row {
	return []row{
		{"legacy tags", lab.LegacyForm, lab.Behaviour{}, 10, 3},
		{"referrers", lab.BundleForm, lab.Behaviour{}, 14, 4},
		{"fallback tag", lab.BundleForm, lab.Behaviour{Referrers: lab.ReferrersAbsent}, 14, 4},
		{"fallback tag, as at GHCR", lab.BundleForm, lab.GHCR(), 14, 4},
		{"mixed", lab.BothForms, lab.Behaviour{}, 18, 4},
	}
}

// sample is one run.
type sample struct {
	usage
	// requests and depth are those after ping and token, total is all.
	requests, total, depth int
	bytes                  int64
}

// line is a row as measured: medians, but for the counts.
type line struct {
	row
	added   time.Duration
	samples []sample
}

const header = `| evidence | added per request | requests | with ping and token | depth | kB | wall ms | wall bound ms | CPU ms | peak MB |
|---|---|---|---|---|---|---|---|---|---|
`

func (l line) markdown() string {
	depth, bound := "–", "–"
	if l.added > 0 {
		depth = fmt.Sprint(l.deep())
		bound = fmt.Sprint((time.Duration(1.25*float64(l.deep()+1)*float64(l.added)) + 100*time.Millisecond).Milliseconds())
	}
	return fmt.Sprintf("| %s | %s | %d | %d | %s | %.0f | %.0f | %s | %.0f | %.0f |\n", l.name, l.added,
		l.most(func(s sample) int { return s.requests }), l.most(func(s sample) int { return s.total }), depth,
		l.median(func(s sample) float64 { return float64(s.bytes) / 1000 }),
		l.median(func(s sample) float64 { return ms(s.Wall) }), bound,
		l.median(func(s sample) float64 { return ms(s.CPU) }),
		l.median(func(s sample) float64 { return float64(s.Peak) / (1 << 20) }))
}

// deep is the least depth that was seen. A busy machine makes requests that were sent side by side come one after the
// other, and never the other way round; without latency it always does, so that depth is not shown there.
func (l line) deep() int {
	least := l.samples[0].depth
	for _, s := range l.samples {
		least = min(least, s.depth)
	}
	return least
}

// broken says which bounds were not kept.
func (l line) broken() []string {
	var broken []string
	if n := l.most(func(s sample) int { return s.requests }); n > l.requests {
		broken = append(broken, fmt.Sprintf("%d requests; at most %d are promised", n, l.requests))
	}
	if l.added > 0 && l.deep() > l.depth {
		broken = append(broken, fmt.Sprintf("requests %d deep; at most %d are promised", l.deep(), l.depth))
	}
	return broken
}

func (l line) most(of func(sample) int) int {
	most := 0
	for _, s := range l.samples {
		most = max(most, of(s))
	}
	return most
}

func (l line) median(of func(sample) float64) float64 {
	var values []float64
	for _, s := range l.samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
