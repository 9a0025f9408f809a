// Command conformance speaks the client side of the public TUF conformance suite
// (https://github.com/theupdateframework/tuf-conformance) over [tufclient]: it keeps
// verified metadata in one folder, downloads verified targets into another, and says
// no more than its exit code, 0 for done and 1 for everything else. It is not for
// people: they run assay.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/releaseassay/assay/internal/trust"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/verify"
)

const usage = `usage: conformance --metadata-dir DIR init ROOT
       conformance --metadata-dir DIR --metadata-url URL refresh
       conformance --metadata-dir DIR --metadata-url URL --target-base-url URL
                   --target-dir DIR --target-name NAME [--target-name NAME ...] download
`

// maxRoot bounds the file of init, in bytes.
const maxRoot = 1 << 20

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stderr, systemTime))
}

// systemTime asks date for the time: the suite moves the clock of programs that use
// the C library, and Go does not.
func systemTime(ctx context.Context) (time.Time, error) {
	out, err := exec.CommandContext(ctx, "date", "+%s").Output()
	if err != nil {
		return time.Time{}, fmt.Errorf("run date: %w", err)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read what date printed: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// run returns the exit code.
func run(ctx context.Context, args []string, stderr io.Writer, clock func(context.Context) (time.Time, error)) int {
	r, err := parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "conformance: %v\n%s", err, usage)
		return 1
	}
	now, err := clock(ctx)
	if err == nil {
		err = r.do(ctx, now)
	}
	if err != nil {
		fmt.Fprintf(stderr, "conformance: %s: %v\n", r.command, err)
		return 1
	}
	return 0
}

// request is one command line.
type request struct {
	command, root                                    string
	metadataDir, metadataURL, targetDir, targetsBase string
	names                                            []string
}

// parse reads flags and words in any order.
func parse(args []string) (request, error) {
	var r request
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&r.metadataDir, "metadata-dir", "", "")
	flags.StringVar(&r.metadataURL, "metadata-url", "", "")
	flags.StringVar(&r.targetDir, "target-dir", "", "")
	flags.StringVar(&r.targetsBase, "target-base-url", "", "")
	flags.Func("target-name", "", func(name string) error {
		r.names = append(r.names, name)
		return nil
	})
	var words []string
	for rest := args; ; {
		if err := flags.Parse(rest); err != nil {
			return request{}, err
		}
		if flags.NArg() == 0 {
			break
		}
		words, rest = append(words, flags.Arg(0)), flags.Args()[1:]
	}
	r.metadataURL, r.targetsBase = strings.TrimRight(r.metadataURL, "/"), strings.TrimRight(r.targetsBase, "/")
	if len(words) > 0 {
		r.command = words[0]
	}
	switch {
	case r.metadataDir == "":
		return request{}, errors.New("--metadata-dir is missing")
	case r.command == "init" && len(words) == 2:
		r.root = words[1]
	case r.command == "refresh" && len(words) == 1 && r.metadataURL != "" && len(r.names) == 0:
	case r.command == "download" && len(words) == 1 && r.metadataURL != "" &&
		r.targetsBase != "" && r.targetDir != "" && len(r.names) > 0:
	default:
		return request{}, errors.New("this is not a command with all that it needs")
	}
	return r, nil
}

func (r request) do(ctx context.Context, now time.Time) error {
	if r.command == "init" {
		return r.install()
	}
	c, err := r.open(now)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Refresh(ctx); err != nil {
		return err
	}
	for _, name := range r.names {
		target, err := c.Find(ctx, name)
		if err != nil {
			return fmt.Errorf("find %q: %w", name, err)
		}
		if _, err := c.Download(ctx, target, r.targetDir); err != nil {
			return fmt.Errorf("download %q: %w", name, err)
		}
	}
	return nil
}

// install keeps the root. No network is used and nothing is verified yet.
func (r request) install() error {
	f, err := os.Open(r.root)
	if err != nil {
		return err
	}
	defer f.Close()
	root, err := io.ReadAll(io.LimitReader(f, maxRoot))
	if err != nil {
		return err
	}
	return tufclient.Init(r.metadataDir, root)
}

// open makes the client for the folder that init prepared.
func (r request) open(now time.Time) (*tufclient.Client, error) {
	root, err := tufclient.Pinned(r.metadataDir)
	if err != nil {
		return nil, fmt.Errorf("read the root of init: %w", err)
	}
	return tufclient.New(tufclient.Options{
		MetadataURL: r.metadataURL, TargetsURL: r.targetsBase,
		Root: root, Dir: r.metadataDir, Time: now, Sigstore: publicGood{},
	})
}

// publicGood verifies the signatures of identities (TAP 18). It reads its trusted root
// when the first one comes: most repositories have none.
type publicGood struct{}

// Verify implements metadata.Sigstore.
func (publicGood) Verify(bundle, message []byte, identity, issuer string) (time.Time, error) {
	t := trust.PublicGood()
	root, err := verify.NewTrustedRoot(t.Name, t.Source, t.JSON, policy.DefaultThresholds())
	if err != nil {
		return time.Time{}, err
	}
	return verify.MetadataSigstore(root, verify.DefaultLimits()).Verify(bundle, message, identity, issuer)
}
