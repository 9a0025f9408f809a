package verify_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

// The project whose TUF repository was copied for tests, and a time at which nothing
// of it had expired.
const proxyName = "ghcr.io/amaanx86/oci-prometheus-sd-proxy"

var proxyDay = time.Date(2026, 4, 19, 0, 0, 0, 0, time.UTC)

var proxyDigests = map[string]string{
	"1.4.2-rc": "sha256:759e255e607f623e0b1ee4ea9df02b2aefd89e2c9ec979842ee2e6f8b21772fd",
	"1.4.2":    "sha256:8dd4ba3a3de47c54f785679eb3a27c22eced884403c2338c56a4e34241875891",
	"1.5.0":    "sha256:011bd900864e62770c54e56248b2af853482e9ae9f5c572f84c20c8771f5c291",
}

// proxy is a real repository by tuf-on-ci, with Sigstore keys, as it was gathered.
type proxy struct {
	root     []byte
	evidence verify.ReleaseEvidence
}

// realProxy reads the repository, which lies beside this project and is not part of it.
func realProxy(t testing.TB) proxy {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "testdata", "sd-proxy-tuf")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the real TUF repository is not here: %v", err)
	}
	read := func(path string) []byte { return must(os.ReadFile(filepath.Join(dir, path))) }
	p := proxy{root: read("metadata/1.root.json"), evidence: verify.ReleaseEvidence{
		Timestamp: read("metadata/timestamp.json"), Snapshot: read("metadata/4.snapshot.json"), Targets: read("metadata/4.targets.json"),
		Complete: true, Refreshed: true, State: verify.ReleaseState{Kind: verify.StateBootstrap},
	}}
	for _, file := range must(filepath.Glob(filepath.Join(dir, "targets", "*", "releases", "*.json"))) {
		_, name, _ := strings.Cut(filepath.Base(file), ".")
		p.evidence.Manifests = append(p.evidence.Manifests, verify.Manifest{Path: "oci-prometheus-sd-proxy/releases/" + name, Bytes: must(os.ReadFile(file))})
	}
	if len(p.evidence.Manifests) != 3 {
		t.Fatalf("found %d manifests", len(p.evidence.Manifests))
	}
	return p
}

