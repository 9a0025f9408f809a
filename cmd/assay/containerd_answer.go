package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/config"
	"github.com/releaseassay/assay/internal/report"
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
	v, err := judgeContainerd(ctx, settingsContext(c, settings), w, settings.Policy, asked.ref)
	if err != nil {
		return err
	}
	r := ruleOn(v, asked)
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

// settingsContext gives the settings as the flags of `assay verify` that they stand for,
// so that each means here what it means there.
func settingsContext(c *cli.Context, s config.Containerd) *cli.Context {
	set := flag.NewFlagSet(pluginName, flag.ContinueOnError)
	for name, value := range map[string]string{
		"trusted-root": s.TrustedRoot, "exceptions": s.Exceptions, "config": s.Registries, "timeout": s.Timeout.String(),
	} {
		set.String(name, "", "")
		if value != "" {
			_ = set.Set(name, value) // a string takes every value
		}
	}
	same := cli.NewContext(c.App, set, nil)
	same.Context = c.Context
	return same
}

// judgeContainerd is `assay verify` for one image, with a context of settingsContext.
func judgeContainerd(ctx context.Context, c *cli.Context, w world, file string, ref verify.Reference) (verify.Verdict, error) {
	var none verify.Verdict
	p, err := policyFile(w, file)
	if err != nil {
		return none, err
	}
	exceptions, err := loadExceptions(c)
	if err != nil {
		return none, err
	}
	trust, err := loadTrust(c, w, p, folderOf(file))
	if err != nil {
		return none, err
	}
	source, failure, err := openSource(c, w)
	if err != nil {
		return none, err
	}
	defer source.close()
	options := verify.Options{At: w.now(), Limits: verify.DefaultLimits()}
	var v verify.Verdict
	if failure != nil {
		v = verify.Undecided(ref, p, trust, failure, options)
	} else {
		v = verify.Verify(ctx, source, ref, p, trust, options)
	}
	if c.Context.Err() != nil {
		return none, &exit{code: exitUndecided, err: errors.New("interrupted; nothing was decided")}
	}
	if source.releases != nil && source.releases.Unkept() != nil {
		fmt.Fprintf(w.stderr, "assay: warning: what was seen of the TUF repository could not be kept: %s\n", escape(source.releases.Unkept().Error()))
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
