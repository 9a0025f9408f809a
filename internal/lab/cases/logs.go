package cases

import (
	"slices"
	"time"
)

// logs: classes 13 to 17.
func logs() []Case {
	return slices.Concat(otherEntries(), falseProofs(), doubleCounts(), falseTimestamps(), certificatePromises(), clocks())
}

// logged is how long after its certificate a signature of the bench enters the log.
const logged = time.Minute
