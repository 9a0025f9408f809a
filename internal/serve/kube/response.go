package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/releaseassay/assay/internal/report"
)

// The limits of an answer.
const (
	// MaxMessage is the number of bytes of a message. An Event, through which most
	// people meet the denial of a Pod, keeps the first 1,024.
	MaxMessage = 4096
	// MaxWarning is the length of a warning, beyond which an API server cuts it;
	// MaxWarnings is how many of that length it passes on (4,096 characters in all).
	MaxWarning  = 256
	MaxWarnings = 16
	// MaxAnnotation is the number of bytes of an audit annotation's value.
	MaxAnnotation = 1024
)

// HTTP status codes of denials.
const (
	Forbidden   = 403 // judged, and refused
	Unavailable = 503 // not decided: ask again
)

// Response is an answer. Its zero value is a denial.
type Response struct {
	UID     string // of the request; an answer "allowed" needs one
	Allowed bool
	// Code and Message are those of a denial: 400 to 599, [Forbidden] where it is another.
	Code     int
	Message  string
	Warnings []string
	// Audit are annotations of the audit log: names of up to 63 letters, digits, '-', '_'
	// and '.', which begin and end with a letter or digit.
	Audit map[string]string
	Patch Patch // only of an answer "allowed"
}

// The wire form (k8s.io/api/admission/v1).
type (
	wireReview struct {
		APIVersion string       `json:"apiVersion"`
		Kind       string       `json:"kind"`
		Response   wireResponse `json:"response"`
	}
	wireResponse struct {
		UID       string            `json:"uid"`
		Allowed   bool              `json:"allowed"`
		Status    *wireStatus       `json:"status,omitempty"`
		Patch     []byte            `json:"patch,omitempty"` // base64
		PatchType string            `json:"patchType,omitempty"`
		Audit     map[string]string `json:"auditAnnotations,omitempty"`
		Warnings  []string          `json:"warnings,omitempty"`
	}
	wireStatus struct {
		Status  string `json:"status"`
		Message string `json:"message"`
		Reason  string `json:"reason,omitempty"`
		Code    int    `json:"code"`
	}
)

// reasons are the machine-readable ones of Kubernetes that clients look for.
var reasons = map[int]string{400: "BadRequest", 403: "Forbidden", 413: "RequestEntityTooLarge", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}

// Encode writes the answer as an AdmissionReview. Message, warnings and annotations
// are cut to their limits, and characters that a terminal could act on are taken out. An
// answer that contradicts itself is an error.
func (r Response) Encode() ([]byte, error) {
	w := wireResponse{UID: r.UID, Allowed: r.Allowed, Warnings: warnings(r.Warnings)}
	switch {
	case r.Allowed && r.UID == "":
		return nil, errors.New("encode the response: wanted the UID of what is allowed")
	case !r.Allowed && len(r.Patch) > 0:
		return nil, errors.New("encode the response: found a patch in a denial")
	case !r.Allowed:
		w.Status = r.status()
	}
	patch, err := r.Patch.encode()
	if err != nil {
		return nil, fmt.Errorf("encode the patch: %w", err)
	}
	if patch != nil {
		w.Patch, w.PatchType = patch, "JSONPatch"
	}
	for _, name := range slices.Sorted(maps.Keys(r.Audit)) {
		if !annotationName(name) {
			return nil, fmt.Errorf("encode the response: %s cannot name an audit annotation", quoted(name))
		}
		if w.Audit == nil {
			w.Audit = map[string]string{}
		}
		w.Audit[name] = cut(r.Audit[name], MaxAnnotation)
	}
	b, err := json.Marshal(wireReview{ReviewVersion, ReviewKind, w})
	if err != nil {
		return nil, fmt.Errorf("encode the response: %w", err)
	}
	return b, nil
}

// status is that of a denial, which always has a code and something to read.
func (r Response) status() *wireStatus {
	s := &wireStatus{Status: "Failure", Code: r.Code, Message: plain(r.Message)}
	if s.Code < 400 || s.Code > 599 {
		s.Code = Forbidden
	}
	if strings.TrimSpace(s.Message) == "" {
		s.Message = "refused, without a reason given"
	}
	s.Reason = reasons[s.Code]
	return s
}

// warnings cuts each warning, and their number; the last says how many are missing.
func warnings(all []string) []string {
	var some []string
	for i, w := range all {
		if i == MaxWarnings-1 && len(all) > MaxWarnings {
			return append(some, fmt.Sprintf("and %d more warnings", len(all)-i))
		}
		some = append(some, cut(w, MaxWarning))
	}
	return some
}

// cut escapes a text for one line of limit bytes at most; a cut text says so.
func cut(s string, limit int) string {
	const told = len("...[12345678 more bytes]")
	if len(s) <= limit {
		if whole := report.Escape(s, 10*limit); len(whole) <= limit {
			return whole
		}
	}
	short := report.Escape(s, limit-told)
	return short[:min(len(short), limit)]
}

// plain is the last guard of a message of several lines, whose parts were escaped
// where it was made: nothing but printable ASCII and line ends, and cut at a line end
// where there is one.
func plain(s string) string {
	if len(s) > MaxMessage {
		s = s[:MaxMessage]
		if end := strings.LastIndexByte(s, '\n'); end > MaxMessage/2 {
			s = s[:end]
		}
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '…' || r <= unicode.MaxASCII && unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// annotationName reports whether s is a name as Kubernetes qualifies it, without prefix.
func annotationName(s string) bool {
	const ends = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	if s == "" || len(s) > 63 || strings.Trim(s, ends+"-_.") != "" {
		return false
	}
	return strings.IndexByte(ends, s[0]) >= 0 && strings.IndexByte(ends, s[len(s)-1]) >= 0
}
