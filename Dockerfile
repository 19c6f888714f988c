# syntax=docker/dockerfile:1
# Copyright 2026 The Tidegate Authors.
# SPDX-License-Identifier: Apache-2.0
#
# The manager image: one static binary, no shell, no package manager, non-root.
# Multi-arch: docker buildx build --platform linux/amd64,linux/arm64 .

# The build stage runs on the platform of the builder and cross-compiles, so
# that no emulation is needed.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src

# Dependencies first: this layer changes only with go.mod and go.sum.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY . .
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -buildvcs=false -ldflags "-s -w" -o /out/tidegate .

FROM gcr.io/distroless/static:nonroot
LABEL org.opencontainers.image.title="tidegate" \
      org.opencontainers.image.description="Health-gated rollout of Microsoft Edge passkey policy" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/tidegate /tidegate
# The numeric id of "nonroot", so that runAsNonRoot can be checked by Kubernetes.
USER 65532:65532
ENTRYPOINT ["/tidegate"]
