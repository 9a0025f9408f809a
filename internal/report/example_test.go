package report_test

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/verify"
)

func ExampleText() {
	v := verify.Verdict{
		Conclusive: true,
		Image: verify.VerdictImage{
			Requested: "ghcr.io/acme/app:1.4.0", Name: "ghcr.io/acme/app", Tag: "1.4.0", Version: "1.4.0", VersionFrom: "tag",
			Digest: "sha256:" + strings.Repeat("ab", 32), Pinned: "ghcr.io/acme/app:1.4.0@sha256:" + strings.Repeat("ab", 32),
		},
		Policy: verify.VerdictPolicy{Name: "acme releases", Digest: "sha256:" + strings.Repeat("b0", 32), Rule: "ghcr.io/acme/*"},
		Checks: []verify.Finding{{
			ID: "signature", Required: true, Result: verify.Failed, Code: verify.SignatureMissing,
			Message: "nothing that could be one is attached to the image",
			Next:    "sign the image with cosign in the release workflow",
		}},
		Run: verify.Run{JudgedAt: time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC), Requests: 5, Bytes: 2100, DurationMS: 310},
	}
	if err := report.Text(os.Stdout, v, report.TextOptions{Width: 80}); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	// Output:
	// FAIL ghcr.io/acme/app:1.4.0@sha256:abababababababababababababababababababababababababababababababab
	//
	// ✗ signature  signature.missing
	//
	// ✗ signature: signature.missing
	//   because       nothing that could be one is attached to the image
	//   next          sign the image with cosign in the release workflow
	//
	//   asked for     ghcr.io/acme/app:1.4.0
	//   policy        acme releases, sha256:b0b0b0b0b0b0, rule ghcr.io/acme/*
	//   version       1.4.0 (from the tag)
	//
	// 5 requests, 2.1 kB, 310 ms; judged as of 2026-03-05T08:00:00Z
}
