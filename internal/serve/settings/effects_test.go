package settings

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// effects names, for each setting, the test that shows that it does something: a setting
// that is silently ignored is an attack.
var effects = map[string]string{
	"listen":           "assay.TestServeReload",
	"probes":           "front.TestMutual",
	"probes_tls":       "front.TestMetricsAuth",
	"certificate":      "front.TestRotationUnderLoad",
	"key":              "front.TestUnusableCertificates",
	"auth":             "front.TestBearer",
	"tokens":           "front.TestTokenRotation",
	"client_ca":        "front.TestMutual",
	"client_names":     "front.TestMutualNames",
	"open":             "front.TestOpenDoors",
	"metrics_auth":     "front.TestMetricsAuth",
	"policies":         "verifier.TestCaches",
	"exceptions":       "verifier.TestExceptions",
	"shadow":           "verifier.TestShadow",
	"registries":       "assay.TestServeReaches",
	"trusted_root":     "assay.TestServeReaches",
	"state":            "verifier.TestStateIsKept",
	"deadline":         "verifier.TestLateBySettings",
	"verification":     "assay.TestServeVerification",
	"refresh":          "assay.TestServeRefresh",
	"trust_age":        "verifier.TestReady",
	"drain":            "front.TestDrainIsBounded",
	"connections":      "front.TestConnections",
	"concurrency":      "front.TestConcurrency",
	"verifications":    "verifier.TestBusy",
	"client_rate":      "front.TestClientRate",
	"client_burst":     "front.TestClientRate",
	"registry_rate":    "assay.TestServeReaches",
	"registry_burst":   "assay.TestServeReaches",
	"cache_bytes":      "verifier.TestMemoryBySettings",
	"evidence_bytes":   "verifier.TestMemoryBySettings",
	"cache_pass":       "verifier.TestReplicas",
	"cache_fail":       "verifier.TestCaches",
	"cache_error":      "verifier.TestCaches",
	"cache_tag":        "verifier.TestCaches",
	"redis":            "assay.TestServeStore",
	"redis_password":   "assay.TestServeStore",
	"redis_ca":         "assay.TestServeStore",
	"store_keys":       "cache.TestReadKeys",
	"share_floor":      "assay.TestServeStore",
	"pull_secrets":     "doors.TestSettingsOfAdmission",
	"mutate_templates": "doors.TestSettingsOfAdmission",
	"allow_tags":       "doors.TestSettingsOfAdmission",
	"review_tags":      "doors.TestImageReview",
	"kinds":            "doors.TestSettingsOfAdmission",
	"audit_log":        "assay.TestServeReload",
	"traces":           "assay.TestServeTraces",
	"log_level":        "assay.TestServeLogLevel",
}

// TestEverySettingTakesEffect: each has a test by name that is there, and a line of the
// program that reads it.
func TestEverySettingTakesEffect(t *testing.T) {
	tests, program := sources(t)
	known := map[string]bool{}
	for _, row := range Table() {
		known[row.Name] = true
		if test := effects[row.Name]; !tests[test] {
			t.Errorf("%s is to take effect in %q, which is no test of this project", row.Name, test)
		}
		field := fieldOf(t, row)
		if !regexp.MustCompile(`\.` + field + `\b`).MatchString(program) {
			t.Errorf("nothing reads Settings.%s", field)
		}
	}
	for name := range effects {
		if !known[name] {
			t.Errorf("%s is no setting", name)
		}
	}
	if n := reflect.TypeFor[Settings]().NumField(); n != len(effects) {
		t.Errorf("%d fields, %d tests", n, len(effects))
	}
}

// sources are the tests of the whole project as "folder.TestName", and the text of the
// server outside this package and outside tests.
func sources(t *testing.T) (map[string]bool, string) {
	t.Helper()
	tests, function := map[string]bool{}, regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	var program strings.Builder
	for _, root := range []string{"..", "../../../cmd/assay"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			text, err := os.ReadFile(path)
			folder := filepath.Base(filepath.Dir(path))
			switch {
			case strings.HasSuffix(path, "_test.go"):
				for _, found := range function.FindAllSubmatch(text, -1) {
					tests[folder+"."+string(found[1])] = true
				}
			case folder != "settings" && (folder != "assay" || strings.HasPrefix(entry.Name(), "serve")):
				program.Write(text)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return tests, program.String()
}
