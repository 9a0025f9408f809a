package report

import (
	"reflect"
	"strings"
	"time"

	"github.com/releaseassay/assay/verify"
)

// The verdicts of these tests are values made by hand: reports are functions of
// nothing else.

const (
	githubIssuer = "https://token.actions.githubusercontent.com"
	acme         = "https://github.com/acme/app"
	generator    = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml"
)

var judgedAt = time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC)

func sha(b string) string { return "sha256:" + strings.Repeat(b, 32) }

func number(n int) *int { return &n }

func claims(repository, workflow string) *verify.Claims {
	return &verify.Claims{
		Identity: repository + "/.github/workflows/" + workflow + "@refs/tags/v1.4.0", Issuer: githubIssuer,
		Repository: repository, RepositoryID: "81723", OwnerURI: "https://github.com/acme", OwnerID: "4411",
		Ref: "refs/tags/v1.4.0", Commit: strings.Repeat("c0ffee00", 5), Trigger: "push",
		Runner: "github-hosted", Visibility: "public",
	}
}

func signature(evidence string, c *verify.Claims) verify.Candidate {
	return verify.Candidate{
		Evidence: evidence, Layout: verify.LegacySignature, Type: "cosign container image signature",
		Authenticated: true, Trust: "public-good", Claims: c, Log: verify.LogPromise,
		Times: []verify.VerifiedTime{{Time: judgedAt.Add(-26 * time.Hour), Source: "log", URI: "https://rekor.sigstore.dev"}},
	}
}

func provenance(evidence string) verify.Candidate {
	c := claims(acme, "release.yml")
	c.Identity = generator + "@refs/tags/v2.1.0"
	p := signature(evidence, c)
	p.Layout, p.Type, p.Log = verify.Bundle, verify.PredicateProvenanceV1, verify.LogProof
	p.Builder, p.Level = generator+"@v2.1.0", number(3)
	return p
}

func demand() map[string]string {
	return map[string]string{
		"issuer": githubIssuer, "workflow": ".github/workflows/*", "repository": acme,
		"ref": "refs/tags/1.4.0 or refs/tags/v1.4.0", "trigger": "push or release or workflow_dispatch", "runner": "github-hosted",
	}
}

// passing is a pass of the built-in policy.
func passing() verify.Verdict {
	v := verify.Verdict{
		Schema: verify.VerdictSchema, Verdict: verify.Pass, Conclusive: true,
		Image: verify.VerdictImage{
			Requested: "ghcr.io/acme/app:1.4.0", Name: "ghcr.io/acme/app", Tag: "1.4.0", Digest: sha("ab"),
			Pinned: "ghcr.io/acme/app:1.4.0@" + sha("ab"), MediaType: "application/vnd.oci.image.index.v1+json",
			Version: "1.4.0", VersionFrom: "tag",
		},
		Policy: verify.VerdictPolicy{Name: "built-in", BuiltIn: true, Digest: sha("b0"), Rule: "ghcr.io/acme/app"},
		Trust: []verify.VerdictRoot{
			{Name: "public-good", Digest: sha("64"), Source: "npm @sigstore/tuf@5.0.1", LogEntries: 1, SCTs: 1, Timestamps: 1},
		},
		Run: verify.Run{
			Assay: "v0.1.0", JudgedAt: judgedAt, DurationMS: 1234, Requests: 9, Bytes: 48213,
			Looked: []string{"ghcr.io/acme/app referrers of " + sha("ab"), "ghcr.io/acme/app:" + tagOf("ab") + ".att", "ghcr.io/acme/app:" + tagOf("ab") + ".sig"},
			Places: []verify.Place{
				{Evidence: sha("51"), Place: "ghcr.io/acme/app:" + tagOf("ab") + ".sig layer 0"},
				{Evidence: sha("52"), Place: "ghcr.io/acme/app@" + sha("0b") + " layer 0"},
			},
		},
	}
	s, p := signature(sha("51"), claims(acme, "release.yml")), provenance(sha("52"))
	s.Met, p.Met = number(0), number(0)
	wanted := demand()
	delete(wanted, "workflow")
	wanted["level"] = "2"
	v.Checks = []verify.Finding{
		{
			ID: "signature", Required: true, Result: verify.Passed, Wanted: []map[string]string{demand()}, Found: []verify.Candidate{s},
			Unconstrained: []string{"workflow", "repository_id", "owner_id", "commit", "visibility"},
			Reproduce:     "cosign verify --certificate-oidc-issuer " + githubIssuer + " ghcr.io/acme/app@" + sha("ab"),
		},
		{
			ID: "provenance", Required: true, Result: verify.Passed, Wanted: []map[string]string{wanted}, Found: []verify.Candidate{p},
			Unconstrained: []string{"workflow", "repository_id", "owner_id", "commit", "visibility"},
			Reproduce:     "gh attestation verify oci://ghcr.io/acme/app@" + sha("ab") + " --repo acme/app",
		},
	}
	return v
}

