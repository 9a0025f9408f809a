package kube_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/serve/kube"
)

// known are the pointers at which the kinds of the fuzz targets name images.
var known = map[string]*regexp.Regexp{
	"Pod":        regexp.MustCompile(`^/spec/((c|initC|ephemeralC)ontainers/\d+/image|volumes/\d+/image/reference)$`),
	"Deployment": regexp.MustCompile(`^/spec/template/spec/((c|initC|ephemeralC)ontainers/\d+/image|volumes/\d+/image/reference)$`),
	"CronJob":    regexp.MustCompile(`^/spec/jobTemplate/spec/template/spec/((c|initC|ephemeralC)ontainers/\d+/image|volumes/\d+/image/reference)$`),
}

// walk goes over a whole document and lists "pointer=string" for every string whose
// pointer matches.
func walk(v any, pointer string, match *regexp.Regexp, found *[]string) {
	switch v := v.(type) {
	case string:
		if match.MatchString(pointer) {
			*found = append(*found, pointer+"="+v)
		}
	case []any:
		for i, x := range v {
			walk(x, fmt.Sprintf("%s/%d", pointer, i), match, found)
		}
	case map[string]any:
		for k, x := range v {
			k = strings.ReplaceAll(strings.ReplaceAll(k, "~", "~0"), "/", "~1")
			walk(x, pointer+"/"+k, match, found)
		}
	}
}

// FuzzReview: whatever is sent is a question, whose images are all those that a walk
// over the whole document finds, or an error, whose denial can be sent.
func FuzzReview(f *testing.F) {
	deployment := func(spec string) string {
		return `{"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": ` + spec + `}}}`
	}
	as := func(review string) string {
		return strings.Replace(review, `{"group": "", "version": "v1", "kind": "Pod"}`, `{"group": "apps", "version": "v1", "kind": "Deployment"}`, 1)
	}
	a := containers(container("a", pinnedA, ""))
	for _, seed := range []string{
		review("CREATE", podOf(spec), "null", ""), review("UPDATE", podOf(spec), podOf(a), ""), review("UPDATE", podOf(a), podOf(a), ""),
		as(review("CREATE", deployment(spec), "null", "")), as(review("UPDATE", deployment(a), deployment(spec), `, "dryRun": true`)),
		review("DELETE", "null", podOf(a), ""), review("CONNECT", `{"kind": "PodExecOptions"}`, "null", ""), "", "null", "[", `{"request": {"uid": "a"}}`,
		review("CREATE", podOf(`{"containers": {"a": 1}}`), "null", ""), review("CREATE", podOf(`{"containers": [null]}`), "null", ""),
		review("CREATE", podOf(`{"c\u006fntainers": [{"image": "\ud800\u0000"}]}`), "null", ""),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := kube.ParseReview(b)
		var q kube.Question
		if err == nil {
			q, err = kube.Ask(r, nil, false)
		}
		if err != nil {
			encode(t, kube.Unreadable(r.UID, err))
			return
		}
		if q.Exempt == "" && len(q.Judge) == 0 {
			t.Fatalf("nothing to judge, and no exemption: %+v", q)
		}
		match := known[r.Kind.Kind]
		if match == nil || q.Exempt == kube.Deleted || q.Exempt == kube.Connected || q.Exempt == kube.Terminating {
			return
		}
		var object any
		if err := json.Unmarshal(r.Object.JSON(), &object); err != nil {
			t.Fatal(err)
		}
		var want, got []string
		walk(object, "", match, &want)
		for _, ref := range append(q.Judge, q.Skipped...) {
			if ref.Image != "" {
				got = append(got, ref.Pointer+"="+ref.Image)
			}
		}
		want = slices.DeleteFunc(want, func(s string) bool { return strings.HasSuffix(s, "=") })
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("found %q, there are %q", got, want)
		}
		skippedAsBefore(t, r, q)
		var denials []kube.Denial
		for _, ref := range q.Judge {
			denials = append(denials, kube.Denial{Ref: ref, Run: []string{ref.Image}})
		}
		encode(t, kube.Refuse(r.UID, denials))
	})
}

// skippedAsBefore: what is skipped is pinned, and stood at the same place before; what
// is exempt as unchanged has no image that was not there.
func skippedAsBefore(t *testing.T, r kube.Request, q kube.Question) {
	t.Helper()
	var old any
	var before []string
	if r.OldObject.Present() {
		if err := json.Unmarshal(r.OldObject.JSON(), &old); err != nil {
			t.Fatal(err)
		}
		walk(old, "", known[r.Kind.Kind], &before)
	}
	must := q.Skipped
	if q.Exempt == kube.Unchanged {
		must = append(must, q.Judge...)
	}
	for _, ref := range must {
		if ref.Image != "" && !slices.Contains(before, ref.Pointer+"="+ref.Image) {
			t.Errorf("%s %q was not there before: %q", ref.Pointer, ref.Image, before)
		}
	}
	for _, ref := range q.Skipped {
		if !strings.Contains(ref.Image, "@sha256:") {
			t.Errorf("skipped %q", ref.Image)
		}
	}
}

