// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bench holds the benchmarks that compare the product with a floor: the least code that does the same work on
// the same bytes in the same run. Floor and product take turns, so that a busy machine slows both; the metric x-floor
// is the ratio of their times. Run them with make bench; the numbers that they should reach stand at each of them.
package bench
