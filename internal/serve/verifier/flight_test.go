package verifier

import (
	"sync/atomic"
	"testing"

	"github.com/releaseassay/assay/internal/serve/cache"
)

// TestFreshIsNotShared wants work that has to be fresh to be done for its asker alone, and
// other work once for all who want it at the time.
func TestFreshIsNotShared(t *testing.T) {
	var all flights[int]
	var waiting, ran atomic.Int32
	held := make(chan struct{})
	start := func(f func()) bool { go f(); return true }
	run := func(*flight[int]) (int, func()) {
		n := int(ran.Add(1))
		<-held
		return n, nil
	}
	key := cache.Key{1}
	first := all.work(false, key, start, &waiting, run)
	if same := all.work(false, key, start, &waiting, run); same != first {
		t.Error("work that is under way was begun again")
	}
	fresh := all.work(true, key, start, &waiting, run)
	if fresh == first {
		t.Error("who wanted fresh work was given what is under way")
	}
	close(held)
	<-first.done
	<-fresh.done
	if n := ran.Load(); n != 2 || first.value == fresh.value {
		t.Errorf("work was done %d times, and gave %d and %d; wanted twice, each its own", n, first.value, fresh.value)
	}
	if none := all.work(true, key, func(func()) bool { return false }, &waiting, run); none != nil {
		t.Error("work that cannot be started is waited for")
	}
}
