package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/internal/serve/kube"
	"github.com/releaseassay/assay/internal/strictyaml"
)

// Separator stands between the entries of a list in the environment. A flag is
// repeated instead.
const Separator = ";"

// maxEntries bounds every list.
const maxEntries = 1000

// many is a setting that is a list.
type many interface {
	field
	many()
}

// list reads words or paths.
type list struct {
	to   *[]string
	want string
	file bool
	only []string // the words there are, nil for any
}

func paths(to *[]string) field { return &list{to: to, want: "files", file: true} }
func texts(to *[]string) field { return &list{to: to, want: "names"} }

func choices(to *[]string, values ...string) field {
	return &list{to: to, want: "any of " + strings.Join(values, ", "), only: values}
}

func (f *list) many()          {}
func (f *list) wanted() string { return f.want }
func (f *list) show() string   { return flow(*f.to) }

func (f *list) set(texts []string) error {
	var all []string
	for _, text := range texts {
		if err := f.add(&all, text); err != nil {
			return err
		}
	}
	*f.to = all
	return nil
}

func (f *list) add(all *[]string, text string) error {
	if f.only != nil && !slices.Contains(f.only, text) {
		return refused(text, f.want)
	}
	return add(all, text)
}

// add appends an entry that is not there yet.
func add(all *[]string, text string) error {
	text, err := printable(text)
	switch {
	case err != nil:
		return fmt.Errorf("has an entry that %w", err)
	case slices.Contains(*all, text):
		return fmt.Errorf("has %q twice", text)
	case len(*all) == maxEntries:
		return fmt.Errorf("has more than %d entries", maxEntries)
	}
	*all = append(*all, text)
	return nil
}

func (f *list) read(r *strictyaml.Reader, n *yaml.Node, name string) {
	var all []string
	r.List(n, name, maxEntries, func(n *yaml.Node) {
		text := r.Text(n, name)
		if text == "" {
			return
		}
		if f.file {
			text = relative(r, text)
		}
		if err := f.add(&all, text); err != nil {
			r.Fail(n, "%s %s", name, err)
		}
	})
	*f.to = all
}

// policies reads policy files and their namespaces, FILE or FILE=NAMESPACE,NAMESPACE.
type policies struct{ to *[]Policy }

func (f *policies) many()          {}
func (f *policies) wanted() string { return "FILE, or FILE=NAMESPACE,NAMESPACE" }

func (f *policies) show() string {
	var all []string
	for _, p := range *f.to {
		one := "{file: " + quote(p.File)
		if len(p.Namespaces) > 0 {
			one += ", namespaces: " + flow(p.Namespaces)
		}
		all = append(all, one+"}")
	}
	return brackets(all)
}

func (f *policies) set(texts []string) error {
	var all []Policy
	for _, text := range texts {
		file, names, some := strings.Cut(text, "=")
		if _, err := printable(file); err != nil {
			return fmt.Errorf("has a file that %w; wanted %s", err, f.wanted())
		}
		p := Policy{File: file}
		for name := range strings.SplitSeq(names, ",") {
			if some {
				p.Namespaces = append(p.Namespaces, name)
			}
		}
		if err := p.check(all); err != nil {
			return err
		}
		all = append(all, p)
	}
	*f.to = all
	return nil
}

func (f *policies) read(r *strictyaml.Reader, n *yaml.Node, name string) {
	var all []Policy
	r.List(n, name, maxEntries, func(n *yaml.Node) {
		var p Policy
		before := r.Faults()
		r.Mapping(n, "an entry of policies", map[string]func(*yaml.Node){
			"file":       func(n *yaml.Node) { p.File = r.Path(n, "file") },
			"namespaces": func(n *yaml.Node) { p.Namespaces = names(r, n, "namespaces") },
		})
		switch {
		case r.Faults() > before:
		case p.File == "":
			r.Fail(n, "an entry of policies has no file")
		default:
			if err := p.check(all); err != nil {
				r.Fail(n, "policies %s", err)
			}
		}
		all = append(all, p)
	})
	*f.to = all
}

// names reads a list of texts.
func names(r *strictyaml.Reader, n *yaml.Node, what string) (all []string) {
	r.List(n, what, maxEntries, func(n *yaml.Node) {
		if text := r.Text(n, what); text != "" {
			all = append(all, text)
		}
	})
	return all
}

// namespace is a name of Kubernetes, or one with stars.
var namespace = regexp.MustCompile(`^[a-z0-9*]([-a-z0-9*]{0,61}[a-z0-9*])?$`)

// For reports whether a policy names a namespace, by its name or a pattern in which a
// star is any text. One without namespaces names none: it is for those that are left.
func (p Policy) For(name string) bool {
	return slices.ContainsFunc(p.Namespaces, func(pattern string) bool { return match(pattern, name) })
}