func (p proxy) policy(t testing.TB, more ...string) *policy.Policy {
	t.Helper()
	if len(more) == 0 {
		more = []string{human}
	}
	text := policyText(tagsYAML, releaseYAMLOf(p.root, "oci-prometheus-sd-proxy/releases/v{version}.json", more...))
	parsed, err := policy.Parse("proxy.yaml", []byte(strings.Replace(text, imageName, proxyName, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func (p proxy) trust(t testing.TB) verify.Trust {
	t.Helper()
	trust := publicGood(t)
	trust.Pinned = []verify.PinnedRoot{pinnedRoot(p.root)}
	return trust
}

func (p proxy) decide(t testing.TB, ref string, when time.Time, more ...string) verify.Verdict {
	t.Helper()
	return decideUnder(t, p.trust(t), p.policy(t, more...), ref, proxyDigests["1.5.0"], at(when), &p.evidence)
}

func TestRealRelease(t *testing.T) {
	p := realProxy(t)
	for version, digest := range proxyDigests {
		for _, ref := range []string{proxyName + ":" + version + "@" + digest, proxyName + "@" + digest} {
			v := p.decide(t, ref, proxyDay)
			wantPass(t, v)
			r := finding(t, v, "release").Release
			if v.Image.Version != version || r.Version != version || r.Target != "oci-prometheus-sd-proxy/releases/v"+version+".json" {
				t.Errorf("%s: found version %s, %+v", ref, v.Image.Version, r)
			}
			if want := time.Date(2026, 4, 20, 18, 7, 45, 0, time.UTC); v.ValidUntil == nil || !v.ValidUntil.Equal(want) {
				t.Errorf("valid until %v; wanted %v", v.ValidUntil, want)
			}
			for _, role := range r.Roles {
				person := role.Name == "root" || role.Name == "targets"
				if h := role.Holders; len(h) != 1 || *h[0].Human != person || !h[0].Signed || h[0].Time == nil {
					t.Errorf("%s: found %+v", role.Name, h)
				}
			}
		}
	}
	wantPass(t, p.decide(t, proxyName+":latest", proxyDay))
	wantPass(t, p.decide(t, proxyName+":1.5", proxyDay))
	wantPass(t, p.decide(t, proxyName+":1.5.0", proxyDay, "signers: {identities: [{issuer: https://github.com/login/oauth, identity: amaanulhaq.s@outlook.com}]}"))
	wantFail(t, p.decide(t, proxyName+":1.4.3@"+strangeDigest, proxyDay), "release", verify.ReleaseNotListed)
	wantFail(t, p.decide(t, proxyName+":1.4.3", proxyDay), "release", verify.ReleaseOtherVersion)
	wantFail(t, p.decide(t, proxyName+":1.4.2", proxyDay), "release", verify.ReleaseOtherVersion)
	wantFail(t, p.decide(t, proxyName+":1.5.0", proxyDay, twoPeople), "release", verify.ReleaseTooFewPeople)
	wantFail(t, p.decide(t, proxyName+":1.5.0", proxyDay, "signers: {class: human, issuers: [https://accounts.google.com]}"), "release", verify.ReleaseMachineSigners)
	// The root's bundle is of Rekor v1, whose time is the log's; so it is known when it was signed.
	wantUndecided(t, p.decide(t, proxyName+":1.5.0", time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)), verify.ReleaseInFuture, verify.Transient)
	late := p.decide(t, proxyName+":1.5.0", judgementDay)
	wantUndecided(t, late, verify.ReleaseExpired, verify.Transient)
	if m := finding(t, late, "release").Message; !strings.Contains(m, "timestamp on 2026-04-20T18:07:45Z") || strings.Contains(m, "snapshot") {
		t.Errorf("the message does not name the timestamp alone: %s", m)
	}
	second := p
	second.evidence.Manifests = nil
	wantUndecided(t, second.decide(t, proxyName+":1.5.0", proxyDay), verify.ReleaseNotEnumerable, verify.Definitive)
}

// meaningless are members of a bundle that verification does not read, or that say
// nothing by themselves, by path ("*" is any index), with the reason. A change of
// anything else is refused.
var meaningless = map[string]string{
	"signatures.*": "a member more beside keyid, sig and bundle is read by nobody (TUF 1.0.34, 4.2.1)",
	"signatures.*.bundle.verificationMaterial.timestampVerificationData":             "it is empty: the time is the log's",
	"signatures.*.bundle.verificationMaterial.tlogEntries.*.kindVersion.kind":        void["verificationMaterial.tlogEntries.*.kindVersion.kind"],
	"signatures.*.bundle.verificationMaterial.tlogEntries.*.kindVersion.version":     void["verificationMaterial.tlogEntries.*.kindVersion.version"],
	"signatures.*.bundle.verificationMaterial.tlogEntries.*.inclusionProof.treeSize": "the size that counts is the signed checkpoint's; one more makes a proof of the same shape",
}

// TestRealReleaseChanges changes every value that is signed, every signature and every
// member of every bundle, one at a time.
func TestRealReleaseChanges(t *testing.T) {
	good := realProxy(t)
	ref := proxyName + ":1.5.0"
	want := decision(t, good.decide(t, ref, proxyDay))
	met := map[string]bool{}
	for name, file := range map[string]func(*proxy) *[]byte{
		"root":      func(p *proxy) *[]byte { return &p.root },
		"timestamp": func(p *proxy) *[]byte { return &p.evidence.Timestamp },
		"snapshot":  func(p *proxy) *[]byte { return &p.evidence.Snapshot },
		"targets":   func(p *proxy) *[]byte { return &p.evidence.Targets },
	} {
		t.Run(name, func(t *testing.T) {
			document, count := *file(&good), 0
			m := &mutator{T: t, dice: dice(t)}
			try := func(path []string, what string, changed []byte) {
				count++
				p := good
				*file(&p) = changed
				// Whoever changes the root is taken for somebody who pins it so.
				v := p.decide(t, ref, proxyDay)
				if !v.Passed() {
					return
				}
				at := wildIndex(strings.Join(path, "."))
				met[at] = true
				if meaningless[at] == "" {
					t.Errorf("passed with %s %s", strings.Join(path, "."), what)
				}
			}
			same := good
			*file(&same) = encodeTree(decodeTree(document))
			if v := same.decide(t, ref, proxyDay); !v.Passed() || (name != "root" && !bytes.Equal(decision(t, v), want)) {
				t.Fatalf("written anew it does not pass: %s", decision(t, v)) // else nothing below says anything
			}
			walk(decodeTree(document), nil, func(path []string, value any) {
				try(path, "deleted", encodeTree(editTree(decodeTree(document), path, nil)))
				others := m.few(value)
				if o, ok := value.(map[string]any); ok { // a member more
					more := map[string]any{"x": 1}
					for k, v := range o {
						more[k] = v
					}
					others = append(others, more)
				}
				for _, other := range others {
					try(path, fmt.Sprintf("changed to %.80v", other), encodeTree(editTree(decodeTree(document), path, func() any { return other })))
				}
			})
			t.Logf("%d changes", count)
			if count < 150 {
				t.Errorf("only %d changes", count)
			}
		})
	}
	for path := range meaningless {
		if !met[path] {
			t.Errorf("no change of %s passed, so it is not meaningless", path)
		}
	}
}

// few picks some of the other values; of a number in text, the next one is among them.
func (m *mutator) few(value any) []any {
	all := m.others(value)
	m.dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = all[:min(len(all), 2)]
	if s, ok := value.(string); ok {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			all = append(all, strconv.FormatInt(n+1, 10))
		}
	}
	return all
}

// TestRealReleaseManifests changes a byte of each manifest at a time.
func TestRealReleaseManifests(t *testing.T) {
	good := realProxy(t)
	for i, m := range good.evidence.Manifests {
		for at := 0; at < len(m.Bytes); at += 97 {
			p := good
			p.evidence.Manifests = slices.Clone(good.evidence.Manifests)
			b := bytes.Clone(m.Bytes)
			b[at] ^= 1
			p.evidence.Manifests[i].Bytes = b
			var said struct{ Version string }
			if err := json.Unmarshal(m.Bytes, &said); err != nil {
				t.Fatal(err)
			}
			v := p.decide(t, proxyName+":"+said.Version+"@"+proxyDigests[said.Version], proxyDay)
			wantFail(t, v, "release", verify.ReleaseHashMismatch)
		}
	}
}
