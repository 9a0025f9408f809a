package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// findings are what a verdict says of each check: its code, or "pass".
type findings map[string]string

const pass = "pass"

// passed are the findings about a release as it should be.
func passed() findings {
	return findings{checkSignature: pass, checkProvenance: pass, checkSBOM: pass, checkAttestation: pass, checkConsistency: pass}
}

// unknownAuthority is the code where evidence comes from somebody whom the trusted root does not know.
const unknownAuthority = "trust.unknown_authority"

// exit is the code that assay has to end with: 1 for a failure, also where a check could be made and another could not.
func (f findings) exit() int {
	for _, code := range f {
		if code != pass {
			return 1
		}
	}
	return 0
}

// judge has assay verify an image, and compares what it says with what is wanted.
func (w *world) judge(ctx context.Context, i *image, policy string, want findings) error {
	out, err := w.run(ctx, w.assay, nil, []string{"verify", i.tagged(), "--policy", policy, "--output", "json"})
	if err != nil {
		return err
	}
	got, err := readVerdict(out.stdout, i.Digest())
	if err != nil {
		return fmt.Errorf("assay ended with %d: %w\n%s", out.exit, err, lastLines(out.stderr))
	}
	if diff := want.diff(got); len(diff) > 0 || out.exit != want.exit() {
		return fmt.Errorf("assay verify %s ended with %d; wanted %d\n  %s", i.tagged(), out.exit, want.exit(), strings.Join(diff, "\n  "))
	}
	return nil
}

// readVerdict takes the findings out of a verdict, which must be about a digest. A check that is not demanded is left
// out, so that none can be taken for a pass.
func readVerdict(raw []byte, digest string) (findings, error) {
	var v struct {
		Verdict string
		Image   struct{ Digest string }
		Checks  []struct {
			ID, Result, Code string
		}
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, fmt.Errorf("read verdict: %w", err)
	}
	if v.Image.Digest != digest {
		return nil, fmt.Errorf("found a verdict about %q; wanted one about %s", v.Image.Digest, digest)
	}
	out := findings{}
	for _, c := range v.Checks {
		switch c.Result {
		case pass:
			out[c.ID] = pass
		case "not_required":
		default:
			out[c.ID] = c.Code
		}
	}
	if (v.Verdict == pass) != (out.exit() == 0 && len(out) > 0) {
		return nil, fmt.Errorf("found the verdict %q beside the findings %v", v.Verdict, out)
	}
	return out, nil
}

// diff says in which checks the findings differ from what is wanted.
func (f findings) diff(got findings) []string {
	var out []string
	names := slices.Collect(maps.Keys(f))
	for name := range got {
		if _, ok := f[name]; !ok {
			names = append(names, name)
		}
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if f[name] != got[name] {
			out = append(out, fmt.Sprintf("%s: found %q; wanted %q", name, got[name], f[name]))
		}
	}
	return out
}
