package verify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// The key type and scheme of TAP 18.
const (
	sigstoreKeyType   = "sigstore-oidc"
	sigstoreKeyScheme = "Fulcio"
)

// people tells persons from machines. It is an allow-list: whoever is not on it is a
// machine.
type people struct{ policy.ReleaseSigners }

// person names whoever holds a key, so that one person with several keys counts once;
// ok is false for a machine. An e-mail address is one person in any case of its
// letters and whatever issuer vouches for it.
func (p people) person(k metadata.Key) (name string, ok bool) {
	if k.Type == sigstoreKeyType {
		if k.Scheme != sigstoreKeyScheme || k.Identity == "" || k.Issuer == "" {
			return "", false
		}
		listed := slices.Contains(p.Identities, policy.ReleaseIdentity{Issuer: k.Issuer, Identity: k.Identity})
		if listed || (p.Human && slices.Contains(p.Issuers, k.Issuer) && isPersonal(k.Identity)) {
			return strings.ToLower(k.Identity), true
		}
		return "", false
	}
	for _, listed := range p.Keys {
		if listed.SHA256 == "" || listed.SHA256 != k.Fingerprint {
			continue
		}
		if listed.Person != "" {
			return strings.ToLower(listed.Person), true
		}
		return k.Fingerprint, true
	}
	return "", false
}

// address is an e-mail address as people have one. What a workflow's identity has, a
// scheme, a path and a ref, does not fit, nor do the names of bots.
var address = regexp.MustCompile(`\A[^\p{Z}\p{C}@/:!\[\]"\\]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\z`)

// serviceAccounts is the domain of Google's service accounts, which are machines.
const serviceAccounts = "gserviceaccount.com"

// isPersonal reports whether an identity is an e-mail address that can be a person's.
func isPersonal(identity string) bool {
	if !address.MatchString(identity) {
		return false
	}
	domain := strings.ToLower(identity[strings.IndexByte(identity, '@')+1:])
	return domain != serviceAccounts && !strings.HasSuffix(domain, "."+serviceAccounts)
}

// demanded is how many distinct persons each role needs, at least one.
func (p people) demanded() int { return max(p.People, 1) }

// machines names the keys of an authorization that nobody holds who counts.
func (p people) machines(a metadata.Authorization) []string {
	var online []string
	for _, k := range a.Keys {
		if _, ok := p.person(k); !ok {
			online = append(online, holderText(k))
		}
	}
	slices.Sort(online)
	return online
}

// ReleaseEnter reports, for [metadata.Trusted.List], which roles can authorise a release
// at all: not those that machines alone could sign. What such a role lists is no release, and
// what it does not list says nothing.
func ReleaseEnter(demand policy.Release) func(metadata.Role) bool {
	return func(role metadata.Role) bool {
		if demand.Signers == nil {
			return true
		}
		for _, a := range role.Authorizations {
			if len(people{*demand.Signers}.machines(a)) >= max(a.Threshold, 1) {
				return false
			}
		}
		return len(role.Authorizations) > 0
	}
}

// held says what is wrong with how a role was authorised: people alone must have met
// the threshold, machines together must not be able to, and enough persons signed.
func (p people) held(role metadata.Role) (machines, few *trouble) {
	for _, a := range role.Authorizations {
		persons, signatures := map[string]bool{}, 0
		for _, s := range a.Signed {
			if name, ok := p.person(s.Key); ok {
				persons[name] = true
				signatures++
			}
		}
		online := p.machines(a)
		where := fmt.Sprintf("the role %s, version %d, held by the word of %s, version %d,", role.Name, role.Version, a.By, a.ByVersion)
		need := max(a.Threshold, 1)
		switch {
		case machines != nil:
		case signatures < need:
			machines = refused(ReleaseMachineSigners, "%s has %d signatures by people; wanted its threshold of %d (the keys of machines: %s)", where, signatures, need, orNone(online))
		case len(online) >= need:
			machines = refused(ReleaseMachineSigners, "%s could be signed by machines alone, since its threshold is %d: %s", where, need, orNone(online))
		}
		if few == nil && len(persons) < p.demanded() {
			few = refused(ReleaseTooFewPeople, "%s was signed by %d persons; wanted %d", where, len(persons), p.demanded())
		}
	}
	if len(role.Authorizations) == 0 {
		machines = refused(ReleaseMachineSigners, "nobody is known to have signed the role %s", role.Name)
	}
	return machines, few
}

// holderText names a key for people.
func holderText(k metadata.Key) string {
	switch {
	case k.Identity != "":
		return k.Identity + " of " + k.Issuer
	case k.Fingerprint != "":
		return "the key " + k.Fingerprint
	}
	return "a key of type " + k.Type
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// describe says who may sign.
func (p people) describe() string {
	var all []string
	if p.Human {
		all = append(all, "people by e-mail address of "+strings.Join(p.Issuers, ", "))
	}
	for _, i := range p.Identities {
		all = append(all, i.Identity+" of "+i.Issuer)
	}
	for _, k := range p.Keys {
		text := "the key " + k.SHA256
		if k.Person != "" {
			text += " of " + k.Person
		}
		all = append(all, text)
	}
	return strings.Join(all, " or ")
}
