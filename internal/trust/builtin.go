package trust

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Builtin returns the newer of the public-good root that is built in and the one
// that Update saved in cacheDir (empty: the built-in one). A saved root counts
// only if its TUF signatures verify from the TUF root that is built in, and the
// repository was still current after the built-in root was published. A saved
// root that cannot be used is passed over, and warning says why and what to do.
func Builtin(cacheDir string) (r Root, warning string) {
	return publicGood().newest(cacheDir)
}

func (s seed) newest(cacheDir string) (Root, string) {
	if cacheDir == "" {
		return s.root(), ""
	}
	file, v, err := readSaved(savedPath(cacheDir, s.name), s.anchor)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.root(), ""
	case err != nil:
		return s.root(), fmt.Sprintf("the updated trusted root is passed over for the built-in one: %v; "+
			"run `assay trust update`, or delete the file", err)
	case bytes.Equal(file.TrustedRoot, s.trusted), !file.newerThan(s.published, v):
		return s.root(), ""
	}
	return s.updated(file, v), ""
}

func (s seed) updated(file saved, v vouched) Root {
	source := fmt.Sprintf("updated %s from %s, TUF targets %d",
		file.Fetched.UTC().Format(time.RFC3339), file.Mirror, v.targets.Signed.Version)
	return newRoot(s.name, file.TrustedRoot, source, file.Fetched)
}
