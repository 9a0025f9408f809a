package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/releaseassay/assay/internal/release"
)

// releaseBlock is the demand for a release as a policy writes it.
type releaseBlock struct {
	MetadataURL, TargetsURL, File, SHA256 string
	// Target is a guess from what the repository lists.
	Target string
	// Notes say who holds what, for whoever reads the policy.
	Notes []string
	// Human demands that people hold the keys.
	Human bool
}

// yaml writes the block, each line behind an indentation.
func (b releaseBlock) yaml(indent string) string {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, indent+format+"\n", args...) }
	for _, note := range b.Notes {
		line("# %s", note)
	}
	line("release:")
	line("  tuf:")
	line("    metadata_url: %s", quoted(b.MetadataURL))
	line("    targets_url: %s", quoted(b.TargetsURL))
	line("    root: {file: %s, sha256: %s}", quoted(b.File), quoted(b.SHA256))
	if b.Target == "" {
		line("  target: %s", quoted("NAME/v{version}.json"))
	} else {
		line("  target: %s", quoted(b.Target))
	}
	if b.Human {
		line("  signers: {class: human, people: 1}")
	}
	return out.String()
}

// quoted writes a YAML scalar in double quotes: JSON strings are such.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// blockOf writes down what was found in a repository.
func blockOf(d release.Description, file string) releaseBlock {
	b := releaseBlock{MetadataURL: d.MetadataURL, TargetsURL: d.TargetsURL, File: file, SHA256: d.RootSHA256, Human: true}
	for _, role := range d.Roles {
		var holders []string
		for _, h := range role.Holders {
			who := "the key " + h.SHA256
			if h.Identity != "" {
				who = h.Identity + " by " + h.Issuer
			}
			holders = append(holders, escape(who))
			online := role.Name == "timestamp" || role.Name == "snapshot"
			b.Human = b.Human && (online || strings.Contains(h.Identity, "@") && !strings.Contains(h.Identity, "/"))
		}
		b.Notes = append(b.Notes, fmt.Sprintf("%s %d, until %s, %d of: %s", escape(role.Name), role.Version,
			role.Expires.UTC().Format("2006-01-02"), role.Threshold, strings.Join(holders, "; ")))
	}
	b.Target = guessTarget(d.Targets)
	if b.Target == "" {
		b.Notes = append(b.Notes, "no listed target has a version in its name: write the target yourself")
	}
	if !b.Human {
		b.Notes = append(b.Notes, "not all of these are people by their identity: say in signers whom you accept, or accept whomever the root authorises")
	}
	return b
}

// ending is what follows a version in a name, such as ".json".
var ending = regexp.MustCompile(`\A\.[a-z][a-z0-9]*\z`)

var versionInPath = regexp.MustCompile(`(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)(?:-[0-9A-Za-z.-]*[0-9A-Za-z])?`)

// guessTarget finds the pattern that most of the targets fit.
func guessTarget(targets []string) string {
	count := map[string]int{}
	var patterns []string
	for _, t := range targets {
		name := path.Base(t)
		ext := path.Ext(name)
		if !ending.MatchString(ext) {
			ext = ""
		}
		if strings.ContainsAny(t, "{}*") {
			continue
		}
		stem := strings.TrimSuffix(name, ext)
		at := versionInPath.FindStringIndex(stem)
		if at == nil {
			continue
		}
		pattern := strings.TrimSuffix(t, name) + stem[:at[0]] + "{version}" + stem[at[1]:] + ext
		if count[pattern]++; count[pattern] == 1 {
			patterns = append(patterns, pattern)
		}
	}
	slices.SortStableFunc(patterns, func(a, b string) int { return count[b] - count[a] })
	if len(patterns) == 0 {
		return ""
	}
	return patterns[0]
}
