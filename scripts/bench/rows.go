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
	// fresh gives each run an empty cache.
	fresh bool
	// requests bounds what the registry is asked after ping and token, tuf what the TUF repository is; a row that
	// promises to ask it nothing demands no release. depth is that of both together.
	requests, tuf, depth int
}

func rows() []row {
	return []row{
		{name: "legacy tags", form: lab.LegacyForm, requests: 10, depth: 3},
		{name: "referrers", form: lab.BundleForm, requests: 14, depth: 4},
		{name: "fallback tag", form: lab.BundleForm, behaviour: lab.Behaviour{Referrers: lab.ReferrersAbsent}, requests: 14, depth: 4},
		{name: "fallback tag, as at GHCR", form: lab.BundleForm, behaviour: lab.GHCR(), requests: 14, depth: 4},
		{name: "mixed", form: lab.BothForms, requests: 18, depth: 4},
		{name: "release, first run", form: lab.LegacyForm, fresh: true, requests: 10, tuf: 5, depth: 5},
		{name: "release, known", form: lab.LegacyForm, requests: 10, tuf: 2, depth: 3},
	}
}

// sample is one run.
type sample struct {
	usage
	// requests and depth are those after ping and token, total is all that the registry was asked.
	requests, total, tuf, depth int
	bytes                       int64
}

// line is a row as measured: medians, but for the counts.
type line struct {
	row
	added   time.Duration
	samples []sample
}

const header = `| evidence | added per request | requests | with ping and token | of TUF | depth | kB | wall ms | wall bound ms | CPU ms | peak MB |
|---|---|---|---|---|---|---|---|---|---|---|
`

func (l line) markdown() string {
	depth, bound := "–", "–"
	if l.added > 0 {
		depth = fmt.Sprint(l.deep())
		bound = fmt.Sprint((time.Duration(1.25*float64(l.deep()+1)*float64(l.added)) + 100*time.Millisecond).Milliseconds())
	}
	return fmt.Sprintf("| %s | %s | %d | %d | %d | %s | %.0f | %.0f | %s | %.0f | %.0f |\n", l.name, l.added,
		l.most(func(s sample) int { return s.requests }), l.most(func(s sample) int { return s.total }),
		l.most(func(s sample) int { return s.tuf }), depth,
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
	if n := l.most(func(s sample) int { return s.tuf }); n > l.tuf {
		broken = append(broken, fmt.Sprintf("%d requests of the TUF repository; at most %d are promised", n, l.tuf))
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
