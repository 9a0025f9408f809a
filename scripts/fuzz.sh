#!/bin/sh
# What `make fuzz` runs: the properties over ITERATIONS random inputs made from
# SEED (one at random where none is given), then every fuzz target for FUZZTIME
# each. See docs/fuzzing.md.
set -eu
GO=${GO:-go}
FUZZTIME=${FUZZTIME:-6s}
ITERATIONS=${ITERATIONS:-1000000}
SEED=${SEED:-$(od -An -N7 -tu8 /dev/urandom | tr -d ' ')}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# properties PACKAGE PERCENT of the iterations
properties() {
	echo "== properties of $1"
	"$GO" test "./$1" -run '^TestProperties$' -v -timeout 60m -iterations="$((ITERATIONS * $2 / 100))" -seed="$SEED" >"$work/log" 2>&1 ||
		{ cat "$work/log"; exit 1; }
	sed -n 's/^ *[a-z_]*\.go:[0-9]*: *//p' "$work/log" | tee -a "$work/all"
}

export GOGC=400
properties policy 25
properties sbom 25
properties tufclient/metadata 20
properties verify 30
unset GOGC
total=$(awk '$1 == "property" { n += $3 } END { print n + 0 }' "$work/all")
echo "properties: $total iterations in all, every one a new input; seed $SEED"
[ "$total" -ge "$ITERATIONS" ] || { echo "wanted $ITERATIONS iterations"; exit 1; }

# Each package is built once for all its targets.
root=$PWD
grep -rl '^func Fuzz' --include='*_test.go' . | sed 's|/[^/]*$||' | sort -u >"$work/packages"
while read -r dir; do
	"$GO" test -c -fuzz '^Fuzz' -o "$work/fuzz.test" "$dir"
	cache=$("$GO" env GOCACHE)/fuzz/$("$GO" list "$dir")
	cd "$dir"
	for name in $(cat ./*_test.go | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' | sort); do
		echo "== $dir $name"
		"$work/fuzz.test" -test.run '^$' -test.fuzz "^$name\$" -test.fuzztime "$FUZZTIME" -test.fuzzminimizetime 100x -test.fuzzcachedir "$cache" </dev/null >"$work/log" 2>&1 ||
			{ cat "$work/log"; exit 1; }
		tail -n 2 "$work/log" | head -n 1
	done
	cd "$root"
done <"$work/packages"
