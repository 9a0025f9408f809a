package policy

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// mode is whether refusals are enforced, as one place of a policy says. The zero value
// says nothing.
type mode struct {
	said  bool
	audit bool
	until time.Time
}

// stricter joins what a policy and one of its rules say: to enforce before to audit, and
// of two audits the one that ends first. Where neither says anything, it is enforced.
func (m mode) stricter(o mode) mode {
	switch {
	case !m.said:
		return o
	case !o.said || !m.audit:
		return m
	case !o.audit || o.until.Before(m.until):
		return o
	}
	return m
}

// mode reads whether refusals are enforced.
func (r *reader) mode(n *yaml.Node) mode {
	const wanted = "enforce, or {audit: {until: DATE}} with the day from which it is enforced"
	m := mode{said: true}
	if n.Kind == yaml.ScalarNode {
		switch s := r.text(n, "mode"); s {
		case "", "enforce":
		case "audit":
			r.fail(n, "mode is audit without an end; wanted {audit: {until: DATE}} with the day from which it is enforced, such as {audit: {until: 2026-12-31}}")
		default:
			r.fail(n, "mode is %q; wanted %s", s, wanted)
		}
		return m
	}
	r.mapping(n, "mode", map[string]func(*yaml.Node){
		"audit": func(n *yaml.Node) {
			m.audit = true
			r.mapping(n, "mode.audit", map[string]func(*yaml.Node){
				"until": func(n *yaml.Node) { m.until = r.time(n, "mode.audit.until") },
			})
		},
	})
	return m
}

var requirement = regexp.MustCompile(`\A>= ?([0-9].*)\z`)

// requires reads the lowest version of assay that may judge by the policy.
func (r *reader) requires(n *yaml.Node) string {
	s := r.text(n, "requires")
	version, ok := required(s)
	if s != "" && !ok {
		r.fail(n, `requires is %q; wanted ">= VERSION" with a whole version of assay, such as ">= 0.5.0"`, s)
	}
	return version
}

func required(s string) (version string, ok bool) {
	parts := requirement.FindStringSubmatch(s)
	if parts == nil || !IsVersion(parts[1], "") {
		return "", false
	}
	return parts[1], true
}

// RequiredVersion returns the lowest version of assay that a policy's text requires, ""
// if it says none. The rest of the text may be anything: it is for saying that a policy
// with unknown keys was written for a newer program.
func RequiredVersion(b []byte) string {
	root, err := (&reader{}).document(b)
	if err != nil || root.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "requires" {
			version, _ := required(root.Content[i+1].Value)
			return version
		}
	}
	return ""
}

// CheckVersion compares the version of the program with the lowest one that the policy
// requires. A version that is not SemVer 2.0 is of a development build, which satisfies
// every requirement: doubt then says so, and is "" otherwise.
func (p *Policy) CheckVersion(version string) (doubt string, err error) {
	return CheckVersion(p.Requires, version)
}

// CheckVersion is [Policy.CheckVersion] for a requirement by itself, "" for none.
func CheckVersion(requires, version string) (doubt string, err error) {
	if requires == "" {
		return "", nil
	}
	order, ok := CompareVersions(strings.TrimPrefix(version, "v"), requires)
	switch {
	case !ok:
		return fmt.Sprintf("the policy requires assay %s or newer, which a development build (%s) is taken for", requires, version), nil
	case order < 0:
		return "", fmt.Errorf("the policy requires assay %s or newer, and this is %s; wanted a newer assay", requires, version)
	}
	return "", nil
}
