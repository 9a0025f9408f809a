package doctor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is a table of TOML 1.0: its values are string, int64, bool, []any, table, or
// literal for numbers and dates that are of no interest here.
type table map[string]any

type literal string

// at follows keys down; nil if there is nothing.
func (t table) at(keys ...string) any {
	var v any = t
	for _, k := range keys {
		down, ok := v.(table)
		if !ok {
			return nil
		}
		v = down[k]
	}
	return v
}

// maxTOML bounds a file in bytes, and maxNesting its arrays and inline tables.
const (
	maxTOML    = 1 << 20
	maxNesting = 50
)

// parseTOML reads TOML as containerd writes it. What it does not know is an error, and so
// is a key that is there twice: nothing is passed over.
func parseTOML(b []byte) (table, error) {
	if len(b) > maxTOML || !utf8.Valid(b) {
		return nil, fmt.Errorf("found %d bytes, or other text than UTF-8; wanted UTF-8 of at most %d bytes", len(b), maxTOML)
	}
	p := &tomlParser{rest: strings.ReplaceAll(string(b), "\r\n", "\n"), line: 1}
	root, err := p.document()
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return root, nil
}

type tomlParser struct {
	rest  string
	line  int
	depth int
	heads map[string]bool // tables that were opened by a header of their own
}

func (p *tomlParser) document() (table, error) {
	root := table{}
	p.heads = map[string]bool{}
	current := root
	for {
		p.blank()
		switch {
		case p.rest == "":
			return root, nil
		case strings.HasPrefix(p.rest, "["):
			next, err := p.header(root)
			if err != nil {
				return nil, err
			}
			current = next
		default:
			if err := p.pair(current); err != nil {
				return nil, err
			}
		}
		if err := p.lineEnd(); err != nil {
			return nil, err
		}
	}
}

// header reads [a.b] or [[a.b]] and returns the table that follows.
func (p *tomlParser) header(root table) (table, error) {
	double := strings.HasPrefix(p.rest, "[[")
	open, end := 1, "]"
	if double {
		open, end = 2, "]]"
	}
	p.rest = p.rest[open:]
	keys, err := p.keys()
	if err != nil {
		return nil, err
	}
	p.space()
	if !strings.HasPrefix(p.rest, end) {
		return nil, fmt.Errorf("found a table without %s", end)
	}
	p.rest = p.rest[len(end):]
	parent, err := descend(root, keys[:len(keys)-1])
	if err != nil {
		return nil, err
	}
	last := keys[len(keys)-1]
	if double {
		list, ok := parent[last].([]any)
		if !ok && parent[last] != nil {
			return nil, fmt.Errorf("found %s twice", last)
		}
		next := table{}
		parent[last] = append(list, next)
		return next, nil
	}
	id := strconv.Quote(strings.Join(keys, "\x00"))
	if p.heads[id] {
		return nil, fmt.Errorf("found the table %s twice", strings.Join(keys, "."))
	}
	p.heads[id] = true
	return descend(parent, []string{last})
}

// descend follows keys down and makes the tables that are not there; of a list of tables
// it takes the last.
func descend(t table, keys []string) (table, error) {
	for _, k := range keys {
		switch v := t[k].(type) {
		case nil:
			next := table{}
			t[k] = next
			t = next
		case table:
			t = v
		case []any:
			last, ok := table(nil), false
			if len(v) > 0 {
				last, ok = v[len(v)-1].(table)
			}
			if !ok {
				return nil, fmt.Errorf("found %s as a list; wanted a table", k)
			}
			t = last
		default:
			return nil, fmt.Errorf("found %s as a value; wanted a table", k)
		}
	}
	return t, nil
}

// pair reads key = value into t.
func (p *tomlParser) pair(t table) error {
	keys, err := p.keys()
	if err != nil {
		return err
	}
	p.space()
	if !strings.HasPrefix(p.rest, "=") {
		return errors.New("found no = after a key")
	}
	p.rest = p.rest[1:]
	p.space()
	v, err := p.value()
	if err != nil {
		return err
	}
	if t, err = descend(t, keys[:len(keys)-1]); err != nil {
		return err
	}
	last := keys[len(keys)-1]
	if _, twice := t[last]; twice {
		return fmt.Errorf("found the key %s twice", last)
	}
	t[last] = v
	return nil
}

// keys reads a.'b'."c".
func (p *tomlParser) keys() ([]string, error) {
	var keys []string
	for {
		p.space()
		k, err := p.key()
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
		p.space()
		if !strings.HasPrefix(p.rest, ".") {
			return keys, nil
		}
		p.rest = p.rest[1:]
	}
}

func (p *tomlParser) key() (string, error) {
	if p.rest != "" && (p.rest[0] == '"' || p.rest[0] == '\'') {
		return p.text()
	}
	n := strings.IndexFunc(p.rest, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	})
	if n < 0 {
		n = len(p.rest)
	}
	if n == 0 {
		return "", errors.New("found no key")
	}
	k := p.rest[:n]
	p.rest = p.rest[n:]
	return k, nil
}