func tagOf(b string) string { return strings.Replace(sha(b), ":", "-", 1) }

// impostor is signed by a workflow of another repository.
func impostor() verify.Verdict {
	v := passing()
	v.Verdict = verify.Fail
	s := signature(sha("51"), claims("https://github.com/mallory/app", "release.yml"))
	s.Code = verify.SignatureIdentityMismatch
	s.Difference = &verify.Difference{Field: "identity", Wanted: "a workflow of " + acme, Found: s.Claims.Identity}
	f := &v.Checks[0]
	f.Result, f.Code, f.Found, f.Unconstrained = verify.Failed, s.Code, []verify.Candidate{s}, nil
	f.Message = "the identity is " + s.Claims.Identity + "; wanted a workflow of " + acme
	f.Next = "compare wanted with found: either the policy names the wrong workflow, or the image is not yours"
	return v
}

// crowded has several candidates for two demands, none of which meets one.
func crowded() verify.Verdict {
	v := impostor()
	v.Policy = verify.VerdictPolicy{Name: "acme releases", Digest: sha("b1"), Rule: "ghcr.io/acme/*"}
	v.Image.Version, v.Image.VersionFrom = "1.4.0", "certificate"
	v.Trust[0].SCTs = 0
	f := &v.Checks[0]
	old := demand()
	old["workflow"], old["signer.signed"] = ".github/workflows/old.yml", "until 2025-01-01T00:00:00Z"
	f.Wanted = append(f.Wanted, old)
	second := signature(sha("53"), nil)
	second.Key, second.Code = strings.Repeat("4e", 32), verify.SignatureKeySigned
	second.Difference = &verify.Difference{Field: "signer", Wanted: "a certificate of " + githubIssuer, Found: "the key " + second.Key}
	third := verify.Candidate{
		Evidence: sha("54"), Layout: verify.Bundle, Trust: "public-good", Claims: claims(acme, "release.yml"),
		Code: verify.SignatureInvalid, Reason: "verify the bundle: threshold not met for verified log entries: 0 < 1",
	}
	fourth := verify.Candidate{
		Evidence: sha("55"), Layout: verify.LegacySignature, Trust: "public-good",
		Code: verify.SignatureMalformed, Reason: "read the payload: unexpected end of JSON input",
	}
	f.Found = append(f.Found, second, third, fourth)
	v.Run.Places = append(v.Run.Places,
		verify.Place{Evidence: sha("54"), Place: "ghcr.io/acme/app@" + sha("0c") + " layer 0"},
		verify.Place{Evidence: sha("54"), Place: "ghcr.io/acme/app@" + sha("0d") + " layer 0"},
		verify.Place{Evidence: sha("55"), Place: "ghcr.io/acme/app:" + tagOf("ab") + ".sig layer 1"},
	)
	p := &v.Checks[1]
	*p = verify.Finding{
		ID: "provenance", Required: true, Result: verify.Failed, Code: verify.ProvenanceMissing,
		Message: "only other evidence is attached to the image: https://cyclonedx.org/bom",
		Wanted:  p.Wanted, Reproduce: p.Reproduce,
		Next: "attest the build with slsa-github-generator or actions/attest-build-provenance",
	}
	return v
}

