# Copyright 2026 The Tidegate Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Needs Go, make, gcc and git, nothing else: tools and the local control plane
# are built from pinned Go modules. Start with `make help`.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

GO        ?= go
BIN       := $(CURDIR)/bin
IMAGE     ?= ghcr.io/tidegate/tidegate:dev
PLATFORMS ?= linux/amd64,linux/arm64
PKG       ?= ./...
TESTFLAGS ?= -timeout 20m
FUZZTIME  ?= 30s
BENCH     ?= .

# Modules of their own that hold code, beside the tools and the control plane.
NESTED := hack/graphschema
# Neither checked for tidiness nor vetted nor tested by default: the beta SDK is
# a download of its own, and takes minutes and gigabytes to compile.
HEAVY := test/conformance-sdk

# Programs carry the commit they were built from, except where git cannot tell
# it (a tarball, a checkout of another user): there go build would refuse.
BUILDVCS := $(if $(shell git rev-parse --verify --quiet HEAD 2>/dev/null),auto,false)
GOBUILD   = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(BUILDVCS) -ldflags "-s -w"

# The demo and the tests build with the flags that go test uses, so that they
# share one compilation of the Graph SDK, the most expensive dependency by far.

# A variable given on the command line (make demo KEEP=1) reaches the program
# through the environment: make exports those by itself.

##@ General

.PHONY: help
help: ## Show this text
	@awk 'BEGIN { FS = ":.*## "; printf "Usage: make <target> [VARIABLE=value]\n" } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-zA-Z0-9_-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: ## Control plane, simulated tenant, operator and a whole rollout; KEEP=1 leaves it running, DEMO_SUMMARY=file.json writes the numbers
	@assets="$$(hack/controlplane.sh)"; \
	$(GO) build -buildvcs=$(BUILDVCS) -o $(BIN)/demo ./hack/demo; \
	KUBEBUILDER_ASSETS="$$assets" exec $(BIN)/demo $(DEMOFLAGS)

.PHONY: lab
lab: ## The same without the story, to try a case by hand; SPEED, DEVICES, SCENARIO, LAG, CATALOG and SEED as README tells
	@assets="$$(hack/controlplane.sh)"; \
	$(GO) build -buildvcs=$(BUILDVCS) -o $(BIN)/lab ./hack/lab; \
	KUBEBUILDER_ASSETS="$$assets" exec $(BIN)/lab

.PHONY: clean
clean: ## Remove bin/; the control plane stays in its cache outside of the checkout
	rm -rf $(BIN)

##@ Development

.PHONY: generate
generate: $(BIN)/controller-gen ## Regenerate deep copies, CRDs, RBAC and docs/api.md from the Go types and markers
	hack/generate.sh $(BIN)/controller-gen

.PHONY: graphschema
graphschema: ## Regenerate the schema of Graph's types from Microsoft's SDKs; downloads the beta SDK
	$(GO) -C hack/graphschema run . -o $(CURDIR)/internal/testkit/graphschema/schema.json
	$(GO) test ./internal/tenantsim/metadata -run TestMembers -update

.PHONY: fmt
fmt: ## Format all Go files
	gofmt -s -w .

.PHONY: vet
vet: ## Run go vet
	$(GO) vet ./...
	@for module in $(NESTED); do echo "go -C $$module vet ./..."; $(GO) -C $$module vet ./...; done

.PHONY: lint
lint: $(BIN)/golangci-lint ## Run golangci-lint; LINTFLAGS=--fix repairs what it can
	$(BIN)/golangci-lint run $(LINTFLAGS) $(PKG)
	@for module in $(NESTED); do echo "golangci-lint in $$module"; (cd $$module && $(BIN)/golangci-lint run $(LINTFLAGS) ./...); done

.PHONY: tidy
tidy: ## Run go mod tidy in every module
	hack/modules.sh mod tidy

.PHONY: tidy-check
tidy-check: ## Fail if go.mod or go.sum of any module is not tidy
	SKIP=$(HEAVY) hack/modules.sh mod tidy -diff

.PHONY: fmt-check
fmt-check: ## Fail if a Go file is not formatted
	@unformatted="$$(gofmt -s -l .)"; \
	if [[ -n $$unformatted ]]; then printf 'not formatted, run make fmt:\n%s\n' "$$unformatted" >&2; exit 1; fi

.PHONY: generate-check
generate-check: $(BIN)/controller-gen ## Fail if generated files differ from what the sources give
	hack/generate-check.sh $(BIN)/controller-gen

.PHONY: verify
verify: generate-check fmt-check tidy-check vet lint ## Everything that is checked without running a test

##@ Test

# Packages that start an API server or a whole tenant run one after the other: side by side they take the processor from
# each other, and what they wait for takes longer than they wait.
HEAVYTESTS := . ./controllers ./hack/lab ./internal/wire ./test/api ./test/badinput ./test/histories ./test/integration ./test/reliability

.PHONY: test
test: ## Run all tests; PKG=./internal/gate/... narrows, TESTFLAGS passes flags
	@if [[ ! -d ../shared/graph ]]; then echo 'skipped: comparisons with the schema and the samples in ../shared/graph, which is not beside this checkout'; fi
	@assets="$$(hack/controlplane.sh)"; export KUBEBUILDER_ASSETS="$$assets"; \
	if [[ '$(PKG)' != ./... ]]; then exec $(GO) test $(TESTFLAGS) $(PKG); fi; \
	heavy="$$($(GO) list $(HEAVYTESTS))"; code=0; \
	$(GO) test $(TESTFLAGS) $$($(GO) list ./... | grep -vxF "$$heavy") || code=$$?; \
	$(GO) test -p 1 $(TESTFLAGS) $$heavy || code=$$?; \
	exit $$code

