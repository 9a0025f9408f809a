package report

import (
	"fmt"
	"slices"
	"strings"
)

// Format is a form in which a verdict can be written.
type Format string

// The formats.
const (
	FormatJSON Format = "json"
	// FormatText is the short page for people, FormatDetails the long one.
	FormatText    Format = "text"
	FormatDetails Format = "details"
	// FormatMarkdown is for a place that renders it, such as $GITHUB_STEP_SUMMARY.
	FormatMarkdown Format = "markdown"
	// FormatSARIF is for code scanning, FormatJUnit for what shows test results, and
	// FormatVSA a verification summary to be signed.
	FormatSARIF Format = "sarif"
	FormatJUnit Format = "junit"
	FormatVSA   Format = "vsa"
)

var formats = []Format{FormatJSON, FormatText, FormatDetails, FormatMarkdown, FormatSARIF, FormatJUnit, FormatVSA}

// VerdictFormats are the formats as a usage text names them.
const VerdictFormats = "json|text|details|markdown|sarif|junit|vsa"

const wantedFormats = "json, text, details, markdown, sarif, junit or vsa"

// ForEye reports whether a format says to a person on a terminal why a verdict is not
// a pass, so that nothing has to repeat it.
func (f Format) ForEye() bool { return f == FormatText || f == FormatDetails }

// Output is one value of the flag --output.
type Output struct {
	Format Format
	// File is where the report goes; "" is the standard output.
	File string
}

// ParseOutput parses one value of --output: a format, or one with =FILE.
func ParseOutput(s string) (Output, error) {
	format, file, named := strings.Cut(s, "=")
	o := Output{Format: Format(format), File: file}
	switch {
	case !slices.Contains(formats, o.Format):
		return Output{}, fmt.Errorf("found the output %q; wanted %s, or one of them with =FILE", s, wantedFormats)
	case named && file == "":
		return Output{}, fmt.Errorf("found the output %q without a file after the =; wanted %s=FILE, or %s alone for the standard output", s, format, format)
	case file == "-":
		return Output{}, fmt.Errorf("found the output %q; wanted %s alone, which is the standard output", s, format)
	}
	return o, nil
}

// ParseOutputs parses all values of --output. At most one goes to the standard
// output, since that carries exactly one document, and no file is named twice.
func ParseOutputs(values []string) ([]Output, error) {
	var outputs []Output
	for _, s := range values {
		o, err := ParseOutput(s)
		if err != nil {
			return nil, err
		}
		for _, before := range outputs {
			switch {
			case before.File != o.File:
			case o.File == "":
				return nil, fmt.Errorf("found the outputs %s and %s without a file; wanted one, as the standard output carries one document", before.Format, o.Format)
			default:
				return nil, fmt.Errorf("found two outputs to the file %q; wanted a file for each", o.File)
			}
		}
		outputs = append(outputs, o)
	}
	return outputs, nil
}