func match(pattern, name string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	name, ok := strings.CutPrefix(name, first)
	if !star || !ok {
		return ok && name == ""
	}
	parts := strings.Split(rest, "*")
	for _, part := range parts[:len(parts)-1] {
		_, after, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = after
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

// check refuses an entry that cannot take effect beside the ones before it.
func (p Policy) check(before []Policy) error {
	for _, other := range before {
		if len(p.Namespaces) == 0 && len(other.Namespaces) == 0 {
			return fmt.Errorf("has two entries without namespaces, %s and %s; the one for all other namespaces is one", other.File, p.File)
		}
	}
	for i, name := range p.Namespaces {
		switch {
		case !namespace.MatchString(name):
			return fmt.Errorf("has the namespace %q; wanted a name such as payments, or a pattern such as prod-*", name)
		case slices.Contains(p.Namespaces[:i], name):
			return fmt.Errorf("has the namespace %s twice", name)
		}
		for _, other := range before {
			if other.For(name) {
				return fmt.Errorf("has the namespace %s for %s, which an entry before it takes already, for %s; wanted the narrower one first", name, p.File, other.File)
			}
		}
	}
	return nil
}

// kinds reads where other kinds name images, GROUP/VERSION/KIND=PATH,PATH, the group
// empty for Kubernetes' core, with a question mark after KIND where an object may have no image.
type kinds struct{ to *[]Kind }

func (f *kinds) many() {}
func (f *kinds) wanted() string {
	return "GROUP/VERSION/KIND=PATH,PATH; KIND? where no image is no error"
}

func (f *kinds) show() string {
	var all []string
	for _, k := range *f.to {
		one := "{group: " + quote(k.Group) + ", version: " + quote(k.Version) + ", kind: " + quote(k.Kind) + ", paths: " + flow(k.Paths)
		if k.Optional {
			one += ", optional: true"
		}
		all = append(all, one+"}")
	}
	return brackets(all)
}

func (f *kinds) set(texts []string) error {
	var all []Kind
	for _, text := range texts {
		head, tail, ok := strings.Cut(text, "=")
		part := strings.Split(head, "/")
		if !ok || len(part) != 3 {
			return refused(text, f.wanted())
		}
		name, optional := strings.CutSuffix(part[2], "?")
		k := Kind{Group: part[0], Version: part[1], Kind: name, Optional: optional, Paths: strings.Split(tail, ",")}
		if err := k.check(all); err != nil {
			return err
		}
		all = append(all, k)
	}
	*f.to = all
	return nil
}

func (f *kinds) read(r *strictyaml.Reader, n *yaml.Node, name string) {
	var all []Kind
	r.List(n, name, maxEntries, func(n *yaml.Node) {
		var k Kind
		before := r.Faults()
		text := func(what string, to *string) func(*yaml.Node) {
			return func(n *yaml.Node) { *to = r.Text(n, what) }
		}
		r.Mapping(n, "an entry of kinds", map[string]func(*yaml.Node){
			"group":    text("group", &k.Group),
			"version":  text("version", &k.Version),
			"kind":     text("kind", &k.Kind),
			"paths":    func(n *yaml.Node) { k.Paths = names(r, n, "paths") },
			"optional": func(n *yaml.Node) { k.Optional = r.Boolean(n, "optional") },
		})
		if r.Faults() == before {
			if err := k.check(all); err != nil {
				r.Fail(n, "kinds %s", err)
			}
		}
		all = append(all, k)
	})
	*f.to = all
}

// The parts of a kind's name.
var (
	groupName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)
	kindName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,62}$`)
)

func (k Kind) check(before []Kind) error {
	switch {
	case k.Group != "" && !groupName.MatchString(k.Group) || !kindName.MatchString(k.Version) || !kindName.MatchString(k.Kind):
		return fmt.Errorf("has %q, version %q, kind %q; wanted a group such as example.com, a version such as v1 and a kind such as Worker", k.Group, k.Version, k.Kind)
	case len(k.Paths) == 0:
		return fmt.Errorf("has no paths for %s; wanted where it names images, such as $.spec.image", k.Kind)
	}
	for i, p := range k.Paths {
		if _, err := kube.ParsePath(p); err != nil {
			return fmt.Errorf("has a path that is none: %w", err)
		}
		if slices.Contains(k.Paths[:i], p) {
			return fmt.Errorf("has the path %s twice", p)
		}
	}
	for _, other := range before {
		if other.Group == k.Group && other.Kind == k.Kind && other.Version == k.Version {
			return fmt.Errorf("has %s/%s %s twice", k.Group, k.Version, k.Kind)
		}
	}
	return nil
}

// quote writes a text for YAML.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func flow(all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = quote(s)
	}
	return brackets(quoted)
}

func brackets(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return "[" + strings.Join(all, ", ") + "]"
}
