package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/releaseassay/assay/verify"
)

// JSON writes v as docs/schema/verdict.v1.json describes it: indented, one newline
// at the end. Characters that a terminal would act on or not show are written as
// JSON escapes, which changes no value.
func JSON(w io.Writer, v verify.Verdict) error { return indented(w, "the verdict as JSON", whole(v)) }

// indented writes a document of JSON; what names it in errors.
func indented(w io.Writer, what string, document any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(document); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	if _, err := w.Write(visible(b.Bytes())); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// Decision returns the verdict without its run in one canonical form: keys sorted,
// no white space. Two runs over the same evidence, policy and roots give the same
// bytes, whatever they took and wherever the evidence lay.
func Decision(v verify.Verdict) ([]byte, error) {
	b, err := json.Marshal(whole(v))
	if err != nil {
		return nil, fmt.Errorf("write the decision: %w", err)
	}
	var tree map[string]any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("write the decision: %w", err)
	}
	delete(tree, "run")
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		return nil, fmt.Errorf("write the decision: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// whole gives the lists that are always present their empty form, which JSON
// would write as null.
func whole(v verify.Verdict) verify.Verdict {
	if v.Trust == nil {
		v.Trust = []verify.VerdictRoot{}
	}
	if v.Checks == nil {
		v.Checks = []verify.Finding{}
	}
	v.Checks = slices.Clone(v.Checks)
	for i := range v.Checks {
		f := &v.Checks[i]
		f.Release = wholeRelease(f.Release)
		if f.Platforms != nil && f.Platforms.Children == nil {
			f.Platforms = &verify.VerdictPlatforms{Index: f.Platforms.Index, Children: []verify.VerdictChild{}}
		}
		f.Story = slices.Clone(f.Story)
		for j := range f.Story {
			if f.Story[j].Sources == nil {
				f.Story[j].Sources = []verify.VerdictValue{}
			}
		}
	}
	if v.Exception != nil && v.Exception.Checks == nil {
		exception := *v.Exception
		exception.Checks = []string{}
		v.Exception = &exception
	}
	return v
}

// wholeRelease is whole for the part of a finding that has such lists.
func wholeRelease(r *verify.VerdictRelease) *verify.VerdictRelease {
	if r == nil {
		return nil
	}
	release := *r
	release.Roles = append([]verify.VerdictRole{}, r.Roles...)
	for i := range release.Roles {
		if release.Roles[i].Holders == nil {
			release.Roles[i].Holders = []verify.VerdictHolder{}
		}
	}
	return &release
}

// visible replaces what cannot be seen in encoded JSON by \u escapes. All of it
// lies inside strings, where such an escape means the same.
func visible(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		switch {
		case r == '\n' || strconv.IsPrint(r):
			out = append(out, b[i:i+size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += size
	}
	return out
}