func (p *tomlParser) value() (any, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, fmt.Errorf("found more than %d nested values", maxNesting)
	}
	defer func() { p.depth-- }()
	switch {
	case p.rest == "":
		return nil, errors.New("found no value")
	case p.rest[0] == '"' || p.rest[0] == '\'':
		return p.text()
	case p.rest[0] == '[':
		return p.list()
	case p.rest[0] == '{':
		return p.inline()
	}
	n := strings.IndexAny(p.rest, ",]}#\n")
	if n < 0 {
		n = len(p.rest)
	}
	word := strings.TrimSpace(p.rest[:n])
	p.rest = p.rest[n:]
	switch word {
	case "":
		return nil, errors.New("found no value")
	case "true", "false":
		return word == "true", nil
	}
	if i, err := strconv.ParseInt(strings.ReplaceAll(word, "_", ""), 0, 64); err == nil {
		return i, nil
	}
	if strings.IndexFunc(word, func(r rune) bool { return !strings.ContainsRune("0123456789+-.:_eETZ infa", r) }) >= 0 {
		return nil, fmt.Errorf("found the value %q; wanted a string in quotes, a number, true or false", word)
	}
	return literal(word), nil
}

func (p *tomlParser) list() (any, error) {
	p.rest = p.rest[1:]
	list := []any{}
	for {
		p.blank()
		if strings.HasPrefix(p.rest, "]") {
			p.rest = p.rest[1:]
			return list, nil
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		p.blank()
		switch {
		case strings.HasPrefix(p.rest, ","):
			p.rest = p.rest[1:]
		case !strings.HasPrefix(p.rest, "]"):
			return nil, errors.New("found a list without ]")
		}
	}
}

func (p *tomlParser) inline() (any, error) {
	p.rest = p.rest[1:]
	t := table{}
	p.space()
	if strings.HasPrefix(p.rest, "}") {
		p.rest = p.rest[1:]
		return t, nil
	}
	for {
		if err := p.pair(t); err != nil {
			return nil, err
		}
		p.space()
		switch {
		case strings.HasPrefix(p.rest, "}"):
			p.rest = p.rest[1:]
			return t, nil
		case !strings.HasPrefix(p.rest, ","):
			return nil, errors.New("found an inline table without }")
		}
		p.rest = p.rest[1:]
	}
}

// text reads a string of any of the four kinds.
func (p *tomlParser) text() (string, error) {
	for _, quote := range []string{`"""`, "'''", `"`, "'"} {
		if !strings.HasPrefix(p.rest, quote) {
			continue
		}
		p.rest = p.rest[len(quote):]
		if len(quote) == 3 {
			p.rest, p.line = strings.TrimPrefix(p.rest, "\n"), p.line+strings.Count(p.rest[:min(1, len(p.rest))], "\n")
		}
		return p.until(quote)
	}
	return "", errors.New("found no string")
}

// until reads a string up to its quote.
func (p *tomlParser) until(quote string) (string, error) {
	var s strings.Builder
	for p.rest != "" {
		switch {
		case strings.HasPrefix(p.rest, quote):
			p.rest = p.rest[len(quote):]
			return s.String(), nil
		case p.rest[0] == '\n' && len(quote) == 1:
			return "", errors.New("found a string without its closing quote")
		case p.rest[0] == '\\' && quote[0] == '"':
			if err := p.escape(&s); err != nil {
				return "", err
			}
		default:
			if p.rest[0] == '\n' {
				p.line++
			}
			s.WriteByte(p.rest[0])
			p.rest = p.rest[1:]
		}
	}
	return "", errors.New("found a string without its closing quote")
}

// escape reads one escape of a basic string.
func (p *tomlParser) escape(s *strings.Builder) error {
	const short = `btnfr"\`
	if len(p.rest) < 2 {
		return errors.New("found \\ at the end")
	}
	c := p.rest[1]
	if i := strings.IndexByte(short, c); i >= 0 {
		s.WriteByte("\b\t\n\f\r\"\\"[i])
		p.rest = p.rest[2:]
		return nil
	}
	digits := map[byte]int{'u': 4, 'U': 8}[c]
	if digits == 0 || len(p.rest) < 2+digits {
		return fmt.Errorf("found the escape \\%c", c)
	}
	n, err := strconv.ParseUint(p.rest[2:2+digits], 16, 32)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return fmt.Errorf("found the escape %s", p.rest[:2+digits])
	}
	s.WriteRune(rune(n))
	p.rest = p.rest[2+digits:]
	return nil
}

// space passes over spaces and tabs, blank over lines and comments as well.
func (p *tomlParser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *tomlParser) blank() {
	for {
		p.space()
		switch {
		case strings.HasPrefix(p.rest, "\n"):
			p.rest, p.line = p.rest[1:], p.line+1
		case strings.HasPrefix(p.rest, "#"):
			n := strings.IndexByte(p.rest, '\n')
			if n < 0 {
				n = len(p.rest)
			}
			p.rest = p.rest[n:]
		default:
			return
		}
	}
}

func (p *tomlParser) lineEnd() error {
	p.space()
	if p.rest != "" && p.rest[0] != '\n' && p.rest[0] != '#' {
		return fmt.Errorf("found %q; wanted the end of the line", p.rest[:min(20, len(p.rest))])
	}
	return nil
}
