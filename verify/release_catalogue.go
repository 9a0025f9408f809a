package verify

import (
	"maps"
	"slices"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient/metadata"
)

// maxListed is how many listed versions are looked at. Each is looked up through all
// delegations; no image has as many releases.
const maxListed = 4096

// catalogue is what was found of the versions that a repository lists, for one question.
type catalogue struct {
	// looked has what came of each version that was looked up, unheld what is wrong with
	// how a role is held.
	looked map[string]lookup
	unheld map[string]*trouble
	// finding is the check's, once it was judged, manifest what it accepted.
	finding  *Finding
	manifest *manifest

	// Once they were enumerated: the versions that the roles list which can authorise a
	// release, the newest first, those roles, and what kept the enumeration from its end.
	enumerated bool
	versions   []string
	roles      []metadata.Role
	incomplete *trouble
}

func newCatalogue() *catalogue {
	return &catalogue{looked: map[string]lookup{}, unheld: map[string]*trouble{}}
}

// enumerate lists the versions, once for each question.
func (j *releaseJudge) enumerate() {
	if j.enumerated || !j.r.whole() {
		return
	}
	listing, err := j.r.list(func(path string) bool { _, ok := j.version(path); return ok }, ReleaseReach(j.demand), ReleaseEnter(j.demand))
	switch {
	case err != nil:
		j.incomplete = j.r.lookupTrouble(err)
	case len(listing.Paths) > maxListed:
		j.incomplete = undecided(ReleaseNotEnumerable, Definitive, "the repository lists %d versions; at most %d are looked at", len(listing.Paths), maxListed)
	default:
		for _, path := range listing.Paths {
			version, _ := j.version(path)
			j.versions = append(j.versions, version)
		}
		slices.SortFunc(j.versions, newestFirst)
	}
	j.roles, j.enumerated = listing.Roles, true
}

// meant looks up the versions that fit, the newest first. A role that machines alone
// could sign must not have been asked for one of them: it could hide the version, or put
// another in its place.
func (j *releaseJudge) meant(fits func(version string) bool) ([]*listing, *trouble) {
	enter := ReleaseEnter(j.demand)
	var all []*listing
	for _, version := range j.versions {
		if !fits(version) {
			continue
		}
		look := j.look(version)
		for _, role := range look.visited {
			if role.Name != metadata.Targets && !enter(role) {
				machines, _ := people{*j.demand.Signers}.held(role)
				return nil, refused(ReleaseMachineSigners, "a lookup of version %s, which the tag could mean, asks a role that could hide it: %s", version, machines.message)
			}
		}
		if look.trouble != nil {
			return nil, look.trouble
		}
		if look.listing != nil {
			all = append(all, look.listing)
		}
	}
	return all, nil
}

// gathered looks up the versions whose manifests were gathered, the newest first.
func (j *releaseJudge) gathered() []*listing {
	var all []*listing
	for _, path := range slices.Sorted(maps.Keys(j.r.manifests)) {
		if version, ok := j.version(path); ok {
			if l := j.look(version).listing; l != nil {
				all = append(all, l)
			}
		}
	}
	slices.SortFunc(all, func(a, b *listing) int { return newestFirst(a.version, b.version) })
	return all
}

// with lists the versions that count and name the image's digest: those that people
// authorise as the policy demands, and apart from them those that others list.
func (j *releaseJudge) with() (held, strange []*listing) {
	for _, l := range j.gathered() {
		switch {
		case !l.names(j.q.facts.image.Digest):
		case j.unheldWay(l) == nil:
			held = append(held, l)
		default:
			strange = append(strange, l)
		}
	}
	return held, strange
}

// fitting keeps the versions that a moving tag could mean.
func (j *releaseJudge) fitting(all []*listing, tag string) []*listing {
	tags := j.q.rule.VersionTags()
	return slices.DeleteFunc(slices.Clone(all), func(l *listing) bool { return !tags.Moves(tag, l.version) })
}

// unheldWay says what is wrong with how the roles are held by which a version was found.
func (j *releaseJudge) unheldWay(l *listing) *trouble {
	for _, role := range l.target.Roles {
		key := edgeOf(role)
		t, known := j.unheld[key]
		if !known {
			if all := j.held(false, []metadata.Role{role}); len(all) > 0 {
				t = all[0]
			}
			j.unheld[key] = t
		}
		if t != nil {
			return t
		}
	}
	return nil
}

// unread says why it is not known which images all the listed versions are; nil where
// it is.
func (j *releaseJudge) unread() *trouble {
	j.enumerate()
	if j.incomplete != nil {
		return j.incomplete
	}
	for _, version := range j.versions {
		look := j.look(version)
		if look.trouble != nil {
			return look.trouble
		}
		if l := look.listing; l != nil && l.trouble != nil && l.trouble.result == Errored {
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

// recent names the newest authorised versions, which a person could run instead.
func (j *releaseJudge) recent(fits func(version string) bool) []VerdictVersion {
	j.enumerate()
	var recent []VerdictVersion
	for _, version := range j.versions {
		if len(recent) == 3 {
			break
		}
		if !fits(version) {
			continue
		}
		if l := j.look(version).listing; l != nil && l.trouble == nil && j.unheldWay(l) == nil {
			recent = append(recent, VerdictVersion{
				Version: l.version, Digest: l.manifest.digest, Pinned: j.q.facts.image.Reference.Name() + "@" + l.manifest.digest,
			})
		}
	}
	return recent
}

// counts reports whether a version is one of those that the newest is sought among.
func (j *releaseJudge) counts(version string) bool {
	return j.demand.Moving.Prereleases || !policy.IsPrerelease(version)
}
