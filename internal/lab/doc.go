// Package lab is a release factory in memory. It makes everything that a released image carries (certificates, log
// entries, timestamps, bundles, legacy signatures, provenance), in good and in broken forms, and serves it from a
// registry on the loopback interface. Tests build their evidence with it, and `assay lab demo` shows attacks with it.
//
// A [Sigstore] is one instance with keys of its own; [Sigstore.TrustedRoot] is what a verifier has to be given to
// accept it. [Sigstore.Issue] gives a [Signer], whose methods sign. A [Release] puts the pieces together and
// [Attacks] lists the ways to spoil them. A [TUF] is a repository that lists releases, as tuf-on-ci writes it, with
// Sigstore and ordinary keys.
//
// [Services] are the doors through which other programs, such as cosign, sign with a Sigstore over HTTP.
//
// Keys are made fresh on each run and exist only in memory. Times always come from the caller, so evidence may be
// dated at will. Nothing but the doors verifies anything, and nothing here may be trusted outside a lab.
package lab
