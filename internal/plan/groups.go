// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// AssignmentLag is how long Intune takes at most to act on assignments that it shows already; each policy has a pace of its
// own. ASSUMED, no number binds Microsoft.
const AssignmentLag = 30 * time.Minute

// Group is the Entra group of one attempt of a wave, and what is to become of it.
type Group struct {
	// ID in Entra.
	ID string
	// Wave and UID of the PilotWave, and the Attempt that owns the group.
	Wave, UID string
	Attempt   int32
	// Revision that the group is for, never 0.
	Revision int32
	// Admit says that the group's devices are to have the revision.
	Admit bool
	// State of the group as last recorded; empty for a group that the policy never touched.
	State v1alpha1.AdmissionState
	// Released says that devices have let go of the revision: earlier levels need not exclude the group any more. ReleasedOn
	// are the platforms on which they have, before all have.
	Released   bool
	ReleasedOn []v1alpha1.Platform
	// Occupied says that the group may have members.
	Occupied bool
	// Cleared says that devices have taken in that earlier levels exclude the group.
	Cleared bool
	// Listed says that a wave still knows the attempt.
	Listed bool
}

// Excluded says that earlier levels on a platform have to exclude the group.
func (g *Group) Excluded(on v1alpha1.Platform) bool {
	return g.Admit || g.State != "" && !g.Released && !slices.Contains(g.ReleasedOn, on)
}

// Managed are the ids of the groups, for Options.Managed.
func Managed(groups []Group) []string {
	out := make([]string, len(groups))
	for i := range groups {
		out[i] = groups[i].ID
	}
	return out
}

// Released says that a group which is being withdrawn was seen outside of its revision for so long that devices have let
// go of it, so that earlier levels may take them back.
func Released(a *v1alpha1.WaveAdmission, now time.Time) bool {
	return a.State == v1alpha1.Withdrawn || a.State == v1alpha1.Withdrawing && seenFor(a, now)
}

// ReleasedOn are the platforms on which that is so of a group which is being withdrawn: what cannot be written on one platform
// keeps nobody of the other waiting (P9).
func ReleasedOn(a *v1alpha1.WaveAdmission, now time.Time) []v1alpha1.Platform {
	var out []v1alpha1.Platform
	for _, l := range a.Left {
		if a.State == v1alpha1.Withdrawing && now.Sub(l.At.Time) >= AssignmentLag {
			out = append(out, l.Platform)
		}
	}
	return out
}

// Cleared says that a group which is being admitted was seen excluded from all earlier levels for so long that devices
// have taken it in: only then a group that has members comes back under its revision.
func Cleared(a *v1alpha1.WaveAdmission, now time.Time) bool {
	return (a.State == v1alpha1.Admitting || a.State == v1alpha1.Admitted) && seenFor(a, now)
}

func seenFor(a *v1alpha1.WaveAdmission, now time.Time) bool {
	return a.AssignedAt != nil && now.Sub(a.AssignedAt.Time) >= AssignmentLag
}

// WaveGroups lists the groups of all attempts: those that waves list, those that the policy has on record although no wave
// does any more, and those that a tenant object is recorded to include although nobody else knows them. Sorted by revision
// and id.
//
// A group is admitted when its attempt is not withdrawn, by its wave or by what is on record of it, its wave is not being deleted,
// its revision is neither reverted nor retired, and, for the current attempt, exposure has begun. An older attempt stands until its revision retires: devices
// keep what they have until a later attempt reaches them (P13). One that its wave has forgotten stays as well. Under deletionPolicy Orphan the groups of deleted waves stay
// where they are (P7).
func WaveGroups(p *v1alpha1.PasskeyPolicy, waves []v1alpha1.PilotWave, revisions []v1alpha1.RevisionStatus, now time.Time) []Group {
	l := groupList{policy: p, waves: map[string]*v1alpha1.PilotWave{}, live: map[int32]bool{}, now: now}
	for i := range revisions {
		r := &revisions[i]
		l.live[r.Number] = r.State != v1alpha1.RevisionReverted && r.State != v1alpha1.RevisionRetired
	}
	for i := range waves {
		l.waves[string(waves[i].UID)] = &waves[i]
		l.wave(&waves[i])
	}
	l.recorded()
	slices.SortFunc(l.groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.ID, b.ID))
	})
	return l.groups
}

// groupList collects groups.
type groupList struct {
	policy *v1alpha1.PasskeyPolicy
	waves  map[string]*v1alpha1.PilotWave // by uid
	live   map[int32]bool
	now    time.Time
	groups []Group
}

