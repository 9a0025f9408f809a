package main

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/internal/lab/cases"
)

// home is what is added to the name of a trusted root for the folder that TUF_ROOT names: what `cosign initialize` made
// of a TUF repository with that root.
const home = ".tuf"

// inHome is a shell's script that runs its fourth argument, a script of its own, and the image that follows. TUF_ROOT is
// a copy, since the old client locks its folder and several questions are put at once.
const inHome = `TUF_ROOT=$(mktemp -d "$1/home-XXXXXX") && cp -R "$2` + home + `/." "$TUF_ROOT" && export TUF_ROOT && shift 2 && script=$1 && shift && eval "$script"`

// trust is how a contender comes to trust the lab: as it came to trust the public instance, by a TUF repository.
type trust struct {
	// cosign is the program that makes the folder.
	cosign string
	// parts says that the repository has keys and certificates as files of their own and no trusted_root.json, which
	// is all that clients before 2024 know of. cosign makes such a client's folder for such a repository alone.
	parts bool
}

// initialize makes the folder for every root of a list of cases. The repositories serve until stop is called.
func (t trust) initialize(ctx context.Context, list cases.Listing, dir string, now time.Time) (stop func(), err error) {
	mux := http.NewServeMux()
	first := map[string][]byte{} // by the file of the trusted root
	paths := map[string]string{}
	for _, c := range list.Cases {
		file := filepath.Join(dir, filepath.FromSlash(c.TrustedRoot))
		if first[file] != nil {
			continue
		}
		raw, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			return nil, err
		}
		repo, err := t.repository(raw, now)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.TrustedRoot, err)
		}
		first[file], paths[file] = repo.FirstRoot(), fmt.Sprintf("/%d", len(first))
		mux.Handle(paths[file]+"/", http.StripPrefix(paths[file], mirror(repo.Handler())))
	}
	server := httptest.NewServer(mux)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(3)
	for file, root := range first {
		group.Go(func() error { return t.fill(ctx, file, server.URL+paths[file], root) })
	}
	if err := group.Wait(); err != nil {
		server.Close()
		return nil, err
	}
	return server.Close, nil
}

// fill runs `cosign initialize`.
func (t trust) fill(ctx context.Context, file, mirror string, first []byte) error {
	pinned := file + home + ".root.json"
	if err := os.WriteFile(pinned, first, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, t.cosign, "initialize", "--mirror", mirror, "--root", pinned) //nolint:gosec // the user's own cosign
	cmd.Env = append(os.Environ(), "TUF_ROOT="+file+home)                                         //nolint:forbidigo // the environment is the user's own
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cosign initialize for %s: %w: %s", filepath.Base(file), err, out)
	}
	return nil
}

// mirror serves metadata at the top of a repository, where clients of Sigstore look for it.
func mirror(repo http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/targets/") {
			r = r.Clone(r.Context())
			r.URL.Path = "/metadata" + r.URL.Path
		}
		repo.ServeHTTP(w, r)
	})
}

// repository makes a TUF repository that says what a trusted root says.
func (t trust) repository(trustedRoot []byte, now time.Time) (*lab.TUF, error) {
	repo, err := lab.NewTUF(lab.TUFOptions{Now: now, MetaHashes: true})
	if err != nil {
		return nil, err
	}
	if !t.parts {
		repo.AddTarget("trusted_root.json", trustedRoot, "targets")
		return repo, repo.Publish()
	}
	files, err := partsOf(trustedRoot, now)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		repo.AddTarget(f.name, f.content, "targets")
	}
	repo.Targets.Edit = func(signed map[string]any) {
		listed := signed["targets"].(map[string]any)
		for _, f := range files {
			listed[f.name].(map[string]any)["custom"] = map[string]any{"sigstore": map[string]any{"usage": f.usage, "status": f.status}}
		}
	}
	return repo, repo.Publish()
}

// part is a key or a certificate as Sigstore's repository lists it.
type part struct {
	name, usage, status string
	content             []byte
}

// partsOf takes the certificates of a trusted root apart, and the keys of logs that the old client reads.
func partsOf(trustedRoot []byte, now time.Time) ([]part, error) {
	var root prototrustroot.TrustedRoot
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(trustedRoot, &root); err != nil {
		return nil, fmt.Errorf("read trusted root: %w", err)
	}
	var out []part
	add := func(usage, kind string, der []byte, valid *protocommon.TimeRange) {
		status := "Active"
		if end := valid.GetEnd(); end != nil && end.AsTime().Before(now) {
			status = "Expired"
		}
		name := fmt.Sprintf("%s_%d.pem", strings.ToLower(usage), len(out))
		out = append(out, part{name: name, usage: usage, status: status, content: pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})})
	}
	for _, a := range root.GetCertificateAuthorities() {
		for _, c := range a.GetCertChain().GetCertificates() {
			add("Fulcio", "CERTIFICATE", c.GetRawBytes(), a.GetValidFor())
		}
	}
	for _, l := range root.GetTlogs() {
		if key := l.GetPublicKey(); key.GetKeyDetails() != protocommon.PublicKeyDetails_PKIX_ED25519 { // a log of Rekor 2
			add("Rekor", "PUBLIC KEY", key.GetRawBytes(), key.GetValidFor())
		}
	}
	for _, l := range root.GetCtlogs() {
		add("CTFE", "PUBLIC KEY", l.GetPublicKey().GetRawBytes(), l.GetPublicKey().GetValidFor())
	}
	return out, nil
}
