package verify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/property"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// TestProperties holds judging against what is true of every policy and all evidence. Its
// evidence is made once, the same for the same seed.
func TestProperties(t *testing.T) {
	cryptotest.SetGlobalRandom(t, property.Seed())
	p := newPool()
	t.Logf("the pool has %d pieces of evidence, %d of them good", len(p.exhibits), len(p.good))
	s := newScenes(p)
	property.Run(t, 1500,
		property.Property{Name: "pass-implies", Weight: 760, Try: s.passImplies},
		property.Property{Name: "order", Weight: 280, Try: s.order},
		property.Property{Name: "monotone", Weight: 240, Try: s.monotone},
		property.Property{Name: "tightened", Weight: 140, Try: s.tightened},
		property.Property{Name: "audit-and-exceptions", Weight: 120, Try: s.excused},
		property.Property{Name: "no-panic", Weight: 360, Try: s.noPanic},
		property.Property{Name: "mutated-pass-is-void", Weight: 90, Try: s.mutated},
		property.Property{Name: "release", Weight: 8, Try: s.release},
		property.Property{Name: "joined", Weight: 2, Try: s.joined},
	)
	s.counted.log(t)
}

// counted says how often what a property is about came to be.
type counted struct{ passed, failed, undecided, refused, void, listed atomic.Int64 }

func (c *counted) verdict(v verify.Verdict) {
	switch {
	case v.Passed():
		c.passed.Add(1)
	case v.Conclusive:
		c.failed.Add(1)
	default:
		c.undecided.Add(1)
	}
}

// log prints the counts, and refuses a run in which nothing passed.
func (c *counted) log(t *testing.T) {
	t.Helper()
	t.Logf("random policies over random evidence: %d passed, %d failed, %d were undecided; %d texts were no policy; %d mutated evidence passed; %d mutated releases passed",
		c.passed.Load(), c.failed.Load(), c.undecided.Load(), c.refused.Load(), c.void.Load(), c.listed.Load())
	if c.failed.Load() > 1000 && (c.passed.Load() == 0 || c.undecided.Load() == 0) {
		t.Error("not every kind of verdict came to be")
	}
}

// scenes deals random policies and random evidence.
type scenes struct {
	*pool
	counted counted
	// written are random policies, each made when it is first drawn.
	written [4096]func() (*policy.Policy, string)
}

func newScenes(p *pool) *scenes {
	s := &scenes{pool: p}
	for i := range s.written {
		s.written[i] = sync.OnceValues(func() (*policy.Policy, string) {
			return s.write(rand.New(rand.NewPCG(property.Seed(), uint64(i))))
		})
	}
	return s
}

// write makes a policy of its own.
func (s *scenes) write(r *rand.Rand) (*policy.Policy, string) {
	return (&writer{Rand: r, pool: s.pool, odd: []int{2, 5, 20}[r.IntN(3)]}).parsed()
}

// scene is one question with its evidence.
type scene struct {
	*pool
	policy  *policy.Policy
	text    string
	image   verify.Image
	hand    []*exhibit
	release []verify.Facts
	trouble []verify.Failure
	options verify.Options
}

// scene draws one of the policies, which must not be changed, and deals the rest.
func (s *scenes) scene(r *rand.Rand) scene {
	p, text := s.written[r.IntN(len(s.written))]()
	return s.around(r, p, text)
}

// ownScene is a scene whose policy is new, and may be changed.
func (s *scenes) ownScene(r *rand.Rand) scene {
	p, text := s.write(r)
	return s.around(r, p, text)
}

