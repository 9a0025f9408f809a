package verify

import (
	"fmt"
	"strings"
	"testing"
)

const entryJSON = `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%064d","size":%d}`

func indexJSON(entries ...string) string {
	return `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` + strings.Join(entries, ",") + `]}`
}

func TestParseIndex(t *testing.T) {
	one := fmt.Sprintf(entryJSON, 1, 10)
	with := func(members string) string { return strings.TrimSuffix(one, "}") + "," + members + "}" }
	many := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(entryJSON, i, 10))
		}
		return indexJSON(all...)
	}
	for name, c := range map[string]struct {
		json string
		ok   bool
	}{
		"one":                  {indexJSON(one), true},
		"none":                 {indexJSON(), true},
		"Docker's":             {strings.Replace(indexJSON(one), "oci.image.index.v1", "docker.distribution.manifest.list.v2", 1), true},
		"without a media type": {`{"schemaVersion":2,"manifests":[` + one + `]}`, true},
		"null annotations":     {indexJSON(with(`"annotations":null,"platform":null`)), true},
		"unknown members":      {indexJSON(with(`"urls":["x"],"data":"eA=="`)), true},
		"the same twice":       {indexJSON(one, one), true},
		"a thousand":           {many(1000), true},
		"more":                 {many(1001), false},
		"two sizes":            {indexJSON(one, fmt.Sprintf(entryJSON, 1, 11)), false},
		"two media types":      {indexJSON(one, strings.Replace(one, "oci.image.manifest.v1", "docker.distribution.manifest.v2", 1)), false},
		"a negative size":      {indexJSON(fmt.Sprintf(entryJSON, 1, -1)), false},
		"a fraction":           {indexJSON(strings.Replace(one, `"size":10`, `"size":1.5`, 1)), false},
		"upper case":           {indexJSON(strings.Replace(one, strings.Repeat("0", 63)+"1", strings.Repeat("A", 64), 1)), false},
		"no digest":            {indexJSON(`{"mediaType":"x","size":1}`), false},
		"no media type":        {indexJSON(fmt.Sprintf(`{"digest":"sha256:%064d","size":1}`, 1)), false},
		"layers too":           {strings.TrimSuffix(indexJSON(one), "}") + `,"layers":[]}`, false},
		"a config too":         {strings.TrimSuffix(indexJSON(one), "}") + `,"config":{}}`, false},
		"layers in capitals":   {strings.TrimSuffix(indexJSON(one), "}") + `,"LAYERS":[]}`, false},
		"schema 1":             {strings.Replace(indexJSON(one), `:2,`, `:1,`, 1), false},
		"a manifest's type":    {strings.Replace(indexJSON(one), "image.index", "image.manifest", 1), false},
		"a number":             {indexJSON("7"), false},
		"an annotation":        {indexJSON(with(`"annotations":{"a":1}`)), false},
		"a null annotation":    {indexJSON(with(`"annotations":{"a":null}`)), false},
		"a platform's text":    {indexJSON(with(`"platform":"linux/amd64"`)), false},
		"a platform's capital": {indexJSON(with(`"platform":{"os":"linux","OS":"x","architecture":"amd64"}`)), false},
		"a long platform":      {indexJSON(with(`"platform":{"os":"` + strings.Repeat("x", 65) + `"}`)), false},
		"two platforms":        {indexJSON(with(`"platform":{},"platform":{}`)), false},
		"no list":              {`{"schemaVersion":2,"manifests":{}}`, false},
		"nothing":              {`{"schemaVersion":2}`, false},
		"two documents":        {indexJSON(one) + indexJSON(one), false},
		"empty":                {``, false},
		"null":                 {`null`, false},
	} {
		if _, err := parseIndex([]byte(c.json), DefaultLimits()); (err == nil) != c.ok {
			t.Errorf("%s: found the error %v", name, err)
		}
	}
}

func TestIsIndex(t *testing.T) {
	for json, want := range map[string]bool{
		indexJSON(): true, `{"MANIFESTS":1}`: true, `{"layers":[]}`: false, ``: false, `[]`: false,
	} {
		if found := isIndex(Image{Manifest: []byte(json)}); found != want {
			t.Errorf("%s is an index: %v", json, found)
		}
	}
	if !isIndex(Image{MediaType: mediaTypeDockerList}) {
		t.Error("what says that it is an index is none")
	}
}

