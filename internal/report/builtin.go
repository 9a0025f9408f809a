package report

import (
	"slices"
	"strings"

	"github.com/releaseassay/assay/verify"
)

// notStopped says, under a pass of the built-in policy, what such a pass does not
// mean, and how to pin what it left open.
func (p *page) notStopped(v verify.Verdict) {
	if !v.Passed() || !v.Policy.BuiltIn {
		return
	}
	p.blank()
	p.section("what this policy does not stop:")
	p.item("taken over", "a release workflow, or an account that can change or start it, in other hands: what it signs is valid")
	p.item("wrong content", "a bad commit or a poisoned dependency, built by the right workflow from the right source")
	p.item("not judged", "what is inside the image (no SBOM is demanded), and whether people authorised this release")
	if flags := pins(v); flags != "" {
		p.item("to pin", "the ids found, which a renamed or newly registered repository would not have, add:")
		p.command("", flags)
	}
}

// pins are the flags that demand the ids which the accepted certificates have and
// nothing demands yet.
func pins(v verify.Verdict) string {
	var flags []string
	for _, id := range []struct{ claim, flag string }{{"repository_id", "--repo-id"}, {"owner_id", "--owner-id"}} {
		if found := freeID(v, id.claim); found != "" {
			flags = append(flags, id.flag+" "+found)
		}
	}
	return strings.Join(flags, " ")
}

// freeID returns the one number that every accepted certificate has for a claim
// that some check leaves open, or "": what is printed is meant for a shell.
func freeID(v verify.Verdict, name string) string {
	id, open := "", false
	for _, f := range v.Checks {
		if !f.Required || f.Result != verify.Passed {
			continue
		}
		open = open || slices.Contains(f.Unconstrained, name)
		for _, c := range f.Found {
			switch found := claim(c.Claims, name); {
			case found == "":
			case id != "" && id != found:
				return ""
			default:
				id = found
			}
		}
	}
	if !open || len(id) > 20 || strings.Trim(id, "0123456789") != "" {
		return ""
	}
	return id
}
