// Command conformance speaks the client side of the Sigstore conformance suite
// (https://github.com/sigstore/sigstore-conformance/blob/main/docs/cli_protocol.md)
// over [verify.VerifyBlob]: it verifies one bundle over one file and says no more
// than its exit code, 0 for accepted and 1 for everything else. It signs nothing,
// asks nobody, and is not for people: they run assay.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/verify"
)

const usage = `usage: conformance verify-bundle --bundle FILE
       (--key FILE | --certificate-identity IDENTITY --certificate-oidc-issuer URL)
       [--trusted-root FILE] (FILE | sha256:HEX)
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit code. Nothing is ever written to the first writer.
func run(args []string, _, stderr io.Writer) int {
	r, err := parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "conformance: %v\n%s", err, usage)
		return 1
	}
	if err := r.verify(); err != nil {
		fmt.Fprintf(stderr, "conformance: refused: %v\n", err)
		return 1
	}
	return 0
}

// request is one command line.
type request struct {
	bundle, key, identity, issuer, trustedRoot, artifact string
	staging                                              bool
}

// parse reads flags and the artifact in any order.
func parse(args []string) (request, error) {
	if len(args) == 0 || args[0] != "verify-bundle" {
		return request{}, errors.New("the only command is verify-bundle")
	}
	var r request
	flags := flag.NewFlagSet("verify-bundle", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for name, value := range map[string]*string{
		"bundle": &r.bundle, "key": &r.key, "trusted-root": &r.trustedRoot,
		"certificate-identity": &r.identity, "certificate-oidc-issuer": &r.issuer,
	} {
		flags.Func(name, "", func(s string) error { return set(value, s) })
	}
	flags.BoolVar(&r.staging, "staging", false, "")
	for rest := args[1:]; len(rest) > 0; {
		if err := flags.Parse(rest); err != nil {
			return request{}, err
		}
		if rest = flags.Args(); len(rest) == 0 {
			break
		}
		if err := set(&r.artifact, rest[0]); err != nil {
			return request{}, fmt.Errorf("read the artifact %q: %w", rest[0], err)
		}
		rest = rest[1:]
	}
	switch {
	case r.bundle == "" || r.artifact == "":
		return request{}, errors.New("a bundle and an artifact are needed")
	case r.staging && r.trustedRoot == "":
		return request{}, errors.New("the trusted root of the staging instance is not built in; give it with --trusted-root")
	}
	return r, nil
}

// set refuses what is empty or was given before: nothing here has a second meaning.
func set(value *string, s string) error {
	if s == "" {
		return errors.New("it is empty")
	}
	if *value != "" {
		return errors.New("it is given twice")
	}
	*value = s
	return nil
}

func (r request) verify() error {
	limits := verify.DefaultLimits()
	root, err := r.root()
	if err != nil {
		return err
	}
	signer, err := r.signer()
	if err != nil {
		return err
	}
	bundle, err := readFile(r.bundle, limits.PieceBytes)
	if err != nil {
		return err
	}
	var blob verify.Blob
	if _, err := os.Lstat(r.artifact); errors.Is(err, os.ErrNotExist) && isDigest.MatchString(r.artifact) {
		blob.Digest = r.artifact
	} else {
		f, err := os.Open(r.artifact)
		if err != nil {
			return err
		}
		defer f.Close()
		blob.Content = f
	}
	verified, err := verify.VerifyBlob(bundle, blob, signer, root, limits)
	if err != nil {
		return err
	}
	if !verified.Verified() {
		return errors.New("nothing was verified")
	}
	return nil
}

var isDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func (r request) signer() (verify.BlobSigner, error) {
	signer := verify.BlobSigner{Identity: r.identity, Issuer: r.issuer}
	if r.key == "" {
		return signer, nil
	}
	pem, err := readFile(r.key, 1<<20)
	if err != nil {
		return verify.BlobSigner{}, err
	}
	sum := sha256.Sum256(pem)
	key, err := verify.NewKey(pem, hex.EncodeToString(sum[:]))
	if err != nil {
		return verify.BlobSigner{}, err
	}
	signer.Key = &key
	return signer, nil
}

// root returns the root of the file, or the public-good one that is built in.
func (r request) root() (*verify.TrustedRoot, error) {
	if r.trustedRoot == "" {
		t := trust.PublicGood()
		return verify.NewTrustedRoot(t.Name, t.Source, t.JSON, policy.DefaultThresholds())
	}
	b, err := readFile(r.trustedRoot, trust.MaxSize)
	if err != nil {
		return nil, err
	}
	thresholds, err := thresholdsOf(b)
	if err != nil {
		return nil, fmt.Errorf("read the trusted root %s: %w", r.trustedRoot, err)
	}
	return verify.NewTrustedRoot("given", "file "+r.trustedRoot, b, thresholds)
}

// thresholdsOf guesses a policy from a trusted root: the protocol has no way to
// say one. An instance that has a log wants its evidence, one that has none cannot.
func thresholdsOf(trustedRoot []byte) (policy.Thresholds, error) {
	var has struct {
		Tlogs []json.RawMessage `json:"tlogs"`
	}
	if err := json.Unmarshal(trustedRoot, &has); err != nil {
		return policy.Thresholds{}, err
	}
	t := policy.DefaultThresholds()
	if len(has.Tlogs) == 0 {
		t.LogEntries = 0
	}
	return t, nil
}

// readFile reads a file of at most limit bytes.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return b, nil
}
