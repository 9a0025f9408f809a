package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/releaseassay/assay/policy"
)

// choose finds the listed version that the image is, or says why there is none. It
// may be asked before the version is known, and again after.
func (j *releaseJudge) choose() (*listing, *trouble) {
	j.accepted, j.others, j.reached, j.lag, j.found = nil, nil, nil, nil, nil
	l, trouble := j.chosen()
	if trouble == nil && l == nil {
		trouble = undecided(InternalPanic, Definitive, "no listed version was chosen")
	}
	if trouble != nil {
		if len(j.found) == 0 && l != nil {
			j.found = []Candidate{j.candidate(l, trouble)}
			j.others = append(j.others, l)
		}
		return nil, trouble
	}
	met := 0
	c := j.candidate(l, nil)
	c.Met = &met
	j.accepted, j.found = l, []Candidate{c}
	j.shown.Target, j.shown.Manifest, j.shown.Version, j.shown.Commit = l.target.Path, l.manifest.evidence, l.version, l.manifest.commit
	return l, nil
}

func (j *releaseJudge) chosen() (*listing, *trouble) {
	tag, moves := j.q.facts.image.Reference.Tag(), j.q.movingTag()
	switch {
	case j.q.misnamed:
		return nil, refused(PolicyNoVersion, "%s", j.q.noVersion).whatever()
	case j.q.named():
		if version := j.q.vars.Version; moves && !j.q.rule.VersionTags().Moves(tag, version) {
			return nil, refused(ReleaseVersionMismatch, "the tag %q is not one of version %s", tag, version).whatever()
		}
		return j.byVersion(j.q.vars.Version)
	case moves && j.q.facts.image.Reference.Digest() == "":
		return j.newest(tag)
	}
	return j.byDigest(tag, moves)
}

// byVersion judges the version that caller or tag name: whatever else the repository
// lists, its manifest must name the image.
func (j *releaseJudge) byVersion(version string) (*listing, *trouble) {
	digest := j.q.facts.image.Digest
	look := j.look(version)
	l := look.listing
	switch {
	case look.trouble != nil:
		return nil, look.trouble
	case l != nil && l.trouble != nil:
		return l, l.trouble
	case l != nil && l.names(digest):
		return l, nil
	}
	path, _ := j.path(version)
	before, known := j.r.state.Listed[path]
	switch with, _ := j.with(); {
	case len(with) > 0:
		return with[0], refused(ReleaseOtherVersion, "the image is listed as version %s; version %s was asked for", versionsOf(with), version)
	case known && (before == digest || (before == "" && l == nil)):
		return l, j.withdrawn(fmt.Sprintf("an earlier run saw the image listed as version %s", version))
	case l != nil:
		return l, refused(ReleaseDigestMismatch, "version %s is %s; the image is %s", version, l.manifest.digest, digest)
	}
	return nil, refused(ReleaseNotListed, "the repository lists no version %s", version)
}

// byDigest judges a digest as whatever version lists it by the word of people, whatever
// has been released since, and whatever others list. A moving tag beside it must be one of
// that version.
func (j *releaseJudge) byDigest(tag string, moves bool) (*listing, *trouble) {
	with, _ := j.with()
	if len(with) == 0 {
		return j.unlisted()
	}
	if len(with) > 1 {
		for _, l := range with {
			j.shown.Versions = append(j.shown.Versions, l.version)
		}
		slices.Sort(j.shown.Versions)
		j.shown.Versions = slices.Compact(j.shown.Versions)
		slices.SortFunc(j.shown.Versions, newestFirst)
	}
	if moves {
		if with = j.fitting(with, tag); len(with) == 0 {
			return nil, refused(ReleaseVersionMismatch, "the tag %q is of none of the versions under which the image is listed", tag)
		}
	}
	return with[0], nil
}

// unlisted says why no version that counts names the image by the word of people.
func (j *releaseJudge) unlisted() (*listing, *trouble) {
	for _, l := range j.gathered() {
		if l.trouble != nil && l.trouble.result == Failed && l.manifest.digest == j.q.facts.image.Digest && j.unheldWay(l) == nil {
			return l, l.trouble
		}
	}
	if _, strange := j.with(); len(strange) > 0 {
		return strange[0], j.unheldWay(strange[0])
	}
	if t := j.unread(); t != nil {
		return nil, t
	}
	return nil, j.unknown()
}

// unknown tells an image that is listed no more from one that never was.
func (j *releaseJudge) unknown() *trouble {
	for _, path := range j.r.before(j.q.facts.image.Digest) {
		if version, ok := j.version(path); ok {
			return j.withdrawn(fmt.Sprintf("an earlier run saw the image listed as version %s", version))
		}
	}
	return refused(ReleaseNotListed, "none of the %d listed versions is %s", len(j.versions), j.q.facts.image.Digest)
}

