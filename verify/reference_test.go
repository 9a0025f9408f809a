package verify_test

import (
	"strings"
	"testing"

	"github.com/releaseassay/assay/verify"
)

const someDigest = "sha256:234e2c830c2fb31ac5671789d22adfe44d30c3ee831d01beae5e237841a13122"

func TestParseReference(t *testing.T) {
	for _, c := range []struct{ in, name, tag, digest, pinned string }{
		{"ghcr.io/o/n:1.2.3", "ghcr.io/o/n", "1.2.3", "", "ghcr.io/o/n:1.2.3@" + someDigest},
		{"ghcr.io/o/n", "ghcr.io/o/n", "latest", "", "ghcr.io/o/n:latest@" + someDigest},
		{"ghcr.io/o/n@" + someDigest, "ghcr.io/o/n", "", someDigest, "ghcr.io/o/n@" + someDigest},
		{"ghcr.io/o/n:v1@" + someDigest, "ghcr.io/o/n", "v1", someDigest, "ghcr.io/o/n:v1@" + someDigest},
		{"alpine:3", "docker.io/library/alpine", "3", "", "docker.io/library/alpine:3@" + someDigest},
		{"docker.io/alpine:3", "docker.io/library/alpine", "3", "", "docker.io/library/alpine:3@" + someDigest},
		{"index.docker.io/library/alpine:3", "docker.io/library/alpine", "3", "", "docker.io/library/alpine:3@" + someDigest},
		{"localhost:5000/n:1", "localhost:5000/n", "1", "", "localhost:5000/n:1@" + someDigest},
		{"localhost:5000/n", "localhost:5000/n", "latest", "", "localhost:5000/n:latest@" + someDigest},
	} {
		ref, err := verify.ParseReference(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if ref.Name() != c.name || ref.Tag() != c.tag || ref.Digest() != c.digest || ref.Pinned(someDigest) != c.pinned || ref.String() != c.in {
			t.Errorf("%s: found %q %q %q %q", c.in, ref.Name(), ref.Tag(), ref.Digest(), ref.Pinned(someDigest))
		}
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	for in, wanted := range map[string]string{
		"":                       "empty",
		"ghcr.io/o/n:":           "tag is empty",
		"ghcr.io/o/n@sha256:abc": "64 lower-case",
		"ghcr.io/o/n@" + strings.ToUpper(someDigest):     "64 lower-case",
		"ghcr.io/o/n@sha512:" + strings.Repeat("a", 128): "64 lower-case",
		"ghcr.io/o/n@" + someDigest + "@" + someDigest:   "64 lower-case",
		"ghcr.io/O/n:1":                 "repository",
		"ghcr.io/o/n:../x":              "",
		"ghcr.io/../n:1":                "",
		"GHCR.io/o/n:1":                 "write it as ghcr.io",
		"ghcr.io:443/o/n:1":             "write it as ghcr.io",
		"ghcr.io:0443/o/n:1":            "wanted the name of a host",
		".*/o":                          "wanted the name of a host",
		"ghcr.io./o/n:1":                "",
		"registry-1.docker.io/o/n:1":    "write it as docker.io",
		"registry.hub.docker.com/o/n:1": "write it as docker.io",
		"https://ghcr.io/o/n:1":         "",
		"ghcr.io/o/n:1\n":               "",
	} {
		ref, err := verify.ParseReference(in)
		if err == nil {
			t.Errorf("%q: found %q; wanted an error", in, ref.Name())
		} else if !strings.Contains(err.Error(), wanted) {
			t.Errorf("%q: found %q; wanted %q in it", in, err, wanted)
		}
	}
}
