// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conformancesdk runs Microsoft's own beta SDK for Go against the simulated tenant, and lets its models decode
// what the client of this project sends. It is a module of its own because the models of the beta SDK need about
// 6.5 GB of memory and many minutes to compile: `make conformance-sdk` runs it, `make test` does not.
package conformancesdk