func (j *releaseJudge) withdrawn(what string) *trouble {
	j.shown.Newest = j.recent(j.counts)
	return refused(ReleaseWithdrawn, "%s, and it is no more; %s", what, goingBack(j.shown.Newest))
}

// newest judges a moving tag that this run resolved: it must point to the newest
// authorised version that it could mean, or for a moment to the one before. That rests on
// every role that could list a newer one and does not.
func (j *releaseJudge) newest(tag string) (*listing, *trouble) {
	j.enumerate()
	j.reached = j.roles
	if j.incomplete != nil {
		return nil, j.incomplete
	}
	fits := func(version string) bool {
		return j.counts(version) && j.q.rule.VersionTags().Moves(tag, version)
	}
	meant, trouble := j.meant(fits)
	if trouble != nil {
		return nil, trouble
	}
	for _, l := range meant {
		if _, ok := policy.CompareVersions(l.version, l.version); !ok {
			return nil, undecided(ReleaseNotEnumerable, Definitive, "the version %s has no place in the order of SemVer, so it is not known what the tag %q should point to", l.version, tag)
		}
	}
	first, rest := ranked(meant)
	for _, l := range first {
		if l.trouble != nil {
			return l, l.trouble
		}
		if l.names(j.q.facts.image.Digest) {
			return l, nil
		}
	}
	if len(first) > 0 {
		if l, trouble := j.lagging(first[0], rest); l != nil || trouble != nil {
			return l, trouble
		}
	}
	with, _ := j.with()
	if len(with) == 0 {
		return j.unlistedBehind(tag, first)
	}
	if len(first) == 0 {
		return with[0], refused(ReleaseVersionMismatch, "the tag %q could mean none of the listed versions; the image is version %s", tag, versionsOf(with))
	}
	j.shown.Newest = j.recent(fits)
	return with[0], refused(ReleaseRolledBack, "the tag %q points to version %s, and the newest version for it is %s; %s",
		tag, versionsOf(with), first[0].version, goingBack(j.shown.Newest))
}

// unlistedBehind is an unlisted image behind a moving tag. Where the newest version is
// known to be another image, that stands whatever the older ones are.
func (j *releaseJudge) unlistedBehind(tag string, first []*listing) (*listing, *trouble) {
	l, trouble := j.unlisted()
	if trouble.result == Errored && len(first) > 0 {
		return nil, refused(ReleaseNotListed, "the tag %q should point to version %s, %s; the image is none of the versions that were read",
			tag, first[0].version, first[0].manifest.digest)
	}
	return l, trouble
}

// ranked returns the newest versions, which differ in build metadata alone, and all
// older ones.
func ranked(all []*listing) (first, rest []*listing) {
	for _, l := range all {
		if len(first) > 0 {
			if order, ok := policy.CompareVersions(l.version, first[0].version); !ok || order != 0 {
				rest = append(rest, l)
				continue
			}
		}
		first = append(first, l)
	}
	return first, rest
}

// lagging accepts the release before the newest for a moment after the newest was
// listed, by the verified time at which the metadata that lists it was signed.
func (j *releaseJudge) lagging(newest *listing, rest []*listing) (*listing, *trouble) {
	signed, ok := signedAt(newest.role())
	until := signed.Add(j.demand.Moving.Lag).UTC()
	if !ok || !j.q.at.Before(until) || len(rest) == 0 {
		return nil, nil
	}
	for _, l := range rest {
		if order, _ := policy.CompareVersions(l.version, rest[0].version); order != 0 {
			break
		}
		switch {
		case l.trouble != nil && l.trouble.result == Errored:
			return nil, l.trouble
		case l.names(j.q.facts.image.Digest):
			j.lag = &VerdictLag{Newest: newest.version, Until: until}
			j.shown.Lagging = j.lag
			j.others = append(j.others, newest)
			return l, nil
		}
	}
	return nil, nil
}

func versionsOf(all []*listing) string {
	var versions []string
	for _, l := range all {
		versions = append(versions, l.version)
	}
	return strings.Join(versions, ", ")
}

// candidate writes a listed version for the verdict.
func (j *releaseJudge) candidate(l *listing, t *trouble) Candidate {
	c := Candidate{Evidence: l.manifest.evidence, Layout: TUFTarget, Type: l.target.Path, Authenticated: l.manifest.evidence != "", Trust: j.demand.Trust}
	if t != nil {
		c.Code, c.Reason = t.code, t.message
	}
	return c
}
