// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Admissions says how far the tenant, as observed, has followed the decision on every group.
//
// A group is Admitted when every earlier level that reaches anybody is seen to exclude it and every policy of its revision
// is seen to include it, with the pinned settings, for AssignmentLag. Whatever of that is seen missing makes it Admitting
// again at once. It is Withdrawn when no policy of its revision has been seen to include it for AssignmentLag and no earlier
// level is seen to exclude it any more. What was not seen, because a policy could not be read or a write of ours has no known
// outcome, changes nothing (P4).
//
// Store the result before anything of the plan that was made from the same look is sent: what was seen missing is not to be
// seen again once it is repaired, and only the record tells that devices may not know of the repair yet.
//
// desired is what Want gave for the same groups; observed has an entry for each of them that could be looked for, there or
// not. A group that was never admitted and is not to be has no entry, and one that
// is Withdrawn and that no wave lists loses it.
func Admissions(before []v1alpha1.WaveAdmission, groups []Group, desired []Desired, observed []Observed, now time.Time) []v1alpha1.WaveAdmission {
	see := newSights(desired, observed)
	var out []v1alpha1.WaveAdmission
	for i := range groups {
		g := &groups[i]
		if g.State == "" && !g.Admit {
			continue
		}
		a := admission(entry(before, g.ID), g, see, now)
		if a.State == v1alpha1.Withdrawn && !g.Listed {
			continue
		}
		out = append(out, a)
	}
	return out
}

// NextLook is how soon an entry may move on because Intune has had the time to act on assignments; 0 when none waits for
// that.
func NextLook(list []v1alpha1.WaveAdmission, now time.Time) time.Duration {
	var next time.Duration
	for i := range list {
		a := &list[i]
		for _, l := range a.Left {
			if d := l.At.Add(AssignmentLag).Sub(now); d > 0 && (next == 0 || d < next) {
				next = d
			}
		}
		if a.AssignedAt == nil || a.State != v1alpha1.Admitting && a.State != v1alpha1.Withdrawing {
			continue
		}
		at := a.AssignedAt.Add(AssignmentLag)
		if again := a.Since.Add(AssignmentLag); a.AdmittedAt != nil && a.State == v1alpha1.Admitting && again.After(at) {
			at = again // its members come back only after that
		}
		if d := at.Sub(now); d > 0 && (next == 0 || d < next) {
			next = d
		}
	}
	return next
}

// admission is the next entry of a group.
func admission(was *v1alpha1.WaveAdmission, g *Group, see *sights, now time.Time) v1alpha1.WaveAdmission {
	next := v1alpha1.WaveAdmission{}
	if was != nil {
		next = *was
	}
	next.Name, next.UID, next.Attempt, next.Revision, next.GroupID = g.Wave, g.UID, g.Attempt, g.Revision, g.ID
	next.Found = next.Found && !g.Listed
	from := next.State
	if g.Admit {
		admit(&next, g, see, now)
	} else {
		withdraw(&next, g, see, now)
	}
	if next.State != from {
		next.Since = metav1.NewTime(now)
	}
	if next.State == v1alpha1.Admitted && next.AdmittedAt == nil {
		next.AdmittedAt = &next.Since
	}
	return next
}

func admit(next *v1alpha1.WaveAdmission, g *Group, see *sights, now time.Time) {
	if next.State != v1alpha1.Admitting && next.State != v1alpha1.Admitted { // the time of a withdrawal is another one
		next.State, next.AssignedAt, next.Left = v1alpha1.Admitting, nil, nil
	}
	in, out := see.included(g), see.excluded(g)
	// A group without members waits for everything at once. One that may have some waits for the exclusions first, for it
	// is not included again before devices know of them.
	waits := out
	if !g.Occupied {
		waits = worst(in, out)
	}
	stamp(next, waits, now)
	switch {
	case worst(in, out) == missing:
		next.State = v1alpha1.Admitting
	case worst(in, out) == there && seenFor(next, now) && (!g.Occupied || next.State == v1alpha1.Admitted || now.Sub(next.Since.Time) >= AssignmentLag):
		next.State = v1alpha1.Admitted
	}
}

func withdraw(next *v1alpha1.WaveAdmission, g *Group, see *sights, now time.Time) {
	if next.State != v1alpha1.Withdrawing && next.State != v1alpha1.Withdrawn {
		next.State, next.AssignedAt, next.Left = v1alpha1.Withdrawing, nil, nil
	}
	platforms := see.platforms(g)
	left := see.left(g, platforms...)
	stamp(next, left, now)
	switch {
	case left == missing:
		next.State = v1alpha1.Withdrawing
	case left == there && seenFor(next, now) && see.givenBack(g) == there:
		next.State = v1alpha1.Withdrawn
	}
	if next.State == v1alpha1.Withdrawn {
		next.Left = nil
		return
	}
	for _, platform := range platforms {
		next.Left = stampOn(next.Left, platform, see.left(g, platform), now)
	}
}

// stamp keeps when what a state waits for was first seen.
func stamp(a *v1alpha1.WaveAdmission, seen sight, now time.Time) {
	switch {
	case seen == missing:
		a.AssignedAt = nil
	case seen == there && a.AssignedAt == nil:
		at := metav1.NewTime(now)
		a.AssignedAt = &at
	}
}

