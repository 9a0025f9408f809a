package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ContainerdFile is containerd's configuration, best as `containerd config dump` prints
// it, which has the files that it imports in it.
type ContainerdFile struct {
	Name string
	Text []byte
	// List returns the entries of the plugin folder.
	List func(folder string) ([]Entry, error)
}

// Entry is a file of the plugin folder. Runnable is a regular file that may be executed.
type Entry struct {
	Name     string
	Runnable bool
}

const (
	verifierPlugin = "io.containerd.image-verifier.v1.bindir"
	imagesPlugin   = "io.containerd.cri.v1.images"
	// verifierFolder is where containerd looks if its configuration names no folder.
	verifierFolder = "/opt/containerd/image-verifier/bin"
	// shortestVerifier is what assay needs as per_verifier_timeout: its own default and some.
	shortestVerifier = 9 * time.Second
)

// containerd examines whether containerd asks the plugin before it pulls.
func (e *examiner) containerd(f ContainerdFile) {
	c, err := parseTOML(f.Text)
	if err != nil {
		e.unread = append(e.unread, fmt.Sprintf("%s: %v", f.Name, err))
		return
	}
	e.gate("containerd")
	if imports, _ := c.at("imports").([]any); len(imports) > 0 {
		e.unread = append(e.unread, fmt.Sprintf("%s imports %v, which can change all of it; wanted the output of `containerd config dump`", f.Name, imports))
	}
	if version, _ := c.at("version").(int64); version < 3 {
		e.weak("containerd.old", f.Name+" version", fmt.Sprint(version), "use containerd 2.1 or newer, whose CRI plugin asks verifiers, and version = 3")
	}
	disabled, _ := c.at("disabled_plugins").([]any)
	for _, d := range disabled {
		if s, _ := d.(string); s == verifierPlugin || s == "io.containerd.image-verifier.v1" {
			e.open("containerd.disabled", f.Name+" disabled_plugins", s, "take it out")
		}
	}
	e.containerdFolder(f, c)
	e.containerdPull(f, c)
}

// containerdFolder examines which verifiers there are, and whether all are asked.
func (e *examiner) containerdFolder(f ContainerdFile, c table) {
	where := f.Name + " plugins.'" + verifierPlugin + "'"
	plugin := func(key string) any { return c.at("plugins", verifierPlugin, key) }
	folder := verifierFolder
	if v := plugin("bin_dir"); v != nil {
		folder, _ = v.(string)
	}
	if folder == "" {
		e.open("containerd.no_folder", where+".bin_dir", "nothing", "set "+verifierFolder)
		return
	}
	if v, ok := plugin("per_verifier_timeout").(string); ok {
		if d, err := time.ParseDuration(v); err != nil || d < shortestVerifier {
			e.weak("containerd.timeout_short", where+".per_verifier_timeout", v, "set 15s: containerd kills the plugin sooner than it answers")
		}
	}
	entries, err := f.List(folder)
	if err != nil {
		e.open("containerd.no_folder", where+".bin_dir "+folder, err.Error(), "make the folder and put assay-containerd into it (docs/containerd.md): without it every image is pulled. Run this on the node itself")
		return
	}
	e.verifiers(where, folder, entries, plugin("max_verifiers"))
}

func (e *examiner) verifiers(where, folder string, entries []Entry, maximum any) {
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name)
		if !entry.Runnable {
			e.weak("containerd.not_runnable", folder+"/"+entry.Name, "a file that cannot be run", "remove it: containerd runs every entry, and one that fails blocks every pull")
		}
	}
	slices.Sort(names) // containerd's own order
	ours := slices.IndexFunc(names, func(n string) bool { return strings.HasSuffix(strings.TrimSuffix(n, ".exe"), "assay-containerd") })
	if ours < 0 {
		e.open("containerd.no_plugin", folder, fmt.Sprintf("%d entries, none of them assay's", len(names)), "install assay there under a name that ends in assay-containerd (docs/containerd.md)")
		return
	}
	most, isInt := maximum.(int64)
	switch {
	case maximum == nil:
		most = defaultVerifiers
	case !isInt:
		e.open("containerd.skipped", where+".max_verifiers", fmt.Sprint(maximum), "set -1")
		return
	}
	if most >= 0 && int64(ours) >= most {
		e.open("containerd.skipped", where+".max_verifiers", fmt.Sprint(most), "set -1: entries beyond the number are skipped, in the order of their names")
	}
}

// defaultVerifiers is how many verifiers containerd asks where its configuration says
// nothing; if that ever grows, this is stricter than it needs to be.
const defaultVerifiers = 10

// containerdPull examines what makes the CRI plugin pull by itself, without a question.
func (e *examiner) containerdPull(f ContainerdFile, c table) {
	where := f.Name + " plugins.'" + imagesPlugin + "'"
	falls := func(key string, value any) {
		e.open("containerd.pulls_itself", where+"."+key, fmt.Sprint(value), "take it out (docs/containerd.md): with it Kubernetes' pulls ask no verifier")
	}
	for key, asks := range map[string]any{
		"use_local_image_pull": false, "disable_snapshot_annotations": true, "discard_unpacked_layers": false,
		"image_pull_with_sync_fs": false, "max_concurrent_downloads": int64(3),
	} {
		if v := c.at("plugins", imagesPlugin, key); v != nil && v != asks {
			falls(key, v)
		}
	}
	for _, key := range []string{"mirrors", "configs", "auths"} {
		if v, _ := c.at("plugins", imagesPlugin, "registry", key).(table); len(v) > 0 {
			falls("registry."+key, fmt.Sprintf("%d entries", len(v)))
		}
	}
	if c.at("plugins", "io.containerd.grpc.v1.cri", "containerd") != nil || c.at("plugins", "io.containerd.grpc.v1.cri", "registry") != nil {
		e.unread = append(e.unread, f.Name+" has the CRI plugin's settings in the form of containerd 1; wanted the output of `containerd config dump`, which says what containerd 2 makes of them")
	}
}
