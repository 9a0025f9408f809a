package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/doctor"
	"github.com/releaseassay/assay/internal/report"
)

// maxDoctorFile bounds a file of objects or of a machine's settings, in bytes.
const maxDoctorFile = 64 << 20

func doctorCommand(w world) *cli.Command {
	return &cli.Command{
		Name:        "doctor",
		Usage:       "name the settings that let images in unjudged",
		Subcommands: []*cli.Command{doctorKubeCommand(w)},
	}
}

func doctorKubeCommand(w world) *cli.Command {
	return &cli.Command{
		Name:  "kube",
		Usage: "read what asks assay in a cluster and on its machines, and name each setting that is open",
		Description: "Asks the API server by kubectl, with your own access, and changes nothing; or reads saved objects (--from).\n" +
			"The files of --image-policy and --containerd lie on machines that no API server shows: run it there, with --offline.\n" +
			"See docs/doctor.md. Exit codes: 0 all closed, 1 something is open, 2 usage, 3 something could not be read.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "from", Usage: "read objects from `FILE` (kubectl get -o json or yaml; - is stdin) and do not ask a cluster; repeatable"},
			&cli.BoolFlag{Name: "offline", Usage: "ask no cluster: only the files of this machine"},
			&cli.StringFlag{Name: "kubectl", Usage: "the `COMMAND` that asks the cluster", Value: "kubectl"},
			&cli.StringFlag{Name: "kubeconfig", Usage: "kubectl's --kubeconfig"},
			&cli.StringFlag{Name: "context", Usage: "kubectl's --context"},
			&cli.StringFlag{Name: "service", Usage: "assay's Service as `NAMESPACE/NAME`, where other webhooks have doors of the same paths"},
			&cli.StringSliceFlag{Name: "exempt", Usage: "a `NAMESPACE` that is left out on purpose; repeatable"},
			&cli.StringSliceFlag{Name: "image-policy", Usage: "kube-apiserver's --admission-control-config-file, with ImagePolicyWebhook in it; repeatable"},
			&cli.StringSliceFlag{Name: "containerd", Usage: "containerd's `FILE` config.toml, or what `containerd config dump` prints (- is stdin); repeatable"},
			&cli.StringSliceFlag{Name: "output", Usage: "write `json|text[=FILE]`; repeatable, at most one without a file"},
		},
		Action: func(c *cli.Context) error { return runDoctorKube(c, w) },
	}
}

func runDoctorKube(c *cli.Context, w world) error {
	if c.Args().Present() {
		return usagef("found the argument %q; `assay doctor kube` takes none", c.Args().First())
	}
	if err := wantOneStdin(c); err != nil {
		return err
	}
	out, err := newOutputs(c, w)
	if err != nil {
		return err
	}
	for _, f := range append([]report.Output{{Format: out.stdout}}, out.files...) {
		if f.Format != report.FormatJSON && f.Format != report.FormatText {
			return usagef("found the output %q; `assay doctor` writes json and text", f.Format)
		}
	}
	if len(c.StringSlice("output")) == len(out.files) { // a list to look at, wherever it goes
		out.stdout = report.FormatText
	}
	in, err := doctorInput(c, w)
	if err != nil {
		return err
	}
	found := doctor.Examine(in, doctor.Options{Exempt: c.StringSlice("exempt"), Service: c.String("service")})
	return writeDoctor(out, found)
}

// wantOneStdin refuses to read standard input twice, and files that say nothing.
func wantOneStdin(c *cli.Context) error {
	n := 0
	for _, flag := range []string{"from", "containerd", "image-policy"} {
		for _, name := range c.StringSlice(flag) {
			switch {
			case name == "":
				return usagef("--%s is empty; wanted a file", flag)
			case name == "-" && flag == "image-policy":
				return usagef("--image-policy is -; wanted a file, which names others beside it")
			case name == "-":
				n++
			}
		}
	}
	switch {
	case n > 1:
		return usagef("standard input is named %d times; wanted once", n)
	case c.Bool("offline") && len(c.StringSlice("containerd"))+len(c.StringSlice("image-policy")) == 0:
		return usagef("--offline without --containerd or --image-policy: nothing is left to read")
	case c.Bool("offline") && len(c.StringSlice("from")) > 0:
		return usagef("--offline and --from: wanted one of them")
	}
	return nil
}

// doctorInput reads everything that the command was told to.
func doctorInput(c *cli.Context, w world) (doctor.Input, error) {
	var in doctor.Input
	for _, name := range c.StringSlice("from") {
		b, err := readDoctorFile(name, w)
		if err != nil {
			return in, &exit{code: exitUndecided, err: err}
		}
		objects, err := doctor.Read(b)
		if err != nil {
			return in, &exit{code: exitUndecided, err: fmt.Errorf("%s: %w", name, err)}
		}
		in.Objects = append(in.Objects, objects...)
	}
	if len(c.StringSlice("from")) == 0 && !c.Bool("offline") {
		k := kubectl{command: c.String("kubectl"), kubeconfig: c.String("kubeconfig"), context: c.String("context")}
		in.Objects, in.Unread = k.objects(c.Context)
	}
	for _, name := range c.StringSlice("image-policy") {
		b, err := readDoctorFile(name, w)
		if err != nil {
			return in, &exit{code: exitUndecided, err: err}
		}
		in.ImagePolicies = append(in.ImagePolicies, doctor.AdmissionFile{Name: name, Text: b, Read: func(other string) ([]byte, error) {
			if !filepath.IsAbs(other) {
				other = filepath.Join(filepath.Dir(name), other)
			}
			return readDoctorFile(other, w)
		}})
	}
	for _, name := range c.StringSlice("containerd") {
		b, err := readDoctorFile(name, w)
		if err != nil {
			return in, &exit{code: exitUndecided, err: err}
		}
		in.Containerd = append(in.Containerd, doctor.ContainerdFile{Name: name, Text: b, List: listVerifiers})
	}
	return in, nil
}

func readDoctorFile(name string, w world) ([]byte, error) {
	var r io.Reader = w.stdin
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the path is the user's own
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxDoctorFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > maxDoctorFile {
		return nil, fmt.Errorf("read %s: found more than %d bytes", name, maxDoctorFile)
	}
	return b, nil
}

// listVerifiers lists containerd's plugin folder. A symbolic link counts as what it
// leads to.
func listVerifiers(folder string) ([]doctor.Entry, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []doctor.Entry
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(folder, e.Name()))
		all = append(all, doctor.Entry{Name: e.Name(), Runnable: err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0})
	}
	return all, nil
}
