package release

import (
	"cmp"
	"context"
	"slices"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// candidate is a listed target and the version in its path. ordered says that the
// version has a place in the order of SemVer, meant that a moving tag of the reference
// may point to it.
type candidate struct {
	path, version  string
	ordered, meant bool
}

// candidates enumerates the versions that the repository lists: those that a moving
// tag could mean first, then the others, each the newest first. Where there are more of
// them than are read, hints are those that an earlier run saw listed with the digest, so
// that nobody who may list something can push them out. whole is false if not all are there.
func (g *gathering) candidates(ctx context.Context, digest string) (hints, rest []candidate, whole bool, err error) {
	demand, grammar := g.want.Demand, g.want.Tags.Grammar
	listed := map[string]bool{}
	paths, err := g.client.List(ctx, func(path string) bool {
		if len(listed) > maxCandidates || ctx.Err() != nil {
			return false
		}
		if listed[path] {
			return true
		}
		_, ok := demand.Target.Version(path, grammar)
		if ok {
			listed[path] = true
		}
		return ok
	}, verify.ReleaseReach(demand))
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, nil, false, err
	}
	if whole = len(listed) <= maxCandidates; !whole {
		paths = g.listedWith(digest) // which of the others were seen is chance
	}
	var all []candidate
	for _, path := range paths {
		if version, ok := demand.Target.Version(path, grammar); ok {
			all = append(all, g.candidate(path, version))
		}
	}
	slices.SortFunc(all, before)
	for _, c := range all {
		known := len(all) > maxManifests && g.evidence.State.Listed[c.path] == digest
		if known && len(hints) < maxHints {
			hints = append(hints, c)
		} else {
			rest = append(rest, c)
		}
	}
	return hints, rest, whole, nil
}

// listedWith are the targets that an earlier run saw listed with a digest.
func (g *gathering) listedWith(digest string) []string {
	var paths []string
	for path, was := range g.evidence.State.Listed {
		if was == digest {
			paths = append(paths, path)
		}
	}
	return paths
}

func (g *gathering) candidate(path, version string) candidate {
	return candidate{path: path, version: version, ordered: policy.IsVersion(version, ""), meant: g.meant(version)}
}

// before orders candidates: what is meant, then by SemVer precedence, and by the letters
// where that says nothing.
func before(a, b candidate) int {
	if a.meant != b.meant {
		return first(a.meant)
	}
	if a.ordered != b.ordered {
		return first(a.ordered)
	}
	order := 0
	if a.ordered {
		order, _ = policy.CompareVersions(b.version, a.version)
	}
	return cmp.Or(order, cmp.Compare(b.version, a.version), cmp.Compare(a.path, b.path))
}

func first(yes bool) int {
	if yes {
		return -1
	}
	return 1
}

// meant reports whether a moving tag of the reference may point to a version.
func (g *gathering) meant(version string) bool {
	tag, tags := g.want.Reference.Tag(), g.want.Tags
	if !g.moving() || (!g.want.Demand.Moving.Prereleases && policy.IsPrerelease(version)) {
		return false
	}
	return !tags.IsMoving(tag) || tags.Moves(tag, version)
}
