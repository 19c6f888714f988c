// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
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

// TestPromise07_DeletedAtEveryPoint deletes the policy in the middle of a history: no device comes under two on the way,
// whatever is lost, hold is the last to go, and nothing reaches anybody in the end.
func TestPromise07_DeletedAtEveryPoint(t *testing.T) {
	for seed := range seeds(t) {
		h := newHistory(t, seed, false)
		for range 20 + h.rng.IntN(100) {
			h.live()
		}
		h.settled = time.Time{} // what devices have from here on is not what waves gave them
		for range 60 {
			actions := BuildDelete(h.op.observe(nil), v1alpha1.DeletionDelete)
			for i := range actions {
				mustBeLast(h, actions[i])
				h.op.do(t, actions[i], h.rng.IntN(5) == 0)
				h.advance([]time.Duration{0, time.Minute, 40 * time.Minute}[h.rng.IntN(3)])
			}
			h.op.tidy(nil)
		}
		h.advance(maxMemberLag)
		for device := range h.tenant.devices {
			for _, platform := range platforms {
				if got := h.tenant.levels(platform, device, h.tenant.now); len(got) > 0 {
					h.fail(h.tenant.now, "device %d still has %v", device, got)
				}
			}
		}
	}
}

// mustBeLast fails when hold goes while a later level is seen that the plan has not asked to go.
func mustBeLast(h *history, a Action) {
	if a.Kind != Delete || a.Revision > 0 {
		return
	}
	for _, o := range h.tenant.objects {
		if asked := strings.Contains(h.op.history(), "Delete "+o.key.String()+" id="+o.id); o.exists && o.key.Revision > 0 && o.key.Platform == a.Platform && !asked && h.op.recordFor(o.key) != nil {
			h.fail(h.tenant.now, "%s while %s is there", a, o.id)
		}
	}
}