// twoPieces is a pass by two pieces of evidence for two demands, one of them a key.
func twoPieces() verify.Verdict {
	v := passing()
	v.Policy = verify.VerdictPolicy{Name: "acme releases", Digest: sha("b1"), Rule: "ghcr.io/acme/*"}
	v.Image.Tag, v.Image.Pinned, v.Image.VersionFrom = "", "ghcr.io/acme/app@"+sha("ab"), "flag"
	v.Image.Requested = v.Image.Pinned
	v.Trust = append(v.Trust, verify.VerdictRoot{Name: "corp", Source: "missing"})
	key := signature(sha("53"), nil)
	key.Key, key.Met, key.DockerReference = strings.Repeat("4e", 32), number(1), "registry.acme.example/app"
	key.Times = append(key.Times, verify.VerifiedTime{Time: judgedAt, Source: "timestamp-authority"})
	f := &v.Checks[0]
	f.Wanted = append(f.Wanted, map[string]string{"key": key.Key, "repository": acme})
	f.Found = append(f.Found, key)
	v.Checks[1] = verify.Finding{ID: "provenance", Result: verify.NotRequired}
	v.Run.Places = append(v.Run.Places, verify.Place{Evidence: sha("53"), Place: "ghcr.io/acme/app:" + tagOf("ab") + ".sig layer 1"})
	v.Run.Requests, v.Run.Bytes, v.Run.DurationMS = 0, 0, 12
	return v
}

// undecided met a rate limit where the signature would lie.
func undecided() verify.Verdict {
	v := passing()
	v.Verdict, v.Conclusive, v.Hypothetical = verify.Fail, false, true
	f := &v.Checks[0]
	f.Result, f.Code, f.Class, f.Found, f.Unconstrained = verify.Errored, verify.RegistryRateLimited, verify.Transient, nil, nil
	f.Message = "the evidence could not be read completely, so nothing is decided"
	f.Next = "wait, or log in: most registries allow more to those they know"
	v.Checks[1] = verify.Finding{ID: "provenance", Result: verify.NotRequired}
	v.Run.Places = nil
	v.Run.Failed = []verify.FailedFetch{{
		Code: verify.RegistryRateLimited, Class: verify.Transient, Place: "ghcr.io/acme/app:" + tagOf("ab") + ".sig",
		Detail: "GET manifest: 429 Too Many Requests: toomanyrequests: retry-after: 61 s",
	}}
	return v
}

// ruleless is about an image that no rule matches.
func ruleless() verify.Verdict {
	v := passing()
	return verify.Verdict{
		Schema: v.Schema, Conclusive: true,
		Image:  verify.VerdictImage{Requested: "alpine", Name: "docker.io/library/alpine", Tag: "latest"},
		Policy: verify.VerdictPolicy{Name: "acme releases", Digest: sha("b1")},
		Checks: []verify.Finding{{
			ID: "policy", Required: true, Result: verify.Failed, Code: verify.PolicyNoRule,
			Message: "no rule of the policy matches docker.io/library/alpine; its rules match ghcr.io/acme/*",
			Next:    "add a rule whose match covers the image, or check the name",
		}},
		Run: verify.Run{JudgedAt: judgedAt},
	}
}

// attacks are strings that a registry, a certificate or a log could send.
var attacks = []string{
	"\x1b[2J\x1b[1;1HPASS ghcr.io/acme/app",
	"x\nPASS ghcr.io/acme/app\r\n",
	"\u202etxt.exe\u202c \u2066hidden\u2069 zero\u200bwidth \ufeff",
	"bad\xff\xfeutf\xc0\xaf8 \u009b31m csi \x7f",
	"https://gіthub.com/acme/app" + strings.Repeat("A", 1200),
	strings.Repeat(" ", 30) + "✓ signature",
}

// hostile is the crowded verdict with an attack in every string.
func hostile() verify.Verdict { return poisoned(crowded()) }

// hostileRelease is the same of what a TUF repository says.
func hostileRelease() verify.Verdict {
	v := poisoned(rolledBack())
	v.Checks[2].Found[0].Layout = verify.TUFTarget
	return v
}

func poisoned(v verify.Verdict) verify.Verdict {
	n := 0
	poison(reflect.ValueOf(&v).Elem(), func() string { n++; return attacks[n%len(attacks)] })
	return v
}

// poison sets every string under v, the keys of maps included.
func poison(v reflect.Value, next func() string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(next())
	case reflect.Pointer:
		if !v.IsNil() {
			poison(v.Elem(), next)
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), next)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			v.SetMapIndex(k, reflect.Value{})
			v.SetMapIndex(reflect.ValueOf(next()), reflect.ValueOf(next()))
		}
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				poison(v.Field(i), next)
			}
		}
	}
}