// stampOn keeps since when a group was seen to have left a platform, sorted by platform.
func stampOn(list []v1alpha1.PlatformTime, platform v1alpha1.Platform, seen sight, now time.Time) []v1alpha1.PlatformTime {
	on := func(t v1alpha1.PlatformTime) bool { return t.Platform == platform }
	switch {
	case seen == missing:
		return slices.DeleteFunc(slices.Clone(list), on)
	case seen == there && !slices.ContainsFunc(list, on):
		list = append(slices.Clone(list), v1alpha1.PlatformTime{Platform: platform, At: metav1.NewTime(now)})
		slices.SortFunc(list, func(a, b v1alpha1.PlatformTime) int { return strings.Compare(string(a.Platform), string(b.Platform)) })
	}
	return list
}

// sight is what was seen of something.
type sight int

// The sights, best first.
const (
	there sight = iota
	unseen
	missing
)

func worst(a, b sight) sight { return max(a, b) }

func sightOf(ok bool) sight {
	if ok {
		return there
	}
	return missing
}

// sights is what is wanted beside what was seen.
type sights struct {
	desired  []Desired
	observed map[Key]*Observed
}

func newSights(desired []Desired, observed []Observed) *sights {
	s := &sights{desired: desired, observed: map[Key]*Observed{}}
	for i := range observed {
		if s.observed[observed[i].Key] == nil {
			s.observed[observed[i].Key] = &observed[i]
		}
	}
	return s
}

// over is the worst sight of the wanted policies that concern a group; none is unseen.
func (s *sights) over(g *Group, concerns func(*Desired) bool, look func(*Observed) bool) (worstOf sight, some bool) {
	for i := range s.desired {
		d := &s.desired[i]
		if !concerns(d) {
			continue
		}
		some = true
		o := s.observed[d.Key]
		if o == nil || unsettled(o, g.ID) {
			worstOf = worst(worstOf, unseen)
			continue
		}
		worstOf = worst(worstOf, sightOf(look(o)))
	}
	return worstOf, some
}

// included: every policy of the revision includes the group and has the pinned settings.
func (s *sights) included(g *Group) sight {
	seen, some := s.over(g, func(d *Desired) bool { return d.Revision == g.Revision }, func(o *Observed) bool {
		return o.Exists && o.SettingsMatch && targeted(o, TargetInclude, g.ID) && !targeted(o, TargetExclude, g.ID)
	})
	if !some {
		return missing
	}
	return seen
}

// excluded: every earlier level that reaches anybody excludes the group.
func (s *sights) excluded(g *Group) sight {
	seen, _ := s.over(g, func(d *Desired) bool { return s.reaches(d) && d.Revision < g.Revision && names(d.Exclude, g.ID) }, func(o *Observed) bool {
		return o.Exists && targeted(o, TargetExclude, g.ID)
	})
	return seen
}

// platforms are those on which a policy of the group's revision is wanted or was seen.
func (s *sights) platforms(g *Group) []v1alpha1.Platform {
	var out []v1alpha1.Platform
	for i := range s.desired {
		if s.desired[i].Revision == g.Revision {
			out = append(out, s.desired[i].Platform)
		}
	}
	for key := range s.observed {
		if key.Revision == g.Revision {
			out = append(out, key.Platform)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// left: no policy of the revision on these platforms includes the group, wanted or not.
func (s *sights) left(g *Group, on ...v1alpha1.Platform) sight {
	concerns := func(key Key) bool { return key.Revision == g.Revision && slices.Contains(on, key.Platform) }
	seen, _ := s.over(g, func(d *Desired) bool { return concerns(d.Key) }, func(o *Observed) bool {
		return !o.Exists || !targeted(o, TargetInclude, g.ID)
	})
	for key, o := range s.observed {
		if concerns(key) && o.Exists && targeted(o, TargetInclude, g.ID) {
			return missing
		}
	}
	return seen
}

// givenBack: no earlier level that reaches anybody excludes the group.
func (s *sights) givenBack(g *Group) sight {
	seen, _ := s.over(g, func(d *Desired) bool { return s.reaches(d) && d.Revision < g.Revision }, func(o *Observed) bool {
		return !o.Exists || !targeted(o, TargetExclude, g.ID)
	})
	return seen
}

// reaches says that a level is to reach anybody, or does.
func (s *sights) reaches(d *Desired) bool {
	o := s.observed[d.Key]
	return len(d.Include) > 0 || o != nil && o.Exists && slices.ContainsFunc(o.Assignments, Target.widens)
}

// unsettled says that the policy may soon show something else of the group, by a write of ours.
func unsettled(o *Observed, group string) bool {
	if !o.Exists {
		return false
	}
	return o.AssignOpen || o.AssignFresh && (targeted(o, TargetInclude, group) != names(o.Previous.Include, group) ||
		targeted(o, TargetExclude, group) != names(o.Previous.Exclude, group))
}

func targeted(o *Observed, kind TargetKind, group string) bool {
	return slices.ContainsFunc(o.Assignments, func(t Target) bool { return t.Kind == kind && strings.EqualFold(t.GroupID, group) })
}

func names(ids []string, group string) bool {
	return slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, group) })
}
