package verify_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// TestShapes passes every shape in both layouts, and wants the verdict to say what was
// demanded.
func TestShapes(t *testing.T) {
	s := newStage(lab.Options{})
	for _, c := range shapeCases() {
		for layout, piece := range map[string]verify.Piece{
			"bundle": s.attestation(c.make()),
			"legacy": attBy(s.issue(workflow()), c.make()),
		} {
			t.Run(c.name+" as "+layout, func(t *testing.T) {
				v := s.attest(t, c.want, piece)
				wantPass(t, v)
				wanted := finding(t, v, attested).Wanted[0]
				if wanted["type"] != c.want.Type || wanted["workflow"] == "" {
					t.Errorf("wanted shows %v", wanted)
				}
				shape, _, _ := strings.Cut(c.name, " ")
				if !slices.ContainsFunc(keysOf(wanted), func(k string) bool { return strings.HasPrefix(k, shape+".") }) {
					t.Errorf("wanted shows nothing of the shape %s: %v", shape, wanted)
				}
			})
		}
	}
}

func keysOf(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// impossibleShape has a value for every field of a shape with which nothing passes.
var impossibleShape = map[string]any{
	"Metadata.Image": "build.run", "Metadata.Digest": "image", "Metadata.Version": "tag", "Metadata.Tag": "image",
	"Metadata.Repository": "source.commit", "Metadata.Ref": "tag", "Metadata.Commit": "source.ref", "Metadata.Workflow": "source.ref",
	"Metadata.Run": "source.ref", "Metadata.Time": "version",
	"Scan.Scanners": []string{"pkg:impossible"}, "Scan.MaxAge": time.Nanosecond, "Scan.DatabaseAge": time.Nanosecond,
	"Scan.Deny": []string{"critical", "high", "medium", "low", "unknown"}, "Scan.Allow": []string{"CVE-impossible"},
	"VEX.Statuses": []string{"impossible"}, "VEX.Authors": []string{"impossible"},
	"VSA.Verifier": "impossible", "VSA.Policy": "impossible", "VSA.Levels": []string{"SLSA_BUILD_LEVEL_9"},
	"Tests.Passed": []string{"impossible"},
}

// TestShapeFields sets every field of every shape to an impossible value, and wants the
// verdict to turn with a code of the shape's own.
func TestShapeFields(t *testing.T) {
	s := newStage(lab.Options{})
	tried := map[string]bool{}
	for _, c := range shapeCases() {
		piece := s.attestation(c.make())
		v := reflect.ValueOf(c.want)
		for _, shape := range []string{"Metadata", "Scan", "VEX", "VSA", "Tests"} {
			if v.FieldByName(shape).IsNil() {
				continue
			}
			fields := v.FieldByName(shape).Elem()
			for i := range fields.NumField() {
				path := shape + "." + fields.Type().Field(i).Name
				value, ok := impossibleShape[path]
				if !ok {
					t.Fatalf("no impossible value for %s", path)
				}
				tried[path] = true
				want := c.want
				changed := reflect.New(fields.Type())
				changed.Elem().Set(fields)
				changed.Elem().Field(i).Set(reflect.ValueOf(value))
				if path == "Scan.Deny" { // what is denied must not be accepted besides
					changed.Elem().FieldByName("Allow").SetZero()
				}
				reflect.ValueOf(&want).Elem().FieldByName(shape).Set(changed)
				t.Run(c.name+" "+path, func(t *testing.T) {
					v := s.attest(t, want, piece)
					f := finding(t, v, attested)
					if v.Passed() || f.Result != verify.Failed || !strings.HasPrefix(string(f.Code), "attestation.") {
						t.Errorf("%s = %v gives %s %s", path, value, f.Result, f.Code)
					}
				})
			}
		}
	}
	for path := range impossibleShape {
		if !tried[path] {
			t.Errorf("%s was not tried", path)
		}
	}
	for _, empty := range []policy.Attestation{ // zero values that must demand something
		{Type: lab.MetadataPredicateType, Metadata: &policy.Metadata{}},
		{Type: lab.VSAPredicateType, VSA: &policy.VSA{}},
	} {
		name := map[bool]string{true: "metadata", false: "vsa 1"}[empty.Metadata != nil]
		if v := s.attest(t, empty, s.attestation(shapeOf(t, name).make())); v.Passed() {
			t.Errorf("a demand for %s that says nothing passed", name)
		}
	}
}

// TestAttestationType wants the type compared as a whole, in the payload alone.
func TestAttestationType(t *testing.T) {
	s := newStage(lab.Options{})
	c := shapeOf(t, "tests")
	for _, other := range []string{c.want.Type + "/", c.want.Type + ".0", "https://evil.example/" + c.want.Type, strings.ToUpper(c.want.Type), strings.TrimSuffix(c.want.Type, "1")} {
		piece := s.attestation(c.make(set(other, "predicateType")))
		wantFail(t, s.attest(t, c.want, piece), attested, verify.AttestationMissing)
		annotated := attBy(s.issue(workflow()), c.make(set(other, "predicateType")), lab.Annotation(lab.PredicateTypeAnnotation, c.want.Type))
		wantFail(t, s.attest(t, c.want, annotated), attested, verify.AttestationMissing)
	}
	untyped := c.want
	untyped.Type = ""
	if v := s.attest(t, untyped, s.attestation(c.make())); v.Passed() {
		t.Error("a demand without a type passed")
	}
}
