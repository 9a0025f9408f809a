package sbom

import (
	"strings"
	"sync"

	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
	"github.com/package-url/packageurl-go"
)

// KnownLicense reports whether a pattern of [DenyLicenses] fits a licence of SPDX's list,
// or is about LicenseRefs. Another one can only fit a licence that a document gives as a
// text.
func KnownLicense(pattern string) bool {
	low := strings.ToLower(modernPattern(strings.TrimSpace(pattern)))
	if strings.Contains(low, "licenseref-") {
		return true
	}
	id, exception, excepted := strings.Cut(low, " with ")
	return fitsOne(licenseForms(), id) && (!excepted || fitsOne(exceptionForms(), strings.TrimSpace(exception)))
}

// KnownType reports whether the type of package that p names is one of the package URL
// specification, or proposed for it.
func (p Pattern) KnownType() bool {
	kind, _, _ := strings.Cut(p.key, "/")
	return fitsOne(packageTypes(), kind)
}

// fitsOne reports whether a pattern in lower case fits one of the texts.
func fitsOne(texts map[string]bool, pattern string) bool {
	if !strings.Contains(pattern, "*") {
		return texts[pattern]
	}
	for s := range texts {
		if glob(pattern, s) {
			return true
		}
	}
	return false
}

// licenseForms are the ids of SPDX's list in lower case, in each form that denying
// compares.
var licenseForms = sync.OnceValue(func() map[string]bool {
	forms := map[string]bool{}
	for _, id := range newLicenseTable().ids {
		later, plus := modern(id, true)
		if plus {
			later += "+"
		}
		only, _ := modern(id, false)
		for _, form := range []string{id, only, later, id + "-or-later"} {
			forms[strings.ToLower(form)] = true
		}
	}
	return forms
})

var exceptionForms = sync.OnceValue(func() map[string]bool {
	forms := map[string]bool{}
	for _, id := range spdxlicenses.GetExceptions() {
		forms[strings.ToLower(id)] = true
	}
	return forms
})

var packageTypes = sync.OnceValue(func() map[string]bool {
	types := map[string]bool{}
	for _, known := range []map[string]struct{}{packageurl.KnownTypes, packageurl.CandidateTypes} {
		for kind := range known {
			types[kind] = true
		}
	}
	return types
})
