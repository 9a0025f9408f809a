package verify

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/releaseassay/assay/policy"
)

// denied says that a statement is by somebody whose signatures of that time do not count.
// It would count otherwise. Each verified time is looked at: a later timestamp does not
// save a signature that a log saw in the compromised week. Who signed TUF metadata is not
// touched: keys of a repository are revoked in the repository.
func (q *question) denied(s *Statement) *Difference {
	if s.claims == nil {
		return nil
	}
	for _, d := range q.rule.Deny.Signed {
		if d.Issuer != "" && d.Issuer != s.claims.Issuer {
			continue
		}
		if !d.Identity.IsZero() && !names(d.Identity, s.claims.Identity) {
			continue
		}
		if !slices.ContainsFunc(s.times, func(t VerifiedTime) bool { return d.Window.Contains(t.Time) }) && !d.Window.IsZero() {
			continue
		}
		return differ(problemDenied, "signer", "nobody that deny.signed names"+because(d.Reason), s.claims.Identity+" "+stamp(s.Time()))
	}
	return nil
}

// names reports whether a pattern is of an identity: of the whole of it, of a workflow at
// whatever ref, or of either once what no wildcard stands for is written otherwise.
// Elsewhere a pattern should match too little rather than too much; here it is the
// other way round.
func names(p policy.Pattern, identity string) bool {
	path, ref, workflow := identity, "", false
	if strings.Contains(identity, "://") {
		path, ref, workflow = strings.Cut(identity, "@")
	}
	texts := []string{identity, path, plainText(path)}
	if workflow {
		texts = append(texts, plainText(path)+"@"+plainText(ref))
	}
	return slices.ContainsFunc(texts, func(text string) bool { return p.Match(text, policy.Vars{}) })
}

// plainText writes a letter for each character that no wildcard stands for.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '@' || r == '?' || !unicode.IsPrint(r) || unicode.IsSpace(r) {
			return 'x'
		}
		return r
	}, s)
}

// because adds a reason to a text, if there is one.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + brief(reason) + ")"
}

// deniedDigest finds the image, the index that was named for it, or anything that the
// image lists, on the list of digests that never pass. unread is why not everything is
// known that the image lists, itself or through the indexes inside it; nil where it is.
func (q *question) deniedDigest() (what string, unread *trouble) {
	deny := q.rule.Deny
	if len(deny.Digests) == 0 {
		return "", nil
	}
	held := []string{q.facts.image.Digest}
	if q.facts.index != nil {
		held = append(held, q.facts.index.image.Digest)
	}
	if isIndex(q.facts.image) {
		t := q.platforms()
		for _, n := range t.nodes {
			held = append(held, n.digest)
		}
		if f, partly := t.failure(); t.err != nil {
			unread = undecided(RegistryMalformed, Definitive, "what the index lists cannot be read, so it is not known whether the policy denies it: %s", t.err)
		} else if partly {
			unread = undecided(f.Code, f.Class, "what an index inside the index lists is not known, nor whether the policy denies it: %s: %s", f.Place, f.Detail)
		}
	}
	for _, digest := range held {
		if slices.Contains(deny.Digests, digest) {
			what := "the policy denies " + digest
			if digest != q.facts.image.Digest {
				what += ", which belongs to the image"
			}
			return what + because(deny.Reasons[digest]), nil
		}
	}
	return "", unread
}

// deniedVersion finds a version of the image on the list of those that never pass: the one
// under judgement, each under which the TUF repository lists the digest, and whatever
// version the evidence that counts tells of. unknown is true where no version is known
// that could be compared.
func (q *question) deniedVersion() (what string, unknown bool) {
	deny := q.rule.Deny.Versions
	if len(deny) == 0 {
		return "", false
	}
	versions := q.versionsTold()
	for _, version := range versions {
		for _, d := range deny {
			if bare(d.Version) == bare(version) {
				return "the policy denies version " + version + because(d.Reason), false
			}
		}
	}
	return "", len(versions) == 0
}

// deniedCandidate is a version on that list of which authenticated evidence is by its
// certificate's ref, though it did not meet its check; "" where there is none. It refuses
// nothing, since anybody can sign anything, but an exception would let in just that.
func (q *question) deniedCandidate() string {
	if len(q.rule.Deny.Versions) == 0 {
		return ""
	}
	for _, c := range checks(q.rule) {
		check, ok := c.(statements)
		if !ok || !c.required(q.rule) || q.statements(check).finding.Result == Passed {
			continue
		}
		for _, s := range q.reach(check) {
			if s.claims == nil || !check.concerns(s.layout, s.predicateType) {
				continue
			}
			version := q.versionOfRef(check.demand(q.rule), s.claims.Ref)
			if version != "" && slices.ContainsFunc(q.rule.Deny.Versions, func(d policy.DeniedVersion) bool { return bare(d.Version) == bare(version) }) {
				return version
			}
		}
	}
	return ""
}

// versionsTold lists every version that the image could be.
func (q *question) versionsTold() []string {
	var versions []string
	if q.vars.Version != "" {
		versions = append(versions, q.vars.Version)
	}
	_, heard := q.tell() // an image is of each version that anything says it is
	for _, s := range heard.counted("version") {
		versions = append(versions, s.form)
	}
	versions = append(versions, q.versionsListed()...)
	slices.Sort(versions)
	return slices.Compact(versions)
}

// versionsListed are those under which the TUF repository lists the digest, whoever
// holds the role that does.
func (q *question) versionsListed() (versions []string) {
	if q.rule.Release == nil || q.facts.release == nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil { // the check of the release has met it and said so
			versions = nil
		}
	}()
	j := newReleaseJudge(q)
	if !j.r.whole() {
		return nil
	}
	held, strange := j.with()
	for _, l := range append(held, strange...) {
		versions = append(versions, l.version)
	}
	return versions
}

// bare takes the "v" off a version.
func bare(version string) string { return strings.TrimPrefix(version, "v") }

// describeDeny writes what is denied, for the verdict.
func describeDeny(d policy.Deny) map[string]string {
	w := map[string]string{}
	if len(d.Digests) > 0 {
		w["deny.digests"] = enumerate(d.Digests)
	}
	var versions, signers []string
	for _, v := range d.Versions {
		versions = append(versions, v.Version)
	}
	for _, s := range d.Signed {
		signers = append(signers, strings.TrimSpace(fmt.Sprintf("%s %s", s.Identity, window(s.Window))))
	}
	if len(versions) > 0 {
		w["deny.versions"] = enumerate(versions)
	}
	if len(signers) > 0 {
		w["deny.signed"] = enumerate(signers)
	}
	return w
}
