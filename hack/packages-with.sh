#!/usr/bin/env bash
# Copyright 2026 The Tidegate Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Lists the package directories whose test files declare a function with the
# prefix (Benchmark, Fuzz), one per line. It reads the sources, so that no test
# binary has to be linked to find out that a package has none.

set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
prefix="${1:?usage: hack/packages-with.sh Benchmark|Fuzz}"

# grep exits with 1 where nothing matches: an empty list is an answer.
{ grep -rlE --include='*_test.go' --exclude-dir=testdata --exclude-dir=bin "^func ${prefix}[A-Z0-9_]" . || [[ $? -eq 1 ]]; } |
	while IFS= read -r file; do dirname "$file"; done | sort -u