// around deals everything but the policy.
func (s *scenes) around(r *rand.Rand, p *policy.Policy, text string) scene {
	refs := []string{
		imageRef, imageRef, imageRef, imageRef, imageName + ":1.2.3", imageName + "@" + imageDigest, imageName + ":latest@" + imageDigest,
		imageName + ":1.2.2@" + otherDigest, imageName + ":v1.2.3@" + imageDigest, imageName + ":nightly", "mirror.example/lab/acme/widget:1.2.3", "registry.example/other:1",
	}
	sc := scene{pool: s.pool, policy: p, text: text, image: imageOf(refs[r.IntN(len(refs))]), hand: s.deal(r), options: options()}
	if r.IntN(10) > 0 {
		which := 0
		if r.IntN(3) == 0 {
			which = r.IntN(len(s.releases))
		}
		sc.release = []verify.Facts{s.releases[which]}
	}
	switch r.IntN(12) {
	case 0:
		sc.options.At = then.Add(time.Duration(r.IntN(2000)-1000) * time.Minute)
	case 1:
		sc.options.At = then.AddDate(0, r.IntN(12), 0)
	}
	if r.IntN(20) == 0 {
		sc.options.Version = []string{"1.2.3", "1.2.2", "9", "v1"}[r.IntN(4)]
	}
	if r.IntN(25) == 0 {
		sc.trouble = []verify.Failure{{Code: verify.LimitExceeded, Class: verify.Definitive, Place: "somewhere", Layouts: []verify.Layout{verify.Bundle}}}
	}
	return sc
}

func (s scene) facts(hand []*exhibit) verify.Facts {
	f := factsOf(s.image, hand, s.release...)
	return verify.Join(s.image, s.trouble, f)
}

func (s scene) judge(hand []*exhibit) verify.Verdict {
	return verify.Judge(s.facts(hand), s.policy, s.roots, s.options)
}

func (s scene) oracle() oracle { return oracle{pool: s.pool, hand: s.hand, at: s.options.At} }

// told adds to an error what it was about.
func (s scene) told(err error) error {
	if err == nil {
		return nil
	}
	var names []string
	for _, e := range s.hand {
		names = append(names, e.name)
	}
	return fmt.Errorf("%w\nof %s at %s with %q, version %q, under\n%s", err, s.image.Reference, s.options.At.Format(time.RFC3339), names, s.options.Version, s.text)
}

// passImplies: a pass rests on what the policy demands; see [oracle].
func (s *scenes) passImplies(r *rand.Rand) error {
	sc := s.scene(r)
	v := sc.judge(sc.hand)
	s.counted.verdict(v)
	return sc.told(sc.oracle().check(v, sc.policy))
}

// order: neither order nor repetition of evidence changes a byte of the decision.
func (s *scenes) order(r *rand.Rand) error {
	sc := s.scene(r)
	want := bytesOf(sc.judge(sc.hand))
	shuffled := slices.Clone(sc.hand)
	for range r.IntN(4) {
		if len(shuffled) > 0 {
			shuffled = append(shuffled, shuffled[r.IntN(len(shuffled))])
		}
	}
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if got := bytesOf(sc.judge(shuffled)); !bytes.Equal(got, want) {
		return sc.told(fmt.Errorf("in another order the decision is another:\n%s\nwanted\n%s", got, want))
	}
	return nil
}

// bytesOf is the decision, without what differs between runs.
func bytesOf(v verify.Verdict) []byte {
	v.Run = verify.Run{}
	return must(json.Marshal(v))
}

// monotone: without all evidence of a required check nothing passes; what does not verify
// changes no pass, and makes none of a failure.
func (s *scenes) monotone(r *rand.Rand) error {
	sc := s.scene(r)
	before := sc.judge(sc.hand)
	junk := slices.Clone(sc.hand)
	for range 1 + r.IntN(12) {
		if e := s.exhibits[r.IntN(len(s.exhibits))]; e.root == "" || e.about != sc.image.Digest {
			junk = slices.Insert(junk, r.IntN(len(junk)+1), e)
		}
	}
	after := sc.judge(junk)
	if before.Passed() != after.Passed() {
		return sc.told(fmt.Errorf("pass=%v, and with junk beside it pass=%v", before.Passed(), after.Passed()))
	}
	if before.Passed() && !bytes.Equal(bytesOf(before), bytesOf(after)) {
		return sc.told(fmt.Errorf("what does not verify left a trace in a pass:\n%s\nwanted\n%s", bytesOf(after), bytesOf(before)))
	}
	for _, f := range before.Checks {
		if !f.Required || !authenticates(f.ID) {
			continue
		}
		without := sc
		without.hand = slices.DeleteFunc(slices.Clone(sc.hand), func(e *exhibit) bool { return checkOf[e.kind] == f.ID })
		if f.ID == "release" {
			without.release = nil
		}
		if without.judge(without.hand).Passed() {
			return sc.told(fmt.Errorf("passed without any evidence for %s", f.ID))
		}
	}
	return nil
}

