#!/usr/bin/env bash
# Copyright 2026 The Tidegate Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Runs tests under the race detector: the packages that are named, and those that
# differ from BASE (the parent of the last commit). Packages that need the Graph SDK are left
# out and named: compiling it for the race detector takes gigabytes and minutes.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
go="${GO:-go}"
base="${BASE:-HEAD^}"

changed=()
if git rev-parse --verify --quiet "$base^{commit}" >/dev/null; then
	while IFS= read -r dir; do
		# Another module, or a directory that is gone, is no package of this one.
		if "$go" list "./$dir" >/dev/null 2>&1; then changed+=("./$dir"); fi
	done < <(git diff --name-only "$base" -- '*.go' | while IFS= read -r file; do dirname "$file"; done | sort -u)
else
	echo "no commit $base here, as in a shallow clone: only what is always run"
fi

# One line for each package, its tests among them: what it is of, then all that it needs.
needs="$("$go" list -test -deps=false -f '{{with .ForTest}}{{.}}{{else}}{{.ImportPath}}{{end}} {{join .Deps " "}}' "$@" "${changed[@]}")"
heavy="$(grep -F msgraph-sdk-go <<<"$needs" | cut -d' ' -f1 | sed 's/\.test$//' | sort -u || true)"
light="$(cut -d' ' -f1 <<<"$needs" | sed 's/\.test$//' | sort -u | grep -vxF "${heavy:-none}" || true)"

if [[ -n $heavy ]]; then
	printf 'changed, and left to make race as they need the Graph SDK:\n'
	sed 's/^/    /' <<<"$heavy"
fi
if [[ -z $light ]]; then
	echo 'nothing to run'
	exit 0
fi
# shellcheck disable=SC2086 # one word for each package
CGO_ENABLED=1 exec "$go" test -race ${TESTFLAGS:-} $light
