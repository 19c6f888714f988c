// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ids names the things of a simulated tenant: object ids that follow from
// a seed, the cheap hashes behind everything that is drawn, and sets of dense
// indices.
package ids
