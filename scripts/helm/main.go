// Command helm lints the chart and renders it with every file of values in
// deploy/helm/testdata, for tests that need no helm, and for reading what changes.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	update := flag.Bool("update", false, "write what is rendered")
	helmAlone := flag.Bool("build", false, "build helm and stop")
	flag.Parse()
	if err := run(context.Background(), "deploy/helm", *update, *helmAlone); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

// run builds helm if need be and renders what lies in folder.
func run(ctx context.Context, folder string, update, helmAlone bool) error {
	h, err := findHelm(ctx, filepath.Join(folder, "tools"), true)
	if err != nil || helmAlone {
		return err
	}
	all, err := render(ctx, h, folder)
	if err != nil {
		return err
	}
	for file, text := range all {
		old, err := os.ReadFile(file) //nolint:gosec // the name is one of our own files
		switch {
		case err == nil && bytes.Equal(old, text):
		case update:
			if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // for everybody to read
				return fmt.Errorf("write what is rendered: %w", err)
			}
		default:
			return fmt.Errorf("%s is not what the chart renders: run `make helm-golden` and read the difference", file)
		}
	}
	return nil
}

// render returns what each file of values gives, by the name of the file that keeps it.
func render(ctx context.Context, h helm, folder string) (map[string][]byte, error) {
	values, err := filepath.Glob(filepath.Join(folder, "testdata", "*.values.yaml"))
	if err != nil || len(values) == 0 {
		return nil, errors.Join(errors.New("found no values in testdata"), err)
	}
	all := map[string][]byte{}
	for _, v := range values {
		chart := filepath.Join(folder, "assay")
		if err := h.lint(ctx, chart, v); err != nil {
			return nil, err
		}
		text, err := h.template(ctx, chart, v)
		if err != nil {
			return nil, err
		}
		all[strings.TrimSuffix(v, ".values.yaml")+".yaml"] = text
	}
	return all, nil
}
