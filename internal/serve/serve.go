// Package serve holds what all parts of the server speak of: the [Question] that a
// door asks about one image, the [Answer] that it gets, and the [Verifier] between
// them. Whatever an answer says, its zero value refuses.
//
// The parts: kube reads admission reviews, doors are the HTTP handlers, verifier
// judges behind them, cache and tenant serve the verifier, front is what stands
// before the doors (listeners, TLS, who may ask, how much), observe counts and
// writes down, settings is what an administrator says.
package serve

import (
	"context"

	"github.com/releaseassay/assay/verify"
)

// Verifier judges images for doors.
type Verifier interface {
	// Verify answers before the deadline of ctx: with a refusal that is undecided where
	// the work is not finished by then. It returns no error and does not panic.
	Verify(ctx context.Context, q Question) Answer
}

// Question is one image, and for whom it is asked about. It is a plain value; two
// equal questions may share one judgement.
type Question struct {
	Reference verify.Reference
	// Version is the version to judge for where the reference names none; "" is the
	// tag's, or the one that the evidence gives.
	Version string
	// Namespace chooses the policy; "" is the default policy. It gives no credentials.
	Namespace string
	// Tenant is whose pull secrets may be read, the zero value nobody's. Only the doors
	// of admission reviews set it, and only from the review's own namespace.
	Tenant Tenant
	// Fresh asks for a judgement of this very moment, not for one that is remembered.
	Fresh bool
}

// Tenant names the pull secrets of a pod in its namespace: none where it names neither an
// account nor secrets.
type Tenant struct {
	Namespace      string
	ServiceAccount string
	// Secrets are the names of imagePullSecrets, separated by newlines, which no name
	// may hold: so that a Question can be compared.
	Secrets string
}

// IsZero reports whether there is no tenant.
func (t Tenant) IsZero() bool { return t == Tenant{} }

// Policies says of the policy in force for a namespace what doors need before they ask.
type Policies interface {
	// Audited reports whether the policy for a namespace is, or not long ago was, in
	// audit mode, so that what runs there may have been admitted against it.
	Audited(namespace string) bool
}
