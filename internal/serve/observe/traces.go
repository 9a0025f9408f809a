package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope is what spans are made by.
const scope = "github.com/releaseassay/assay"

// Traces sends spans to a collector by OTLP over HTTP: one for each request, one for
// each verification, with outcome and codes and no secret. Spans wait in a bounded
// queue; what a collector does not take is lost and counted, and delays nobody.
type Traces struct {
	provider *sdktrace.TracerProvider
	exporter *countedExporter
}

// NewTraces sends to the endpoint, "http://host:4318" or with a path, or, if that is
// empty, returns nil. It does not connect.
func NewTraces(ctx context.Context, endpoint, version string) (*Traces, error) {
	if endpoint == "" {
		return nil, nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil { // its text may hold a password
		return nil, errors.New("read the endpoint of traces: want http://HOST:4318 or https://HOST:4318, without a password")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	out, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithTimeout(5*time.Second),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}))
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	return newTraces(out, version), nil
}

func newTraces(out sdktrace.SpanExporter, version string) *Traces {
	exporter := &countedExporter{SpanExporter: out}
	limits := sdktrace.SpanLimits{
		AttributeValueLengthLimit: maxImage, AttributeCountLimit: 32, EventCountLimit: 8, LinkCountLimit: 4,
		AttributePerEventCountLimit: 8, AttributePerLinkCountLimit: 8,
	}
	return &Traces{exporter: exporter, provider: sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(2048), sdktrace.WithMaxExportBatchSize(512)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())),
		sdktrace.WithRawSpanLimits(limits),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "assay"), attribute.String("service.version", tidy(version)))),
	)}
}

// Count counts the spans that are sent and lost. It is called before the first span.
func (t *Traces) Count(m *Metrics) {
	if t != nil {
		t.exporter.metrics = m
	}
}

// Handler makes a span of each request, below the one that the request names by W3C
// trace context. [Named] gives it a name; the path is the client's text.
func (t *Traces) Handler(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	tracer := t.provider.Tracer(scope)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		r = r.WithContext(ctx)
		answered := &status{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(answered, r)
		span.SetAttributes(attribute.Int("http.response.status_code", answered.code))
		if answered.code >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(answered.code))
		}
	})
}

// Named names the span of the request in ctx after its door.
func Named(ctx context.Context, door string) { trace.SpanFromContext(ctx).SetName(door) }

// Verifying makes a span of one question about an image, from asking to the answer,
// below that of the request in ctx; without one it does nothing. The returned function
// ends it: remembered says that the answer was there already.
func Verifying(ctx context.Context, image string) (context.Context, func(outcome string, reasons []string, remembered bool)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, func(string, []string, bool) {}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, "verify",
		trace.WithAttributes(attribute.String("assay.image", valid(image))))
	return ctx, func(outcome string, reasons []string, remembered bool) {
		if len(reasons) > maxCodes {
			reasons = reasons[:maxCodes]
		}
		span.SetAttributes(attribute.String("assay.outcome", valid(outcome)), attribute.StringSlice("assay.codes", reasons),
			attribute.Bool("assay.remembered", remembered))
		span.End()
	}
}

// valid makes text what OTLP takes.
func valid(s string) string { return strings.ToValidUTF8(clip(s, maxImage), "?") }

// Close sends what waits, within ctx.
func (t *Traces) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

// countedExporter counts what becomes of spans. A failure is no error to those above,
// which would print it.
type countedExporter struct {
	sdktrace.SpanExporter
	metrics *Metrics
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *countedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.metrics.exported("lost", len(spans))
		return nil //nolint:nilerr // counted
	}
	e.metrics.exported("sent", len(spans))
	return nil
}

// status remembers the code of an answer.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }
