package policy

import "golang.org/x/mod/semver"

// CompareVersions orders two versions by the precedence of SemVer 2.0 (section 11):
// -1, 0 or +1 as a is before, beside or after b. Build metadata does not count. ok is
// false where either is not SemVer 2.0: such versions have no order.
func CompareVersions(a, b string) (order int, ok bool) {
	if !IsVersion(a, "") || !IsVersion(b, "") {
		return 0, false
	}
	return semver.Compare("v"+a, "v"+b), true
}

// IsPrerelease reports whether a version is a pre-release by SemVer 2.0 (section 9);
// of another grammar none is.
func IsPrerelease(version string) bool {
	return IsVersion(version, "") && semver.Prerelease("v"+version) != ""
}
