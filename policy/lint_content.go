package policy

import (
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/sbom"
)

func (t *linter) provenance(n *yaml.Node, p Provenance) {
	switch {
	case len(p.Builder.IDs) == 0:
		t.warn(n, "provenance/builder", "any-builder", "every builder of level %d counts that assay or the policy knows; wanted builder: {id}", p.Builder.Level)
	case p.Builder.Level == 0:
		t.warn(n, "provenance/builder", "low-level", "no level is demanded of the builder; wanted level: 3, which keeps the build from writing its own provenance")
	}
}

func (t *linter) sbom(n *yaml.Node, s SBOM) {
	if s.MinComponents == 0 {
		t.warn(n, "sbom/min_components", "always", "a bill of materials without a single component is accepted; wanted min_components: 1 or more")
	}
	if s.Schema == SchemaWarn {
		t.warn(n, "sbom/schema", "schema-warn", "a document that its specification refuses is accepted; wanted schema: strict once the tool writes valid ones")
	}
	if s.BuildKit {
		t.warn(n, "sbom/buildkit", "unsigned-content", "what BuildKit attached was signed by nobody but as part of the index: it says what the builder wrote, whoever that was; wanted an attestation")
	}
	if slices.Contains(s.DenyLicenses, "*") {
		t.warn(n, "sbom/deny_licenses", "never", "every licence is denied, so that nothing passes")
	}
	for _, l := range s.DenyLicenses {
		if !sbom.KnownLicense(l) {
			t.warn(n, "sbom/deny_licenses", "never", "no licence of SPDX's list fits %s, so that it denies nothing that a document names by its id; wanted an id such as GPL-3.0-only, the beginning of some (GPL-*), or a LicenseRef-", l)
		}
	}
	for _, c := range s.DenyComponents {
		if !c.KnownType() {
			t.warn(n, "sbom/deny_components", "never", "%s is of a type that package URLs do not have, so that it denies nothing that a document names by one; wanted a type such as npm, maven or deb", c)
		}
	}
	for _, l := range s.RequireLicenses {
		if slices.Contains(s.DenyLicenses, l) {
			t.warn(n, "sbom/require_licenses", "never", "the licence %s is both accepted and denied; denied wins", l)
		}
	}
}

func (t *linter) attestation(n *yaml.Node, a Attestation) {
	where := "attestations/" + a.Name
	if len(a.Rules) == 0 && a.Metadata == nil && a.Scan == nil && a.VEX == nil && a.VSA == nil && a.Tests == nil {
		t.warn(n, where, "no-content", "nothing is demanded of what the statement says: that the signer signed anything of this type is enough; wanted rules or a shape")
	}
	switch s := a.Scan; {
	case s == nil:
	case len(s.Deny) == 0:
		t.warn(n, where+"/scan", "always", "a scan is accepted whatever it found; wanted deny: [critical, high]")
	case len(s.Scanners) == 0:
		t.warn(n, where+"/scan", "any-scanner", "any scanner counts, one that finds nothing too; wanted scanners: [its URI]")
	}
}

func (t *linter) release(n *yaml.Node, r Release) {
	s := r.Signers
	if s == nil {
		t.warn(n, "release", "any-releaser", "whoever the pinned root authorises may release, a workflow too; wanted signers: {class: human}")
		return
	}
	if s.People < 2 {
		t.warn(n, "release/signers", "one-person", "one person's account is enough to release; wanted people: 2")
	}
	if !s.Human || t.options.Root == nil {
		return
	}
	for _, role := range machineRoles(t.options.Root(r.TUF.Root), s.Issuers) {
		t.warn(n, "release/signers", "machine-role", "people have to hold the role %s, and the pinned root gives it to %s, so that nothing passes; wanted a root that people hold", role.name, role.holder)
	}
}

// machineRole is a role of a TUF root that no person holds.
type machineRole struct{ name, holder string }

// machineRoles lists which of the roles that authorise releases nobody human holds, by
// the identities that a root gives its keys (TUF 1.0.34, section 4.3; TAP 18). Keys
// without an identity might be a person's.
func machineRoles(root []byte, people []string) []machineRole {
	var doc struct {
		Signed struct {
			Keys map[string]struct {
				KeyType string `json:"keytype"`
				KeyVal  struct {
					Identity string `json:"identity"`
					Issuer   string `json:"issuer"`
				} `json:"keyval"`
			} `json:"keys"`
			Roles map[string]struct {
				KeyIDs []string `json:"keyids"`
			} `json:"roles"`
		} `json:"signed"`
	}
	if json.Unmarshal(root, &doc) != nil {
		return nil
	}
	if len(people) == 0 {
		people = HumanIssuers()
	}
	var found []machineRole
	for _, name := range []string{"root", "targets"} {
		holder := ""
		for _, id := range doc.Signed.Roles[name].KeyIDs {
			k := doc.Signed.Keys[id]
			if k.KeyVal.Identity == "" || strings.Contains(k.KeyVal.Identity, "@") && !strings.Contains(k.KeyVal.Identity, "://") && slices.Contains(people, k.KeyVal.Issuer) {
				holder = ""
				break
			}
			holder = k.KeyVal.Identity
		}
		if holder != "" {
			found = append(found, machineRole{name, holder})
		}
	}
	return found
}

// story looks at whether the pieces of evidence are held against each other.
func (t *linter) story(n *yaml.Node, r Rule) {
	if r.Consistency == nil && r.authenticating() > 1 {
		t.warn(n, "consistency", "no-consistency", "the signature of one release may stand beside the provenance of another; wanted consistency to stay on")
	}
	if c := r.Consistency; c != nil && r.authenticating() < 2 && len(c.Required) > 0 {
		t.warn(n, "consistency/required", "never", "one piece of evidence is demanded, and two have to agree on %s; wanted another leg, or nothing required", strings.Join(c.Required, ", "))
	}
	if f := r.Freshness; f != nil && r.Release != nil && !f.Listed {
		t.warn(n, "freshness/max_age", "always", "a version that the TUF repository lists is spared, and no other passes, so that nothing is ever too old; wanted listed: true, or no freshness")
	}
	if f := r.Freshness; f != nil && f.MaxAge > longAge {
		t.warn(n, "freshness/max_age", "long-age", "a release may run for more than 400 days; wanted the age at which it should be built again")
	}
}
