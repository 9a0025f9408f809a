package settings

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/releaseassay/assay/internal/strictyaml"
)

// field is where one setting lies in [Settings], and how it is read.
type field interface {
	// set takes what a flag or a variable says, relative to the working folder.
	set(texts []string) error
	// read takes what the file says.
	read(r *strictyaml.Reader, n *yaml.Node, name string)
	// show returns the value as the file would have it, "" for none.
	show() string
	// wanted says which values there are.
	wanted() string
}

// scalar is a setting of one value.
type scalar[T any] struct {
	to    *T
	parse func(string) (T, error)
	text  func(T) string
	want  string
	tags  []string // YAML tags that are taken beside !!str
	file  bool     // the value is a path
}

func (f *scalar[T]) wanted() string { return f.want }
func (f *scalar[T]) show() string   { return f.text(*f.to) }

func (f *scalar[T]) set(texts []string) error {
	if len(texts) != 1 {
		return fmt.Errorf("is there %d times; wanted %s", len(texts), f.want)
	}
	v, err := f.parse(texts[0])
	if err == nil {
		*f.to = v
	}
	return err
}

func (f *scalar[T]) read(r *strictyaml.Reader, n *yaml.Node, name string) {
	text := ""
	switch {
	case f.file:
		text = r.Path(n, name)
	case n.Kind == yaml.ScalarNode && slices.Contains(f.tags, n.Tag) && n.Anchor == "":
		text = n.Value
	default:
		text = r.Text(n, name)
	}
	if text == "" {
		return // said by the reader
	}
	v, err := f.parse(text)
	if err != nil {
		r.Fail(n, "%s %s", name, err)
		return
	}
	*f.to = v
}

// refused says what was found and wanted.
func refused(text, wanted string) error {
	if len(text) > 60 {
		return fmt.Errorf("is a long text; wanted %s", wanted)
	}
	return fmt.Errorf("is %q; wanted %s", text, wanted)
}

// printable refuses what is empty, or holds what cannot be seen.
func printable(text string) (string, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return "", errors.New("is empty")
	case strings.TrimSpace(text) != text || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }):
		return "", errors.New("has spaces around it, or a character that cannot be seen")
	}
	return text, nil
}

func same(s string) string { return s }

func path(to *string) field   { return file(to, "a file") }
func folder(to *string) field { return file(to, "a folder") }

func file(to *string, want string) field {
	return &scalar[string]{to: to, parse: printable, text: same, want: want, file: true}
}

func address(to *string) field {
	want := "HOST:PORT, such as 127.0.0.1:8443 or :8443"
	return &scalar[string]{to: to, text: same, want: want, parse: func(s string) (string, error) {
		host, port, err := net.SplitHostPort(s)
		n, bad := strconv.ParseUint(port, 10, 16)
		if err != nil || bad != nil || strconv.FormatUint(n, 10) != port || strings.ContainsAny(host, "/@ ") {
			return "", refused(s, want)
		}
		return s, nil
	}}
}

func choice(to *string, values ...string) field {
	want := strings.Join(values, ", ")
	return &scalar[string]{to: to, text: same, want: want, parse: func(s string) (string, error) {
		if !slices.Contains(values, s) {
			return "", refused(s, "one of "+want)
		}
		return s, nil
	}}
}

func duration(to *time.Duration, least, most time.Duration) field {
	want := fmt.Sprintf("a duration between %s and %s", brief(least), brief(most))
	return &scalar[time.Duration]{to: to, text: brief, want: want, parse: func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < least || d > most || (s != "0s" && d == 0) {
			return 0, refused(s, want+", with its unit as in 8s")
		}
		return d, nil
	}}
}

// brief writes 168h for 168h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func integer(to *int, least, most int) field {
	want := fmt.Sprintf("a number from %d to %d", least, most)
	return &scalar[int]{to: to, text: strconv.Itoa, want: want, tags: []string{"!!int"}, parse: func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most || strconv.Itoa(n) != s {
			return 0, refused(s, want)
		}
		return n, nil
	}}
}

