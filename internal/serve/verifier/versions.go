package verifier

import (
	"sync"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// version is what was seen of a TUF repository: the versions of its newest root and of
// its snapshot, which fixes those of all that lists releases. The zero version is of a
// repository that was not seen yet, or of no repository.
type version struct{ root, snapshot int64 }

// before reports whether v is older than w.
func (v version) before(w version) bool {
	return v.root < w.root || v.root == w.root && v.snapshot < w.snapshot
}

// repository is a TUF repository, as it is known wherever it is read from.
type repository struct{ root, url string }

func repositoryOf(r *policy.Release) repository {
	return repository{r.TUF.Root.SHA256, r.TUF.MetadataURL}
}

// versions are the newest versions that were seen and verified, by repository. They
// never go back, so that nobody who shows an old one brings back what was remembered of it.
type versions struct {
	mu  sync.RWMutex
	all map[repository]version
}

// of is what was last seen of a rule's repository.
func (v *versions) of(r policy.Rule) version {
	if r.Release == nil {
		return version{}
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.all[repositoryOf(r.Release)]
}

// saw notes versions that were verified, and returns the newest.
func (v *versions) saw(of repository, now version) version {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil {
		v.all = map[repository]version{}
	}
	if v.all[of].before(now) {
		v.all[of] = now
	}
	return v.all[of]
}

// note notes what a verdict rests on, and returns it: before, where the verdict does not
// say. It may be older than what others have seen by now, and then it is nobody's answer.
// A refusal shows as much as a pass: it may be the first to see a withdrawal.
func (v *versions) note(r policy.Rule, verdict verify.Verdict, before version) version {
	if r.Release == nil {
		return version{}
	}
	var now version
	for _, f := range verdict.Checks {
		if f.Release == nil || f.Result != verify.Passed && f.Result != verify.Failed {
			continue
		}
		for _, role := range f.Release.Roles {
			switch role.Name {
			case "root":
				now.root = max(now.root, role.Version)
			case "snapshot":
				now.snapshot = max(now.snapshot, role.Version)
			}
		}
	}
	if now.snapshot == 0 {
		return before
	}
	v.saw(repositoryOf(r.Release), now)
	return now
}
