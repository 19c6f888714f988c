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
// so that a rollback waits for nothing (P9); what widens it comes last, when hold
// has let go of the same groups (P1).
const (
	stageNarrow = iota // allow loses groups, or goes
	stageLookUp
	stageCreate
	stageContent // settings and names
	stageHold    // hold takes its final targets, or goes
	stageWiden   // allow takes its final targets
	stageTidy    // what reaches nobody goes
	stageCount
)

// compare plans what turns observed into desired. It plans nothing when nothing
// differs (P12). An observed policy that is not desired is removed. Of two entries
// for one Key the first counts, and a note names the other.
//
// Foreign targets stay where they are. A foreign inclusion on an allow policy that
// hold does not exclude puts devices into both; that is reported as drift, because
// only the person who added it can say which of the two is meant.
func compare(desired []Desired, observed []Observed, opt Options) Result {
	b := builder{opt: opt}
	in := b.index(desired, observed)
	for _, platform := range in.platforms() {
		allow, hold := newSides(platform, in, opt)
		if b.late(allow, hold) {
			continue
		}
		b.reportEdits(allow, hold)
		b.copies(hold)
		b.copies(allow)
		b.content(hold)
		b.content(allow)
		b.bound(allow, hold)
		b.assign(allow, hold)
	}
	for i, stage := range b.stages {
		if opt.NarrowOnly {
			stage = narrowing(i, stage)
		}
		b.result.Actions = append(b.result.Actions, stage...)
	}
	return b.result
}

// narrowing are the actions of a stage that NarrowOnly leaves: hold has been kept from taking anything new.
func narrowing(stage int, actions []Action) []Action {
	switch stage {
	case stageNarrow:
		return actions
	case stageHold:
		return slices.DeleteFunc(actions, func(a Action) bool { return a.Kind != Assign })
	}
	return nil
}

// late reports what the tenant does not show yet. Allow and hold wait together: what is planned for one rests on what the
// other is seen to have (P1).
func (b *builder) late(sides ...*side) bool {
	found := false
	for _, s := range sides {
		if s.late != "" {
			b.result.Late = append(b.result.Late, fmt.Sprintf("%s: the tenant does not show %s of policy %s yet", s.key, s.late, s.obs.ID))
			found = true
			b.result.LateContent = b.result.LateContent || s.late == lateContent
		}
	}
	return found
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

// content plans that the policy exists and says what it should.
func (b *builder) content(s *side) {
	correct := b.opt.Drift != v1alpha1.DriftReport
	switch {
	case s.open():
		b.add(stageLookUp, s.action(LookUp, "a create was sent and its answer is not known"))
	case s.desired == nil:
	case s.deleted() && !correct:
		b.note("%s was deleted by somebody else and drift is Report: it is not created again", s.key)
	case !s.obs.Exists:
		s.create = true
		b.add(stageCreate, s.action(Create, fmt.Sprintf("no policy yet; made as %q without assignments", s.desired.Name)))
	case s.changed() || s.edited() && correct:
		b.replace(s)
	}
	// Where the settings are to be written, or may not be written yet, the name waits:
	// a replacement brings both in one write.
	if s.obs.Exists && s.desired != nil && !s.obs.NameMatch && s.obs.SettingsMatch && correct {
		b.add(stageContent, s.action(Rename, fmt.Sprintf("name or description differ; %q", s.desired.Name)))
	}
}

func (b *builder) replace(s *side) {
	if s.key.Role == v1alpha1.RoleAllow && !b.opt.AllowSettingsUpdate {
		b.note("%s keeps its settings: devices are still exposed to another payload", s.key)
		return
	}
	s.replace = true
	reason := "the payload changed"
	if s.edited() {
		reason = "the settings were edited by somebody else"
	}
	b.add(stageContent, s.action(Replace, reason))
}

// bound keeps allow from taking in new groups, and hold from letting them go,
// while allow is not there, has not the settings that were judged, or hold's state
// is unknown.
func (b *builder) bound(allow, hold *side) {
	if allow.desired == nil {
		return
	}
	why := ""
	switch {
	case !allow.present():
		why = "it does not exist"
	case hold.open():
		why = "it is not known whether hold exists"
	case allow.obs.Exists && !allow.obs.SettingsMatch && !allow.replace:
		why = "its settings are not the payload's"
	default:
		return
	}
	waiting := allow.want.include.minus(allow.base.include)
	allow.want.include = allow.want.include.minus(waiting)
	allow.want.exclude = allow.want.exclude.union(allow.base.exclude)
	hold.want.exclude = hold.want.exclude.minus(waiting.minus(hold.base.exclude))
	if len(waiting) > 0 {
		b.note("%s takes no new group while %s; waiting: %s", allow.key, why, strings.Join(waiting, " "))
	}
}

// assign plans the targets of both policies of a platform.
func (b *builder) assign(allow, hold *side) {
	afterNarrow, intent := b.narrow(allow)
	final := afterNarrow
	if allow.desired != nil && allow.present() {
		final = afterNarrow.rebase(intent, allow.want)
	}
	held := b.hold(hold, afterNarrow, final)
	if !final.equal(afterNarrow) {
		b.addAssign(stageWiden, allow, afterNarrow, final, allow.want)
	}
	b.reportForeign(allow, hold, held)
}

// narrow takes from allow what it shall no longer include, and returns our targets
// and our intent after that.
func (b *builder) narrow(allow *side) (after, intent targets) {
	if !allow.obs.Exists {
		return targets{}, targets{}
	}
	if allow.desired == nil {
		b.add(stageNarrow, allow.action(Delete, "no longer desired"))
		return targets{}, targets{}
	}
	intent = targets{
		include: allow.base.include.intersect(allow.want.include),
		exclude: allow.base.exclude.union(allow.want.exclude),
	}
	after = allow.ours.rebase(allow.base, intent)
	if slices.Equal(after.include, allow.ours.include) {
		return allow.ours, allow.base
	}
	b.addAssign(stageNarrow, allow, allow.ours, after, intent)
	return after, intent
}

// hold gives hold its final targets, and returns them. Every group that allow
// includes, before or after it widens, is excluded as soon as one of the two is
// written at all: under Report somebody else's edit may have left a gap there.
func (b *builder) hold(hold *side, narrow, final targets) targets {
	if hold.obs.Exists && hold.desired == nil {
		b.add(stageHold, hold.action(Delete, "no longer desired"))
		return targets{}
	}
	if hold.desired == nil || !hold.present() {
		return targets{}
	}
	next := hold.ours.rebase(hold.base, hold.want)
	must := narrow.include.union(final.include).minus(excluded(hold.foreign))
	touched := !next.equal(hold.ours) || !final.equal(narrow)
	if touched && (len(next.include) > 0 || hold.foreignInclude()) && !must.within(next.exclude) {
		next.exclude = next.exclude.union(must)
		next.include = next.include.minus(must)
	}
	intent := hold.want
	if b.opt.NarrowOnly { // hold takes devices back, no new ones, and lets none go
		next = targets{include: hold.ours.include, exclude: next.exclude.intersect(hold.ours.exclude)}
		intent = next
	}
	if !next.equal(hold.ours) {
		b.addAssign(stageHold, hold, hold.ours, next, intent)
	}
	return next
}

func (b *builder) addAssign(stage int, s *side, from, to, intent targets) {
	a := s.action(Assign, difference(from, to))
	a.Include, a.Exclude = to.include, to.exclude
	a.IntentInclude, a.IntentExclude = intent.include, intent.exclude
	a.KeepForeign = s.foreign
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