// rate reads events a second.
func rate(to *float64) field {
	const want = "requests a second from 0.01 to 1000000, or 0 for no limit"
	show := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return &scalar[float64]{to: to, text: show, want: want, tags: []string{"!!int", "!!float"}, parse: func(s string) (float64, error) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || strings.Trim(s, "0123456789.") != "" || math.IsNaN(f) || f > 1e6 || (f < 0.01 && f != 0) {
			return 0, refused(s, want)
		}
		return f, nil
	}}
}

var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// size reads bytes.
func size(to *int64, least, most int64) field {
	want := fmt.Sprintf("bytes between %s and %s", showSize(least), showSize(most))
	return &scalar[int64]{to: to, text: showSize, want: want, parse: func(s string) (int64, error) {
		for _, u := range units {
			digits, ok := strings.CutSuffix(s, u.name)
			n, err := strconv.ParseInt(digits, 10, 64)
			if ok && err == nil && n > 0 && n <= most/u.bytes && n*u.bytes >= least && strconv.FormatInt(n, 10) == digits {
				return n * u.bytes, nil
			}
		}
		return 0, refused(s, want+", with KiB, MiB or GiB")
	}}
}

func showSize(n int64) string {
	for _, u := range units {
		if n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// link reads a URL without credentials. Its errors repeat nothing that could be one.
func link(to *string, schemes ...string) field {
	want := "a URL that begins with " + strings.Join(schemes, ":// or ") + "://"
	return &scalar[string]{to: to, text: same, want: want, parse: func(s string) (string, error) {
		if _, err := printable(s); err != nil {
			return "", err
		}
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) || u.Fragment != "":
			return "", errors.New("is no address; wanted " + want)
		case u.User != nil:
			return "", errors.New("has a user or a password in it; wanted " + want + " and a host")
		case u.RawQuery != "":
			return "", errors.New("has a query; wanted " + want + " and a host")
		}
		return s, nil
	}}
}

// store reads the address of a store, whose grammar is the cache's own. Its errors repeat
// nothing that could be a password.
func store(to *string) field {
	const want = "redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH"
	return &scalar[string]{to: to, text: same, want: want, parse: func(s string) (string, error) {
		u, err := url.Parse(s)
		if _, bad := printable(s); bad != nil || err != nil || !slices.Contains([]string{"redis", "rediss", "unix"}, u.Scheme) {
			return "", errors.New("is no address; wanted " + want)
		}
		if _, secret := u.User.Password(); secret {
			return "", errors.New("has a password in it; wanted it in the file of redis_password")
		}
		return s, nil
	}}
}

// auditLog reads stdout, off or a file.
func auditLog(to *string) field {
	return &audit{scalar[string]{to: to, want: "stdout, off or a file", parse: func(s string) (string, error) {
		if s == "stdout" {
			return "", nil
		}
		return printable(s)
	}, text: func(s string) string {
		if s == "" {
			return "stdout"
		}
		return s
	}}}
}

type audit struct{ scalar[string] }

func (f *audit) read(r *strictyaml.Reader, n *yaml.Node, name string) {
	switch text := r.Text(n, name); text {
	case "":
	case "stdout":
		*f.to = ""
	case "off":
		*f.to = text
	default:
		*f.to = relative(r, text)
	}
}

// relative is a path of the file, which starts at the file's folder.
func relative(r *strictyaml.Reader, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.File), path)
}

type boolean struct{ to *bool }

func (f *boolean) wanted() string { return "true or false" }
func (f *boolean) show() string   { return strconv.FormatBool(*f.to) }

func (f *boolean) set(texts []string) error {
	text := strings.Join(texts, " ")
	if text != "true" && text != "false" {
		return refused(text, f.wanted())
	}
	*f.to = text == "true"
	return nil
}

func (f *boolean) read(r *strictyaml.Reader, n *yaml.Node, name string) { *f.to = r.Boolean(n, name) }
