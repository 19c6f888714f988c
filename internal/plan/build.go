// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// The stages of a plan, in order. What narrows an audience comes before all else,
// so that a rollback waits for nothing (P9); what reaches nobody any more goes last.
const (
	stageNarrow = iota // revisions lose groups
	stageLookUp
	stageCreate
	stageContent // settings and names
	stageTargets // every level takes its final targets, hold first and the latest revision last (P1)
	stageTidy    // what reaches nobody goes
	stageCount
)

// compare plans what turns observed into desired. It plans nothing when nothing
// differs (P12). An observed policy that is not desired is emptied, and removed when
// it is seen to include nothing of ours. Of two entries for one Key the first counts,
// and a note names the other.
//
// Foreign targets stay where they are. A foreign inclusion on a revision that an
// earlier level does not exclude puts devices into both; that is reported as drift,
// because only the person who added it can say which of the two is meant.
func compare(desired []Desired, observed []Observed, opt Options) Result {
	b := builder{opt: opt}
	in := b.index(desired, observed)
	for _, platform := range in.platforms() {
		ladder := newLadder(platform, in, opt)
		if b.late(ladder) {
			b.narrowShown(ladder)
			continue
		}
		for _, l := range ladder {
			b.reportEdits(l)
			b.copies(l)
			b.content(l)
		}
		b.bound(ladder)
		b.assign(ladder)
		b.reportForeign(ladder)
	}
	for i, stage := range b.stages {
		if opt.NarrowOnly && i != stageNarrow && i != stageTargets {
			continue
		}
		b.result.Actions = append(b.result.Actions, stage...)
	}
	return b.result
}

// late reports what the tenant does not show yet. All levels wait together: what is planned for one rests on what the
// others are seen to have (P1).
func (b *builder) late(ladder []*level) bool {
	found := false
	for _, l := range ladder {
		if l.late != "" {
			b.result.Late = append(b.result.Late, fmt.Sprintf("%s: the tenant does not show %s of policy %s yet", l.key, l.late, l.obs.ID))
			found = true
			b.result.LateContent = b.result.LateContent || l.late == lateContent
		}
	}
	return found
}

// narrowShown plans that revisions lose groups where the rest has to wait: whatever another level will be seen to have,
// that puts no device under two, and a rollback waits for nothing (P9).
func (b *builder) narrowShown(ladder []*level) {
	for _, l := range slices.Backward(ladder) {
		if l.late == "" {
			b.narrow(l)
		}
	}
}

// builder collects a plan.
type builder struct {
	opt    Options
	stages [stageCount][]Action
	result Result
}

func (b *builder) add(stage int, a Action) { b.stages[stage] = append(b.stages[stage], a) }

func (b *builder) note(format string, args ...any) {
	b.result.Notes = append(b.result.Notes, fmt.Sprintf(format, args...))
}

func (b *builder) index(desired []Desired, observed []Observed) index {
	in := index{desired: map[Key]Desired{}, observed: map[Key]Observed{}}
	for _, d := range desired {
		if first, ok := in.desired[d.Key]; ok {
			b.note("%s is desired twice, as %q and %q: the first counts", d.Key, first.Name, d.Name)
			continue
		}
		d.Include, d.Exclude = newSet(d.Include), newSet(d.Exclude) // one form, whatever the order of the input
		in.desired[d.Key] = d
	}
	for _, o := range observed {
		if first, ok := in.observed[o.Key]; ok {
			b.note("%s was observed twice, ids %s and %s: the first counts; delete the copy or its marker", o.Key, first.ID, o.ID)
			continue
		}
		in.observed[o.Key] = o
	}
	return in
}

// content plans that the policy exists and says what its revision pinned.
func (b *builder) content(l *level) {
	correct := b.opt.Drift != v1alpha1.DriftReport
	switch {
	case l.open():
		b.add(stageLookUp, l.action(LookUp, "a create was sent and its answer is not known"))
	case l.desired == nil, l.desired.Retiring && !l.obs.Exists:
	case l.deleted() && !correct:
		b.note("%s was deleted by somebody else and drift is Report: it is not created again before spec.drift is set to Correct", l.key)
	case !l.obs.Exists:
		l.create = true
		b.add(stageCreate, l.action(Create, fmt.Sprintf("no policy yet; made as %q without assignments", l.desired.Name)))
	case l.edited() && correct:
		l.replace = true
		b.add(stageContent, l.action(Replace, "the settings were edited by somebody else"))
	}
	// Where the settings are to be written the name waits: a replacement brings both in one write.
	if l.obs.Exists && l.desired != nil && !l.obs.NameMatch && l.obs.SettingsMatch && correct {
		b.add(stageContent, l.action(Rename, fmt.Sprintf("name or description differ; %q", l.desired.Name)))
	}
}

// bound keeps a revision from taking in new groups while it is not there, has not the settings that were judged, or an
// earlier level may exist unseen; and groups that may have members as long as earlier levels have not let go of them.
func (b *builder) bound(ladder []*level) {
	for i, l := range ladder {
		if l.desired == nil || l.hold() {
			continue
		}
		earlier := ladder[:i]
		waiting := l.want.include.minus(l.base.include)
		why := ""
		switch open := slices.IndexFunc(earlier, (*level).open); {
		case !l.present():
			why = "it does not exist"
		case open >= 0:
			why = fmt.Sprintf("it is not known whether %s exists", earlier[open].key)
		case l.edited() && !l.replace:
			why = "its settings are not those of the revision"
		}
		if why != "" {
			l.want.exclude = l.want.exclude.union(l.base.exclude.minus(newSet(b.opt.Managed)))
		} else {
			waiting = l.unsafe(waiting, earlier)
			why = "devices may be in it that earlier levels have not let go of yet"
		}
		l.want.include = l.want.include.minus(waiting)
		if len(waiting) > 0 {
			b.note("%s takes no new group while %s; waiting: %s", l.key, why, strings.Join(waiting, " "))
		}
	}
}

