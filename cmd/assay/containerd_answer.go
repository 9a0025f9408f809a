package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/config"
	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve"
	"github.com/releaseassay/assay/internal/serve/client"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// containerdState is where state is kept if neither settings nor environment say so:
// services have no cache folder of a user's.
const containerdState = "/var/lib/assay"

// answerContainerd judges one image. It returns a ruling, or an error of usage, settings
// or policy, which is one that refuses.
func answerContainerd(c *cli.Context, w world) error {
	began := w.now()
	settings, err := config.LoadContainerd(config.FindContainerd(c.String("config"), w.getenv))
	if err != nil {
		return usagef("%w", err)
	}
	ctx, cancel := context.WithTimeout(c.Context, settings.Timeout)
	defer cancel()
	asked, err := readRequest(ctx, c, w.stdin)
	if err != nil {
		return err
	}
	w.cacheDir = stateDir(settings, w.getenv)
	v, err := judgeContainerd(ctx, c.Context, w, settings, asked.ref)
	var undecided *exit
	var r *ruling
	switch {
	case settings.Server.URL != "" && errors.As(err, &undecided) && undecided.code == exitUndecided:
		r = &ruling{exitUndecided, "UNDECIDED: " + err.Error()}
	case err != nil:
		return err
	default:
		r = ruleOn(v, asked)
	}
	if settings.Log != "" {
		logRuling(w, settings.Log, asked, r, began)
	}
	return r
}

// stateDir says where what was seen of TUF repositories is kept.
func stateDir(s config.Containerd, getenv func(string) string) func() string {
	return func() string {
		for _, dir := range []string{s.State, getenv("ASSAY_CACHE")} {
			if dir != "" {
				return dir
			}
		}
		return containerdState
	}
}

// judgeContainerd is `assay verify` for one image, with the settings for its flags, or
// with --server. stopped is done when the program is to end, ctx when the time is over.
func judgeContainerd(ctx, stopped context.Context, w world, s config.Containerd, ref verify.Reference) (verify.Verdict, error) {
	var none verify.Verdict
	if s.Server.URL != "" {
		return askServer(ctx, client.Options{
			URL: s.Server.URL, CAFile: s.Server.CA, TokenFile: s.Server.Token, Certificate: s.Server.Certificate, Key: s.Server.Key,
		}, s.Timeout, serve.Question{Reference: ref})
	}
	p, err := load.ReadPolicy(s.Policy, load.PolicyOptions{Version: version, TrustedRoot: s.TrustedRoot, CacheDir: w.cacheDir()})
	if err != nil {
		return none, usagef("%w", err)
	}
	warn(w, p.Warnings)
	var exceptions *policy.Exceptions
	if s.Exceptions != "" {
		if exceptions, err = load.ReadExceptions(s.Exceptions); err != nil {
			return none, usagef("%w", err)
		}
	}
	access, err := openAccess(w, s.Registries, false)
	if err != nil {
		return none, err
	}
	defer access.Close()
	source := access.Source(load.SourceOptions{Budget: budgetOf(s.Timeout), Release: release.Options{Dir: filepath.Join(w.cacheDir(), "tuf")}})
	options := verify.Options{At: w.now(), Limits: verify.DefaultLimits()}
	v := verify.Verify(ctx, source, ref, p.Policy, p.Trust, options)
	if stopped.Err() != nil {
		return none, &exit{code: exitUndecided, err: errors.New("interrupted; nothing was decided")}
	}
	if unkept := source.Repositories.Unkept(); unkept != nil {
		fmt.Fprintf(w.stderr, "assay: warning: what was seen of the TUF repository could not be kept: %s\n", escape(unkept.Error()))
	}
	if exceptions != nil {
		verify.Except(&v, exceptions.List, exceptions.Digest, options.At)
	}
	return v, nil
}

// ruleOn says what containerd is told of a verdict. A failure is let in by an exception
// or under audit alone, and the reason says so.
func ruleOn(v verify.Verdict, asked request) *ruling {
	const room = 60 // bytes for what is written before the line
	line := report.Line(v, maxReason-room)
	code := exitBad
	if !v.Conclusive {
		code = exitUndecided
	}
	resolved := v.Image.Digest != ""
	switch {
	case resolved && v.Image.Digest != asked.ref.Digest():
		return &ruling{exitBad, fmt.Sprintf("the digest judged is %s; wanted %s, as containerd resolved it", v.Image.Digest, asked.ref.Digest())}
	case resolved && imageKinds[v.Image.MediaType] != imageKinds[asked.mediaType]:
		return &ruling{exitBad, fmt.Sprintf("the image is served to containerd as %s, and its bytes are %s; one of them is an index", asked.mediaType, v.Image.MediaType)}
	case v.Passed() && resolved:
		return &ruling{exitGood, line}
	case v.Exception != nil:
		return &ruling{exitGood, "admitted until " + v.Exception.Expires.UTC().Format(time.RFC3339) + ": " + line}
	case v.Enforced != nil && !*v.Enforced && v.EnforcedFrom != nil:
		return &ruling{exitGood, "audit, enforced from " + v.EnforcedFrom.UTC().Format(time.RFC3339) + ": " + line}
	}
	return &ruling{code, line}
}

// logRuling appends an answer to the log. One that cannot be written changes no answer:
// whoever could fill the disk would decide which images run.
func logRuling(w world, file string, asked request, r *ruling, began time.Time) {
	entry, err := json.Marshal(struct {
		Time       time.Time `json:"time"`
		Image      string    `json:"image"`
		Admitted   bool      `json:"admitted"`
		Exit       int       `json:"exit"`
		Reason     string    `json:"reason"`
		DurationMS int64     `json:"duration_ms"`
	}{began.UTC(), asked.ref.Pinned(asked.ref.Digest()), r.code == exitGood, r.code, oneLine(r.reason), w.now().Sub(began).Milliseconds()})
	if err == nil {
		err = appendFile(file, append(entry, '\n'))
	}
	if err != nil {
		fmt.Fprintf(w.stderr, "assay: warning: the answer could not be logged: %s\n", escape(err.Error()))
	}
}

// appendFile adds to the end of a file in one write, so that lines of programs that run
// at the same time stay whole.
func appendFile(file string, b []byte) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // the administrator's own file
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
