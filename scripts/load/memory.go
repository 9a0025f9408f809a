package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// procfs reads what Linux says of a process. Elsewhere all of it is 0.
func (s *server) procfs(name string) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.pid, name))
	if err != nil {
		return ""
	}
	return string(raw)
}

// memory is what is resident now and was at most, in MB (of 10^6 bytes).
func (s *server) memory() (now, peak float64) {
	for line := range strings.Lines(s.procfs("status")) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		if err != nil {
			continue
		}
		switch name {
		case "VmRSS":
			now = kilobytes * 1024 / 1e6
		case "VmHWM":
			peak = kilobytes * 1024 / 1e6
		}
	}
	return now, peak
}

// spent is the time that the server and this program have used, in ticks of 10 ms.
func (s *server) spent() spent {
	own := server{pid: os.Getpid()}
	return spent{s.cpu(), own.cpu()}
}

func (s *server) cpu() time.Duration {
	_, rest, ok := strings.Cut(s.procfs("stat"), ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// watched are samples of the memory.
type watched struct {
	mu      sync.Mutex
	samples []float64
	from    int
	quit    chan struct{}
	done    sync.WaitGroup
}

// watch samples the server's memory until stop.
func (s *server) watch() *watched {
	w := &watched{quit: make(chan struct{})}
	w.done.Go(func() {
		t := time.NewTicker(100 * time.Millisecond)
		defer t.Stop()
		for {
			select {
			case <-w.quit:
				return
			case <-t.C:
				now, _ := s.memory()
				w.mu.Lock()
				w.samples = append(w.samples, now)
				w.mu.Unlock()
			}
		}
	})
	return w
}

// mark leaves out what was sampled so far.
func (w *watched) mark() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.from = len(w.samples)
}

// halves returns the mean of the third and of the last quarter since mark.
func (w *watched) halves() (middle, end float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.samples[w.from:]
	quarter := len(all) / 4
	if quarter == 0 {
		return 0, 0
	}
	return mean(all[2*quarter : 3*quarter]), mean(all[3*quarter:])
}

func mean(all []float64) float64 {
	sum := 0.0
	for _, v := range all {
		sum += v
	}
	return sum / float64(len(all))
}

func (w *watched) stop() {
	close(w.quit)
	w.done.Wait()
}
