// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fastworld

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Who is in which group of the tenant's own. A policy of unit User has users where one of unit Device has devices: a device
// is what it is itself and what its primary user is.

// late is how long lists of members may be behind, with the time that an operator needs to look.
const late = 10 * time.Minute

// selves are the ids by which a device is a member of something: its own, and that of its primary user.
func (o *Oracle) selves(device string) []string {
	if owner := o.owners[device]; owner != "" {
		return []string{device, owner}
	}
	return []string{device}
}

// exposersOf are the uids of the waves that put a device or its user into one of their groups.
func (o *Oracle) exposersOf(device string) map[string]bool {
	own, other := o.exposers[device], o.exposers[o.owners[device]]
	if len(other) == 0 {
		return own
	}
	out := map[string]bool{}
	for _, m := range []map[string]bool{own, other} {
		for uid := range m {
			out[uid] = true
		}
	}
	return out
}

func (o *Oracle) anySelf(device string, is map[string]bool) bool {
	return slices.ContainsFunc(o.selves(device), func(id string) bool { return is[id] })
}

func (o *Oracle) isForeign(device string) bool  { return o.anySelf(device, o.foreign) }
func (o *Oracle) isDropped(device string) bool  { return o.anySelf(device, o.dropped) }
func (o *Oracle) isLedgered(device string) bool { return o.anySelf(device, o.ledgered) }

func (o *Oracle) groupOf(r v1alpha1.GroupRef) string { return cmp.Or(r.ID, o.groupIDs[r.DisplayName]) }

// in says that a device, or its user, is a member of one of the groups now.
func (o *Oracle) in(device string, refs []v1alpha1.GroupRef) bool {
	return slices.ContainsFunc(refs, func(r v1alpha1.GroupRef) bool { return o.anySelf(device, o.members[o.groupOf(r)]) })
}

// moved says that somebody has put a device, or its user, into a group of the tenant's own since the start: the populations of
// two policies share it then, whatever an operator does. That it is told of is judged by policyFeels.
func (o *Oracle) moved(device string) bool {
	for _, joined := range o.joined {
		if slices.ContainsFunc(o.selves(device), func(s string) bool { return !joined[s].IsZero() }) {
			return true
		}
	}
	return false
}

// excluded says that a device is in one of the groups, and has been for so long that an operator has to know.
func (o *Oracle) excluded(device string, refs []v1alpha1.GroupRef) bool {
	return slices.ContainsFunc(refs, func(r v1alpha1.GroupRef) bool {
		id := o.groupOf(r)
		return slices.ContainsFunc(o.selves(device), func(s string) bool {
			return o.members[id][s] && o.w.Clock.Since(o.joined[id][s]) > late
		})
	})
}

// wasIn says that a device was a member of a group that the wave's audience has had at some time: an audience is frozen.
func (o *Oracle) wasIn(device string, wave *v1alpha1.PilotWave) bool {
	for _, v := range o.w.history(wave) {
		for _, r := range v.Spec.Audience.Groups.Include {
			if o.anySelf(device, o.once[o.groupOf(r)]) {
				return true
			}
		}
	}
	return false
}

// history is every version of a wave so far.
func (w *World) history(wave *v1alpha1.PilotWave) []*v1alpha1.PilotWave {
	var out []*v1alpha1.PilotWave
	for gvk, k := range w.Cluster.kinds {
		if gvk.Kind != KindWave {
			continue
		}
		for _, v := range k.objects[nameOf(wave.Name)] {
			if p, ok := v.obj.(*v1alpha1.PilotWave); ok && p.UID == wave.UID {
				out = append(out, p)
			}
		}
	}
	return out
}

// Joined tells that somebody put members into a group of the tenant's own.
func (o *Oracle) Joined(group string, ids ...string) {
	id := o.groupIDs[group]
	for _, m := range ids {
		o.members[id][m], o.once[id][m], o.joined[id][m] = true, true, o.w.Clock.Now()
	}
}

// Joiners are the members of a group of the tenant's own that somebody put there since the start, in order.
func (o *Oracle) Joiners(group string) []string {
	id := o.groupIDs[group]
	var out []string
	for m := range o.joined[id] {
		if o.members[id][m] {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out
}

// Shared are the members that the populations of all policies have in common, in order: two rings may have the same person.
func (o *Oracle) Shared() []string {
	count := map[string]int{}
	for _, p := range o.w.Policies() {
		all := map[string]bool{}
		for _, r := range p.Spec.Population.Include {
			maps.Copy(all, o.members[o.groupOf(r)])
		}
		for _, r := range p.Spec.Population.Exclude {
			maps.DeleteFunc(all, func(id string, _ bool) bool { return o.members[o.groupOf(r)][id] })
		}
		for id := range all {
			count[id]++
		}
	}
	maps.DeleteFunc(count, func(_ string, n int) bool { return n < 2 })
	return slices.Sorted(maps.Keys(count))
}

// Audience are the managed devices that a wave's audience would have now, without a slice, in order: those of its groups that
// neither it nor its policy excludes, and that no other wave has been given.
func (o *Oracle) Audience(w *v1alpha1.PilotWave) []string {
	exclude := slices.Clone(w.Spec.Audience.Groups.Exclude)
	if p := o.policy(w.Spec.PolicyRef.Name); p != nil && p.Spec.Population != nil {
		exclude = append(exclude, p.Spec.Population.Exclude...)
	}
	var out []string
	for device := range o.systems {
		others := o.exposersOf(device)
		if len(others) > 1 || len(others) == 1 && !others[string(w.UID)] {
			continue
		}
		if o.in(device, w.Spec.Audience.Groups.Include) && !o.in(device, exclude) {
			out = append(out, device)
		}
	}
	slices.Sort(out)
	return out
}

// Left tells that somebody took members out of a group of the tenant's own.
func (o *Oracle) Left(group string, ids ...string) {
	for _, m := range ids {
		delete(o.members[o.groupIDs[group]], m)
	}
}

// Managed are the object ids of the managed devices of an operating system, as Intune calls it, in order.
func (o *Oracle) Managed(system string) []string {
	var out []string
	for device, s := range o.systems {
		if s == system {
			out = append(out, device)
		}
	}
	slices.Sort(out)
	return out
}

// Owner is the id of the primary user of a device; empty when it has none.
func (o *Oracle) Owner(device string) string { return o.owners[device] }
