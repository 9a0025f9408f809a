package policy

import (
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	day = 24 * time.Hour
	// longestMaxAge is the longest age that can be demanded.
	longestMaxAge = 3650 * day
)

var (
	days  = regexp.MustCompile(`\A(?:([0-9]{1,5})d)?((?:[0-9]{1,6}h)?(?:[0-9]{1,6}m)?(?:[0-9]{1,6}s)?)\z`)
	sizes = regexp.MustCompile(`\A([1-9][0-9]{0,9})(KiB|MiB)\z`)
)

// age reads a span of time in which a day has 24 hours: "90d", "1d12h", "36h". It is more
// than nothing and at most longest.
func (r *reader) age(n *yaml.Node, what string, longest time.Duration) time.Duration {
	if !r.plain(n) {
		return 0
	}
	if parts := days.FindStringSubmatch(n.Value); n.Kind == yaml.ScalarNode && n.Tag == "!!str" && parts != nil {
		whole, _ := strconv.Atoi(parts[1])
		rest, _ := time.ParseDuration(parts[2])
		if d := time.Duration(whole)*day + rest; d > 0 && d <= longest {
			return d
		}
	}
	r.fail(n, "%s is %s; wanted a span of time such as 90d, 36h or 30m, more than nothing and at most %dd", what, valueOf(n), longest/day)
	return 0
}

// size reads a number of bytes with its unit, "16MiB", of at most most bytes.
func (r *reader) size(n *yaml.Node, what string, most int) int {
	if !r.plain(n) {
		return 0
	}
	if parts := sizes.FindStringSubmatch(n.Value); n.Kind == yaml.ScalarNode && n.Tag == "!!str" && parts != nil {
		size, _ := strconv.ParseInt(parts[1], 10, 64)
		size <<= map[string]int{"KiB": 10, "MiB": 20}[parts[2]]
		if size <= int64(most) {
			return int(size)
		}
	}
	r.fail(n, "%s is %s; wanted a size such as 512KiB or 16MiB, at most %s", what, valueOf(n), sizeText(most))
	return 0
}

func sizeText(size int) string {
	if size%(1<<20) == 0 {
		return strconv.Itoa(size>>20) + "MiB"
	}
	return strconv.Itoa(size>>10) + "KiB"
}
