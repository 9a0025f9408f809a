package report

import (
	"strings"
	"testing"
)

func TestParseOutput(t *testing.T) {
	for in, want := range map[string]Output{
		"json": {Format: FormatJSON}, "text": {Format: FormatText}, "details": {Format: FormatDetails}, "markdown=s.md": {FormatMarkdown, "s.md"}, "json=v.json": {FormatJSON, "v.json"}, "text=a=b": {FormatText, "a=b"},
		"sarif": {Format: FormatSARIF}, "junit=j.xml": {FormatJUnit, "j.xml"}, "vsa=v.json": {FormatVSA, "v.json"},
	} {
		if got, err := ParseOutput(in); err != nil || got != want {
			t.Errorf("ParseOutput(%q) is %v, %v; wanted %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "yaml", "JSON", "json=", "json=-", "=x", "text =x", "json,text"} {
		if got, err := ParseOutput(in); err == nil || !strings.Contains(err.Error(), "found") || !strings.Contains(err.Error(), "wanted") {
			t.Errorf("ParseOutput(%q) is %v, %v; wanted an error that says what was found and wanted", in, got, err)
		}
	}
}

func TestParseOutputs(t *testing.T) {
	if got, err := ParseOutputs([]string{"json=a", "text", "text=b"}); err != nil || len(got) != 3 || got[1].File != "" {
		t.Errorf("found %v, %v", got, err)
	}
	if got, err := ParseOutputs(nil); err != nil || len(got) != 0 {
		t.Errorf("found %v, %v for no outputs", got, err)
	}
	for _, in := range [][]string{{"json", "text"}, {"json", "json"}, {"json=a", "text=a"}, {"text", "yaml"}} {
		if got, err := ParseOutputs(in); err == nil {
			t.Errorf("ParseOutputs(%q) is %v; wanted an error", in, got)
		}
	}
}
