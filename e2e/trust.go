package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/releaseassay/assay/internal/lab"
)

// since is from when on the servers' keys are said to be valid.
const since = "start-time=2026-01-01T00:00:00Z"

// describeServers has cosign write the trusted root of the real servers, and a signing config for each kind of lane.
func (w *world) describeServers(ctx context.Context) error {
	s := w.stack
	w.real = site{
		fulcio: fulcioURL, rekor1: rekor1URL, rekor2: rekor2URL, tsa: tsaURL, signing: map[string]string{},
		roots: roots{trusted: w.file("trusted_root.json"), fulcio: s.file("fulcio.crt"), ct: s.file("ct.pub"), rekor: s.file("rekor1.pub")},
	}
	calls := [][]string{{
		"trusted-root", "create", "--out", w.real.roots.trusted,
		"--fulcio", "url=" + fulcioURL + ",certificate-chain=" + s.file("fulcio.crt"),
		"--ctfe", "url=" + ctURL + ",public-key=" + s.file("ct.pub") + "," + since,
		"--rekor", "url=" + rekor1URL + ",public-key=" + s.file("rekor1.pub") + "," + since,
		"--rekor", "url=http://" + rekor2Origin + ",public-key=" + s.file("rekor2.pub") + "," + since + ",origin=" + rekor2Origin,
		"--tsa", "url=" + tsaURL + ",certificate-chain=" + s.file("tsa.crt"),
	}}
	for _, l := range lanes() {
		if name := l.config(); w.real.signing[name] == "" {
			w.real.signing[name] = w.file("signing-" + name + ".json")
			calls = append(calls, l.signingConfig(w.real))
		}
	}
	for _, args := range calls {
		if _, err := w.must(ctx, s.bin["cosign3"], nil, args); err != nil {
			return err
		}
	}
	return nil
}

// signingConfig is how cosign writes the lane's signing config.
func (l lane) signingConfig(at site) []string {
	const operator = ",operator=e2e," + since
	rekor := at.rekor1
	if l.rekor == 2 {
		rekor = at.rekor2
	}
	call := []string{
		"signing-config", "create", "--out", at.signing[l.config()],
		"--fulcio", "url=" + at.fulcio + ",api-version=1" + operator,
		"--oidc-provider", "url=" + lab.GitHubIssuer + ",api-version=1" + operator,
		"--rekor", fmt.Sprintf("url=%s,api-version=%d%s", rekor, l.rekor, operator), "--rekor-config", "ANY",
	}
	if l.tsa {
		call = append(call, "--tsa", "url="+at.tsa+",api-version=1"+operator, "--tsa-config", "ANY")
	}
	return call
}

// describeLab writes the same of the lab's instance, as the lab itself writes it.
func (w *world) describeLab() error {
	base := w.file("lab-")
	url := w.services.URL()
	w.labs = site{
		fulcio: url, rekor1: url, rekor2: url, tsa: w.services.TimestampURL(),
		roots:   roots{trusted: base + "trusted_root.json", fulcio: base + "fulcio.crt", ct: base + "ct.pub", rekor: base + "rekor1.pub"},
		signing: map[string]string{"rekor1-tsa": base + "signing-rekor1.json", "rekor2-tsa": base + "signing-rekor2.json"},
	}
	return errors.Join(
		keep(w.labs.roots.trusted, w.known.TrustedRoot),
		keep(w.labs.roots.fulcio, func() ([]byte, error) { return w.known.FulcioChainPEM(), nil }),
		keep(w.labs.roots.ct, w.known.CTLogPublicKeyPEM),
		keep(w.labs.roots.rekor, w.known.RekorPublicKeyPEM),
		keep(w.labs.signing["rekor1-tsa"], w.services.SigningConfigRekorV1),
		keep(w.labs.signing["rekor2-tsa"], w.services.SigningConfig),
	)
}

// keep writes what a function makes to a file.
func keep(file string, content func() ([]byte, error)) error {
	raw, err := content()
	if err != nil {
		return fmt.Errorf("make %s: %w", file, err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
