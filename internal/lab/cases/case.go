package cases

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// The answers that a gate can have to give.
const (
	Pass      = "pass"
	Refuse    = "fail"      // conclusively
	Undecided = "undecided" // refused, because something could not be read
)

// Want is the answer that a case must get.
type Want struct {
	// Verdict is Pass, Refuse or Undecided.
	Verdict string `json:"verdict"`
	// Check is the check of assay that has to refuse and Code its reason. Both are empty for a pass, and Check is empty where
	// nothing was judged: then Exit says more.
	Check string `json:"check,omitempty"`
	Code  string `json:"code,omitempty"`
	// Exit is assay's exit code where the verdict does not decide it: 2 for a reference or policy that is refused before
	// anything is judged.
	Exit int `json:"exit,omitempty"`
	// Digest is what assay's verdict has to be about, where the registry shows more than one image; empty where it does not
	// matter.
	Digest string `json:"digest,omitempty"`
}

// About is the same answer, about the image of a digest.
func (w Want) About(digest string) Want { w.Digest = digest; return w }

// Admits is the wanted answer of a good release.
func Admits() Want { return Want{Verdict: Pass} }

// Fails is a conclusive refusal by a check; its name is what stands before the dot of most codes.
func Fails(check, code string) Want { return Want{Verdict: Refuse, Check: check, Code: code} }

// CannotTell is a refusal because a check could not be decided.
func CannotTell(check, code string) Want {
	return Want{Verdict: Undecided, Check: check, Code: code}
}

// Rejected is a refusal of the question itself: a reference or a policy that nothing is judged by.
func Rejected() Want { return Want{Verdict: Refuse, Exit: 2} }

// Case is one way to ask a gate for admission.
type Case struct {
	// ID is unique and does not change its meaning: the class in two digits, a hyphen, and lower-case words.
	ID string
	// Class is the number in the catalogue of attacks; 0 is a good release.
	Class int
	// Advisories name published weaknesses of this kind.
	Advisories []string
	// Shows says in one sentence how it works, and Why, where it is not plain, what a reader should know of the answer.
	Shows, Why string
	// Want is the answer to the case's question, unless the bench says otherwise with Ask.
	Want Want
	// Slow says that something keeps its clients waiting until they give up.
	Slow bool
	// PolicyOnly says that the release is as good as any, and that the case's own policy alone asks for more: a gate that
	// does not read it has nothing to refuse.
	PolicyOnly bool
	// Build publishes the case.
	Build func(*Bench) error
}

// Good reports whether the case is to be admitted.
func (c Case) Good() bool { return c.Want.Verdict == Pass }

// All lists the cases in the order of their classes.
func All() []Case {
	all := slices.Concat(
		releases(), identities(), certificates(), logs(), malformed(), statements(), platforms(), documents(),
		registries(), repositories(), backends(),
	)
	slices.SortStableFunc(all, func(a, b Case) int { return a.Class - b.Class })
	return all
}

// Find chooses cases by patterns, as [path.Match] reads them, of ids ("03-*"). No pattern chooses all.
func Find(patterns ...string) ([]Case, error) {
	all := All()
	if len(patterns) == 0 {
		return all, nil
	}
	chosen := map[string]bool{}
	for _, p := range patterns {
		found := false
		for _, c := range all {
			ok, err := path.Match(p, c.ID)
			if err != nil {
				return nil, fmt.Errorf("find cases: the pattern %q: %w", p, err)
			}
			if ok {
				chosen[c.ID], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("find cases: nothing is called %q; `assay lab list` prints every id", p)
		}
	}
	return slices.DeleteFunc(all, func(c Case) bool { return !chosen[c.ID] }), nil
}

// Act is one question of a case. Most have one; where an attack needs a past, the acts before the last make it.
type Act struct {
	// Image is the reference to ask for, Args further arguments of `assay verify`.
	Image string
	Args  []string
	Want  Want
	// Policy is the file to judge by, where the policy changes from act to act; empty is the case's own. See [Bench.Other].
	Policy string
	// AtOnce is how many times the question is put side by side; 0 is once.
	AtOnce int
	// Turn changes the world before the question; nil leaves it. It may be called again for another run of the case and
	// then has to make the same world.
	Turn func(context.Context) error
}

// slug returns an id of a class from words: slug(3, "a prefix") is "03-a-prefix".
func slug(class int, words ...string) string {
	text := strings.ToLower(strings.Join(words, "-"))
	out := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, text)
	for strings.Contains(out, "--") {
		out = strings.ReplaceAll(out, "--", "-")
	}
	return fmt.Sprintf("%02d-%s", class, strings.Trim(out, "-"))
}
