// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// WatchState is how a wave is watched after its promotion (spec.postWatch). The halt test goes on for it: it may be looked at as
// often and as long as anybody wants (gate D4.5).
type WatchState string

// The states of the watch.
const (
	// WatchOff: the wave is not promoted, or its watch is over. Halt evidence changes nothing any more.
	WatchOff WatchState = ""
	// WatchOn: halt evidence is a late regression.
	WatchOn WatchState = "On"
	// WatchEnding: nothing is left to wait for; the watch ends unless this very look shows halt evidence.
	WatchEnding WatchState = "Ending"
	// WatchRegressed: there was halt evidence. Only a person, or a new payload, leads out.
	WatchRegressed WatchState = "Regressed"
)

// watch says how the wave is watched. It ends with a reading that is newer than all it lasts for: neither an outage nor a week of
// downtime lets it end unseen.
func (w World) watch() Fact[WatchState] {
	s := &w.Wave.Status
	a := Current(s)
	if s.Phase != v1alpha1.PhaseSucceeded || a == nil || a.SucceededAt == nil {
		return Fact[WatchState]{}
	}
	if at := Regressed(s); at != nil {
		return FactOf(WatchRegressed, fmt.Sprintf("it regressed after its promotion, at %s", v1alpha1.Minute(at.Time)))
	}
	on := func(format string, args ...any) Fact[WatchState] {
		return FactOf(WatchOn, fmt.Sprintf("it is watched "+format, args...))
	}
	until := w.watchUntil(a)
	switch waiting := w.waitsForThis(); {
	case w.growingNow():
		return on("as long as devices join it")
	case waiting != "":
		return on("as long as wave %q, which depends on it, is not promoted", waiting)
	case a.WatchEndedAt != nil && !a.WatchEndedAt.Time.Before(until):
		return FactOf(WatchOff, fmt.Sprintf("its watch ended at %s", v1alpha1.Minute(a.WatchEndedAt.Time)))
	case w.Now.Before(until):
		return on("until %s", v1alpha1.Minute(until))
	case w.Fleet == nil || w.Fleet.AsOf().Before(until) || w.telemetry().State != TelemetryFresh:
		return on("until the fleet was read later than %s", v1alpha1.Minute(until))
	}
	return FactOf(WatchEnding, "its watch is over")
}

// watchUntil is when spec.postWatch.duration has passed since the promotion, and since the tenant showed the newest member.
func (w World) watchUntil(a *v1alpha1.WaveAttempt) time.Time {
	from := a.SucceededAt.Time
	if last := w.lastConfirmedAt(); last != nil {
		from = latest(from, last.Time)
	}
	return from.Add(w.Wave.Spec.PostWatch.Duration.Duration)
}

// growingNow says that a promoted wave has somebody to expose, or exposed somebody whom the tenant does not show yet.
func (w World) growingNow() bool {
	return w.Growing() && (len(w.Joiners()) > 0 || len(w.Record().Pending()) > 0 || w.unshown() > 0)
}

// waitsForThis names a wave that depends on this one, directly or through others, and is on its way; empty for none. One that was
// stopped for good waits for a person.
func (w World) waitsForThis() string {
	byName, target := wavesByName(w.Siblings), w.Target()
	for i := range w.Siblings {
		o := &w.Siblings[i]
		done := o.Status.Phase == v1alpha1.PhaseSucceeded && o.Status.Revision == target.Revision
		if done || !o.DeletionTimestamp.IsZero() || stoppedForGood(o.Status.Phase) || o.Name == w.Wave.Name {
			continue
		}
		if comesBefore(o, byName, func(first *v1alpha1.PilotWave) bool { return first.Name == w.Wave.Name }) != nil {
			return o.Name
		}
	}
	return ""
}

// comesBefore finds a wave on which w depends, directly or through others; nil when none is the one that is looked for.
func comesBefore(w *v1alpha1.PilotWave, byName map[string]*v1alpha1.PilotWave, is func(*v1alpha1.PilotWave) bool) *v1alpha1.PilotWave {
	seen := map[string]bool{w.Name: true}
	for queue := slices.Clone(w.Spec.DependsOn); len(queue) > 0; queue = queue[1:] {
		first := byName[queue[0].Name]
		if first == nil || seen[first.Name] {
			continue
		}
		if is(first) {
			return first
		}
		seen[first.Name] = true
		queue = append(queue, first.Spec.DependsOn...)
	}
	return nil
}

// Regressed is when halt evidence was found after the promotion of the current attempt; nil when none was.
// It outlives the group of the attempt, which goes with a rollback.
func Regressed(s *v1alpha1.PilotWaveStatus) *metav1.Time { return s.Clocks.RegressedAt }

// hasRegressed says that a wave regressed on a revision and has not proven it anew: neither a retry nor a rollback that is under
// way lets others go on.
func hasRegressed(s *v1alpha1.PilotWaveStatus, revision int32) bool {
	if s.Revision == revision && (s.Phase == v1alpha1.PhaseSucceeded || Regressed(s) != nil) {
		return Regressed(s) != nil
	}
	return slices.ContainsFunc(s.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Revision == revision && a.RegressedAt != nil }) ||
		slices.ContainsFunc(s.History, func(h v1alpha1.AttemptRecord) bool { return h.Revision == revision && h.RegressedAt != nil })
}
