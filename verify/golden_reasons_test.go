package verify_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/releaseassay/assay/verify"
)

// reachedElsewhere are the codes that no case of testdata/verdicts reaches, each with a
// test that does: of what cannot be had from a registry, a repository or GitHub that
// works, and of evidence that the pipeline does not make.
var reachedElsewhere = map[verify.Code]string{
	verify.InternalPanic:            "verify.TestPanicIsARefusal",
	verify.LayoutNotFound:           "registry.TestLayoutResolve",
	verify.LayoutUnreadable:         "registry.TestLayoutTrouble",
	verify.LimitExceeded:            "verify.TestDeterminism",
	verify.PlaceUnavailable:         "verify.TestVerifyUndecided",
	verify.PlatformsMalformed:       "verify.TestIndexesThatCannotBeRead",
	verify.ProvenanceSuperseded:     "verify.TestOlderEvidence",
	verify.PullSecretsUnreadable:    "verifier.TestTenants",
	verify.ReferenceMalformed:       "doors.TestAdmission",
	verify.ReferenceNodeDecides:     "doors.TestAdmission",
	verify.ReferenceNotPinned:       "doors.TestAdmission",
	verify.RequestMalformed:         "doors.TestRequestsOfAnotherForm",
	verify.ServerBusy:               "doors.TestLargeBodiesAtOnce",
	verify.ServerLate:               "doors.TestLate",
	verify.SignatureSuperseded:      "verify.TestOlderEvidence",
	verify.RegistryDigestMismatch:   "registry.TestResolve",
	verify.RegistryForbidden:        "registry.TestListsThatFail",
	verify.RegistryInsecure:         "registry.TestPlainHTTP",
	verify.RegistryMalformed:        "registry.TestDescriptorsAreHints",
	verify.RegistryRateLimited:      "registry.TestRateLimit",
	verify.RegistryRedirectLoop:     "registry.TestEndlessPages",
	verify.RegistryServerError:      "registry.TestListsThatFail",
	verify.RegistrySizeMismatch:     "registry.TestDescriptorsAreHints",
	verify.RegistryTimeout:          "registry.TestTroubleAtEachPlace",
	verify.RegistryTruncated:        "registry.TestTroubleAtEachPlace",
	verify.RegistryUnauthorized:     "registry.TestListsThatFail",
	verify.RegistryUnreachable:      "registry.TestPlainHTTP",
	verify.ReleaseHashMismatch:      "verify.TestReleaseMetadata",
	verify.ReleaseInFuture:          "verify.TestReleaseExpiry",
	verify.ReleaseLagging:           "verify.TestReleaseLagging",
	verify.ReleaseMetadataMalformed: "verify.TestReleaseMetadata",
	verify.ReleaseMixAndMatch:       "verify.TestReleaseMetadata",
	verify.ReleaseNotDelegated:      "verify.TestReleaseMetadata",
	verify.ReleaseNotEnumerable:     "verify.TestReleaseManyListed",
	verify.ReleaseRollback:          "verify.TestReleaseState",
	verify.ReleaseStateMissing:      "verify.TestReleaseState",
	verify.ReleaseStateUnreadable:   "verify.TestReleaseState",
	verify.ReleaseThreshold:         "verify.TestReleaseMetadata",
	verify.ReleaseUnknownKey:        "verify.TestReleaseMetadata",
	verify.TUFForbidden:             "release.TestWhatCannotBeHad",
	verify.TUFInsecure:              "release.TestWhatCannotBeHad",
	verify.TUFNotFound:              "release.TestWhatCannotBeHad",
	verify.TUFRateLimited:           "release.TestWhatCannotBeHad",
	verify.TUFRedirectLoop:          "release.TestWhatCannotBeHad",
	verify.TUFServerError:           "release.TestWhatCannotBeHad",
	verify.TUFTimeout:               "release.TestTimeIsUp",
	verify.TUFTruncated:             "release.TestWhatCannotBeHad",
	verify.TUFUnreachable:           "release.TestAServerThatIsDown",
	verify.GitHubForbidden:          "github.TestFailures",
	verify.GitHubInsecure:           "github.TestFailures",
	verify.GitHubMalformed:          "github.TestFailures",
	verify.GitHubNotFound:           "github.TestHiddenIsNotAbsent",
	verify.GitHubRateLimited:        "github.TestRateLimitBeyondTheBudget",
	verify.GitHubRedirectLoop:       "github.TestFailures",
	verify.GitHubServerError:        "github.TestFailures",
	verify.GitHubTimeout:            "github.TestBounds",
	verify.GitHubTruncated:          "github.TestFailures",
	verify.GitHubUnauthorized:       "github.TestHiddenIsNotAbsent",
	verify.GitHubUnreachable:        "github.TestFailures",
	verify.GitHubUnusableName:       "github.TestUnusableNames",
}

// TestEveryReasonIsReached: each code is in the wanted verdict of a case, or is reached
// by the test that is named for it.
func TestEveryReasonIsReached(t *testing.T) {
	golden := goldenCodes(t)
	tests := testNames(t)
	known := map[verify.Code]bool{}
	for _, r := range verify.Reasons() {
		known[r.Code] = true
		test, listed := reachedElsewhere[r.Code]
		switch {
		case golden[r.Code] && listed:
			t.Errorf("%s is reached by a case; take it off reachedElsewhere", r.Code)
		case !golden[r.Code] && !listed:
			t.Errorf("%s is reached by no case of testdata/verdicts, and no other test is named for it", r.Code)
		case listed && !tests[test]:
			t.Errorf("%s is to be reached by %s, which is no test of this project", r.Code, test)
		}
	}
	for code := range reachedElsewhere {
		if !known[code] {
			t.Errorf("%s is no code", code)
		}
	}
}

// goldenCodes are the codes that wanted verdicts name.
func goldenCodes(t *testing.T) map[verify.Code]bool {
	t.Helper()
	codes, word := map[verify.Code]bool{}, regexp.MustCompile(`[a-z]+\.[a-z_]+`)
	for _, file := range must(filepath.Glob(filepath.Join(verdictsDir, "*.txtar"))) {
		for _, f := range must(txtar.ParseFile(file)).Files {
			if f.Name != "want.yaml" {
				continue
			}
			for _, code := range word.FindAllString(string(f.Data), -1) {
				codes[verify.Code(code)] = true
			}
		}
	}
	return codes
}

// testNames are the tests of the whole project, as "folder.TestName".
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names, function := map[string]bool{}, regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range function.FindAllSubmatch(text, -1) {
			names[filepath.Base(filepath.Dir(path))+"."+string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
