package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/releaseassay/assay/internal/report"
	"github.com/releaseassay/assay/verify"
)

// Parse reads a verdict as assay writes it. Anything that another reader could take
// for something else, such as a key twice or in capitals, is an error: written again, a
// verdict has to be the same bytes.
func Parse(b []byte) (verify.Verdict, error) {
	var v, none verify.Verdict
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return none, fmt.Errorf("read the verdict: %w; is the server of another version?", err)
	}
	if v.Schema != verify.VerdictSchema {
		return none, fmt.Errorf("read the verdict: found the schema %.100q, wanted %s", v.Schema, verify.VerdictSchema)
	}
	var again bytes.Buffer
	if err := report.JSON(&again, v); err != nil {
		return none, err
	}
	if !bytes.Equal(again.Bytes(), b) {
		return none, errors.New("read the verdict: written again it is another; is the server of another version?")
	}
	return v, nil
}

// About reports as an error that a verdict is not about the image that was asked
// about, or contradicts itself. Its name may be another's, where the policy knows the one
// asked for as a mirror: the pinned reference keeps the name.
func About(v verify.Verdict, asked verify.Reference) error {
	image := v.Image
	switch {
	case v.Hypothetical:
		return errors.New("the verdict is hypothetical, and was asked for now")
	case image.Requested != asked.String():
		return fmt.Errorf("the verdict is about %.300q, and %q was asked about", image.Requested, asked)
	case image.Tag != asked.Tag():
		return fmt.Errorf("the verdict is about the tag %.300q, and %q was asked about", image.Tag, asked)
	case asked.Digest() != "" && image.Digest != "" && image.Digest != asked.Digest():
		return fmt.Errorf("the verdict is about %.100q, and %s was asked about", image.Digest, asked.Digest())
	case image.Digest == "" && image.Pinned == "" && !v.Passed() && v.Exception == nil:
		return nil
	case !verify.IsDigest(image.Digest) || image.Pinned != asked.Pinned(image.Digest):
		return fmt.Errorf("the verdict pins %.500q, and %q was asked about", image.Pinned, asked)
	}
	return consistent(v)
}

// consistent reports as an error a pass that its own checks deny.
func consistent(v verify.Verdict) error {
	if !v.Passed() {
		return nil
	}
	if !v.Conclusive || v.Exception != nil {
		return errors.New("the verdict is a pass, and says that it is undecided or excepted")
	}
	for _, f := range v.Checks {
		if f.Required && f.Result != verify.Passed {
			return fmt.Errorf("the verdict is a pass, and its check %.100q is %.100q", f.ID, f.Result)
		}
	}
	return nil
}
