// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// Reached tells which of Tidegate's payloads reach each device at this moment: names of policies by directory object id. It
// is what Intune acts on, not what the directory or the policies say (contract-2 y.4): a change of members or of assignments
// counts from when the targeting engine knows it. Devices that nothing reaches are left out.
func (w *World) Reached(t testing.TB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, p := range w.OwnPolicies() {
		devices, err := w.Sim.Reached(p.ID)
		if err != nil {
			t.Fatalf("whom %s reaches: %v", p.Name, err)
		}
		for _, d := range devices {
			id := w.objectID(d)
			out[id] = append(out[id], p.Name)
		}
	}
	return out
}

// ReachedBy lists the directory object ids of the devices that a payload reaches at this moment; suffix ends the name of its
// policy, such as "Windows Hold" or "r2". Allow at its end stands for any revision.
func (w *World) ReachedBy(t testing.TB, suffix string) []string {
	t.Helper()
	var out []string
	for device, names := range w.Reached(t) {
		if slices.ContainsFunc(names, func(n string) bool { return plays(n, suffix) }) {
			out = append(out, device)
		}
	}
	slices.Sort(out)
	return out
}

// objectID is the directory object of a managed device.
func (w *World) objectID(managed string) string {
	if w.objectIDs[managed] == "" {
		w.objectIDs = map[string]string{}
		for _, d := range w.Sim.Snapshot(true).Devices {
			w.objectIDs[d.ManagedID] = d.ObjectID
		}
	}
	return w.objectIDs[managed]
}

// Watch judges P1 from now on, after each settle: two of Tidegate's payloads never reach one device. Each pair of them is
// told once.
func (w *World) Watch(t testing.TB) {
	t.Helper()
	told := map[string]bool{}
	w.oracle = func() {
		t.Helper()
		doubles := map[string]int{}
		for _, names := range w.Reached(t) {
			if len(names) > 1 {
				slices.Sort(names)
				doubles[strings.Join(names, " and ")]++
			}
		}
		for _, pair := range slices.Sorted(maps.Keys(doubles)) {
			if !told[pair] {
				told[pair] = true
				t.Errorf("P1: at %s %d devices are reached by %s", w.Clock.Now().Sub(Start), doubles[pair], pair)
			}
		}
	}
}

// WatchEvery is Watch that also looks between two settles, while time passes.
func (w *World) WatchEvery(t testing.TB, glance time.Duration) {
	t.Helper()
	w.Watch(t)
	w.glance = glance
}

// look lets the oracle judge the tenant, if there is one.
func (w *World) look() {
	if w.oracle != nil {
		w.oracle()
	}
}

// advance moves the clock, in bits between which the oracle looks if WatchEvery asked for it.
func (w *World) advance(t testing.TB, d time.Duration) {
	t.Helper()
	bit := d
	if w.glance > 0 {
		bit = w.glance
	}
	for ; d > 0; d -= bit {
		if err := w.Sim.Advance(min(bit, d)); err != nil {
			t.Fatalf("advance: %v", err)
		}
		if w.glance > 0 {
			w.look()
		}
	}
}

// Reaches checks how many devices a payload reaches at this moment, by the end of its policy's name.
func (w *World) Reaches(t testing.TB, suffix string, want int) error {
	t.Helper()
	if got := len(w.ReachedBy(t, suffix)); got != want {
		return fmt.Errorf("%s reaches %d devices, want %d", suffix, got, want)
	}
	return nil
}
