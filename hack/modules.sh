#!/usr/bin/env bash
# Copyright 2026 The Tidegate Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Runs one go command in every module of the repository:
#
#   hack/modules.sh mod tidy -diff
#
# All modules are tried, but the directories in SKIP (space-separated); the exit
# code is 1 if one of them failed.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ $# -gt 0 ]] || {
	echo "usage: hack/modules.sh <go command and its arguments>" >&2
	exit 2
}

failed=()
while IFS= read -r file; do
	module="$(dirname "$file")"
	[[ " ${SKIP:-} " != *" ${module#./} "* ]] || continue
	GOWORK=off go -C "$module" "$@" || failed+=("$module")
done < <(find . -name go.mod -not -path './bin/*' -not -path '*/testdata/*' | sort)

if [[ ${#failed[@]} -gt 0 ]]; then
	echo "go $* failed in: ${failed[*]}" >&2
	exit 1
fi
