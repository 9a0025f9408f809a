package observe

import (
	"encoding/json"
	"strconv"
	"time"
)

// appendTo writes the record as encoding/json would, in ASCII. There is one for each decision,
// which makes it worth its own lines; a test compares the two.
func (r *Record) appendTo(b []byte) []byte {
	b = append(b, `{"time":"`...)
	at := r.Time
	if y := at.Year(); y < 0 || y > 9999 { // RFC 3339 has no form for it
		at = time.Time{}
	}
	b = append(at.AppendFormat(b, time.RFC3339Nano), '"')
	b = appendText(append(b, `,"door":`...), r.Door)
	for _, f := range [...]struct{ name, value string }{
		{`,"client":`, r.Client}, {`,"uid":`, r.UID}, {`,"user":`, r.User}, {`,"operation":`, r.Operation}, {`,"kind":`, r.Kind},
		{`,"namespace":`, r.Namespace}, {`,"object":`, r.Object},
	} {
		b = appendSaid(b, f.name, f.value)
	}
	b = appendTrue(b, `,"dry_run":`, r.DryRun)
	b = appendSaid(b, `,"container":`, r.Container)
	b = appendText(append(b, `,"image":`...), r.Image)
	for _, f := range [...]struct{ name, value string }{
		{`,"digest":`, r.Digest}, {`,"policy":`, r.Policy}, {`,"policy_digest":`, r.PolicySum}, {`,"rule":`, r.Rule}, {`,"verdict":`, r.Verdict},
	} {
		b = appendSaid(b, f.name, f.value)
	}
	b = appendText(append(b, `,"outcome":`...), r.Outcome)
	b = strconv.AppendBool(append(b, `,"admitted":`...), r.Admitted)
	for i, code := range r.Codes {
		between := `,`
		if i == 0 {
			between = `,"codes":[`
		}
		b = appendText(append(b, between...), code)
	}
	if len(r.Codes) > 0 {
		b = append(b, ']')
	}
	b = appendTrue(b, `,"remembered":`, r.Cached)
	b = appendTrue(b, `,"late":`, r.Late)
	b = strconv.AppendInt(append(b, `,"duration_ms":`...), r.Took, 10)
	b = appendTrue(b, `,"cut":`, r.Cut)
	return append(b, '}')
}

// appendSaid writes a text that is left out where it is empty.
func appendSaid(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendText(append(b, name...), value)
}

// appendTrue writes a flag that is left out where it is false.
func appendTrue(b []byte, name string, value bool) []byte {
	if !value {
		return b
	}
	return append(append(b, name...), "true"...)
}

// appendText writes a string. One with anything to escape is encoding/json's.
func appendText(b []byte, s string) []byte {
	for _, c := range []byte(s) {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			raw, _ := json.Marshal(s) // a string always can be
			return append(b, ascii(raw)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