func TestOnlyInToto(t *testing.T) {
	layer := func(mediaType string) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":"sha256:%064d","size":1}`, mediaType, 1)
	}
	manifest := func(layers ...string) string {
		return `{"schemaVersion":2,"config":{},"layers":[` + strings.Join(layers, ",") + `]}`
	}
	for name, c := range map[string]struct {
		json string
		ok   bool
	}{
		"one":         {manifest(layer(mediaTypeInToto)), true},
		"two":         {manifest(layer(mediaTypeInToto), layer(mediaTypeInToto)), true},
		"none":        {manifest(), false},
		"another":     {manifest(layer(mediaTypeInToto), layer("application/vnd.oci.image.layer.v1.tar")), false},
		"gzipped":     {manifest(layer(mediaTypeInToto + "+gzip")), false},
		"a parameter": {manifest(layer(mediaTypeInToto + "; x=y")), false},
		"an index":    {indexJSON(), false},
		"both":        {`{"schemaVersion":2,"manifests":[],"layers":[` + layer(mediaTypeInToto) + `]}`, false},
		"nothing":     {`{"schemaVersion":2}`, false},
		"broken":      {`{`, false},
	} {
		if err := onlyInToto([]byte(c.json), DefaultLimits()); (err == nil) != c.ok {
			t.Errorf("%s: found the error %v", name, err)
		}
	}
}

// TestWideTrees wants an index that lists itself a thousandfold to cost no more than it.
func TestWideTrees(t *testing.T) {
	nestedEntry := func(raw string) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaTypeIndex, digestOf([]byte(raw)), len(raw))
	}
	fill := func(first string) string {
		all := []string{first}
		for i := range 500 {
			all = append(all, fmt.Sprintf(entryJSON, i, 10))
		}
		return indexJSON(all...)
	}
	leaf := indexJSON(fmt.Sprintf(entryJSON, 1, 10))
	inner := fill(nestedEntry(leaf))
	outer := fill(nestedEntry(inner))
	image := func(raw string) Image {
		return Image{Digest: digestOf([]byte(raw)), MediaType: mediaTypeIndex, Manifest: []byte(raw)}
	}
	facts := Facts{image: image(outer)}
	for _, raw := range []string{leaf, inner} {
		facts.children = append(facts.children, childFacts{Child{Image: image(raw)}, Facts{image: image(raw)}})
	}
	if found := treeOf(&facts, DefaultLimits()); found.err == nil || len(found.nodes) > maxEntries {
		t.Errorf("found %d manifests, %v", len(found.nodes), found.err)
	}
}

func TestNormalPlatform(t *testing.T) {
	for from, want := range map[string]string{
		"linux/amd64": "linux/amd64", "linux/arm64/v8": "linux/arm64", "linux/arm": "linux/arm/v7", "linux/arm/v6": "linux/arm/v6",
		"linux/amd64/v1": "linux/amd64", "linux/amd64/v3": "linux/amd64/v3", "linux/x86_64": "linux/amd64", "windows/aarch64": "windows/arm64", "": "",
	} {
		if found := normalPlatform(from); found != want {
			t.Errorf("%s is %s; wanted %s", from, found, want)
		}
	}
}

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte(indexJSON(fmt.Sprintf(entryJSON, 1, 10))))
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"platform":{"os.features":["a"]}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := parseIndex(b, DefaultLimits())
		if err == nil && !isIndex(Image{Manifest: b}) {
			t.Error("an index that could be read is none")
		}
		for _, e := range entries {
			if !IsDigest(e.digest) || e.size < 0 || e.mediaType == "" {
				t.Errorf("found %+v", e)
			}
		}
		_ = onlyInToto(b, DefaultLimits())
		_ = treeOf(&Facts{image: Image{Digest: digestOf(b), Manifest: b}}, DefaultLimits())
	})
}

// TestConfigOf wants labels to be the image's own.
func TestConfigOf(t *testing.T) {
	config := []byte(`{"config":{"Labels":{}}}`)
	image := Image{Manifest: []byte(fmt.Sprintf(`{"schemaVersion":2,"config":{"digest":%q},"layers":[]}`, digestOf(config)))}
	if string(configOf(image, config)) != string(config) {
		t.Error("the image's own configuration is none")
	}
	if configOf(image, []byte(`{}`)) != nil || configOf(Image{}, config) != nil || configOf(image, nil) != nil {
		t.Error("another configuration is the image's")
	}
}

// TestTooManyPiecesAboutChildren bounds what one file of bundles, offered for every
// child, can cost.
func TestTooManyPiecesAboutChildren(t *testing.T) {
	limits := DefaultLimits()
	limits.Pieces = 2
	pieces := []Piece{{Layout: Bundle}, {Layout: Bundle}}
	var evidence Evidence
	for range maxChildPieces + 1 {
		evidence.Children = append(evidence.Children, Child{Evidence: Evidence{Pieces: pieces}})
	}
	facts := Facts{}.extend(evidence, Trust{}, limits)
	for i, c := range facts.children {
		if cut := len(c.facts.failures) > 0; cut != (i == maxChildPieces) {
			t.Errorf("child %d: cut=%v %+v", i, cut, c.facts.failures)
		}
	}
}
