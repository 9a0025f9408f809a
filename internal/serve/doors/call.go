package doors

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/internal/serve/observe"
	"github.com/releaseassay/assay/verify"
)

// call is one request on its way through a door.
type call struct {
	http  *http.Request
	route route
	began time.Time
	// uid is that of an admission review, as soon as it is known.
	uid string
	// deadline is when an answer is due to be on its way.
	deadline time.Time
}

// reply is what is sent. Its zero value is an empty answer of status 500.
type reply struct {
	status int
	header map[string]string
	body   []byte
	// counted is the status for the metric where that is another: an admission review is
	// always answered 200, and says in its body what it is.
	counted int
}

// fault is why a request got no verdict. Its text may hold foreign words.
type fault struct {
	status int // HTTP
	code   verify.Code
	text   string
	allow  string // the one method, with status 405
}

func malformed(format string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, code: verify.RequestMalformed, text: fmt.Sprintf(format, args...)}
}

// maxText bounds the words of a fault in bytes.
const maxText = 1000

// said is the fault as a sentence, escaped.
func (f *fault) said() string { return report.Escape(f.text, maxText) }

// serve runs one request through its door.
func (d *doors) serve(known route, w http.ResponseWriter, r *http.Request) {
	c := &call{http: r, route: known, began: d.Now()}
	observe.Named(r.Context(), known.name)
	defer d.Metrics.InFlight(known.name)()
	answer := d.attempt(c)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	for name, value := range answer.header {
		h.Set(name, value)
	}
	h.Set("Content-Length", strconv.Itoa(len(answer.body)))
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body) // a caller that is gone has no answer, which admits nothing
	if answer.counted == 0 {
		answer.counted = answer.status
	}
	d.Metrics.Answered(known.name, answer.counted, d.Now().Sub(c.began))
}

// attempt answers, and turns every fault and panic into the door's own denial.
func (d *doors) attempt(c *call) (answer reply) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		d.Log.Error("a door panicked", "door", c.route.name, "panic", report.Escape(fmt.Sprint(p), maxText), "stack", string(debug.Stack()))
		d.Metrics.Decided(c.route.name, "undecided", "", string(verify.InternalPanic))
		answer = c.route.refuse(c, &fault{status: http.StatusInternalServerError, code: verify.InternalPanic, text: "this is a fault of assay, please report it"})
	}()
	if f := c.check(); f != nil {
		return c.route.refuse(c, f)
	}
	wait, f := c.patience(d.Settings.Deadline, d.Now())
	if f != nil {
		return c.route.refuse(c, f)
	}
	ctx, cancel := context.WithTimeout(c.http.Context(), wait)
	defer cancel()
	c.deadline, _ = ctx.Deadline()
	answer, f = c.route.answer(ctx, c)
	if f != nil {
		return c.route.refuse(c, f)
	}
	return answer
}

// check refuses requests of another form before anything of them is read.
func (c *call) check() *fault {
	switch {
	case c.route.method == "":
		return nil
	case c.http.Method != c.route.method && (c.http.Method != http.MethodHead || c.route.method != http.MethodGet):
		return &fault{
			status: http.StatusMethodNotAllowed, code: verify.RequestMalformed, allow: c.route.method,
			text: fmt.Sprintf("found the method %s; this door takes %s", c.http.Method, c.route.method),
		}
	case c.route.method != http.MethodPost:
		return nil
	case !isJSON(c.http.Header):
		return &fault{
			status: http.StatusUnsupportedMediaType, code: verify.RequestMalformed,
			text: fmt.Sprintf("found Content-Type %q and Content-Encoding %q; wanted application/json, not compressed", c.http.Header.Values("Content-Type"), c.http.Header.Values("Content-Encoding")),
		}
	}
	return nil
}

// refusePlain is how the doors of plain JSON say no.
func refusePlain(_ *call, f *fault) reply {
	type problem struct {
		Code    verify.Code `json:"code"`
		Message string      `json:"message"`
	}
	b, err := json.Marshal(struct {
		Error problem `json:"error"`
	}{problem{f.code, f.said()}})
	if err != nil {
		b = []byte(`{"error":{"code":"internal.panic","message":"the error cannot be written"}}`)
	}
	r := reply{status: f.status, body: append(b, '\n')}
	if f.allow != "" {
		r.header = map[string]string{"Allow": f.allow}
	}
	return r
}

// asJSON is a reply of status 200.
func asJSON(document any) (reply, *fault) {
	b, err := json.Marshal(document)
	if err != nil {
		return reply{}, &fault{status: http.StatusInternalServerError, code: verify.InternalPanic, text: "the answer cannot be written"}
	}
	return reply{status: http.StatusOK, body: append(b, '\n')}, nil
}
