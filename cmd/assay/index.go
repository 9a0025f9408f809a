package main

import (
	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/verify"
)

// indexFlag names the index that holds the image, whose evidence then counts for it.
func indexFlag() cli.Flag {
	return &cli.StringFlag{Name: "index", Usage: "IMAGE is one platform of the index `REF` (of the same repository), whose evidence counts for it too"}
}

// namedIndex reads --index: a tag or digest of the image's own repository.
func namedIndex(c *cli.Context, image verify.Reference) (verify.Reference, error) {
	if !c.IsSet("index") {
		return verify.Reference{}, nil
	}
	ref, err := verify.ParseReference(c.String("index"))
	if err != nil {
		return verify.Reference{}, usagef("--index: %w", err)
	}
	if ref.Name() != image.Name() {
		return verify.Reference{}, usagef("--index names the repository %s; wanted the image's own, %s", ref.Name(), image.Name())
	}
	return ref, nil
}
