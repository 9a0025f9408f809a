package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/releaseassay/assay/internal/doctor"
	"github.com/releaseassay/assay/internal/report"
)

// writeDoctor writes the findings to all outputs and returns the exit code that they deserve.
func writeDoctor(o *outputs, r doctor.Report) error {
	render := func(to io.Writer, f report.Format) error {
		if f == report.FormatJSON {
			return writeDoctorJSON(to, r)
		}
		return writeDoctorText(to, r)
	}
	for _, f := range o.files {
		var doc bytes.Buffer
		if err := render(&doc, f.Format); err != nil {
			return usagef("%w", err)
		}
		if err := replaceFile(f.File, doc.Bytes()); err != nil {
			return usagef("write the findings: %w", err)
		}
	}
	if err := render(o.world.stdout, o.stdout); err != nil {
		return &exit{code: exitUndecided, err: err}
	}
	switch {
	case r.Open():
		return &exit{code: exitBad}
	case !r.Closed():
		return &exit{code: exitUndecided}
	}
	return nil
}

func writeDoctorJSON(to io.Writer, r doctor.Report) error {
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Closed bool `json:"closed"`
		doctor.Report
	}{r.Closed(), r})
}

// maxDoctorWord is how much of a foreign text a person is shown, in bytes.
const maxDoctorWord = 300

func writeDoctorText(to io.Writer, r doctor.Report) error {
	show := func(s string) string { return report.Escape(s, maxDoctorWord) }
	for _, f := range r.Findings {
		if _, err := fmt.Fprintf(to, "%-4s  %s\n      at    %s\n      found %s\n      next  %s\n", f.Level, f.Code, show(f.Where), show(f.Found), show(f.Next)); err != nil {
			return err
		}
	}
	for _, u := range r.Unread {
		if _, err := fmt.Fprintf(to, "unread  %s\n", show(u)); err != nil {
			return err
		}
	}
	state := "CLOSED"
	switch {
	case r.Open():
		state = "OPEN"
	case !r.Closed():
		state = "UNKNOWN: not everything could be read"
	}
	gates := strings.Join(r.Gates, ", ")
	if gates == "" {
		gates = "none found"
	}
	_, err := fmt.Fprintf(to, "%s (gates: %s)\n", state, show(gates))
	return err
}