// FuzzPath: a path is refused or read, and walking it finds strings that are there.
func FuzzPath(f *testing.F) {
	for _, p := range []string{"$.spec.containers[*].image", "$['spec'][*]", "$..a", `$["a\"b"]`, "$[*][*][*]", "$.kind"} {
		f.Add(p, podOf(spec))
	}
	f.Fuzz(func(t *testing.T, path, object string) {
		p, err := kube.ParsePath(path)
		if err != nil {
			return
		}
		if p.String() != path {
			t.Errorf("%q became %q", path, p)
		}
		r, err := kube.ParseReview([]byte(review("CREATE", object, "null", "")))
		if err != nil {
			return
		}
		refs, err := kube.Images(r.Object, r.Kind, map[kube.Kind]kube.Fields{r.Kind: {Paths: []kube.Path{p}}})
		if err != nil {
			return
		}
		var v any
		if err := json.Unmarshal(r.Object.JSON(), &v); err != nil {
			t.Fatal(err)
		}
		var all []string
		walk(v, "", regexp.MustCompile(``), &all)
		for _, ref := range refs {
			if ref.Image != "" && !slices.Contains(all, ref.Pointer+"="+ref.Image) {
				t.Errorf("%s: %q is not there", ref.Pointer, ref.Image)
			}
		}
	})
}

// TestRandomSpecs asks about specs that are put together at random from the names that
// matter, from others and from values of every type: each image is found, or there is
// an error.
func TestRandomSpecs(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 37))
	var read, refused, images int
	for range 6_000 {
		object := podOf(randomSpec(rng))
		var refs []kube.Ref
		o, err := kube.ParseObject([]byte(object))
		if err == nil {
			refs, err = kube.Images(o, pod, nil)
		}
		if err != nil {
			refused++
			continue
		}
		read++
		var v any
		if err := json.Unmarshal([]byte(object), &v); err != nil {
			t.Fatal(err)
		}
		var want, got []string
		walk(v, "", known["Pod"], &want)
		for _, r := range refs {
			if r.Image != "" {
				got = append(got, r.Pointer+"="+r.Image)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if images += len(got); !slices.Equal(got, want) {
			t.Fatalf("found %q, there are %q in %s", got, want, object)
		}
	}
	if t.Logf("%d read, %d refused, %d images", read, refused, images); read < 1000 || refused < 1000 || images < 2000 {
		t.Error("the specs are too much alike to show anything")
	}
}

func randomSpec(rng *rand.Rand) string {
	number := 0
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	odd := func(good string) string { // seldom another value
		if rng.IntN(40) > 0 {
			return good
		}
		return pick("null", "1", "true", `"s"`, "[]", "{}", `[{"image": "r.example/x"}]`, `{"image": "r.example/x"}`, `{"image": {"reference": "r.example/x"}}`)
	}
	image := func() string {
		number++
		return odd(fmt.Sprintf(`"r.example/%d%s"`, number, pick("", ":1", `\u0000`, "@sha256:"+hexA, `\\\"}`)))
	}
	element := func() string {
		return odd(pick(
			`{"name": "a", "image": `+image()+`}`, `{"image": `+image()+`, "env": [{"name": "image", "value": "r.example/no"}]}`, `{"name": "a"}`,
			`{"name": "v", "image": {"reference": `+image()+`}}`, `{"name": "v", "emptyDir": {}}`, `{"x": {"image": "r.example/no"}, "im\u0061ge": `+image()+`}`))
	}
	members := []string{}
	for _, key := range []string{"containers", "initContainers", "ephemeralContainers", "volumes", pick("x", "Containers", "template", "init\\u0043ontainers", "container")} {
		if key != "containers" && rng.IntN(2) == 0 {
			continue
		}
		list := make([]string, rng.IntN(4))
		for i := range list {
			list[i] = element()
			if key == "volumes" && strings.Contains(list[i], `"image": "`) { // would be refused
				list[i] = `{"image": null}`
			} else if key != "volumes" && strings.Contains(list[i], `"reference"`) {
				list[i] = `{}`
			}
		}
		members = append(members, `"`+key+`": `+odd("["+strings.Join(list, ", ")+"]"))
	}
	rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ", ") + "}"
}
