#!/usr/bin/env bash
# Copyright 2026 The Tidegate Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Generates what the repository derives from its Go sources:
#
#   api/**/zz_generated.deepcopy.go  deep copies of the API types
#   config/crd/bases/*.yaml          one CustomResourceDefinition per kind
#   config/rbac/role.yaml            the manager's ClusterRole, from the markers
#   docs/api.md                      the reference for users, from the CRDs
#
#   hack/generate.sh CONTROLLER_GEN [ROOT]
#
# ROOT is the tree to work in, by default this checkout; generate-check.sh
# passes a copy. A CRD whose kind is gone is removed.

set -euo pipefail

generator="${1:?usage: hack/generate.sh CONTROLLER_GEN [ROOT]}"
cd "${2:-$(dirname "${BASH_SOURCE[0]}")/..}"

readonly header=hack/boilerplate.go.txt
readonly crds=config/crd/bases

if [[ -d api ]]; then
	"$generator" "object:headerFile=$header" paths=./api/...

	scratch="$(mktemp -d)"
	trap 'rm -rf "$scratch"' EXIT
	"$generator" crd paths=./api/... "output:crd:dir=$scratch"
	mkdir -p "$crds"
	rm -f "$crds"/*.yaml
	find "$scratch" -name '*.yaml' -exec mv {} "$crds/" \;
	mkdir -p docs
	go run -buildvcs=false ./hack/apidoc "$crds" >"$scratch/api.md"
	mv "$scratch/api.md" docs/api.md
fi

if [[ -d controllers ]]; then
	mkdir -p config/rbac
	"$generator" rbac:roleName=tidegate-manager paths=./controllers/... output:rbac:dir=config/rbac
fi
