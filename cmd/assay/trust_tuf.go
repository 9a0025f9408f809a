package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/files"
	"github.com/releaseassay/assay/internal/load"
	"github.com/releaseassay/assay/internal/release"
	"github.com/releaseassay/assay/policy"
	"github.com/releaseassay/assay/tufclient"
	"github.com/releaseassay/assay/tufclient/metadata"
	"github.com/releaseassay/assay/verify"
)

// trustTUFCommand manages by hand what `assay verify` keeps of the TUF repositories
// that policies name.
func trustTUFCommand(w world) *cli.Command {
	which := []cli.Flag{
		&cli.StringFlag{Name: "policy", Usage: "the repositories that the policy in `FILE` names"},
		&cli.StringFlag{Name: "root", Usage: "without a policy: the repository that starts from the TUF root in `FILE`"},
		&cli.StringFlag{Name: "sha256", Usage: "with --root: its SHA-256 is `HEX`"},
		&cli.StringFlag{Name: "metadata-url", Usage: "with --root: its metadata lies at `URL`"},
		&cli.StringFlag{Name: "targets-url", Usage: "with --root: its targets lie at `URL` (default: targets beside the metadata)"},
		&cli.StringFlag{Name: "trusted-root", Usage: "take the public-good root from the trusted_root.json in `FILE`"},
		tufStateFlag(),
	}
	network := []cli.Flag{
		tufMirrorFlag(), configFlag(),
		&cli.DurationFlag{Name: "timeout", Usage: "give up after `DURATION`", Value: time.Minute},
	}
	sub := func(do tufAction, usage, description string, more ...cli.Flag) *cli.Command {
		return &cli.Command{
			Name: do.name, Usage: usage, Flags: slices.Concat(which, more), Description: description,
			Action: func(c *cli.Context) error { return runTrustTUF(c, w, do) },
		}
	}
	return &cli.Command{
		Name:  "tuf",
		Usage: "manage what is kept of the TUF repositories that release demands name",
		Subcommands: []*cli.Command{
			sub(tufInit, "fetch and keep repositories that nothing is known of yet",
				"What is known already is left as it is. With --root it prints the release block of a policy.",
				append(network, &cli.BoolFlag{Name: "again", Usage: "forget what is kept, readable or not, and begin from the pinned root"})...),
			sub(tufRefresh, "bring what is kept up to date",
				"Of a repository that nothing is known of it fetches nothing: that is for init to do, knowingly.", network...),
			sub(tufShow, "print what is kept as JSON: roles, versions, expiries, holders, targets",
				"It opens no connection."),
		},
	}
}

// tufAction is what is done to one repository before it is described.
type tufAction struct {
	name string
	// offline opens no connection.
	offline bool
	do      func(context.Context, *tufclient.Client) error
}

var (
	errNothingKept = errors.New("nothing is known of the repository yet: run `assay trust tuf init`")

	tufInit = tufAction{name: "init", do: func(ctx context.Context, client *tufclient.Client) error {
		if release.Known(client) && client.Load() == nil {
			return nil
		}
		return client.Refresh(ctx)
	}}
	tufRefresh = tufAction{name: "refresh", do: func(ctx context.Context, client *tufclient.Client) error {
		if !release.Known(client) {
			return errNothingKept
		}
		return client.Refresh(ctx)
	}}
	tufShow = tufAction{name: "show", offline: true, do: func(_ context.Context, client *tufclient.Client) error {
		if !release.Known(client) {
			return nil // the pinned root can be shown all the same
		}
		return client.Load()
	}}
)

func runTrustTUF(c *cli.Context, w world, do tufAction) error {
	if c.Args().Present() {
		return usagef("found the argument %q; `assay trust tuf %s` takes none", c.Args().First(), do.name)
	}
	if err := checkTrustTUF(c, do); err != nil {
		return err
	}
	p, err := tufPolicy(c, w)
	if err != nil {
		return err
	}
	options := releaseOptions(c, w)
	if options.Dir == "" && options.StateFile == "" {
		return usagef("there is no cache folder; set ASSAY_CACHE to one")
	}
	pinned, err := tufRepositories(c, w, p)
	if err != nil {
		return err
	}
	if options.StateFile != "" && len(pinned) > 1 {
		return usagef("--tuf-state keeps one repository, and the policy names %d", len(pinned))
	}
	if do.offline {
		options.Offline = true
		return describeTUF(c.Context, c, w, release.New(options), pinned, do)
	}
	access, err := openAccess(w, c.String("config"), c.Bool("plain-http"))
	if err != nil {
		return err
	}
	defer access.Close()
	options.Transport, options.Budget = access.Transport(), budgetOf(c.Duration("timeout"))
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	return describeTUF(ctx, c, w, release.New(options), pinned, do)
}

// checkTrustTUF refuses flags that contradict each other or would be ignored.
func checkTrustTUF(c *cli.Context, do tufAction) error {
	for _, f := range c.Command.Flags {
		if s, ok := f.(*cli.StringFlag); ok && c.IsSet(s.Name) && strings.TrimSpace(c.String(s.Name)) == "" {
			return usagef("--%s is empty", s.Name)
		}
	}
	if c.IsSet("policy") == c.IsSet("root") {
		return usagef("wanted one of --policy FILE and --root FILE; see `%s --help`", helpName(c))
	}
	for _, name := range []string{"sha256", "metadata-url", "targets-url"} {
		if c.IsSet(name) && !c.IsSet("root") {
			return usagef("--%s belongs to --root, which is not given", name)
		}
	}
	if c.IsSet("root") && !c.IsSet("metadata-url") {
		return usagef("--root needs --metadata-url URL: what is kept is known by both")
	}
	if !do.offline && c.Duration("timeout") <= 0 {
		return usagef("--timeout is %s; wanted a positive duration such as 30s", c.Duration("timeout"))
	}
	return checkTUFFlags(c)
}

