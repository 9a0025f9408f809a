package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
)

// Both policies are ones that assay takes, and each demands all that the scenarios compare.
func TestPolicyText(t *testing.T) {
	texts := map[string]bool{}
	for _, b := range builders() {
		raw := policyText(b, "root.json", []byte("{}"))
		p, err := policy.Parse("policy.yaml", raw)
		if err != nil {
			t.Errorf("%s: %v\n%s", b.name, err, raw)
			continue
		}
		if len(p.Rules) != 1 {
			t.Fatalf("%s: found %d rules; wanted one", b.name, len(p.Rules))
		}
		r := p.Rules[0]
		if r.Signature == nil || r.Provenance == nil || r.SBOM == nil || len(r.Attestations) != 1 {
			t.Errorf("%s: found a rule that demands less than all four:\n%s", b.name, raw)
		}
		texts[string(raw)] = true
		if n := strings.Count(string(raw), "trust: e2e"); n != 4 {
			t.Errorf("%s: found the root of the run named by %d demands; wanted all four", b.name, n)
		}
	}
	if len(texts) != 2 {
		t.Errorf("found %d different policies; wanted one for each builder", len(texts))
	}
}

func TestClaims(t *testing.T) {
	c := released("acme/widget", "refs/tags/v1.2.3")
	if got, want := c.identity(), "https://github.com/acme/widget/.github/workflows/release.yml@refs/tags/v1.2.3"; got != want {
		t.Errorf("found identity %s; wanted %s", got, want)
	}
	g := c.generator()
	if !strings.HasPrefix(g.identity(), "https://github.com/"+lab.GeneratorRepository+"/") || g["repository"] != "acme/widget" {
		t.Errorf("found a generator %s of %s", g.identity(), g["repository"])
	}
	if c["job_workflow_ref"] == g["job_workflow_ref"] {
		t.Error("the generator's claims changed those that they were made of")
	}
	if got := c.but("event_name", "schedule")["event_name"]; got != "schedule" {
		t.Errorf("found event %s", got)
	}
}

// A job that another repository starts is told from its own in everything that differs.
func TestTwinsDiffer(t *testing.T) {
	good := released(lab.DefaultRepo, lab.DefaultRef)
	for _, twin := range twins() {
		if twin.by.query() == good.query() {
			t.Errorf("%s has the claims of a good release", twin.name)
		}
		for _, want := range []findings{twin.generator, twin.github} {
			for _, check := range []string{checkSignature, checkProvenance, checkSBOM, checkAttestation} {
				if want[check] == "" || want[check] == pass {
					t.Errorf("%s: wanted %s to come out as %q", twin.name, check, want[check])
				}
			}
		}
	}
}

func TestLanes(t *testing.T) {
	at := site{
		fulcio: "F", rekor1: "R1", rekor2: "R2", tsa: "T", roots: roots{trusted: "root.json", fulcio: "f", ct: "c", rekor: "r"},
		signing: map[string]string{"rekor1": "one", "rekor1-tsa": "one-tsa", "rekor2-tsa": "two"},
	}
	names := map[string]bool{}
	for _, l := range append(lanes(), retired()) {
		if names[l.name] {
			t.Errorf("two lanes are called %s", l.name)
		}
		names[l.name] = true
		s, v := l.signing(at), l.verifying(at.roots)
		trusted := slices.Contains(s.args, "root.json")
		if l.legacy == trusted || l.legacy != (len(s.env) > 0) {
			t.Errorf("%s: found %v with %v; wanted roots in the environment for the legacy layout alone", l.name, s.args, s.env)
		}
		if !l.legacy && !slices.Contains(s.args, at.signing[l.config()]) {
			t.Errorf("%s: found no signing config in %v", l.name, s.args)
		}
		for _, a := range slices.Concat(s.args, v.args) {
			if strings.Contains(a, "insecure") || strings.Contains(a, "ignore") {
				t.Errorf("%s: cosign is told to leave something out: %s", l.name, a)
			}
		}
		if l.rekor == 2 && (l.legacy || !l.tsa) {
			t.Errorf("%s: Rekor v2 without bundles or timestamps", l.name)
		}
	}
}
