#!/usr/bin/env bash
# Copyright 2026 The Tidegate Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Prints a directory that holds kube-apiserver, etcd and kubectl: the local
# control plane of the tests and the demo. The directory is all that goes to
# standard output, so that a caller can write
#
#   KUBEBUILDER_ASSETS="$(hack/controlplane.sh)" go test ./...
#
# The binaries are built from the Go module proxy with the versions pinned in
# hack/controlplane/go.mod, once per pin, script, Go version and platform, and
# kept outside of the checkout. A second call only hashes three files.
#
# Environment:
#   KUBEBUILDER_ASSETS  use the binaries of this directory and build nothing
#   XDG_CACHE_HOME      parent of the cache (default: $HOME/.cache)

set -euo pipefail

readonly binaries=(kube-apiserver etcd kubectl)
readonly packages=(
	k8s.io/kubernetes/cmd/kube-apiserver
	k8s.io/kubernetes/cmd/kubectl
	go.etcd.io/etcd/server/v3 # built as "server", renamed to etcd
)

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly here
readonly module="$here/controlplane"

log() { printf 'controlplane: %s\n' "$*" >&2; }
die() {
	log "error: $*"
	exit 1
}

main() {
	if [[ -n ${KUBEBUILDER_ASSETS:-} ]]; then
		check_assets "$KUBEBUILDER_ASSETS"
		printf '%s\n' "$KUBEBUILDER_ASSETS"
		return
	fi
	command -v go >/dev/null || die "go is not in PATH: install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a directory with ${binaries[*]}"

	# The environment of the caller must not leak into the result: neither a
	# cross-compilation target nor build flags nor a workspace file.
	export GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0
	local version
	read -r GOOS GOARCH version < <(go -C "$module" env GOHOSTOS GOHOSTARCH GOVERSION | tr '\n' ' ' && echo)
	export GOOS GOARCH

	local root key dir
	root="$(cache_root)"
	key="$(cache_key "$version" "$GOOS/$GOARCH")"
	dir="$root/$key"
	if [[ ! -f $dir/.complete ]]; then
		mkdir -p "$root" || die "cannot create the cache $root: set XDG_CACHE_HOME to a directory that is writable"
		with_lock "$root/$key.lock" build "$root" "$dir"
	fi
	touch -c "$dir" 2>/dev/null || true # last use, read by prune
	printf '%s\n' "$dir"
}

# check_assets DIR fails unless DIR holds all the binaries.
check_assets() {
	local name
	for name in "${binaries[@]}"; do
		[[ -f $1/$name && -x $1/$name ]] ||
			die "KUBEBUILDER_ASSETS=$1 has no executable $name: point it at a directory with ${binaries[*]}, or unset it to build them"
	done
}

cache_root() {
	local base="${XDG_CACHE_HOME:-}"
	if [[ -z $base ]]; then
		[[ -n ${HOME:-} ]] || die "neither XDG_CACHE_HOME nor HOME is set: set one of them, the control plane is cached below it"
		base="$HOME/.cache"
	fi
	printf '%s/tidegate/controlplane\n' "$base"
}

# cache_key GOVERSION PLATFORM names everything that the binaries depend on.
cache_key() {
	{
		printf '%s %s\n' "$1" "$2"
		cat "$module/go.mod" "$module/go.sum" "$here/controlplane.sh"
	} | sha256 | cut -c1-16
}

sha256() {
	if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}

# with_lock FILE COMMAND... lets one process at a time run COMMAND. Where flock
# is missing two processes may build the same thing twice; the rename at the
# end keeps that harmless.
with_lock() {
	local file="$1"
	shift
	if command -v flock >/dev/null; then
		exec 9>"$file"
		if ! flock --nonblock 9; then
			log "another process is building the control plane, waiting for it"
			flock 9
		fi
		"$@"
		exec 9>&-
		return
	fi
	"$@"
}

# build ROOT DIR compiles the binaries into a scratch directory below ROOT and
# renames it to DIR when all of them run: DIR is complete or absent.
build() {
	local root="$1" dir="$2" scratch started=$SECONDS
	[[ ! -f $dir/.complete ]] || return 0 # built while this process waited

	local kubernetes etcd stamp
	kubernetes="$(module_version k8s.io/kubernetes)"
	etcd="$(module_version go.etcd.io/etcd/server/v3)"
	stamp="$(ldflags "$kubernetes")"
	log "building Kubernetes $kubernetes and etcd $etcd for $GOOS/$GOARCH (once; a few minutes)"

	scratch="$(mktemp -d "$root/.build.XXXXXX")"
	# shellcheck disable=SC2064 # the directory is known now and local later
	trap "rm -rf '$scratch'" EXIT
	# 9>&-: a build process that outlives this script must not keep the lock.
	go -C "$module" build -trimpath -buildvcs=false -ldflags "$stamp" -o "$scratch/" "${packages[@]}" >&2 9>&-
	mv "$scratch/server" "$scratch/etcd"
	verify "$scratch" "$kubernetes" "$etcd"

	chmod 755 "$scratch"
	touch "$scratch/.complete"
	rm -rf "$dir"
	mv -T "$scratch" "$dir" 2>/dev/null || mv "$scratch" "$dir"
	trap - EXIT
	prune "$root"
	log "built in $((SECONDS - started)) s: $dir"
}

module_version() {
	go -C "$module" list -m -f '{{if .Replace}}{{.Replace.Version}}{{else}}{{.Version}}{{end}}' "$1"
}

# ldflags VERSION prints the linker flags that stamp Kubernetes. Without them
# kubectl cannot parse the version of the server. The build date is
# the publication time of the module, so that two builds are identical; the
# commit is not part of a module and stays unknown.
ldflags() {
	local version="$1" info date major minor package
	info="$(go -C "$module" mod download -json "k8s.io/kubernetes@$version" | sed -n 's/^[[:space:]]*"Info": "\(.*\)",*$/\1/p')"
	date="$(sed -n 's/.*"Time":"\([^"]*\)".*/\1/p' "${info:?the module proxy gave no .info file for k8s.io/kubernetes}")"
	[[ -n $date ]] || die "$info has no Time: clear the module cache (go clean -modcache) and run again"
	IFS=. read -r major minor _ <<<"${version#v}"

	printf '%s' '-s -w'
	for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
		printf ' -X %s.%s' \
			"$package" "gitVersion=$version" "$package" "gitMajor=$major" "$package" "gitMinor=$minor" \
			"$package" "gitCommit=unknown" "$package" "gitTreeState=archive" "$package" "buildDate=$date"
	done
	printf ' -X go.etcd.io/etcd/api/v3/version.GitSHA=unknown\n'
}

# verify DIR KUBERNETES ETCD runs each binary once and compares its version.
verify() {
	expect "Kubernetes $2" "$("$1/kube-apiserver" --version)"
	expect "etcd Version: ${3#v}" "$("$1/etcd" --version)"
	expect "Client Version: $2" "$("$1/kubectl" version --client)"
}

expect() {
	[[ $2 == *"$1"* ]] || die "a fresh binary reports '$2' instead of '$1': the version stamp in $here/controlplane.sh no longer fits the pinned modules"
}

# prune ROOT removes builds that nobody used for 30 days, and scratch
# directories that a killed process left behind a day ago.
prune() {
	find "$1" -mindepth 1 -maxdepth 1 -mtime +30 -exec rm -rf {} + || true
	find "$1" -mindepth 1 -maxdepth 1 -name '.build.*' -mtime +0 -exec rm -rf {} + || true
}

main "$@"
