// Package doors are the HTTP handlers of the server: Kubernetes' admission reviews,
// ImagePolicyWebhook, Gatekeeper's external data, and plain JSON. Each reads a question
// in its caller's form, asks the one [serve.Verifier], and answers in its caller's form.
//
// Whatever goes wrong is a denial in the form that the caller understands as one:
// where a caller treats an HTTP error as permission (some can be set to), an HTTP error
// is the last resort. What each door takes and answers is written in docs/doors.md.
//
// Who may ask, how often, and over which connection is the front's to say.
package doors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/kube"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/internal/serve/settings"
	"github.com/releaseassay/assay/verify"
)

// Options are what the doors stand on. Verifier and Now are required.
type Options struct {
	Verifier serve.Verifier
	// Policies may be nil: then every object may have been admitted under audit, so that
	// no update is skipped.
	Policies serve.Policies
	// Past gives past verdicts to people; nil for none.
	Past interface {
		Verdicts(digest string, limit int) []serve.Answer
	}
	Metrics  *observe.Metrics
	Audit    *observe.Audit
	Settings settings.Settings
	Log      *slog.Logger
	Now      func() time.Time
	// Client names who asks, as the front authenticated it; nil if nobody did.
	Client func(context.Context) string
}

type doors struct {
	Options
	kinds map[kube.Kind]kube.Fields
	room  *room
}

// route is one door: its name in metrics and in the audit log, how many bytes it
// takes, what it answers, and how it says no.
type route struct {
	name   string
	method string
	limit  int64
	answer func(context.Context, *call) (reply, *fault)
	refuse func(*call, *fault) reply
}

// New puts the doors together. An error is one of the settings.
func New(o Options) (http.Handler, error) {
	if o.Verifier == nil || o.Now == nil {
		return nil, errors.New("open the doors: wanted a verifier and a clock")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	kinds, err := fieldsOf(o.Settings.Kinds)
	if err != nil {
		return nil, fmt.Errorf("open the doors: %w", err)
	}
	d := &doors{Options: o, kinds: kinds, room: newRoom(maxRoom)}
	routes := map[string]route{
		"/admission/validate": {"validate", http.MethodPost, kube.MaxReview, d.validate, refuseReview},
		"/admission/mutate":   {"mutate", http.MethodPost, kube.MaxReview, d.mutate, refuseReview},
		"/imagereview":        {"imagereview", http.MethodPost, maxSmall, d.imageReview, refuseImageReview},
		"/gatekeeper":         {"gatekeeper", http.MethodPost, maxSmall, d.gatekeeper, refuseKeys},
		"/gatekeeper/mutate":  {"gatekeeper-mutate", http.MethodPost, maxSmall, d.gatekeeperMutate, refuseKeys},
		"/v1/verify":          {"verify", http.MethodPost, maxQuestion, d.verify, refusePlain},
		"/v1/openapi.yaml":    {"openapi", http.MethodGet, 0, d.openAPI, refusePlain},
	}
	past := route{"verdicts", http.MethodGet, 0, d.verdicts, refusePlain}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known, ok := routes[r.URL.Path]
		if digest, under := strings.CutPrefix(r.URL.Path, verdictsPath); under && !strings.Contains(digest, "/") {
			known, ok = past, true
		}
		if !ok {
			known = route{name: "none", answer: noSuchDoor(routes), refuse: refusePlain}
		}
		d.serve(known, w, r)
	}), nil
}

// fieldsOf reads where other kinds name images.
func fieldsOf(kinds []settings.Kind) (map[kube.Kind]kube.Fields, error) {
	all := map[kube.Kind]kube.Fields{}
	for _, k := range kinds {
		kind := kube.Kind{Group: k.Group, Version: k.Version, Kind: k.Kind}
		if _, twice := all[kind]; twice || len(k.Paths) == 0 {
			return nil, fmt.Errorf("kind %s: wanted it once, with the paths of its images", kind)
		}
		f := kube.Fields{Optional: k.Optional}
		for _, s := range k.Paths {
			p, err := kube.ParsePath(s)
			if err != nil {
				return nil, fmt.Errorf("kind %s: %w", kind, err)
			}
			f.Paths = append(f.Paths, p)
		}
		all[kind] = f
	}
	return all, nil
}

// noSuchDoor answers every other path.
func noSuchDoor(routes map[string]route) func(context.Context, *call) (reply, *fault) {
	paths := []string{verdictsPath + "DIGEST"}
	for p := range routes {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	text := "there is nothing here; the doors are " + strings.Join(paths, ", ")
	return func(context.Context, *call) (reply, *fault) {
		return reply{}, &fault{status: http.StatusNotFound, code: verify.RequestMalformed, text: text}
	}
}
