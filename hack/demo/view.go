// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// order of the waves in the samples.
var order = []string{"canary", "pilot", "early", "broad"}

// view is the rollout at one moment, as the API server shows it.
type view struct {
	now    time.Time
	policy *v1alpha1.PasskeyPolicy
	waves  map[string]*v1alpha1.PilotWave
}

// proven says that a wave has succeeded on a revision.
func (v view) proven(name string, revision int32) bool {
	st := &v.waves[name].Status
	return st.Phase == v1alpha1.PhaseSucceeded && st.Revision == revision
}

// unproven is the first wave that has not succeeded on a revision; empty when every one has.
func (v view) unproven(revision int32) string {
	for _, name := range order {
		if !v.proven(name, revision) {
			return name
		}
	}
	return ""
}

// state of a revision; empty when the policy does not know it.
func (v view) state(revision int32) v1alpha1.RevisionState {
	for _, r := range v.policy.Status.Revisions {
		if r.Number == revision {
			return r.State
		}
	}
	return ""
}

// population of the policy; empty before it was counted.
func (v view) population() v1alpha1.PopulationStatus {
	if p := v.policy.Status.Population; p != nil {
		return *p
	}
	return v1alpha1.PopulationStatus{}
}

// on is the number of members that have a revision.
func on(p v1alpha1.PopulationStatus, revision int32) int32 {
	for _, r := range p.Revisions {
		if r.Revision == revision {
			return r.Count
		}
	}
	return 0
}

func outOfReach(p v1alpha1.PopulationStatus) (n int32) {
	for _, r := range p.OutOfReach {
		n += r.Count
	}
	return n
}

// addsUp wants every member of the population accounted for.
func addsUp(p v1alpha1.PopulationStatus) error {
	sum := p.OnHold + outOfReach(p)
	for _, r := range p.Revisions {
		sum += r.Count
	}
	if sum != p.Members {
		return fmt.Errorf("status.population accounts for %d of %d members", sum, p.Members)
	}
	return nil
}

// exposed devices of the current attempt of a wave.
func exposed(st *v1alpha1.PilotWaveStatus) int32 {
	if st.Audience == nil {
		return 0
	}
	return st.Audience.Eligible - st.Devices.Pending
}

func reported(st *v1alpha1.PilotWaveStatus) int32 {
	return st.Devices.Succeeded + st.Devices.Failed + st.Devices.Conflict
}

// lines are what the screen shows while it goes on: one for the population, one for each wave.
func (v view) lines() []string {
	out := []string{
		fmt.Sprintf("── %s ──", v.now.Format("Mon 2006-01-02 15:04")),
		fmt.Sprintf("%-7s %-3s %s", "devices", "", accounts(v.population())),
	}
	for _, name := range order {
		st := &v.waves[name].Status
		eligible := 0
		if st.Audience != nil {
			eligible = int(st.Audience.Eligible)
		}
		out = append(out, fmt.Sprintf("%-7s %-3s %-11s %s %9s  failed %-8s proven %-6s floor %-6s %s", name, cmp.Or(st.Columns.Revision, "-"), st.Phase,
			bar(int(reported(st)), eligible, 20), st.Columns.Progress, cmp.Or(st.Columns.Failed, "-"), cmp.Or(st.Columns.Bound, "-"), cmp.Or(st.Columns.Floor, "-"),
			st.Decision.Reason))
	}
	return out
}

// accounts is a population by what its members have.
func accounts(p v1alpha1.PopulationStatus) string {
	if p.Members == 0 {
		return "not counted yet"
	}
	parts := []string{fmt.Sprintf("on hold %d", p.OnHold)}
	for _, r := range p.Revisions {
		parts = append(parts, fmt.Sprintf("on %s %d", nameOf(r.Revision), r.Count))
	}
	parts = append(parts, fmt.Sprintf("out of reach %d", outOfReach(p)))
	return strings.Join(parts, ", ") + fmt.Sprintf(" = %d", p.Members)
}
