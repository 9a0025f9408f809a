# Prints the flags by which compare finds the other tools; each is built, or taken from the cache.
set -eu
go=$1
for tool in cosign3 cosign2 slsa-verifier crane; do
	printf -- '-%s %s ' "$tool" "$($go run ./e2e -bin "$tool")"
done
