// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package simclock is virtual time: it runs as fast as one likes, stands still, or
// is pushed forward by hand.
package simclock
