package verify_test

import (
	"strings"
	"testing"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/releaseassay/assay/internal/lab"
	"github.com/releaseassay/assay/verify"
)

// TestEntryThatCannotBeVerified shows what is said of the entries that cosign 2.6 makes at Rekor v2, which are as they
// should be, and of entries that are of no known kind.
func TestEntryThatCannotBeVerified(t *testing.T) {
	s := newStage(lab.Options{})
	for body, want := range map[string]verify.Code{
		`{"apiVersion":"0.0.2","kind":"dsse","spec":{"dsseV002":{}}}`: verify.SignatureUnsupported,
		`{"apiVersion":"0.0.3","kind":"dsse","spec":{}}`:              verify.SignatureMalformed,
	} {
		piece := s.sigBundle(workflow(), lab.EditBundle(func(b *protobundle.Bundle) {
			b.VerificationMaterial.TlogEntries[0].CanonicalizedBody = []byte(body)
		}))
		v := s.judge(t, bothLegs(t), imageRef, options(), piece)
		wantFail(t, v, "signature", want)
		if f := finding(t, v, "signature"); !strings.Contains(f.Message, "dsse") {
			t.Errorf("the message does not name the entry: %s", f.Message)
		}
	}
}
