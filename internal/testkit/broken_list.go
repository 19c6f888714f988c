// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

// knownBroken is the one list of tests that are expected to fail, each with the promise that it shows broken. It is there
// to become empty.
var knownBroken []Broken
