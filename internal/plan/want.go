// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

// Audience says which groups the two roles are for. All ids are Entra object ids, sorted.
type Audience struct {
	// Population and PopulationExcludes are held in mode Gate.
	Population, PopulationExcludes []string
	// Admitted are the managed groups of waves whose devices get the payload.
	Admitted []string
	// Inverse are the managed groups of waves that are rolled back. In mode Gate the hold reaches them as part of the
	// population; in EnforceOnly it exists for them alone.
	Inverse []string
}

// WaveGroups sorts the managed groups of a policy's waves by what the tenant should do with them. A wave that is being
// deleted is in neither list: its devices return to what they had before. Neither is one whose attempt has not begun: the
// devices that are still in its group belong to an older attempt, which may have been rolled back, and are on their way
// out. To admit them would expose all of them at once.
func WaveGroups(waves []v1alpha1.PilotWave) (admitted, inverse []string) {
	for i := range waves {
		w := &waves[i]
		if w.Status.Audience == nil || w.Status.Audience.GroupID == "" || !w.DeletionTimestamp.IsZero() {
			continue
		}
		switch w.Status.Phase { //nolint:exhaustive // in every other phase the devices of the wave have what they were given
		case v1alpha1.PhasePending, v1alpha1.PhaseResolving:
		case v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseRollbackIncomplete:
			inverse = append(inverse, w.Status.Audience.GroupID)
		default:
			admitted = append(admitted, w.Status.Audience.GroupID)
		}
	}
	slices.Sort(admitted)
	slices.Sort(inverse)
	return admitted, inverse
}

// Orphans are the groups that were assigned for waves that no longer exist. Under deletionPolicy Orphan they stay where
// they are (P7): give them to Want with the groups of the waves that do. records are what was last written.
func Orphans(mode v1alpha1.PolicyMode, records []v1alpha1.TenantObject, waves []v1alpha1.PilotWave) (admitted, inverse []string) {
	alive := map[string]bool{}
	for i := range waves {
		if w := &waves[i]; w.Status.Audience != nil && w.DeletionTimestamp.IsZero() {
			alive[w.Status.Audience.GroupID] = true
		}
	}
	for i := range records {
		for _, id := range records[i].IncludeGroups {
			switch {
			case alive[id]:
			case records[i].Role == v1alpha1.RoleAllow:
				admitted = append(admitted, id)
			case mode != v1alpha1.ModeGate: // the hold of mode Gate includes the population, which is nobody's wave
				inverse = append(inverse, id)
			}
		}
	}
	return union(admitted, nil), union(inverse, nil)
}

// Want lists the tenant objects that a policy should have. describe gives the description of an object, with its marker.
func Want(p *v1alpha1.PasskeyPolicy, payloads []settings.Payload, a Audience, describe func(Key) string) []Desired {
	var out []Desired
	for i := range payloads {
		pay := &payloads[i]
		allow := desired(p, pay, v1alpha1.RoleAllow, pay.Allow, describe)
		allow.Include = a.Admitted
		out = append(out, allow)
		if len(pay.Hold) == 0 {
			continue
		}
		hold := desired(p, pay, v1alpha1.RoleHold, pay.Hold, describe)
		switch {
		case p.Spec.Mode == v1alpha1.ModeGate:
			hold.Include = a.Population
			hold.Exclude = union(a.PopulationExcludes, a.Admitted)
		case len(a.Inverse) > 0:
			hold.Include = a.Inverse
		default:
			continue
		}
		out = append(out, hold)
	}
	return out
}

func desired(p *v1alpha1.PasskeyPolicy, pay *settings.Payload, role v1alpha1.ObjectRole, inst []settings.Instance, describe func(Key) string) Desired {
	key := Key{Role: role, Platform: pay.Platform}
	return Desired{
		Key: key, Name: Name(p.Namespace, p.Name, key), Description: describe(key),
		Platforms: pay.GraphPlatforms, Technologies: pay.Technologies, Settings: inst, Hash: settings.HashInstances(pay.GraphPlatforms, pay.Technologies, inst),
	}
}

// maxName is the longest name of a settings catalog policy that is safe to send, in bytes (contract a.1).
const maxName = 200

// Name of a policy in the tenant. It is for people; the marker in the description is what counts.
func Name(namespace, name string, key Key) string {
	tail := fmt.Sprintf(" %s %s", key.Platform, key.Role)
	head := fmt.Sprintf("Tidegate %s/%s", namespace, name)
	if len(head)+len(tail) > maxName {
		head = head[:maxName-len(tail)]
	}
	return head + tail
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// Admission says how far the tenant, as observed, has followed the decision on one managed group: admit means included
// by every allow and, in mode Gate, excluded from every hold; not to admit means neither.
func Admission(mode v1alpha1.PolicyMode, group string, admit bool, observed []Observed) v1alpha1.AdmissionState {
	done, undone := true, true
	for i := range observed {
		o := &observed[i]
		kind := TargetInclude
		if o.Key.Role == v1alpha1.RoleHold {
			if mode != v1alpha1.ModeGate {
				continue
			}
			kind = TargetExclude
		}
		on := o.Exists && has(o, kind, group)
		done, undone = done && on, undone && !on
	}
	switch {
	case admit && done && len(observed) > 0:
		return v1alpha1.Admitted
	case admit:
		return v1alpha1.Admitting
	case undone:
		return v1alpha1.Withdrawn
	default:
		return v1alpha1.Withdrawing
	}
}

func has(o *Observed, kind TargetKind, group string) bool {
	return slices.ContainsFunc(o.Assignments, func(t Target) bool { return t.Kind == kind && t.GroupID == group })
}
