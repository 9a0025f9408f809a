package metadata_test

import (
	"fmt"
	"testing"

	"github.com/releaseassay/assay/tufclient/metadata"
)

func ExampleTrusted() {
	r := basic(&testing.T{}) // the files of a repository, from wherever they are
	trusted, err := metadata.New(r.roots[0], metadata.Options{Time: now})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range []error{
		trusted.UpdateTimestamp(r.timestamp),
		trusted.UpdateSnapshot(r.snapshot, false),
		trusted.UpdateTargets(r.targets),
	} {
		if step != nil {
			fmt.Println(step)
			return
		}
	}
	target, need, err := trusted.Find("one")
	if err != nil || need != nil { // needs a delegated role: give it to UpdateDelegated, and ask again
		fmt.Println(need, err)
		return
	}
	fmt.Println(target.Path, target.Length, target.Verify([]byte("one")))
	_, _, err = trusted.Find("other")
	fmt.Println(err)
	// Output:
	// one 3 <nil>
	// targets metadata: not-listed: wanted the target "other", found it in none of the roles that may list it: targets (TUF 5.7.2)
}
