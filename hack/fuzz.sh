#!/usr/bin/env bash
# Copyright 2026 The Tidegate Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzz target of the module for the given time (default 30s), one
# after the other: go test fuzzes one target per call.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
duration="${1:-30s}"

# fuzz runs one target. The fuzzing engine of Go now and then ends a run in which
# it found nothing with "context deadline exceeded", because a worker was still
# busy when the time was up (go.dev/issue/75804, mended in Go 1.27): such a run is
# repeated once. Making an input smaller gets a second, or it would take all the time.
fuzz() {
	local log
	log="$(mktemp)"
	if go test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" -fuzzminimizetime 1s "$1" 2>&1 | tee "$log"; then
		rm -f "$log"
		return 0
	fi
	if grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then
		rm -f "$log"
		echo "== $1 $2 again: the engine ran out of time, and found nothing"
		go test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" -fuzzminimizetime 1s "$1"
		return
	fi
	rm -f "$log"
	return 1
}

failed=()
while IFS= read -r package; do
	while IFS= read -r target; do
		echo "== $package $target ($duration)"
		fuzz "$package" "$target" || failed+=("$package:$target")
	done < <(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
done < <(hack/packages-with.sh Fuzz)

if [[ ${#failed[@]} -gt 0 ]]; then
	echo "fuzzing found failures in: ${failed[*]}" >&2
	exit 1
fi
