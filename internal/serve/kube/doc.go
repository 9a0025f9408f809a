// Package kube reads what a Kubernetes API server asks about an object and writes
// what it is answered: which images the object would run and where each is named,
// which of them an update changed, the patch that pins them, and the text of a denial.
//
// It is pure: bytes in, values out. It judges no image, reaches no network, and never
// reads an annotation or a label as permission. What it cannot read is an error, and
// an error is a denial. The doors that speak HTTP come in internal/serve.
//
// Start with [ParseReview] and [Ask]; then [Refuse] or a [Response] of one's own.
package kube
