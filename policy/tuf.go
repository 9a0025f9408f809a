package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxRoot bounds an inline root in bytes; maxVersion is the highest version of a role,
// which every reader of JSON can hold.
const (
	maxRoot    = 512 << 10
	maxVersion = 1<<53 - 1
)

// tuf reads where a repository is and what is pinned of it.
func (r *reader) tuf(n *yaml.Node) TUF {
	t := TUF{Refresh: RefreshPreferred}
	seen := r.mapping(n, "release.tuf", map[string]func(*yaml.Node){
		"metadata_url": func(n *yaml.Node) { t.MetadataURL = r.url(n, "release.tuf.metadata_url") },
		"targets_url":  func(n *yaml.Node) { t.TargetsURL = r.url(n, "release.tuf.targets_url") },
		"root":         func(n *yaml.Node) { t.Root = r.pinnedRoot(n, "release.tuf.root") },
		"min":          func(n *yaml.Node) { t.Min = r.minimum(n, "release.tuf.min") },
		"state": func(n *yaml.Node) {
			t.StateRequired = r.choice(n, "release.tuf.state", "optional", "required") == "required"
		},
		"refresh": func(n *yaml.Node) {
			words := []string{string(RefreshPreferred), string(RefreshRequired), string(RefreshNever)}
			t.Refresh = Refresh(r.choice(n, "release.tuf.refresh", words...))
		},
	})
	for _, key := range []struct{ name, wanted string }{
		{"metadata_url", "where the metadata is, such as https://example.com/metadata"},
		{"targets_url", "where the manifests are, such as https://example.com/targets"},
		{"root", "{file, sha256} or {inline, sha256}"},
	} {
		if seen != nil && !seen[key.name] {
			r.fail(n, "release.tuf has no %q; wanted %s", key.name, key.wanted)
		}
	}
	return t
}

// minimum reads the lowest versions that are accepted, by role.
func (r *reader) minimum(n *yaml.Node, what string) map[string]int64 {
	versions := map[string]int64{}
	r.entries(n, what, func(role string, n *yaml.Node) {
		versions[role] = r.whole(n, what+"."+role, 1, maxVersion)
	})
	return versions
}

// pinnedRoot reads a root by file or in place, and its digest.
func (r *reader) pinnedRoot(n *yaml.Node, what string) PinnedRoot {
	var root PinnedRoot
	var inline *yaml.Node
	seen := r.mapping(n, what, map[string]func(*yaml.Node){
		"file":   func(n *yaml.Node) { root.File = r.localFile(n, what+".file") },
		"inline": func(n *yaml.Node) { inline, root.Inline = n, r.jsonText(n, what+".inline") },
		"sha256": func(n *yaml.Node) { root.SHA256 = r.sha256(n, what+".sha256") },
	})
	switch {
	case seen == nil:
	case seen["file"] && seen["inline"]:
		r.fail(n, "%s has both a file and an inline root; wanted one of them", what)
	case !seen["file"] && !seen["inline"]:
		r.fail(n, "%s has no root; wanted {file, sha256} or {inline, sha256}", what)
	case !seen["sha256"]:
		r.fail(n, "%s has no %q; wanted the SHA-256 of the root's bytes", what, "sha256")
	case root.Inline != "" && root.SHA256 != "":
		r.checkDigest(inline, what, root)
	}
	return root
}

// checkDigest compares an inline root with its digest. Which line break ends a block
// is easily got wrong, so that it is said.
func (r *reader) checkDigest(n *yaml.Node, what string, root PinnedRoot) {
	bare := strings.TrimRight(root.Inline, "\n")
	hint := ""
	switch root.SHA256 {
	case hexDigest(root.Inline):
		return
	case hexDigest(bare):
		hint = " (the digest is of the text without a line break at its end: write |- for |)"
	case hexDigest(bare + "\n"):
		hint = " (the digest is of the text with a line break at its end: write |)"
	}
	r.fail(n, "%s.inline has the SHA-256 %s; wanted %s, as sha256 says%s", what, hexDigest(root.Inline), root.SHA256, hint)
}

func hexDigest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// jsonText reads a JSON object as text, whose line breaks stay as they are.
func (r *reader) jsonText(n *yaml.Node, what string) string {
	if !r.plain(n) {
		return ""
	}
	unseen := hidden(strings.NewReplacer("\n", "", "\t", "").Replace(n.Value))
	switch {
	case n.Kind != yaml.ScalarNode:
		r.fail(n, "%s is %s; wanted the root's JSON as text: write it below |", what, kindOf(n))
	case len(n.Value) > maxRoot:
		r.fail(n, "%s has %d bytes; wanted at most %d", what, len(n.Value), maxRoot)
	case unseen != "":
		r.fail(n, "%s has the character %s, which cannot be seen", what, unseen)
	case n.Tag != "!!str" || !strings.HasPrefix(strings.TrimSpace(n.Value), "{") || !json.Valid([]byte(n.Value)):
		r.fail(n, "%s is not a JSON object; wanted the root's text, or its path under file", what)
	default:
		return n.Value
	}
	return ""
}

// hostName is a name or an IPv4 address; others have brackets.
var hostName = regexp.MustCompile(`\A[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\z`)

// url reads the URL of a folder on a server. Nothing of it is shown where it may hold
// a secret.
func (r *reader) url(n *yaml.Node, what string) string {
	s := r.text(n, what)
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") || !isServer(u) {
		r.fail(n, "%s is no https URL of a server; wanted one such as https://example.com/metadata", what)
		return ""
	}
	var extra []string
	for _, part := range []struct {
		there bool
		name  string
	}{
		{u.User != nil, "credentials"},
		{strings.Contains(s, "?"), "a query"},
		{strings.Contains(s, "#"), "a fragment"},
		{strings.HasSuffix(u.Path, "/"), "a slash at the end"},
	} {
		if part.there {
			extra = append(extra, part.name)
		}
	}
	bare := url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}
	switch {
	case len(extra) > 0:
		r.fail(n, "%s has %s; wanted %s", what, strings.Join(extra, " and "), bare.String())
	case bare.String() != s || !plainPath(strings.TrimPrefix(u.Path, "/")):
		r.fail(n, "%s is %q, which can be read in two ways; wanted a path without escapes, backslashes and empty, . or .. elements", what, s)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		r.fail(n, "%s is %q, and http is for this machine alone (localhost, 127.0.0.1, [::1]); wanted https://%s", what, s, strings.TrimPrefix(s, "http://"))
	default:
		return s
	}
	return ""
}

// isServer reports whether u has the name or address of a host, and a port if any.
func isServer(u *url.URL) bool {
	host := u.Hostname()
	addr, err := netip.ParseAddr(host)
	if strings.HasPrefix(u.Host, "[") {
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return false
		}
	} else if !hostName.MatchString(host) {
		return false
	}
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && port > 0
}

// isLoopback reports whether a host is this machine, as far as its name says.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// plainPath reports whether every element of a path stands for itself. Empty text is
// the path of the top.
func plainPath(path string) bool {
	if path == "" {
		return true
	}
	return hidden(path) == "" && !strings.ContainsAny(path, `\%`) && !slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool {
		return s == "" || s == "." || s == ".."
	})
}
