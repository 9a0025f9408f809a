package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// FragmentKind is the kind of a file that policies include.
const FragmentKind = "ReleasePolicyFragment"

// maxFiles bounds the files of one policy with its own, maxDepth how deep they include
// each other.
const (
	maxFiles = 16
	maxDepth = 4
)

// Load reads a policy file and the fragments that it includes, each through read. Paths
// are relative to the file that names them; those of keys and trusted roots are relative
// to file's folder afterwards. Errors are as [Parse]'s, each with the name of its file.
func Load(file string, read func(path string) ([]byte, error)) (*Policy, error) {
	b, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	return parse(file, b, read)
}

func parse(file string, b []byte, read func(path string) ([]byte, error)) (*Policy, error) {
	l, err := load(file, b, read)
	if err != nil {
		return nil, err
	}
	return l.policy, nil
}

// loading is one policy while it is read from its files.
type loading struct {
	policy *Policy
	mode   mode
	grace  grace
	dir    string // of the policy file
	// read is nil where nothing but the policy's own text is at hand.
	read  func(path string) ([]byte, error)
	files []*reader
	// defined says where each name was given: "trust.corp" in "p.yaml:4:3".
	defined map[string]string
	signers map[string]Signer
	sources map[string]Source
}

// part is what makes a file one of those of a policy; zero for a file of another kind.
type part struct {
	in *loading
	// root is the file's document; broken says why it is none.
	root   *yaml.Node
	broken error
	// path is relative to the policy's folder; sum is the SHA-256 of the bytes.
	path, sum string
	// from is the file that includes this one, nil for the policy itself; depth counts
	// the steps up to that.
	from     *reader
	depth    int
	includes []inclusion
	// rules are read when all files are open; denied is held against them then.
	rules  *yaml.Node
	denied []denial
}

