#!/usr/bin/env bash
# Copyright 2026 The Tidegate Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Runs every fuzz target of the module for the given time (default 30s), one
# after the other: go test fuzzes one target per call.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
duration="${1:-30s}"

failed=()
while IFS= read -r package; do
	while IFS= read -r target; do
		echo "== $package $target ($duration)"
		go test -run '^$' -fuzz "^${target}\$" -fuzztime "$duration" "$package" || failed+=("$package:$target")
	done < <(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
done < <(hack/packages-with.sh Fuzz)

if [[ ${#failed[@]} -gt 0 ]]; then
	echo "fuzzing found failures in: ${failed[*]}" >&2
	exit 1
fi
