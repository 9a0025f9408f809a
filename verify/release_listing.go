package verify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
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

// listed looks one version up. It is nil where the repository does not list it, and
// the trouble says whatever else keeps it from being found.
func (j *releaseJudge) listed(version string) (*listing, *trouble) {
	path, ok := j.path(version)
	if !ok {
		return nil, nil
	}
	target, err := j.r.find(path)
	var known *metadata.Error
	switch {
	case errors.As(err, &known) && known.Kind == metadata.NotListed:
		return nil, nil
	case err != nil:
		return nil, j.r.lookupTrouble(err)
	}
	l := &listing{version: version, target: target}
	l.manifest, l.trouble = j.read(l)
	return l, nil
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
		if f, ok := j.r.failure(); ok {
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

// enumerate looks every listed version up, the newest first. What keeps it from seeing
// all of them is noted in incomplete.
func (j *releaseJudge) enumerate() {
	if j.enumerated || !j.r.whole() {
		return
	}
	j.enumerated = true
	paths, err := j.r.list(func(path string) bool { _, ok := j.version(path); return ok }, ReleaseReach(j.demand))
	if err != nil {
		j.incomplete = j.r.lookupTrouble(err)
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		version, _ := j.version(path)
		l, trouble := j.listed(version)
		if trouble != nil && j.incomplete == nil {
			j.incomplete = trouble
		}
		if l != nil {
			j.all = append(j.all, l)
		}
	}
	slices.SortFunc(j.all, func(a, b *listing) int { return newestFirst(a.version, b.version) })
}

// newestFirst orders by SemVer precedence; what has none comes last.
func newestFirst(a, b string) int {
	order, ok := policy.CompareVersions(b, a)
	if !ok {
		order = -compareBools(policy.IsVersion(a, ""), policy.IsVersion(b, ""))
	}
	return cmp.Or(order, cmp.Compare(b, a))
}

// with lists the versions that count and name a digest.
func (j *releaseJudge) with(digest string) []*listing {
	return slices.DeleteFunc(slices.Clone(j.all), func(l *listing) bool { return !l.names(digest) })
}

// unread says why it is not known which images all the listed versions are; nil where
// it is.
func (j *releaseJudge) unread() *trouble {
	if j.incomplete != nil {
		return j.incomplete
	}
	for _, l := range j.all {
		if l.trouble != nil && l.trouble.result == Errored {
			return l.trouble
		}
	}
	if !j.r.complete {
		if f, ok := j.r.failure(); ok {
			return f.trouble()
		}
		return undecided(ReleaseNotEnumerable, Definitive, "not all of the listed versions were read")
	}
	return nil
}

// recent names the newest versions that a person could run instead.
func (j *releaseJudge) recent(fits func(version string) bool) []VerdictVersion {
	var recent []VerdictVersion
	for _, l := range j.all {
		if l.trouble == nil && fits(l.version) && len(recent) < 3 {
			recent = append(recent, VerdictVersion{
				Version: l.version, Digest: l.manifest.digest, Pinned: j.q.facts.image.Reference.Name() + "@" + l.manifest.digest,
			})
		}
	}
	return recent
}

// goingBack says which versions could be run instead, and how to run an older one.
func goingBack(recent []VerdictVersion) string {
	var texts []string
	for _, v := range recent {
		texts = append(texts, fmt.Sprintf("%s (%s)", v.Version, v.Pinned))
	}
	return "the newest authorised versions: " + orNone(texts) + "; to run an older release, name its version or digest"
}