// tightened: a demand more makes no pass of a failure, and what nothing can meet makes a
// failure of a pass.
func (s *scenes) tightened(r *rand.Rand) error {
	sc := s.ownScene(r)
	before := sc.judge(sc.hand)
	if len(sc.policy.Rules) == 0 {
		return nil
	}
	impossible := tighten(r, sc.policy, sc.image.Digest)
	if strings.Contains(impossible, "nanosecond") && !sc.options.At.After(soon) {
		impossible = "" // what was signed this very moment, or ahead within the tolerance for clocks, has no age
	}
	after := sc.judge(sc.hand)
	switch {
	case after.Passed() && !before.Passed():
		return sc.told(errors.New("passed after one demand more"))
	case after.Passed() && impossible != "":
		return sc.told(fmt.Errorf("passed though nothing meets it: %s", impossible))
	}
	return nil
}

// tighten adds a demand to the first rule. What it returns, unless "", nothing can meet.
func tighten(r *rand.Rand, p *policy.Policy, digest string) string {
	rule := &p.Rules[0]
	demands := []*policy.Demand{}
	if rule.Signature != nil {
		demands = append(demands, &rule.Signature.Demand)
	}
	if rule.Provenance != nil {
		demands = append(demands, &rule.Provenance.Demand)
	}
	if rule.SBOM != nil {
		demands = append(demands, &rule.SBOM.Demand)
	}
	for i := range rule.Attestations {
		demands = append(demands, &rule.Attestations[i].Demand)
	}
	if len(demands) > 0 && r.IntN(3) > 0 {
		d := demands[r.IntN(len(demands))]
		switch r.IntN(6) {
		case 0:
			d.MaxAge = time.Nanosecond
			return "an age of a nanosecond"
		case 1:
			d.Signers = nil
			return "no signer"
		case 2:
			d.Trust = "another"
			return "another trust"
		case 3:
			for i := range d.Signers {
				d.Signers[i].Trigger = []string{"impossible"}
			}
			return "an impossible trigger"
		case 4:
			for i := range d.Signers {
				d.Signers[i].Signed = policy.Window{From: today}
			}
			return "a window after everything"
		default:
			if month := 30 * 24 * time.Hour; d.MaxAge == 0 || d.MaxAge > month {
				d.MaxAge = month
			}
			return ""
		}
	}
	switch r.IntN(5) {
	case 0:
		p.Deny.Digests = append(p.Deny.Digests, digest)
		return "a denied digest"
	case 1:
		p.Expires = then
		return "an expired policy"
	case 2:
		rule.Attestations = append(rule.Attestations, policy.Attestation{Demand: policy.Demand{Signers: []policy.Signer{{Issuer: lab.GitHubIssuer}}, Trust: policy.PublicGood, On: policy.OnEither, Select: policy.SelectAny}, Name: "absent", Type: "https://example.com/absent"})
		return "an attestation that is not there"
	case 3:
		rule.Freshness = &policy.Freshness{MaxAge: time.Nanosecond, Listed: true}
		return "a freshness of a nanosecond"
	}
	rule.Consistency = &policy.Consistency{Claims: policy.ConsistencyClaims(), Required: policy.ConsistencyClaims()}
	return ""
}

