package budget

import (
	"context"
	"fmt"
	"time"
)

// Resource is what a Budget counts.
type Resource string

// The resources of a Budget.
const (
	Requests Resource = "requests"
	Bytes    Resource = "bytes"
	Time     Resource = "time"
)

// Exceeded is the error of a request, or of reading its body, that would cost more
// than is left. Find it with errors.As.
type Exceeded struct {
	Resource Resource
	// Limit is the bound that was reached: a number, bytes, or nanoseconds.
	Limit int64
}

// Error implements error.
func (e *Exceeded) Error() string {
	switch e.Resource {
	case Time:
		return fmt.Sprintf("the time of one verification, %s, is over", time.Duration(e.Limit))
	case Bytes:
		return fmt.Sprintf("one verification reads no more than %d bytes", e.Limit)
	default:
		return fmt.Sprintf("one verification sends no more than %d %s", e.Limit, e.Resource)
	}
}

// Unwrap makes spent time a context.DeadlineExceeded, which it is.
func (e *Exceeded) Unwrap() error {
	if e.Resource == Time {
		return context.DeadlineExceeded
	}
	return nil
}