// load reads a policy's files and keeps them.
func load(file string, b []byte, read func(path string) ([]byte, error)) (*loading, error) {
	l := &loading{
		policy: &Policy{Trust: map[string]Trust{PublicGood: {Builtin: true, Thresholds: DefaultThresholds()}}},
		dir:    filepath.Dir(file), read: read, defined: map[string]string{}, signers: map[string]Signer{}, sources: map[string]Source{},
	}
	l.open(&reader{file: file, part: part{in: l, path: filepath.Base(file)}}, b)
	for _, r := range l.files { // last, since rules speak of what any file defines
		if r.rules != nil {
			r.images(r.rules, l.policy)
		}
	}
	l.checkDenied()
	if top := l.files[0]; top.rules == nil && top.includes != nil && !l.ruled() {
		top.fail(&yaml.Node{Line: 1, Column: 1}, "the policy has no rule, here or in what it includes; wanted images")
	}
	var errs []error
	for _, r := range l.files {
		errs = append(errs, r.err())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	l.policy.Digest = l.digest()
	return l, nil
}

// ruled reports whether there is a rule, or a fault that may have cost one.
func (l *loading) ruled() bool {
	return len(l.policy.Rules) > 0 || slices.ContainsFunc(l.files, func(r *reader) bool { return r.broken != nil || len(r.errs) > 0 })
}

// open reads one file but for its rules, and then what it includes.
func (l *loading) open(r *reader, b []byte) {
	l.files = append(l.files, r)
	sum := sha256.Sum256(b)
	r.sum = hex.EncodeToString(sum[:])
	root, err := r.document(b)
	if err != nil {
		r.broken = err
		return
	}
	r.root = root
	if r.from != nil {
		r.fragment(root, l.policy)
	} else {
		r.top(root, l.policy)
	}
	for _, i := range r.includes {
		l.follow(r, i)
	}
}

// digest is that of the policy's text, or of a list of all files with theirs: a line with
// digest, two spaces and path for each, the policy's own first and under the path ".".
func (l *loading) digest() string {
	if len(l.files) == 1 {
		return "sha256:" + l.files[0].sum
	}
	var list strings.Builder
	for i, r := range l.files {
		path := "."
		if i > 0 {
			path = filepath.ToSlash(r.path)
		}
		fmt.Fprintf(&list, "%s  %s\n", r.sum, path)
	}
	return "sha256:" + hexDigest(list.String())
}

// define notes where a name is given, and refuses one that is given in another file too.
func (r *reader) define(n *yaml.Node, name string) {
	if r.in == nil {
		return
	}
	if where, ok := r.in.defined[name]; ok {
		r.fail(n, "%s is defined in %s already; wanted one name for one thing in all files", name, where)
		return
	}
	r.in.defined[name] = fmt.Sprintf("%s:%d:%d", r.file, n.Line, n.Column)
}

// inclusion is one file that another includes.
type inclusion struct {
	at           *yaml.Node
	path, sha256 string
}

// include reads which fragments belong to the policy.
func (r *reader) include(n *yaml.Node) {
	if r.in.read == nil {
		r.fail(n, "include names other files, and this policy was given as one text; wanted a policy file, or the fragments written out")
		return
	}
	r.list(n, "include", func(n *yaml.Node) {
		i := inclusion{at: n}
		seen := r.mapping(n, "include", map[string]func(*yaml.Node){
			"file":   func(n *yaml.Node) { i.at, i.path = n, r.text(n, "include.file") },
			"sha256": func(n *yaml.Node) { i.sha256 = r.sha256(n, "include.sha256") },
		})
		switch {
		case seen == nil:
		case !seen["file"]:
			r.fail(n, "include has no %q; wanted {file} or {file, sha256}", "file")
		case i.path == "":
		case filepath.IsAbs(i.path) || strings.HasPrefix(i.path, "/") || strings.ContainsAny(i.path, `\`) || strings.Contains(i.path, "://"):
			r.fail(i.at, "include.file is %q; wanted a path relative to this file, with slashes", i.path)
		default:
			r.includes = append(r.includes, i)
		}
	})
}

// pathOf is the path of what r includes, relative to the policy's folder.
func (r *reader) pathOf(i inclusion) string {
	return filepath.Join(filepath.Dir(r.path), filepath.FromSlash(i.path))
}

// included returns the fragment that r includes, nil if it could not be read.
func (l *loading) included(r *reader, i inclusion) *reader {
	for _, f := range l.files {
		if f.path == r.pathOf(i) {
			return f
		}
	}
	return nil
}

// follow reads a fragment that r includes, once however often it is included.
func (l *loading) follow(r *reader, i inclusion) {
	path := r.pathOf(i)
	if circle := r.above(path); circle != "" {
		r.fail(i.at, "include makes a circle: %s, which includes %s", circle, path)
		return
	}
	if known := l.included(r, i); known != nil {
		r.checkSum(i, known.sum)
		return
	}
	switch {
	case r.depth == maxDepth:
		r.fail(i.at, "include goes deeper than %d files; wanted the fragment included further up", maxDepth)
		return
	case len(l.files) == maxFiles:
		r.fail(i.at, "the policy has more than %d files; wanted fewer fragments", maxFiles)
		return
	}
	file := filepath.Join(l.dir, path)
	b, err := l.read(file)
	if err != nil {
		r.fail(i.at, "include: %s", err)
		return
	}
	f := &reader{file: file, part: part{in: l, path: path, from: r, depth: r.depth + 1}}
	sum := sha256.Sum256(b)
	if r.checkSum(i, hex.EncodeToString(sum[:])) {
		l.open(f, b)
	}
}

func (r *reader) checkSum(i inclusion, sum string) bool {
	if i.sha256 != "" && i.sha256 != sum {
		r.fail(i.at, "include: %s has the SHA-256 %s; wanted %s, as sha256 says", i.path, sum, i.sha256)
		return false
	}
	return true
}

// above names the files from path down to r, "" if r is not below it.
func (r *reader) above(path string) string {
	chain := ""
	for f := r; f != nil; f = f.from {
		if chain == "" {
			chain = f.path
		} else {
			chain = f.path + " includes " + chain
		}
		if f.path == path {
			return chain
		}
	}
	return ""
}

// fragment reads a file that a policy includes.
func (r *reader) fragment(root *yaml.Node, p *Policy) {
	fields := r.shared(p)
	fields["kind"] = func(n *yaml.Node) { r.choice(n, "kind", FragmentKind) }
	seen := r.mapping(root, "the fragment", fields)
	for _, key := range []string{"apiVersion", "kind"} {
		if seen != nil && !seen[key] {
			r.fail(root, "the fragment has no %q", key)
		}
	}
	if len(seen) == 2 && seen["apiVersion"] && seen["kind"] && len(root.Content) == 4 {
		r.fail(root, "the fragment says nothing; wanted at least one of builders, deny, identities, images, include, trust")
	}
}

// localFile reads the path of a file that stands beside the one that names it.
func (r *reader) localFile(n *yaml.Node, what string) string {
	s := r.text(n, what)
	dir := filepath.Dir(r.path)
	if s == "" || r.from == nil || dir == "." || filepath.IsAbs(s) {
		return s
	}
	return filepath.Join(dir, s)
}