// tufPolicy reads the policy, or makes one of the flags: what is accepted in a policy
// is accepted here, and nothing else.
func tufPolicy(c *cli.Context, w world) (*policy.Policy, error) {
	if c.IsSet("policy") {
		p, _, err := loadPolicy(c, w, verify.Reference{})
		return p, err
	}
	root, err := files.Read(c.String("root"), load.MaxTUFRoot)
	if err != nil {
		return nil, usagef("read the TUF root: %w", err)
	}
	if want, got := c.String("sha256"), hexSHA256(root); want != "" && want != got {
		return nil, usagef("%s has the SHA-256 %s; wanted %s, as --sha256 says", c.String("root"), got, want)
	}
	block := releaseBlock{
		MetadataURL: c.String("metadata-url"), TargetsURL: targetsURL(c), File: c.String("root"), SHA256: hexSHA256(root),
	}
	p, err := policy.Parse("the flags", []byte("apiVersion: assay/v1\nkind: ReleasePolicy\nmetadata: {name: flags}\n"+
		"images:\n  - match: \"**\"\n"+block.yaml("    ")))
	if err != nil {
		return nil, usagef("the flags make no policy:\n%w", err)
	}
	return p, nil
}

func targetsURL(c *cli.Context) string {
	base := strings.TrimSuffix(c.String("metadata-url"), "/metadata")
	return cmp.Or(c.String("targets-url"), base+"/targets")
}

// tufRepositories reads the pinned roots and the trusted roots of every repository
// that a policy names, each once.
func tufRepositories(c *cli.Context, w world, p *policy.Policy) ([]release.Repository, error) {
	trust, err := readTrust(c, w, p, load.Folder(c.String("policy")))
	if err != nil {
		return nil, err
	}
	var all []release.Repository
	seen := map[string]bool{}
	for _, rule := range p.Rules {
		if rule.Release == nil {
			continue
		}
		tuf := rule.Release.TUF
		key := tuf.Root.SHA256 + " " + tuf.MetadataURL
		if seen[key] {
			continue
		}
		seen[key] = true
		all = append(all, release.Repository{
			TUF: tuf, Root: trust.TUFRoot(tuf.Root.SHA256), At: w.now(), Sigstore: sigstoreOf(trust.Trust, rule.Release.Trust),
		})
	}
	if len(all) == 0 {
		return nil, usagef("the policy demands no release, so that it names no TUF repository")
	}
	return all, nil
}

// describeTUF does it to every repository, prints them, and returns what went wrong
// first: one that is down does not keep the others from being fetched.
func describeTUF(ctx context.Context, c *cli.Context, w world, repositories *release.Repositories, pinned []release.Repository, do tufAction) error {
	var first error
	all := []release.Description{}
	for _, repo := range pinned {
		if c.Bool("again") {
			if err := repositories.Forget(repo); err != nil {
				return usagef("%w", err)
			}
		}
		d, err := describeOne(ctx, repositories, repo, do)
		if err != nil {
			d.Failure = escape(err.Error())
			if first == nil {
				first = &exit{code: tufExit(err), err: fmt.Errorf("%s: %s", repo.TUF.MetadataURL, d.Failure)}
			}
		}
		all = append(all, d)
	}
	if do.name == "init" && c.IsSet("root") {
		if first != nil {
			return first
		}
		_, err := w.stdout.Write([]byte(blockOf(all[0], pinned[0].TUF.Root.File).yaml("")))
		return err
	}
	if err := printJSON(w, struct {
		Repositories []release.Description `json:"repositories"`
	}{all}); err != nil {
		return err
	}
	return first
}

func describeOne(ctx context.Context, repositories *release.Repositories, repo release.Repository, do tufAction) (release.Description, error) {
	repo.DeferExpiryUnsafe = do.offline // show says what has expired
	client, err := repositories.Open(repo)
	var state *tufclient.StateError
	switch {
	case errors.As(err, &state) && do.name == "init":
		return repositories.Unread(repo), fmt.Errorf("%w; `assay trust tuf init --again` forgets it and begins from the pinned root", err)
	case err != nil:
		return repositories.Unread(repo), err
	}
	defer func() { _ = client.Close() }()
	failed := do.do(ctx, client)
	d, err := repositories.Describe(ctx, client, repo)
	switch {
	case failed != nil:
		return d, failed
	case err == nil && client.Unkept() != nil:
		return d, usagef("keep what was seen: %w", client.Unkept())
	}
	return d, err
}

// tufExit says how conclusive an error is: metadata that no time and no state can
// mend is bad, all else is undecided, as in a verdict.
func tufExit(err error) int {
	var refused *metadata.Error
	var coded *exit
	switch {
	case errors.As(err, &coded):
		return coded.code
	case !errors.As(err, &refused):
		return exitUndecided
	}
	if slices.Contains([]metadata.Kind{metadata.Expired, metadata.Rollback, metadata.BelowMinimum}, refused.Kind) {
		return exitUndecided
	}
	return exitBad
}

// sigstoreOf verifies metadata under the trusted root of a name.
func sigstoreOf(trust verify.Trust, name string) metadata.Sigstore {
	for _, r := range trust.Roots {
		if r.Name() == name {
			return verify.MetadataSigstore(r, verify.DefaultLimits())
		}
	}
	return nil
}
