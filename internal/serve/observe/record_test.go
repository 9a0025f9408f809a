package observe

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// TestRecordLine compares a line with what encoding/json makes of the record, each field
// alone and all of them, with every kind of text.
func TestRecordLine(t *testing.T) {
	texts := []string{"", "plain", `q"\/`, "<&>", "é\u2028\U0001f600", "\x00\x1b\x7f", "bad\xff", "ghcr.io/acme/widget:1.0@sha256:0f"}
	times := []time.Time{{}, time.Date(2026, 11, 22, 1, 2, 3, 4, time.FixedZone("", 3600)), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	fields := reflect.TypeFor[Record]().NumField()
	for n := -1; n <= fields; n++ {
		for i, text := range texts {
			r := Record{Time: times[i%len(times)]}
			v := reflect.ValueOf(&r).Elem()
			for f := range fields {
				if n != f && n != fields {
					continue
				}
				switch field := v.Field(f); field.Kind() {
				case reflect.String:
					field.SetString(text)
				case reflect.Bool:
					field.SetBool(true)
				case reflect.Int64:
					field.SetInt(-12345)
				case reflect.Slice:
					field.Set(reflect.ValueOf(texts[:i]))
				case reflect.Struct:
				default:
					t.Fatalf("no text for %s", field.Type())
				}
			}
			raw, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(r.appendTo(nil)), string(ascii(raw)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	}
	far := Record{Time: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}
	if line := far.appendTo(nil); !json.Valid(line) {
		t.Errorf("%s", line)
	}
}
