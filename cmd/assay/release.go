package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// tufMirrorFlag says where a project's TUF repository is read, tufStateFlag where what
// was seen of it is kept.
func tufMirrorFlag() cli.Flag {
	return &cli.StringFlag{Name: "tuf-mirror", Usage: "read the project's TUF repository at `DIR|URL`, with metadata/ and targets/ below it"}
}

func tufStateFlag() cli.Flag {
	return &cli.StringFlag{Name: "tuf-state", Usage: "keep what was seen of the TUF repository in `FILE`, to carry it between jobs"}
}

// releaseOptions says where releases are read and kept. What makes connections is
// left to the caller.
func releaseOptions(c *cli.Context, w world) release.Options {
	o := release.Options{StateFile: c.String("tuf-state"), Mirror: c.String("tuf-mirror"), UserAgent: "assay/" + version}
	if dir := w.cacheDir(); dir != "" {
		o.Dir = filepath.Join(dir, "tuf")
	}
	return o
}

// checkTUFFlags refuses flags about TUF repositories that could not be followed.
func checkTUFFlags(c *cli.Context) error {
	if c.IsSet("tuf-state") && c.IsSet("at") {
		return usagef("--tuf-state has no meaning with --at: a question about another time reads and writes no state")
	}
	mirror := c.String("tuf-mirror")
	if mirror == "" {
		return nil
	}
	if !release.IsURL(mirror) {
		if info, err := os.Stat(mirror); err != nil || !info.IsDir() {
			return usagef("--tuf-mirror is %q; wanted a folder with metadata/ and targets/, or an https URL", mirror)
		}
		return nil
	}
	u, err := url.Parse(mirror)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return usagef("--tuf-mirror is not a plain URL; wanted one such as https://example.com/tuf")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return usagef("--tuf-mirror is %q, and http is for this machine alone; wanted https://%s%s", mirror, u.Host, u.Path)
	case c.IsSet("layout"):
		return usagef("--tuf-mirror %s opens a connection, and --layout opens none; wanted a folder", mirror)
	}
	return nil
}

// checkReleaseDemanded refuses flags about a release that nothing demands.
func checkReleaseDemanded(c *cli.Context, p *policy.Policy, ref verify.Reference) error {
	rule, ok := p.Rule(ref.Name())
	if ok && rule.Release == nil {
		for _, name := range []string{"tuf-mirror", "tuf-state"} {
			if c.IsSet(name) {
				return usagef("--%s has no meaning here: the policy demands no release of %s", name, ref.Name())
			}
		}
	}
	return nil
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// loopback reports whether a host is this machine, as far as its name says.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
