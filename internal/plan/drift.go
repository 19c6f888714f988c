// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"
)

func (b *builder) drift(s *side, kind DriftKind, format string, args ...any) {
	b.result.Drifts = append(b.result.Drifts, Drift{Key: s.key, Kind: kind, Detail: fmt.Sprintf(format, args...)})
}

// reportEdits reports what somebody else changed in a policy or took from it.
func (b *builder) reportEdits(sides ...*side) {
	for _, s := range sides {
		if s.deleted() {
			b.drift(s, ObjectDeleted, "policy %s is gone from the tenant", s.obs.ID)
		}
		if !s.obs.Exists || s.desired == nil {
			continue
		}
		if s.edited() {
			b.drift(s, SettingsEdited, "the settings of policy %s are not those that were written", s.obs.ID)
		}
		if !s.obs.NameMatch {
			b.drift(s, NameEdited, "name or description of policy %s are not those that were written", s.obs.ID)
		}
		if s.obs.AssignOpen {
			continue // what is missing may be our own write, which never arrived
		}
		// What we asked for and still want, yet is not there. What we want anew, or want
		// no longer, may be a write of our own whose answer was lost.
		asked := targets{
			include: newSet(s.obs.Previous.Include).intersect(s.want.include).minus(s.ours.include),
			exclude: newSet(s.obs.Previous.Exclude).intersect(s.want.exclude).minus(s.ours.exclude),
		}
		if len(asked.include)+len(asked.exclude) > 0 {
			b.drift(s, AssignmentMissing, "policy %s: to %s was undone", s.obs.ID, difference(targets{}, asked))
		}
	}
}

// reportForeign reports the targets that others added. held are our targets on
// hold at the end of the plan.
func (b *builder) reportForeign(allow, hold *side, held targets) {
	for _, t := range allow.foreign {
		detail := fmt.Sprintf("%s was added to policy %s and is kept", t, allow.obs.ID)
		switch {
		case t.Kind == TargetExclude:
			detail += "; the allow policy does not reach that group"
		case len(held.include) == 0 && !hold.foreignInclude():
		case t.Kind == TargetInclude && held.exclude.union(excluded(hold.foreign)).has(strings.ToLower(t.GroupID)):
		default:
			detail += "; hold does not exclude it, so its devices may get both policies, which Intune reports as Conflict: " +
				"remove the assignment, or add the devices to a wave"
		}
		b.drift(allow, ForeignAssignment, "%s", detail)
	}
	for _, t := range hold.foreign {
		b.drift(hold, ForeignAssignment, "%s was added to policy %s and is kept", t, hold.obs.ID)
	}
}
