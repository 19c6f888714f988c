// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
)

// TestPromise01_NeverUnderTwo lives through random histories: revisions come, are proven, reverted and retired; waves
// expose, succeed, roll back and are deleted; answers are lost and the operator dies; Intune acts on every policy and group
// at a pace of its own. At every instant no device is under two levels, and every device whose groups stand has the latest
// of their revisions, or the hold (P13).
func TestPromise01_NeverUnderTwo(t *testing.T) {
	moves := map[int32]int{}
	for seed := range seeds(t) {
		h := newHistory(t, seed, false)
		for range 150 {
			h.live()
		}
		h.settle()
		for r, n := range h.moves {
			moves[r] += n
		}
	}
	for r := range int32(4) {
		if moves[r] < 1000 {
			t.Errorf("only %d looks at devices that have r%d: the test sees too little", moves[r], r)
		}
	}
}

// TestPromise06_EditsOfOthers lives through the same histories while others edit the policies in the portal: no write of
// ours puts a device under two, and in the end every device has what it must have.
func TestPromise06_EditsOfOthers(t *testing.T) {
	doubles := 0
	for seed := range seeds(t) {
		h := newHistory(t, seed, true)
		for range 150 {
			h.live()
		}
		h.settle()
		doubles += h.doubles
	}
	if doubles == 0 {
		t.Error("no edit ever put a device under two: the test sees too little")
	}
}

func seeds(t *testing.T) int {
	t.Helper()
	if testing.Short() {
		return 100
	}
	return 300
}
