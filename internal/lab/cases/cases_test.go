package cases_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab/cases"
)

// advisories are published weaknesses of the tools that do this job. Each is named by a case that tests it.
var advisories = []string{
	"CVE-2022-29173", "CVE-2022-35929", "CVE-2022-47633", "CVE-2023-2727", "CVE-2023-46737", "CVE-2023-47630",
	"CVE-2024-29902", "CVE-2024-29903", "CVE-2024-3727", "CVE-2024-45395", "CVE-2024-47534",
	"CVE-2025-25204", "CVE-2025-27403", "CVE-2025-29778",
	"CVE-2026-22703", "CVE-2026-23991", "CVE-2026-23992", "CVE-2026-24122", "CVE-2026-24686", "CVE-2026-39395", "CVE-2026-39984",
	"CVE-2026-44310", "CVE-2026-48501", "CVE-2026-49834", "CVE-2026-54787", "GHSA-fx35-mq7g-6g98",
}

var (
	id       = regexp.MustCompile(`\A[0-9]{2}(-[a-z0-9]+)+\z`)
	advisory = regexp.MustCompile(`\A(CVE-20[0-9]{2}-[0-9]{4,}|GHSA(-[a-z0-9]{4}){3})\z`)
)

func TestCatalogue(t *testing.T) {
	seen, named, classes := map[string]bool{}, map[string]bool{}, map[int]int{}
	for _, c := range cases.All() {
		if !id.MatchString(c.ID) || seen[c.ID] || len(c.ID) > 80 {
			t.Errorf("the id %q is not one, or is there twice", c.ID)
		}
		seen[c.ID] = true
		classes[c.Class]++
		if want := (c.ID + "--")[:2]; cases.ClassName(c.Class) == "" || want != twoDigits(c.Class) {
			t.Errorf("%s is of class %d", c.ID, c.Class)
		}
		if !strings.HasSuffix(c.Shows, ".") || strings.Contains(c.Shows, "\n") || len(c.Shows) > 300 {
			t.Errorf("%s: %q is not one sentence", c.ID, c.Shows)
		}
		for _, a := range c.Advisories {
			named[a] = true
			if !advisory.MatchString(a) {
				t.Errorf("%s names the advisory %q", c.ID, a)
			}
		}
		wanted(t, c.ID, c.Class, c.Want)
	}
	for class := 0; class <= cases.Classes(); class++ {
		if classes[class] == 0 {
			t.Errorf("class %d, %s, has no case", class, cases.ClassName(class))
		}
	}
	for _, a := range advisories {
		if !named[a] {
			t.Errorf("no case names %s", a)
		}
	}
	t.Logf("%d cases, %d of them good releases, %d advisories", len(seen), classes[0], len(named))
}

// wanted refuses an answer that no gate could be held to.
func wanted(t *testing.T, id string, class int, w cases.Want) {
	t.Helper()
	switch {
	case w.Verdict == cases.Pass && (w.Code != "" || w.Exit != 0),
		w.Verdict != cases.Pass && class == 0,
		w.Verdict != cases.Pass && w.Code == "" && w.Exit == 0,
		w.Code != "" && w.Check == "",
		!slices.Contains([]string{cases.Pass, cases.Refuse, cases.Undecided}, w.Verdict):
		t.Errorf("%s of class %d wants %+v", id, class, w)
	}
}

func twoDigits(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

func TestFind(t *testing.T) {
	all := cases.All()
	if found, err := cases.Find(); err != nil || len(found) != len(all) {
		t.Errorf("found %d cases, %v; wanted all %d", len(found), err, len(all))
	}
	found, err := cases.Find("01-*", "00-*", all[0].ID)
	if err != nil || !slices.ContainsFunc(found, func(c cases.Case) bool { return c.Class == 0 }) || !slices.IsSortedFunc(found, func(a, b cases.Case) int { return a.Class - b.Class }) {
		t.Errorf("found %d cases, %v", len(found), err)
	}
	for _, c := range found {
		if c.Class > 1 {
			t.Errorf("found %s", c.ID)
		}
	}
	for _, pattern := range []string{"nothing", "[", ""} {
		if _, err := cases.Find(pattern); err == nil {
			t.Errorf("the pattern %q found something", pattern)
		}
	}
}

// A site says where all is, and leaves nothing behind that listens.
func TestSite(t *testing.T) {
	chosen, err := cases.Find("01-*")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	site, err := cases.Open(t.Context(), cases.SiteOptions{Now: now, Cases: chosen})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := site.Write(dir, "http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	list := site.Listing("http://127.0.0.1:1")
	if len(list.Cases) != len(chosen) {
		t.Errorf("the list has %d cases; wanted %d", len(list.Cases), len(chosen))
	}
	for i, c := range list.Cases {
		if c.ID != chosen[i].ID || c.Image == "" || len(c.Acts) == 0 || c.Wanted.Verdict == "" {
			t.Errorf("the list has %+v", c)
		}
		for _, file := range []string{c.Policy, c.TrustedRoot} {
			if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
				t.Errorf("%s: %v", c.ID, err)
			}
		}
	}
	if err := site.Turn(t.Context(), chosen[0].ID, 0); err != nil {
		t.Error(err)
	}
	if site.Turn(t.Context(), "nothing", 0) == nil || site.Turn(t.Context(), chosen[0].ID, 99) == nil || site.Turn(t.Context(), chosen[0].ID, -1) == nil {
		t.Error("turned to what is not there")
	}
	url := "http://" + site.Registry.Host() + "/v2/"
	if err := ping(t.Context(), url); err != nil {
		t.Errorf("the registry does not answer: %v", err)
	}
	if err := site.Close(); err != nil {
		t.Error(err)
	}
	if err := ping(t.Context(), url); err == nil {
		t.Error("the registry answers after Close")
	}
	if err := site.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func ping(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// A case that cannot be built closes what was opened before.
func TestOpenFails(t *testing.T) {
	var url string
	_, err := cases.Open(t.Context(), cases.SiteOptions{Now: time.Now(), Cases: []cases.Case{{ID: "99-broken", Build: func(b *cases.Bench) error {
		url = "http://" + b.Registry.Host() + "/v2/"
		return os.ErrInvalid
	}}}})
	if err == nil || !strings.Contains(err.Error(), "99-broken") {
		t.Errorf("found the error %v; wanted one that names the case", err)
	}
	if err := ping(t.Context(), url); err == nil {
		t.Error("the registry still answers")
	}
	if _, err := cases.Open(t.Context(), cases.SiteOptions{}); err == nil {
		t.Error("a site without a time was opened")
	}
}
