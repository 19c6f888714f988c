// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package refusal shows an error as the client sees it: in the words of the workload that owns the route. It knows the request
// and no tenant.
package refusal
