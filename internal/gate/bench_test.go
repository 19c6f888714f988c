// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"testing"
)

func BenchmarkEvaluate(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("devices=%d", n), func(b *testing.B) {
			plan := NewPlan(fourLooks(), n)
			c := counts(n, n*19/20, n/50)
			b.ReportAllocs()
			for b.Loop() {
				Evaluate(plan, c, 0)
			}
		})
	}
}

func BenchmarkNewPlan(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("devices=%d", n), func(b *testing.B) {
			for b.Loop() {
				NewPlan(fourLooks(), n)
			}
		})
	}
}

func BenchmarkHaltEvidence(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("devices=%d", n), func(b *testing.B) {
			for b.Loop() {
				HaltEvidence(n, n/20, 0.05)
			}
		})
	}
}

func BenchmarkPosteriorWorse(b *testing.B) {
	for b.Loop() {
		PosteriorWorse(8, 100, 20, 1000, 0.02)
	}
}
