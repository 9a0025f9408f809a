package verify

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/releaseassay/assay/policy"
)

// plain writes a value in the form in which two are compared, "" for what is no value of
// the claim and so is never compared:
//
//   - image: the canonical name, without tag and digest; a name without a registry is none.
//     A name that ends as the image's does is the image's unless the policy requires the
//     claim: one build is pushed to several registries, and copied to more
//   - digest: the image's for its index and platforms too, where the source is about those
//   - version: as a tag of it gives it, so that v1.2.3 is 1.2.3
//   - repository: without "git+", ".git" and what follows an @; on github.com over any scheme
//   - workflow: the path of the file; run: its number, without the attempt
//   - built: the moment, in UTC
//
// Everything else is compared as it is.
func (q *question) plain(claim, value, about string) string {
	switch claim {
	case "image":
		return q.sameImage(plainImage(value))
	case "digest":
		return q.plainDigest(wholeDigest(value), about)
	case "version":
		if v, ok := q.version(value); ok {
			return v
		}
	case "repository":
		return plainRepository(value)
	case "workflow":
		return plainWorkflow(value)
	case "run":
		return plainRun(value)
	case "built":
		if t, err := time.Parse(time.RFC3339, value); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return value
}

// version reads a version as a tag of the image would give it, and else as git tags have
// it, with a "v" or without.
func (q *question) version(text string) (string, bool) {
	own := q.rule.VersionTags()
	usual := policy.Rule{Tags: policy.Tags{Grammar: own.Grammar}}.VersionTags()
	for _, p := range append(slices.Clone(own.Version), usual.Version...) {
		if p.UsesVersion() && p.Match(text, q.vars) {
			return q.vars.Version, true
		}
	}
	if v, ok := own.VersionOf(text); ok {
		return v, true
	}
	return usual.VersionOf(text)
}

// plainImage reads the name of an image in a registry: the registry has to be written.
func plainImage(s string) string {
	registry, _, ok := strings.Cut(s, "/")
	if !ok || (registry != "localhost" && !strings.ContainsAny(registry, ".:")) || strings.Contains(s, "://") {
		return ""
	}
	ref, err := ParseReference(s)
	if err != nil {
		return ""
	}
	return ref.Name()
}

// sameImage takes a name that ends as the image's does for the image's.
func (q *question) sameImage(image string) string {
	last := func(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
	if q.exactName() || image == "" || last(image) != last(q.rule.Canonical) {
		return image
	}
	return q.rule.Canonical
}

// exactName reports whether the policy wants evidence under the image's whole name.
func (q *question) exactName() bool {
	return q.rule.Consistency != nil && slices.Contains(q.rule.Consistency.Required, "image")
}

// plainDigest takes the digest of what belongs to the image for the image's own: that of
// the platform or index that a statement is about, of the index that was named, and, in
// what is about the whole index, of any of its platforms, as tools resolve a name to one.
func (q *question) plainDigest(digest, about string) string {
	image := q.facts.image.Digest
	whole := about == "" || about == image
	switch {
	case digest == "":
		return ""
	case digest == about, q.facts.index != nil && digest == q.facts.index.image.Digest, whole && slices.Contains(q.parts(), digest):
		return image
	}
	return digest
}

// parts lists the digests of everything that the image lists, where it is an index.
func (q *question) parts() []string {
	if !isIndex(q.facts.image) {
		return nil
	}
	var digests []string
	for _, n := range q.platforms().nodes {
		digests = append(digests, n.digest)
	}
	return digests
}

// plainRepository writes a repository as its URL.
func plainRepository(s string) string {
	s = strings.TrimPrefix(s, "git+")
	if rest, ok := strings.CutPrefix(s, "git@github.com:"); ok {
		s = "https://github.com/" + rest
	} else if rest, ok := strings.CutPrefix(s, "github.com/"); ok {
		s = "https://github.com/" + rest
	} else if whole, err := policy.RepositoryURL(s); err == nil { // owner/name
		s = whole
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return s
	}
	path, _, _ := strings.Cut(u.Path, "@")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/"), ".git")
	if u.Host == "github.com" && slices.Contains([]string{"http", "git", "ssh"}, u.Scheme) {
		u.Scheme = "https"
	}
	return u.Scheme + "://" + u.Host + path
}

// plainWorkflow takes host, repository and ref off the workflow that a forge names, as a
// URL or as owner/name/path@ref.
func plainWorkflow(s string) string {
	s, _, _ = strings.Cut(s, "@")
	if i := strings.Index(s, "/.github/workflows/"); i >= 0 {
		return s[i+1:]
	}
	if _, path, ok := strings.Cut(strings.TrimPrefix(s, "https://"), "//"); ok { // GitLab
		return path
	}
	return s
}

// plainRun takes the attempt off a run: what failed of it is often done again.
func plainRun(s string) string {
	if strings.Contains(s, "/actions/runs/") {
		return runPart(s, 0)
	}
	id, attempt, ok := strings.Cut(s, "-")
	if ok && isNumberText(id) && isNumberText(attempt) {
		return id
	}
	return s
}

func isNumberText(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
