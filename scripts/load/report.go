package main

import (
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"
	"time"
)

// result is what one mode showed. Times are in milliseconds where not said otherwise, memory in MB.
type result struct {
	Mode             string   `json:"mode"`
	Door             string   `json:"door"`
	Connections      int      `json:"connections"`
	Reviews          int      `json:"reviews"`
	Seconds          float64  `json:"seconds"`
	PerSecond        float64  `json:"reviews_per_second"`
	P50              float64  `json:"p50_ms"`
	P90              float64  `json:"p90_ms"`
	P99              float64  `json:"p99_ms"`
	Max              float64  `json:"max_ms"`
	CPU              float64  `json:"server_cpu_us_per_review"`
	OwnCPU           float64  `json:"generator_cpu_us_per_review"`
	FillCPU          float64  `json:"server_cpu_s_to_fill,omitempty"`
	RegistryRequests int64    `json:"registry_requests"`
	Verifications    int64    `json:"verifications,omitempty"`
	Resident         float64  `json:"resident_mb"`
	Peak             float64  `json:"peak_mb"`
	Middle           float64  `json:"resident_third_quarter_mb,omitempty"`
	End              float64  `json:"resident_last_quarter_mb,omitempty"`
	LoadBefore       string   `json:"load_before"`
	LoadAfter        string   `json:"load_after"`
	Missed           []string `json:"missed,omitempty"`
}

// spent is CPU time: of the server, and of this program with its registry.
type spent struct{ server, own time.Duration }

// since is what was spent since then.
func (s spent) since(then spent) spent { return spent{s.server - then.server, s.own - then.own} }

func (r *result) take(t tally, cpu spent) {
	r.Reviews, r.Seconds = len(t.times), t.took.Seconds()
	r.PerSecond = float64(r.Reviews) / max(r.Seconds, 1e-9)
	r.P50, r.P90, r.P99, r.Max = t.quantile(.5), t.quantile(.9), t.quantile(.99), t.quantile(1)
	r.CPU = float64(cpu.server.Microseconds()) / float64(max(r.Reviews, 1))
	r.OwnCPU = float64(cpu.own.Microseconds()) / float64(max(r.Reviews, 1))
	r.LoadAfter = loadAverage()
}

func (r *result) memory(s *server) { r.Resident, r.Peak = s.memory() }

// want notes a target that was missed.
func (r *result) want(ok bool, format string, args ...any) {
	if !ok && len(r.Missed) < 20 {
		r.Missed = append(r.Missed, fmt.Sprintf(format, args...))
	}
}

// print writes the figures for people.
func (r result) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s, door %s, %d connections, load %s before and %s after\n", r.Mode, r.Door, r.Connections, r.LoadBefore, r.LoadAfter)
	_, _ = fmt.Fprintf(w, "  %d reviews in %.1f s: %.0f a second; p50 %.1f ms, p90 %.1f, p99 %.1f, max %.1f\n",
		r.Reviews, r.Seconds, r.PerSecond, r.P50, r.P90, r.P99, r.Max)
	_, _ = fmt.Fprintf(w, "  server: %.0f µs of CPU a review (and %.0f µs of this program), %.0f MB resident, %.0f MB at most; registry: %d requests",
		r.CPU, r.OwnCPU, r.Resident, r.Peak, r.RegistryRequests)
	if r.Verifications > 0 {
		_, _ = fmt.Fprintf(w, ", %d verifications", r.Verifications)
	}
	if r.End > 0 {
		_, _ = fmt.Fprintf(w, "\n  memory: %.0f MB in the third quarter, %.0f MB in the last; to fill the caches took %.1f s of CPU", r.Middle, r.End, r.FillCPU)
	}
	_, _ = fmt.Fprintln(w)
	for _, m := range r.Missed {
		_, _ = fmt.Fprintln(w, "  MISSED:", m)
	}
}

// loadAverage is the system's, "" where it has none.
func loadAverage() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(raw), " ")
	return first
}

func writeHeap(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return pprof.WriteHeapProfile(f)
}
