package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// asProgram has this test binary be the program.
const asProgram = "TUF_CONFORMANCE_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestParse(t *testing.T) {
	full := request{
		command: "download", metadataDir: "M", metadataURL: "http://m/x", targetDir: "T", targetsBase: "http://t/y", names: []string{"a", "b c"},
	}
	for name, test := range map[string]struct {
		args string
		want request
	}{
		"init":             {"--metadata-dir M init R", request{command: "init", root: "R", metadataDir: "M"}},
		"init, flag last":  {"init R --metadata-dir=M", request{command: "init", root: "R", metadataDir: "M"}},
		"refresh":          {"--metadata-url http://m/x/ --metadata-dir M refresh", request{command: "refresh", metadataDir: "M", metadataURL: "http://m/x"}},
		"download":         {"--metadata-url http://m/x --metadata-dir M --target-name a --target-name b_c --target-dir T --target-base-url http://t/y/ download", full},
		"download, mixed":  {"download --metadata-dir M -target-name=a --target-dir T --metadata-url http://m/x/ --target-base-url http://t/y --target-name b_c", full},
		"nothing":          {"", request{}},
		"no folder":        {"init R", request{}},
		"no root":          {"--metadata-dir M init", request{}},
		"two roots":        {"--metadata-dir M init R S", request{}},
		"no URL":           {"--metadata-dir M refresh", request{}},
		"name for refresh": {"--metadata-dir M --metadata-url U --target-name a refresh", request{}},
		"no name":          {"--metadata-dir M --metadata-url U --target-dir T --target-base-url B download", request{}},
		"no target folder": {"--metadata-dir M --metadata-url U --target-name a --target-base-url B download", request{}},
		"no target URL":    {"--metadata-dir M --metadata-url U --target-name a --target-dir T download", request{}},
		"unknown command":  {"--metadata-dir M --metadata-url U upload", request{}},
		"unknown flag":     {"--metadata-dir M --insecure init R", request{}},
	} {
		t.Run(name, func(t *testing.T) {
			args := strings.Fields(test.args)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "_", " ")
			}
			got, err := parse(args)
			if !reflect.DeepEqual(got, test.want) || (err == nil) != (test.want.command != "") {
				t.Errorf("parsed %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

// TestUsage: a command line that is none is exit 1 with the usage, and without a clock nothing is done.
func TestUsage(t *testing.T) {
	var stderr bytes.Buffer
	noClock := func(context.Context) (time.Time, error) { return time.Time{}, errors.New("no clock") }
	if code := run(t.Context(), nil, &stderr, noClock); code != 1 || !strings.Contains(stderr.String(), "usage:") {
		t.Errorf("exit %d, stderr %q", code, &stderr)
	}
	dir := t.TempDir()
	stderr.Reset()
	code := run(t.Context(), []string{"--metadata-dir", dir, "init", "missing"}, &stderr, noClock)
	if code != 1 || !strings.Contains(stderr.String(), "no clock") {
		t.Errorf("exit %d, stderr %q", code, &stderr)
	}
}

// program is the program itself, one process for each command, under a date command that the test
// sets: Go's own clock must not be looked at.
type program struct {
	t   *testing.T
	bin string
}

func newProgram(t *testing.T, date string) *program {
	t.Helper()
	p := &program{t, t.TempDir()}
	p.set(date)
	return p
}

// set has date print this.
func (p *program) set(date string) {
	p.t.Helper()
	script := "#!/bin/sh\n[ \"$*\" = +%s ] && echo " + date + "\n"
	if err := os.WriteFile(filepath.Join(p.bin, "date"), []byte(script), 0o700); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(p.t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "PATH="+p.bin)
	return cmd
}

// run wants an exit code, and returns what was said on stderr.
func (p *program) run(want int, args ...string) string {
	p.t.Helper()
	cmd := p.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != want {
		p.t.Fatalf("%s: exit %d, want %d; %v: %s", args, got, want, err, &stderr)
	}
	if stdout.Len() > 0 || (want == 0) != (stderr.Len() == 0) {
		p.t.Errorf("%s: stdout %q, stderr %q", args, &stdout, &stderr)
	}
	return stderr.String()
}

const (
	startSeconds = "1780315200" // start
	laterSeconds = "1783339200" // 35 days after it
)

func TestProgram(t *testing.T) {
	c, r := newClient(t)
	p := newProgram(t, startSeconds)
	refresh := []string{"--metadata-url", r.url + "/metadata/", "--metadata-dir", c.dir, "refresh"}
	root := filepath.Join(t.TempDir(), "initial.json")
	if err := os.WriteFile(root, c.root, 0o600); err != nil {
		t.Fatal(err)
	}
	r.delegate("targets", "A", false, "path/*")
	r.add("A", "path/file", "content")
	r.publish("A", "targets", "snapshot", "timestamp")

	p.run(0, "--metadata-dir", c.dir, "init", root)
	r.asks()
	p.run(0, refresh...)
	r.asks("root 2", "timestamp", "snapshot 2", "targets 2")
	p.run(0, c.downloadArgs("path/file")...)
	r.asks("root 2", "timestamp", "A 1")
	c.downloaded("content")
	p.run(1, c.downloadArgs("path/none")...)
	p.set(laterSeconds)
	if said := p.run(1, refresh...); !strings.Contains(said, "expired") {
		t.Errorf("said %q", said)
	}
	p.set("soon")
	p.run(1, refresh...)
	c.trusts("A 1", "root 1", "snapshot 2", "targets 2", "timestamp 2")
}

// TestTogether: processes that share a metadata folder wait for each other.
func TestTogether(t *testing.T) {
	c, r := initialised(t)
	p := newProgram(t, startSeconds)
	r.publish("root", "targets", "snapshot", "timestamp")
	var all []*exec.Cmd
	for range 4 {
		cmd := p.command("--metadata-url", r.url+"/metadata/", "--metadata-dir", c.dir, "refresh")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	c.trusts("root 2", "snapshot 2", "targets 2", "timestamp 2")
	c.refresh(0)
}
