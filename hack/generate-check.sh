#!/usr/bin/env bash
# Copyright 2026 The Tidegate Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Fails, with the list of files, if the generated files of this checkout differ
# from what the sources give. It generates in a copy of the tree, so that it is
# right for uncommitted work as well and changes nothing.
#
#   hack/generate-check.sh CONTROLLER_GEN

set -euo pipefail

generator="${1:?usage: hack/generate-check.sh CONTROLLER_GEN}"
generator="$(cd "$(dirname "$generator")" && pwd)/$(basename "$generator")"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
tar --exclude=./bin --exclude=./.git -cf - . | tar -xf - -C "$copy"
hack/generate.sh "$generator" "$copy"

if ! drift="$(diff -rq --exclude=bin --exclude=.git . "$copy")"; then
	{
		echo "generated files are out of date, run make generate:"
		sed -e "s#^Files \./\(.*\) and .* differ\$#  changed: \1#" \
			-e "s#^Only in $copy/*\(.*\): \(.*\)#  missing: \1/\2#" \
			-e "s#^Only in \./\(.*\): \(.*\)#  stale:   \1/\2#" <<<"$drift"
	} >&2
	exit 1
fi