// unsafe are those of the groups whose devices, if there are any, may come under two levels when the revision includes them.
func (l *level) unsafe(groups set, earlier []*level) set {
	keep, occupied := newSet(l.desired.KeepOnly), newSet(l.desired.Occupied)
	return slices.DeleteFunc(slices.Clone(groups), func(id string) bool {
		held := slices.ContainsFunc(earlier, func(e *level) bool { return !e.idle() && !e.ours.exclude.union(excluded(e.foreign)).has(id) })
		return !keep.has(id) && (!held || !occupied.has(id))
	})
}

// assign plans the targets of all levels of a platform.
func (b *builder) assign(ladder []*level) {
	for _, l := range slices.Backward(ladder) {
		b.narrow(l)
	}
	var later set
	grown := false
	for _, l := range slices.Backward(ladder) {
		b.settle(l, later, grown)
		later = later.union(l.ours.include).union(l.final.include)
		grown = grown || !l.final.equal(l.narrowed)
	}
	for _, l := range ladder {
		if !l.final.equal(l.narrowed) {
			b.addAssign(stageTargets, l, l.narrowed, l.final, l.wish)
		}
		if l.desired == nil && l.obs.Exists && removable(l, ladder) {
			b.add(stageTidy, l.action(Delete, "no longer desired"))
		}
	}
}

// removable says that nothing is lost with a policy that is not desired: a revision includes nothing of ours, and hold is
// the last one on its platform.
func removable(l *level, ladder []*level) bool {
	if l.hold() {
		return !slices.ContainsFunc(ladder, func(other *level) bool { return !other.hold() && other.obs.Exists })
	}
	return len(l.ours.include) == 0
}

// narrow takes from a revision what it shall no longer include. Hold keeps nobody waiting.
func (b *builder) narrow(l *level) {
	l.narrowed, l.intent = l.ours, l.base
	if !l.obs.Exists || l.hold() {
		return
	}
	intent := targets{
		include: l.base.include.intersect(l.want.include),
		exclude: l.base.exclude.union(l.want.exclude),
	}
	after := l.ours.rebase(l.base, intent)
	// Who is excluded from the population loses the revision as soon as who is rolled back does (P2).
	if slices.Equal(after.include, l.ours.include) && (l.idle() || l.want.exclude.minus(newSet(b.opt.Managed)).within(l.base.exclude)) {
		return
	}
	l.narrowed, l.intent = after, intent
	wish := intent
	if b.opt.NarrowOnly {
		wish = l.onRecord(after, targets{include: l.previous.include.intersect(l.want.include), exclude: l.previous.exclude.union(after.exclude)})
	}
	b.addAssign(stageNarrow, l, l.ours, after, wish)
}

// onRecord is the wish to record with a write that is not all that is wanted. What else is missing stays on record, so that
// the whole plan still sees that somebody took it; but while a write of ours is open it may be ours that was lost, and is
// wished anew.
func (l *level) onRecord(written, wish targets) targets {
	if l.obs.AssignOpen {
		return written
	}
	return wish
}

// settle sets our targets at the end of the plan, and the wish to record with them. Every group that a later level
// includes, before or after it widens, is excluded as soon as one of the two is written at all: under Report somebody
// else's edit may have left a gap there.
func (b *builder) settle(l *level, later set, grown bool) {
	l.final, l.wish = l.narrowed, l.intent
	if l.desired == nil || !l.present() {
		return
	}
	if b.opt.NarrowOnly { // it takes nobody new, and lets go of nobody
		given := newSet(b.opt.Managed).minus(l.want.exclude).minus(later)
		l.final.exclude = l.narrowed.exclude.minus(given)
		l.wish = l.onRecord(l.final, targets{include: l.previous.include.intersect(l.want.include), exclude: l.previous.exclude.minus(given)})
		return
	}
	next := l.narrowed.rebase(l.intent, l.want)
	if len(next.include) == 0 && !l.foreignInclude() {
		return // what it excludes does not matter
	}
	if !next.equal(l.ours) || grown {
		must := later.minus(excluded(l.foreign))
		next.exclude = next.exclude.union(must)
		next.include = next.include.minus(must)
	}
	l.final, l.wish = next, l.want
}

func (b *builder) addAssign(stage int, l *level, from, to, intent targets) {
	a := l.action(Assign, difference(from, to))
	a.Include, a.Exclude = to.include, to.exclude
	a.IntentInclude, a.IntentExclude = intent.include, intent.exclude
	a.KeepForeign = l.foreign
	if to.include.has(Everyone) {
		a.Everyone = everyoneOf(l.desired, l.obs.Assignments)
	}
	b.add(stage, a)
}

// difference says in words what a write changes.
func difference(from, to targets) string {
	var parts []string
	say := func(verb string, groups set) {
		if len(groups) > 0 {
			parts = append(parts, verb+" "+strings.Join(groups, " "))
		}
	}
	say("no longer include", from.include.minus(to.include))
	say("exclude", to.exclude.minus(from.exclude))
	say("include", to.include.minus(from.include))
	say("no longer exclude", from.exclude.minus(to.exclude))
	return strings.Join(parts, "; ")
}
