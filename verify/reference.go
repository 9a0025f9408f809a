package verify

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Reference is an image reference as a person writes it: NAME, NAME:TAG,
// NAME@DIGEST or NAME:TAG@DIGEST. Unlike go-containerregistry's, it keeps the tag
// beside a digest, since the tag is a claim to be checked.
type Reference struct {
	requested  string
	repository name.Repository
	tag        string
	digest     string
}

// ParseReference parses s. Docker's short names are completed as Docker does
// (alpine is index.docker.io/library/alpine:latest); the digest, if any, must be sha256.
func ParseReference(s string) (Reference, error) {
	if s == "" {
		return Reference{}, errors.New("parse image reference: it is empty; wanted NAME:TAG, NAME@sha256:HEX or NAME:TAG@sha256:HEX")
	}
	rest, digest, pinned := strings.Cut(s, "@")
	if pinned && !IsDigest(digest) {
		return Reference{}, fmt.Errorf("parse image reference %q: found digest %q, wanted sha256: and 64 lower-case hexadecimal digits", s, digest)
	}
	repository, tag := rest, ""
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		repository, tag = rest[:i], rest[i+1:]
		if tag == "" {
			return Reference{}, fmt.Errorf("parse image reference %q: the tag is empty", s)
		}
	}
	repo, err := name.NewRepository(repository, name.WeakValidation)
	if err != nil {
		return Reference{}, fmt.Errorf("parse image reference %q: %w", s, err)
	}
	if !path.MatchString(repo.RepositoryStr()) {
		return Reference{}, fmt.Errorf("parse image reference %q: found the repository %q; wanted lower-case letters and digits, separated by '/', '.', '_' or '-'", s, repo.RepositoryStr())
	}
	if err := oneSpelling(repo.RegistryStr()); err != nil {
		return Reference{}, fmt.Errorf("parse image reference %q: %w", s, err)
	}
	if tag != "" {
		if _, err := name.NewTag(repo.Name()+":"+tag, name.WeakValidation); err != nil {
			return Reference{}, fmt.Errorf("parse image reference %q: %w", s, err)
		}
	}
	if tag == "" && !pinned {
		tag = name.DefaultTag
	}
	return Reference{requested: s, repository: repo, tag: tag, digest: digest}, nil
}

// path is a repository's name (OCI distribution specification, "Pulling manifests").
var path = regexp.MustCompile(`\A[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*\z`)

// registryName is the name or address of a host, with a port or without.
var registryName = regexp.MustCompile(`\A(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?)(:[1-9][0-9]{0,4})?\z`)

// oneSpelling refuses other spellings of a registry's name: a policy knows an image
// by one name, and GHCR.IO or ghcr.io:443 must not slip past the rule for ghcr.io
// to a laxer one below.
func oneSpelling(registry string) error {
	host, port, _ := strings.Cut(registry, ":")
	canonical := strings.TrimRight(strings.ToLower(host), ".")
	switch canonical {
	case "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com", "www.docker.com":
		canonical = "docker.io"
	}
	if port != "" && port != "443" {
		canonical += ":" + port
	}
	switch {
	case registry == canonical && registryName.MatchString(registry):
		return nil
	case registry == canonical: // such as ghcr.io:0443, which is dialled like ghcr.io
		return fmt.Errorf("found the registry %q; wanted the name of a host, with a port or without", registry)
	}
	return fmt.Errorf("found the registry %q; write it as %s, the one name that policies know it by", registry, canonical)
}

// IsDigest reports whether s is "sha256:" and 64 lower-case hexadecimal digits.
func IsDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	if !ok || len(hex) != 64 {
		return false
	}
	for _, c := range []byte(hex) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// String returns the reference as it was written.
func (r Reference) String() string { return r.requested }

// Repository returns the registry and path, as go-containerregistry reads them.
func (r Reference) Repository() name.Repository { return r.repository }

// Name returns the canonical name without tag and digest, "ghcr.io/owner/name".
// Docker Hub is "docker.io", as people write it.
func (r Reference) Name() string {
	n := r.repository.Name()
	if rest, ok := strings.CutPrefix(n, name.DefaultRegistry+"/"); ok {
		return "docker.io/" + rest
	}
	return n
}

// Tag returns the tag, or "" for a reference by digest alone.
func (r Reference) Tag() string { return r.tag }

// Digest returns the digest that the reference was written with, or "".
func (r Reference) Digest() string { return r.digest }

// Pinned returns the reference to pull once its digest is known: the tag is kept.
func (r Reference) Pinned(digest string) string {
	if r.tag == "" {
		return r.Name() + "@" + digest
	}
	return r.Name() + ":" + r.tag + "@" + digest
}
