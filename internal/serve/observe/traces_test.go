package observe

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// gatherer is a collector of traces.
type gatherer struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span
	raw   []byte
}

func newGatherer(t *testing.T) *gatherer {
	t.Helper()
	g := &gatherer{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(raw, &request) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.raw = append(g.raw, raw...)
		for _, rs := range request.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				g.spans = append(g.spans, ss.GetSpans()...)
			}
		}
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gatherer) named(name string) *tracepb.Span {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.spans {
		if s.GetName() == name {
			return s
		}
	}
	return nil
}

// door answers as a door does that verifies one image.
func door() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/verify", func(w http.ResponseWriter, r *http.Request) {
		Named(r.Context(), "verify-door")
		_, done := Verifying(r.Context(), "registry.example/acme/widget:1.2.3\xff")
		done("undecided", []string{"server.late"}, true)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	return mux
}

func ask(t *testing.T, h http.Handler, path string) int {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	r.Header.Set("Authorization", "Bearer s3cr3t")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// TestTracesSent asks a door and looks at what the collector got.
func TestTracesSent(t *testing.T) {
	g, m := newGatherer(t), NewMetrics("v1", "")
	tr, err := NewTraces(t.Context(), g.URL, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	tr.Count(m)
	h := tr.Handler(door())
	if code := ask(t, h, "/v1/verify?token=s3cr3t"); code != http.StatusServiceUnavailable {
		t.Errorf("got status %d", code)
	}
	ask(t, h, "/wp-login.php")
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	request, verify := g.named("verify-door"), g.named("verify")
	if request == nil || verify == nil || g.named("request") == nil {
		t.Fatalf("got %d spans: %v", len(g.spans), g.spans)
	}
	if string(verify.GetParentSpanId()) != string(request.GetSpanId()) {
		t.Error("the verification is not below its request")
	}
	if string(request.GetParentSpanId()) != "\xb7\xad\x6b\x71\x69\x20\x33\x31" {
		t.Errorf("the request is not below its caller's span: %x", request.GetParentSpanId())
	}
	attributes := prototext.Format(verify)
	for _, want := range []string{"registry.example/acme/widget:1.2.3?", "server.late", "undecided"} {
		if !strings.Contains(attributes, want) {
			t.Errorf("not found in the span: %s", want)
		}
	}
	for _, secret := range []string{"s3cr3t", "wp-login"} {
		if strings.Contains(string(g.raw), secret) {
			t.Errorf("found in what was sent: %s", secret)
		}
	}
	if text := scrape(t, m); !strings.Contains(text, `assay_trace_spans_total{result="sent"} 3`) {
		t.Error("the spans are not counted")
	}
}

// TestTracesLost has a collector that is gone, and one that never answers.
func TestTracesLost(t *testing.T) {
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer silent.Close()
	defer close(release)
	for name, endpoint := range map[string]string{"gone": "http://127.0.0.1:1", "silent": silent.URL} {
		m := NewMetrics("v1", "")
		tr, err := NewTraces(t.Context(), endpoint, "v1")
		if err != nil {
			t.Fatal(err)
		}
		tr.Count(m)
		h := tr.Handler(door())
		for range 5000 { // more than the queue holds
			ask(t, h, "/v1/verify")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_ = tr.Close(ctx) // an error or none: it has to return
		cancel()
		if text := scrape(t, m); strings.Contains(text, `assay_trace_spans_total{result="sent"}`) {
			t.Errorf("%s: found spans that were sent", name)
		}
	}
}

func TestTracesOff(t *testing.T) {
	tr, err := NewTraces(t.Context(), "", "v1")
	if tr != nil || err != nil {
		t.Fatalf("got %v, %v", tr, err)
	}
	tr.Count(nil)
	if code := ask(t, tr.Handler(door()), "/v1/verify"); code != http.StatusServiceUnavailable {
		t.Errorf("got status %d", code)
	}
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"collector:4318", "ftp://collector", "http://", "https://user:pass@collector:4318", "http://[::1"} {
		if _, err := NewTraces(t.Context(), bad, "v1"); err == nil || strings.Contains(err.Error(), "pass@") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}