func (l *groupList) wave(w *v1alpha1.PilotWave) {
	for i := range w.Status.Attempts {
		a := &w.Status.Attempts[i]
		if a.GroupID == "" || a.Revision == 0 {
			continue
		}
		g := Group{ID: a.GroupID, Wave: w.Name, UID: string(w.UID), Attempt: a.Attempt, Revision: a.Revision, Listed: true}
		stays := l.remember(&g)
		g.Occupied = g.Occupied || a.Attempt != w.Status.Attempt || a.Ledger != nil && a.Ledger.Asked > 0
		switch {
		case a.WithdrawnAt != nil || !l.live[a.Revision] || l.takenBack(a.GroupID):
		case !w.DeletionTimestamp.IsZero():
			g.Admit = stays && l.orphans()
		case a.Attempt == w.Status.Attempt:
			g.Admit = exposes(w) || stays && !notBegun(w.Status.Phase)
		default:
			g.Admit = true
		}
		l.add(g)
	}
}

// recorded adds the groups that no wave lists any more.
func (l *groupList) recorded() {
	for i := range l.policy.Status.Waves {
		a := &l.policy.Status.Waves[i]
		if l.has(a.GroupID) {
			continue
		}
		g := Group{ID: a.GroupID, Wave: a.Name, UID: a.UID, Attempt: a.Attempt, Revision: a.Revision}
		stays := l.remember(&g)
		g.Occupied, g.Admit = true, stays && l.live[a.Revision] && (l.orphans() || l.forgotten(a))
		l.add(g)
	}
	for i := range l.policy.Status.Objects {
		o := &l.policy.Status.Objects[i]
		for _, id := range o.IncludeGroups {
			if o.Revision == 0 || l.has(id) {
				continue
			}
			g := Group{ID: id, Revision: o.Revision, State: v1alpha1.Withdrawing, Occupied: true}
			if l.orphans() && l.live[o.Revision] {
				g.State, g.Admit = v1alpha1.Admitting, true
			}
			l.add(g)
		}
	}
}

// forgotten says that nobody decided that a group is to go: its wave is there and does not list the attempt, as after a restore
// of its status, and will claim it; or the group was found in the tenant, and no person has let it go.
func (l *groupList) forgotten(a *v1alpha1.WaveAdmission) bool {
	if w := l.waves[a.UID]; w != nil {
		return w.DeletionTimestamp.IsZero()
	}
	return a.Found && !LetGo(l.policy, a.GroupID)
}

// LetGo says that a person asked for the members of a group that no wave claims to fall back to what they had before.
func LetGo(p *v1alpha1.PasskeyPolicy, group string) bool {
	return slices.ContainsFunc(strings.Split(p.Annotations[v1alpha1.AnnotationLetGo], ","), func(id string) bool {
		return strings.EqualFold(strings.TrimSpace(id), group)
	})
}

// remember fills in what the policy has on record of a group, and says whether that is an admission that still stands.
func (l *groupList) remember(g *Group) (stands bool) {
	a := entry(l.policy.Status.Waves, g.ID)
	if a == nil {
		return false
	}
	g.State, g.Cleared, g.Occupied = a.State, Cleared(a, l.now), a.AdmittedAt != nil
	g.Released, g.ReleasedOn = Released(a, l.now), ReleasedOn(a, l.now)
	return a.State == v1alpha1.Admitting || a.State == v1alpha1.Admitted
}

// takenBack says that a group had devices and was taken from them: a status of its wave that is older does not bring it back.
func (l *groupList) takenBack(group string) bool {
	a := entry(l.policy.Status.Waves, group)
	return a != nil && a.AdmittedAt != nil && (a.State == v1alpha1.Withdrawing || a.State == v1alpha1.Withdrawn)
}

func (l *groupList) orphans() bool {
	return l.policy.Spec.DeletionPolicy == v1alpha1.DeletionOrphan
}

func (l *groupList) has(id string) bool {
	return slices.ContainsFunc(l.groups, func(g Group) bool { return g.ID == id })
}

func (l *groupList) add(g Group) {
	if !l.has(g.ID) {
		l.groups = append(l.groups, g)
	}
}

// exposes says that the wave's current attempt is at a point where its group has to be under its revision. A stopped wave
// is not: what it has stays, and what it has not does not begin.
func exposes(w *v1alpha1.PilotWave) bool {
	phase := w.Status.Phase
	if phase == v1alpha1.PhaseHeld && w.Status.HeldPhase != "" {
		phase = w.Status.HeldPhase
	}
	switch phase { //nolint:exhaustive // before exposure, or stopped: false
	case v1alpha1.PhaseExposing, v1alpha1.PhaseBaking, v1alpha1.PhaseEvaluating, v1alpha1.PhasePromoting, v1alpha1.PhaseSucceeded:
		return true
	}
	return false
}

func notBegun(phase v1alpha1.WavePhase) bool {
	return phase == "" || phase == v1alpha1.PhasePending || phase == v1alpha1.PhaseResolving
}

func entry(list []v1alpha1.WaveAdmission, group string) *v1alpha1.WaveAdmission {
	for i := range list {
		if list[i].GroupID == group {
			return &list[i]
		}
	}
	return nil
}
