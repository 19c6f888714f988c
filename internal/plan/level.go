// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// level is one policy of a platform: what is wanted, what is there, what is planned.
type level struct {
	key     Key
	desired *Desired
	obs     Observed
	// known says that obs was observed and not assumed.
	known bool

	// ours and foreign are the targets that the policy has.
	ours    targets
	foreign []Target
	// base is what the wanted targets are compared with: what is there when drift is
	// corrected or a write of ours is open, what we last asked for when drift is only
	// reported.
	base targets
	// want are our targets as they shall be.
	want targets
	// added are targets on groups of ours that somebody else made.
	added targets

	// previous are our targets on record.
	previous targets
	// narrowed and intent are our targets and our wish after the first stage, final and wish those at the end of the plan.
	narrowed, intent, final, wish targets

	// create and replace say that the plan holds such an action.
	create, replace bool
	// late says what the tenant does not show although it took it a moment ago.
	late string
}

// newLadder prepares the policies of a platform, hold first. What later levels include, wanted or seen, the earlier ones
// have to exclude; what reaches nobody has no need to. What is seen counts until it is seen gone: it takes a look of its
// own to give a group back.
func newLadder(platform v1alpha1.Platform, in index, opt Options) []*level {
	var ladder []*level
	for _, key := range in.levels(platform) {
		ladder = append(ladder, in.level(key))
	}
	managed, later := newSet(opt.Managed), set(nil)
	for _, l := range slices.Backward(ladder) {
		l.readTargets(managed, later, opt)
		switch {
		case l.idle():
			l.want.exclude = l.base.exclude
		case l.desired != nil:
			l.want.exclude = l.want.exclude.union(later)
			l.want.include = l.want.include.minus(l.want.exclude)
		}
		later = later.union(l.want.include).union(l.ours.include)
	}
	return ladder
}

// readTargets sets want, ours, foreign and base. The targets of managed groups are ours, and so are the exclusions of what
// later levels include.
func (l *level) readTargets(managed, later set, opt Options) {
	var asked targets
	if l.desired != nil {
		asked = targets{include: newSet(l.desired.Include), exclude: newSet(l.desired.Exclude)}
		// An exclusion beats an inclusion; both for one group say nothing more.
		l.want = targets{include: asked.include.minus(asked.exclude), exclude: asked.exclude}
	}
	previous := targets{include: newSet(l.obs.Previous.Include), exclude: newSet(l.obs.Previous.Exclude)}
	l.previous = previous
	if !l.obs.Exists {
		return
	}
	named := targets{include: asked.include.union(previous.include), exclude: asked.exclude.union(previous.exclude)}
	l.ours, l.foreign = split(l.obs.Assignments, targets{
		include: named.include.union(managed), exclude: named.exclude.union(managed).union(later),
	}, everyoneOf(l.desired, l.obs.Assignments))
	slices.SortStableFunc(l.foreign, func(x, y Target) int { return cmp.Compare(x.String(), y.String()) })
	l.late = l.lateRead(previous)
	l.base = l.ours
	if !l.obs.AssignOpen {
		l.added = targets{include: l.ours.include.minus(named.include), exclude: l.ours.exclude.minus(named.exclude).minus(later)}
		if opt.Drift == v1alpha1.DriftReport {
			l.base = previous
		}
	}
	// Where somebody excludes a group, including it too would reach nobody.
	l.want.include = l.want.include.minus(excluded(l.foreign).minus(l.base.include))
}

const lateContent = "settings and name"

// lateRead compares a read with what the tenant took a moment ago. A payload that came and went again cannot be told from
// a late read, so a match with what is wanted counts only when it is what was written last.
func (l *level) lateRead(previous targets) string {
	switch {
	case l.desired != nil && l.obs.ContentFresh && l.obs.Previous.Hash != "" && l.obs.SettingsMatch != (l.obs.Previous.Hash == l.desired.Hash),
		l.desired != nil && l.obs.ContentFresh && l.obs.SettingsMatch && !l.obs.NameMatch:
		return lateContent
	case l.obs.AssignFresh && !l.obs.AssignOpen && (!l.ours.equal(previous) || slices.ContainsFunc(l.foreign, l.unknown)):
		return "the assignments"
	}
	return ""
}

func (l *level) unknown(t Target) bool { return !slices.Contains(l.obs.KnownForeign, t.Label()) }

func (l *level) foreignInclude() bool { return slices.ContainsFunc(l.foreign, Target.widens) }

// idle says that the policy is to reach nobody: what it excludes does not matter then.
func (l *level) idle() bool { return len(l.want.include) == 0 && !l.foreignInclude() }

// hold says that this is the level that everybody has whom no other one has.
func (l *level) hold() bool { return l.key.Revision == 0 }

// open says that nobody knows whether the policy exists.
func (l *level) open() bool { return l.obs.CreateOpen && !l.obs.Exists }

// deleted says that somebody removed a policy that we knew.
func (l *level) deleted() bool {
	return l.desired != nil && !l.obs.Exists && !l.obs.CreateOpen && l.obs.ID != ""
}

// present says that the policy exists, or will when the plan gets to it.
func (l *level) present() bool { return l.obs.Exists || l.create }

// edited says that somebody else changed the settings: what a revision pinned is never written otherwise.
func (l *level) edited() bool { return l.obs.Exists && l.desired != nil && !l.obs.SettingsMatch }

// id that an action on the policy carries.
func (l *level) id() string {
	if l.obs.Exists {
		return l.obs.ID
	}
	return ""
}

// action on the policy, with all that is known of it.
func (l *level) action(kind ActionKind, reason string) Action {
	a := newAction(kind, l.key, l.id(), reason)
	a.Desired = l.desired
	if l.known {
		a.Observed = &l.obs
	}
	return a
}

// index finds desired and observed policies by key.
type index struct {
	desired  map[Key]Desired
	observed map[Key]Observed
}

func (in index) level(key Key) *level {
	l := &level{key: key}
	l.obs, l.known = in.observed[key]
	if d, ok := in.desired[key]; ok {
		l.desired = &d
	}
	return l
}

// keys are all keys, each once: by platform, and there by revision.
func (in index) keys() []Key {
	var out []Key
	for key := range in.desired {
		out = append(out, key)
	}
	for key := range in.observed {
		out = append(out, key)
	}
	slices.SortFunc(out, compareKeys)
	return slices.Compact(out)
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Role, b.Role))
}

func (in index) platforms() []v1alpha1.Platform {
	var out []v1alpha1.Platform
	for _, key := range in.keys() {
		out = append(out, key.Platform)
	}
	return slices.Compact(out)
}

// levels are the keys of a platform, ascending.
func (in index) levels(platform v1alpha1.Platform) []Key {
	return slices.DeleteFunc(in.keys(), func(k Key) bool { return k.Platform != platform })
}
