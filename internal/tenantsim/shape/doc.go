// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package shape says what a request body of one type may carry, refuses what it may not in the service's words, and shows a
// stored document as one version of the API shows it. It knows no tenant.
package shape