# Packages that share state between goroutines and do not need the Graph SDK: minutes under the race detector.
RACE_ALWAYS := ./cmd/tenantsim ./internal/fair ./internal/room ./internal/tenantsim ./internal/testkit/graphschema

.PHONY: race
race: ## Run all tests under the race detector; the first time it compiles the Graph SDK: some 5 GB of memory and many minutes
	@assets="$$(hack/controlplane.sh)"; export KUBEBUILDER_ASSETS="$$assets"; \
	if [[ '$(PKG)' != ./... ]]; then CGO_ENABLED=1 exec $(GO) test -race -timeout 60m $(PKG); fi; \
	heavy="$$($(GO) list $(HEAVYTESTS))"; code=0; \
	CGO_ENABLED=1 $(GO) test -race -timeout 60m $$($(GO) list ./... | grep -vxF "$$heavy") || code=$$?; \
	CGO_ENABLED=1 $(GO) test -race -p 1 -timeout 120m $$heavy || code=$$?; \
	exit $$code

.PHONY: race-changed
race-changed: ## Run the race detector on what shares state and on what the last commit changed, without the Graph SDK; BASE=main compares with another commit
	@GO='$(GO)' TESTFLAGS='-short $(TESTFLAGS)' BASE='$(or $(BASE),HEAD^)' hack/race-changed.sh $(RACE_ALWAYS)

.PHONY: test-short
test-short: ## Run the tests that need no control plane
	$(GO) test -short $(TESTFLAGS) $(PKG)

.PHONY: histories
histories: ## Tell HISTORIES=1000 random histories from seed HISTORIES_FROM=1; see test/histories/doc.go to replay one
	HISTORIES=$${HISTORIES:-1000} $(GO) test -timeout 4h -v -run TestHistories ./test/histories

.PHONY: sweep
sweep: ## Run every case of the sweeps over foreign edits and odd items, more than half an hour; SWEEP=TestItemSweep/members narrows
	TIDEGATE_SWEEP=all $(GO) test -timeout 4h -v -run '$(or $(SWEEP),Test(ForeignEdit|Item)Sweep)' ./controllers

.PHONY: bench
bench: ## Run the benchmarks; BENCH=Regexp narrows
	@assets="$$(hack/controlplane.sh)"; \
	packages="$$(hack/packages-with.sh Benchmark)"; \
	if [[ -z $$packages ]]; then echo 'no benchmarks'; exit 0; fi; \
	KUBEBUILDER_ASSETS="$$assets" $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $(TESTFLAGS) $$packages

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (30s)
	hack/fuzz.sh $(FUZZTIME)

.PHONY: conformance-sdk
conformance-sdk: ## Run Microsoft's beta SDK against the simulator; compiling it takes about 6.5 GB of memory and many minutes
	$(GO) -C test/conformance-sdk test -p 1 -timeout 60m ./...

.PHONY: controlplane
controlplane: ## Build kube-apiserver, etcd and kubectl once, print their directory
	@hack/controlplane.sh

##@ Build

.PHONY: build
build: ## Build the programs into bin/
	@mkdir -p $(BIN)
	@build() { if compgen -G "$$2/*.go" >/dev/null; then echo "bin/$$1"; $(GOBUILD) -o $(BIN)/$$1 ./$$2; fi; }; \
	build tidegate .; \
	build tenantsim cmd/tenantsim; \
	build kubectl-tidegate cmd/kubectl-tidegate

.PHONY: deploy-manifests
deploy-manifests: $(BIN)/kustomize ## Print the manifests of config/default
	@$(BIN)/kustomize build config/default

.PHONY: docker-build
docker-build: ## Build the multi-arch image IMAGE for PLATFORMS; needs docker buildx, OUTPUT=--push publishes
	docker buildx build --platform $(PLATFORMS) --tag $(IMAGE) $(OUTPUT) .

##@ Tools (built by the targets that need them)

.PHONY: tools
tools: $(BIN)/controller-gen $(BIN)/kustomize $(BIN)/golangci-lint ## Build the pinned tools into bin/

TOOLS_MOD := hack/tools/go.mod hack/tools/go.sum
LINT_MOD  := hack/tools/lint/go.mod hack/tools/lint/go.sum

# gotool(directory, package, module, version variable, prefix of the version)
# builds one pinned tool. The stamp matters for controller-gen, which writes its
# version into each CRD. The touch keeps make from asking again when go build
# finds nothing to do.
define gotool
	@mkdir -p $(BIN)
	@version="$$($(GO) -C $(1) list -m -f '{{.Version}}' $(3))"; \
	echo "$(notdir $@) $$version"; \
	GOFLAGS=-mod=readonly GOWORK=off GOOS= GOARCH= CGO_ENABLED=0 $(GO) -C $(1) build -trimpath -buildvcs=false \
		-ldflags "-s -w -X $(4)=$${version#$(5)}" -o $@ $(2); \
	touch $@
endef

$(BIN)/controller-gen: $(TOOLS_MOD)
	$(call gotool,hack/tools,sigs.k8s.io/controller-tools/cmd/controller-gen,sigs.k8s.io/controller-tools,sigs.k8s.io/controller-tools/pkg/version.version,)

$(BIN)/kustomize: $(TOOLS_MOD)
	$(call gotool,hack/tools,sigs.k8s.io/kustomize/kustomize/v5,sigs.k8s.io/kustomize/kustomize/v5,sigs.k8s.io/kustomize/api/provenance.version,)

$(BIN)/golangci-lint: $(LINT_MOD)
	$(call gotool,hack/tools/lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,github.com/golangci/golangci-lint/v2,main.version,v)
