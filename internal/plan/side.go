// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// side is one policy of a platform: what is wanted, what is there, what is planned.
type side struct {
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

	// create and replace say that the plan holds such an action.
	create, replace bool
	// late says what the tenant does not show although it took it a moment ago.
	late string
}

// newSides prepares both policies of a platform. What allow includes, hold may
// have to exclude: those groups count as ours there.
func newSides(platform v1alpha1.Platform, in index, opt Options) (allow, hold *side) {
	allow = in.side(Key{Role: v1alpha1.RoleAllow, Platform: platform})
	hold = in.side(Key{Role: v1alpha1.RoleHold, Platform: platform})
	previous := newSet(allow.obs.Previous.Include)
	allow.readTargets(nil, opt)
	hold.readTargets(allow.want.include.union(previous), opt)
	if hold.desired != nil && (len(hold.want.include) > 0 || hold.foreignInclude()) {
		hold.want.exclude = hold.want.exclude.union(allow.want.include)
		hold.want.include = hold.want.include.minus(hold.want.exclude)
	}
	return allow, hold
}

// readTargets sets want, ours, foreign and base. alsoExcluded are further groups
// whose exclusion is ours.
func (s *side) readTargets(alsoExcluded set, opt Options) {
	var asked targets
	if s.desired != nil {
		asked = targets{include: newSet(s.desired.Include), exclude: newSet(s.desired.Exclude)}
		// An exclusion beats an inclusion; both for one group say nothing more.
		s.want = targets{include: asked.include.minus(asked.exclude), exclude: asked.exclude}
	}
	previous := targets{include: newSet(s.obs.Previous.Include), exclude: newSet(s.obs.Previous.Exclude)}
	if !s.obs.Exists {
		return
	}
	s.ours, s.foreign = split(s.obs.Assignments, targets{
		include: asked.include.union(previous.include),
		exclude: asked.exclude.union(previous.exclude).union(alsoExcluded),
	})
	slices.SortStableFunc(s.foreign, func(x, y Target) int { return cmp.Compare(x.String(), y.String()) })
	s.late = s.lateRead(previous)
	s.base = s.ours
	if opt.Drift == v1alpha1.DriftReport && !s.obs.AssignOpen {
		s.base = previous
	}
	// Where somebody excludes a group, including it too would reach nobody.
	s.want.include = s.want.include.minus(excluded(s.foreign).minus(s.base.include))
}

const lateContent = "settings and name"

// lateRead compares a read with what the tenant took a moment ago. A payload that came and went again cannot be told from
// a late read, so a match with what is wanted counts only when it is what was written last.
func (s *side) lateRead(previous targets) string {
	switch {
	case s.desired == nil:
		return ""
	case s.obs.ContentFresh && s.obs.Previous.Hash != "" && s.obs.SettingsMatch != (s.obs.Previous.Hash == s.desired.Hash),
		s.obs.ContentFresh && s.obs.SettingsMatch && !s.obs.NameMatch:
		return lateContent
	case s.obs.AssignFresh && !s.obs.AssignOpen && (!s.ours.equal(previous) || slices.ContainsFunc(s.foreign, s.unknown)):
		return "the assignments"
	}
	return ""
}

func (s *side) unknown(t Target) bool { return !slices.Contains(s.obs.KnownForeign, t.Label()) }

func (s *side) foreignInclude() bool { return slices.ContainsFunc(s.foreign, Target.widens) }

// open says that nobody knows whether the policy exists.
func (s *side) open() bool { return s.obs.CreateOpen && !s.obs.Exists }

// deleted says that somebody removed a policy that we knew.
func (s *side) deleted() bool {
	return s.desired != nil && !s.obs.Exists && !s.obs.CreateOpen && s.obs.ID != ""
}

// present says that the policy exists, or will when the plan gets to it.
func (s *side) present() bool { return s.obs.Exists || s.create }

// edited says that somebody else changed the settings; a change of our own has
// another hash than the one last written.
func (s *side) edited() bool {
	return s.obs.Exists && s.desired != nil && !s.obs.SettingsMatch && !s.changed()
}

func (s *side) changed() bool {
	return s.obs.Exists && s.desired != nil && !s.obs.SettingsMatch &&
		s.obs.Previous.Hash != "" && s.obs.Previous.Hash != s.desired.Hash
}

// id that an action on the policy carries.
func (s *side) id() string {
	if s.obs.Exists {
		return s.obs.ID
	}
	return ""
}

// action on the policy, with all that is known of it.
func (s *side) action(kind ActionKind, reason string) Action {
	a := newAction(kind, s.key, s.id(), reason)
	a.Desired = s.desired
	if s.known {
		a.Observed = &s.obs
	}
	return a
}

// index finds desired and observed policies by key.
type index struct {
	desired  map[Key]Desired
	observed map[Key]Observed
}

func (in index) side(key Key) *side {
	s := &side{key: key}
	s.obs, s.known = in.observed[key]
	if d, ok := in.desired[key]; ok {
		s.desired = &d
	}
	return s
}

func (in index) platforms() []v1alpha1.Platform {
	var out []v1alpha1.Platform
	for key := range in.desired {
		out = append(out, key.Platform)
	}
	for key := range in.observed {
		out = append(out, key.Platform)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
