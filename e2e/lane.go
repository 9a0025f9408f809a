package main

import (
	"fmt"
	"slices"

	"github.com/releaseassay/assay/internal/lab"
)

// lane is one way in which cosign signs: which cosign, in which layout, with which log.
type lane struct {
	name string
	// cosign is the tool that signs.
	cosign string
	// legacy means .sig and .att tags; otherwise bundles.
	legacy bool
	// rekor is the version of the log, and tsa asks a timestamp authority besides: the second version tells no time.
	rekor int
	tsa   bool
	// plain means a registry without the referrers API, for which cosign keeps the list under a tag.
	plain bool
	// lab means that the services are those of our laboratory, and not real ones.
	lab bool
}

// lanes lists those that work. cosign 2.6 does not sign with the Rekor v2 of today: see [retired].
func lanes() []lane {
	return []lane{
		{name: "cosign3-bundle-rekor2", cosign: "cosign3", rekor: 2, tsa: true},
		{name: "cosign3-bundle-rekor2-tags", cosign: "cosign3", rekor: 2, tsa: true, plain: true},
		{name: "cosign3-bundle-rekor1", cosign: "cosign3", rekor: 1},
		{name: "cosign3-legacy-rekor1", cosign: "cosign3", rekor: 1, legacy: true},
		{name: "cosign2-bundle-rekor1", cosign: "cosign2", rekor: 1},
		{name: "cosign2-bundle-rekor1-tsa", cosign: "cosign2", rekor: 1, tsa: true},
		{name: "cosign2-legacy-rekor1", cosign: "cosign2", rekor: 1, legacy: true},
		{name: "cosign2-legacy-rekor1-tsa", cosign: "cosign2", rekor: 1, tsa: true, legacy: true},
		{name: "cosign3-at-lab-bundle-rekor2", cosign: "cosign3", rekor: 2, tsa: true, lab: true},
		{name: "cosign3-at-lab-bundle-rekor1", cosign: "cosign3", rekor: 1, tsa: true, lab: true},
		{name: "cosign3-at-lab-legacy-rekor1", cosign: "cosign3", rekor: 1, legacy: true, lab: true},
		{name: "cosign2-at-lab-legacy-rekor1", cosign: "cosign2", rekor: 1, legacy: true, lab: true},
	}
}

// roots are the files by which cosign is told whom to trust.
type roots struct {
	// trusted is a trusted_root.json.
	trusted string
	// fulcio, ct and rekor are PEM files of the same things, for what takes nothing else.
	fulcio, ct, rekor string
}

// config names the lane's signing config: the services that it lists.
func (l lane) config() string {
	name := fmt.Sprintf("rekor%d", l.rekor)
	if l.tsa {
		name += "-tsa"
	}
	return name
}

// site is where cosign signs: the addresses of the services, what they are trusted by, and the files of the signing
// configs by the name that [lane.config] gives.
type site struct {
	fulcio, rekor1, rekor2, tsa string
	roots                       roots
	signing                     map[string]string
}

// environment is the older way to tell it.
func (r roots) environment() []string {
	return []string{
		"SIGSTORE_ROOT_FILE=" + r.fulcio, "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE=" + r.ct, "SIGSTORE_REKOR_PUBLIC_KEY=" + r.rekor,
	}
}

// command is one call of cosign, without program and reference.
type command struct{ args, env []string }

// signing completes `cosign sign` and `cosign attest`.
func (l lane) signing(at site) command {
	c := command{args: []string{"--yes"}}
	switch {
	case l.legacy:
		c.args = append(c.args, "--fulcio-url", at.fulcio, "--rekor-url", at.rekor1)
		if l.cosign == "cosign3" {
			c.args = append(c.args, "--use-signing-config=false", "--new-bundle-format=false")
		}
		if l.tsa {
			c.args = append(c.args, "--timestamp-server-url", at.tsa)
		}
		c.env = at.roots.environment()
	default:
		c.args = append(c.args, "--signing-config", at.signing[l.config()], "--trusted-root", at.roots.trusted)
		if l.cosign == "cosign2" {
			c.args = append(c.args, "--new-bundle-format")
		}
	}
	return c
}

// verifying completes `cosign verify` and `cosign verify-attestation` by the lane's own cosign.
func (l lane) verifying(r roots) command {
	switch {
	case l.legacy && l.cosign == "cosign2": // which refuses a trusted root for attestations in this layout
		return command{args: []string{"--offline"}, env: r.environment()}
	case l.legacy:
		return command{args: []string{"--trusted-root", r.trusted, "--new-bundle-format=false"}}
	case l.cosign == "cosign2" && l.tsa:
		return command{args: []string{"--trusted-root", r.trusted, "--new-bundle-format", "--use-signed-timestamps"}}
	case l.cosign == "cosign2":
		return command{args: []string{"--trusted-root", r.trusted, "--new-bundle-format"}}
	default:
		return command{args: []string{"--trusted-root", r.trusted}}
	}
}

// expecting demands of the certificate whom it names.
func expecting(identity, repo, ref string) []string {
	return []string{
		"--certificate-identity", identity, "--certificate-oidc-issuer", lab.GitHubIssuer,
		"--certificate-github-workflow-repository", repo, "--certificate-github-workflow-ref", ref,
	}
}

// line puts a command line together.
func line(verb string, c command, rest ...string) []string {
	return slices.Concat([]string{verb}, c.args, rest)
}