// excused: neither audit mode nor grace nor exceptions change verdict or findings.
func (s *scenes) excused(r *rand.Rand) error {
	sc := s.ownScene(r)
	before := sc.judge(sc.hand)
	sc.policy.Audit, sc.policy.AuditUntil = true, then.AddDate(0, 0, r.IntN(60)-2)
	sc.policy.Grace = 72 * time.Hour
	for i := range sc.policy.Rules {
		sc.policy.Rules[i].Audit, sc.policy.Rules[i].AuditUntil = r.IntN(3) > 0, sc.policy.AuditUntil
		sc.policy.Rules[i].Grace = sc.policy.Grace
	}
	after := sc.judge(sc.hand)
	for range 1 + r.IntN(3) {
		var checks []string
		for _, f := range after.Checks {
			if r.IntN(3) > 0 {
				checks = append(checks, f.ID)
			}
		}
		e := policy.Exception{Digest: bothDigests[r.IntN(2)], Checks: checks, Reason: "r", Approver: "a", Expires: sc.options.At.Add(time.Duration(r.IntN(40*24)-24) * time.Hour)}
		verify.Except(&after, []policy.Exception{e}, "sha256:"+newerHex, sc.options.At)
	}
	if x := after.Exception; x != nil && (after.Passed() || !after.Conclusive || !sc.options.At.Before(x.Expires)) {
		return sc.told(fmt.Errorf("an exception until %s excuses a verdict that is pass=%v conclusive=%v", x.Expires, after.Passed(), after.Conclusive))
	}
	if before.Verdict != after.Verdict || before.Conclusive != after.Conclusive || !bytes.Equal(must(json.Marshal(before.Checks)), must(json.Marshal(after.Checks))) {
		return sc.told(errors.New("audit mode, grace or an exception changed the verdict"))
	}
	return nil
}

// noPanic: a text that was spoilt is refused, or is a policy like any other.
func (s *scenes) noPanic(r *rand.Rand) error {
	w := &writer{Rand: r, pool: s.pool, odd: []int{5, 30, 60}[r.IntN(3)]}
	text := []byte(w.policy())
	for range r.IntN(4) {
		text = spoilText(r, text, w.policy)
	}
	p, err := policy.Parse("random.yaml", text)
	if err != nil {
		s.counted.refused.Add(1)
		if p != nil || err.Error() == "" {
			return fmt.Errorf("a refused policy is there all the same: %w", err)
		}
		return nil
	}
	sc := s.around(r, p, string(text))
	v := sc.judge(sc.hand)
	s.counted.verdict(v)
	return sc.told(sc.oracle().check(v, p))
}

// spoilText changes a text in one place.
func spoilText(r *rand.Rand, text []byte, other func() string) []byte {
	if len(text) == 0 {
		return []byte(other())
	}
	b, i := bytes.Clone(text), r.IntN(len(text))
	j := min(len(b), i+r.IntN(40))
	switch r.IntN(8) {
	case 0:
		b[i] ^= 1 << r.IntN(8)
	case 1:
		b = slices.Delete(b, i, j)
	case 2:
		b = slices.Insert(b, i, b[i:j]...)
	case 3:
		marks := "{}[]:,\"'*&!|>#%@`-\n\t \x00"
		b = slices.Insert(b, i, marks[r.IntN(len(marks))])
	case 4: // a line of another policy
		lines := strings.SplitAfter(other(), "\n")
		b = slices.Insert(b, i, []byte(lines[r.IntN(len(lines))])...)
	case 5: // two of its own lines change places
		lines := bytes.SplitAfter(b, []byte("\n"))
		x, y := r.IntN(len(lines)), r.IntN(len(lines))
		lines[x], lines[y] = lines[y], lines[x]
		b = bytes.Join(lines, nil)
	case 6: // a word becomes another
		words := strings.Fields(other())
		b = bytes.Replace(b, []byte(words[r.IntN(len(words))]), []byte(words[r.IntN(len(words))]), 1)
	default:
		b = bytes.Replace(b, []byte("}"), []byte(", "+[]string{"x: 1", "signer: {}", "ref: '**'", "trust: corp", "on: platforms"}[r.IntN(5)]+"}"), 1+r.IntN(3))
	}
	return b
}
