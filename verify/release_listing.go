package verify

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// listing is one version that the repository lists.
type listing struct {
	version string
	target  metadata.Target
	// manifest is what was read of it; trouble says why it does not count, whatever
	// digest it names.
	manifest manifest
	trouble  *trouble
}

// names reports whether the listing counts and is of an image's digest.
func (l *listing) names(digest string) bool {
	return l.trouble == nil && digest != "" && l.manifest.digest == digest
}

// role is the role that lists it.
func (l *listing) role() metadata.Role { return l.target.Roles[len(l.target.Roles)-1] }

// lookup is what came of looking one version up.
type lookup struct {
	// listing is nil where the repository does not list the version; trouble says
	// whatever else keeps it from being found.
	listing *listing
	trouble *trouble
	// visited are the roles that were asked.
	visited []metadata.Role
}

// look looks one version up, once for each question.
func (j *releaseJudge) look(version string) lookup {
	path, ok := j.path(version)
	if !ok {
		return lookup{}
	}
	if known, ok := j.looked[version]; ok {
		return known
	}
	target, err := j.r.find(path)
	l := lookup{visited: target.Visited}
	var known *metadata.Error
	switch {
	case errors.As(err, &known) && known.Kind == metadata.NotListed:
	case err != nil:
		l.trouble = j.r.lookupTrouble(err)
	default:
		l.listing = &listing{version: version, target: target}
		l.listing.manifest, l.listing.trouble = j.read(l.listing)
	}
	j.looked[version] = l
	return l
}

// path is where the manifest of a version is; version is false where a path is none of
// the demand's targets.
func (j *releaseJudge) path(version string) (string, bool) {
	if j.demand.Target.UsesVersion() && policy.IsVersion(version, j.q.vars.Grammar) {
		return j.demand.Target.Expand(policy.Vars{Version: version, Grammar: j.q.vars.Grammar})
	}
	return "", false
}

func (j *releaseJudge) version(path string) (string, bool) {
	before, after, ok := strings.Cut(j.demand.Target.String(), versionVariable)
	version, begins := strings.CutPrefix(path, before)
	version, ends := strings.CutSuffix(version, after)
	if !ok || !begins || !ends {
		return "", false
	}
	again, ok := j.path(version)
	return version, ok && again == path
}

// read verifies and reads the manifest behind a listing.
func (j *releaseJudge) read(l *listing) (manifest, *trouble) {
	b, err := j.r.manifest(l.target)
	switch {
	case err != nil:
		return manifest{}, refused(ReleaseHashMismatch, "the manifest %s is not the one that is listed: %s", l.target.Path, err)
	case b == nil:
		if f, ok := j.r.unhad(); ok {
			return manifest{}, f.trouble()
		}
		return manifest{}, undecided(ReleaseNotEnumerable, Definitive, "the manifest %s was not read", l.target.Path)
	}
	m, err := parseManifest(b, j.demand.Fields, j.q.limits)
	switch {
	case err != nil:
		return m, refused(ReleaseManifestMalformed, "%s: %s", l.target.Path, err)
	case m.version != l.version:
		return m, refused(ReleaseVersionMismatch, "the manifest %s is of version %.200q; wanted %s", l.target.Path, m.version, l.version)
	case !m.names(j.q.rule.Canonical, j.q.rule.VersionTags()):
		return m, refused(ReleaseImageMismatch, "the manifest %s is of the image %.200q; wanted %s", l.target.Path, m.image, j.q.rule.Canonical)
	}
	return m, nil
}

// newestFirst orders by SemVer precedence; what has none comes last.
func newestFirst(a, b string) int {
	order, ok := policy.CompareVersions(b, a)
	if !ok {
		order = -compareBools(policy.IsVersion(a, ""), policy.IsVersion(b, ""))
	}
	return cmp.Or(order, cmp.Compare(b, a))
}

// goingBack says which versions could be run instead, and how to run an older one.
func goingBack(recent []VerdictVersion) string {
	var texts []string
	for _, v := range recent {
		texts = append(texts, fmt.Sprintf("%s (%s)", v.Version, v.Pinned))
	}
	return "the newest authorised versions: " + orNone(texts) + "; to run an older release, name its version or digest"
}
