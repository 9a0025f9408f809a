package settings

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/internal/strictyaml"
)

// maxFile bounds the file of settings, in bytes.
const maxFile = 1 << 20

// Sources are where settings come from.
type Sources struct {
	// File is the path of the file, "" for none, and Open opens it.
	File string
	Open func(path string) (io.ReadCloser, error)
	// Environ is the environment, NAME=value.
	Environ []string
	// Flags are the flags that were given, by their names, each with its values.
	Flags map[string][]string
}

// Origins say of each setting that somebody said where: "file", a variable or a flag.
type Origins map[string]string

// Find returns the path of the file: the flag's, else that in ASSAY_SERVE_CONFIG, else "".
func Find(flag string, getenv func(string) string) string {
	if flag != "" {
		return flag
	}
	return getenv(File)
}

// Load reads the settings from all their sources. A later one replaces the whole value
// of an earlier one: the defaults, the variables of all commands, the file, the
// environment, the flags.
func Load(from Sources) (Settings, Origins, error) {
	s, said, err := read(from)
	if err == nil {
		err = s.Check()
	}
	if err != nil {
		return Settings{}, nil, err
	}
	if s.Auth == "" {
		s.Auth = "none"
	}
	return s, said, nil
}

// read reads the settings, each in order by itself.
func read(from Sources) (Settings, Origins, error) {
	s, said := Defaults(), Origins{}
	table := Table()
	env, err := environment(table, from.Environ)
	if err != nil {
		return Settings{}, nil, err
	}
	var errs []error
	for _, t := range table {
		if text, ok := env[t.Common]; ok && t.Common != "" && text != "" {
			errs = append(errs, put(t, &s, said, t.Common, []string{text}))
		}
	}
	if from.File != "" {
		errs = append(errs, readFile(table, &s, said, from))
	}
	for _, t := range table {
		if text, ok := env[t.Variable()]; ok {
			errs = append(errs, put(t, &s, said, t.Variable(), entries(t, text)))
		}
		if texts, ok := from.Flags[t.Flag()]; ok {
			errs = append(errs, put(t, &s, said, "--"+t.Flag(), texts))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Settings{}, nil, err
	}
	return s, said, nil
}

// Defaults are the settings where nobody says anything.
func Defaults() Settings {
	var s Settings
	for _, t := range Table() {
		if strings.HasPrefix(t.Default, "(") {
			continue
		}
		if err := t.field(&s).set([]string{t.Default}); err != nil {
			panic("the default of " + t.Name + " " + err.Error())
		}
	}
	return s
}

// entries are those of a variable.
func entries(t Setting, text string) []string {
	if !t.Many {
		return []string{text}
	}
	return strings.Split(text, Separator)
}

func put(t Setting, s *Settings, said Origins, where string, texts []string) error {
	if len(texts) == 0 {
		texts = []string{""}
	}
	for _, text := range texts {
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("%s is empty; wanted %s, or not to set it", where, t.Wanted)
		}
	}
	if err := t.field(s).set(texts); err != nil {
		return fmt.Errorf("%s %w", where, err)
	}
	said[t.Name] = where
	return nil
}

func readFile(table []Setting, s *Settings, said Origins, from Sources) error {
	f, err := from.Open(from.File)
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	if len(b) > maxFile {
		return fmt.Errorf("read the settings: %s has more than %d bytes", from.File, maxFile)
	}
	r := &strictyaml.Reader{File: from.File}
	root, err := r.Document(b)
	if err != nil {
		return err
	}
	if root == nil {
		return fmt.Errorf("%s:1:1: the settings are empty; wanted at least policies: [{file: FILE}]", from.File)
	}
	known := map[string]func(*yaml.Node){}
	for _, t := range table {
		known[t.Name] = func(n *yaml.Node) {
			t.field(s).read(r, n, t.Name)
			said[t.Name] = "file"
		}
	}
	r.Mapping(root, "the settings", known)
	return r.Err()
}

// linked are the variables that Kubernetes puts into a container for each Service of
// its namespace. One of a Service named assay-serve begins as our own do, and says
// nothing to us.
var linked = regexp.MustCompile(`^ASSAY_SERVE(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// environment returns the variables that are ours, and refuses one that is unknown:
// what is misspelt would be without effect.
func environment(table []Setting, environ []string) (map[string]string, error) {
	ours := map[string]bool{File: true}
	for _, t := range table {
		ours[t.Variable()] = true
		ours[t.Common] = true
	}
	env, unknown := map[string]string{}, map[string]bool{}
	for _, e := range environ {
		name, value, ok := strings.Cut(e, "=")
		switch {
		case !ok:
		case ours[name]:
			env[name] = value
		case meant(name, ours):
			unknown[name] = true
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("found %s in the environment, which is no setting; wanted names of the table in docs/serve.md, such as %sLISTEN",
			strings.Join(slices.Sorted(maps.Keys(unknown)), ", "), Prefix)
	}
	return env, nil
}

// meant reports whether a variable reads as if it were to be a setting: it has the
// prefix, or one that others might take for it and the name of a setting after it.
func meant(name string, ours map[string]bool) bool {
	for _, prefix := range []string{"ASSAY_SERVER_", "ASSAY_"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && ours[Prefix+rest] {
			return true
		}
	}
	return strings.HasPrefix(name+"_", Prefix) && !linked.MatchString(name)
}
