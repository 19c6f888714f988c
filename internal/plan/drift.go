// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"
)

func (b *builder) drift(l *level, kind DriftKind, format string, args ...any) {
	b.result.Drifts = append(b.result.Drifts, Drift{Key: l.key, Kind: kind, Detail: fmt.Sprintf(format, args...)})
}

// reportEdits reports what somebody else changed in a policy or took from it.
func (b *builder) reportEdits(l *level) {
	if l.deleted() && !l.desired.Retiring {
		b.drift(l, ObjectDeleted, "policy %s is gone from the tenant", l.obs.ID)
	}
	if !l.obs.Exists || l.desired == nil {
		return
	}
	if l.edited() {
		b.drift(l, SettingsEdited, "the settings of policy %s are not those that were written", l.obs.ID)
	}
	if !l.obs.NameMatch {
		b.drift(l, NameEdited, "name or description of policy %s are not those that were written", l.obs.ID)
	}
	if l.obs.AssignOpen {
		return // what is missing may be our own write, which never arrived
	}
	// What we asked for and still want, yet is not there. What we want anew, or want
	// no longer, may be a write of our own whose answer was lost.
	asked := targets{
		include: l.previous.include.intersect(l.want.include).minus(l.ours.include),
		exclude: l.previous.exclude.intersect(l.want.exclude).minus(l.ours.exclude),
	}
	if len(asked.include)+len(asked.exclude) > 0 {
		b.drift(l, AssignmentMissing, "policy %s: to %s was undone", l.obs.ID, difference(targets{}, asked))
	}
	if len(l.added.include)+len(l.added.exclude) > 0 {
		b.drift(l, ForeignAssignment, "policy %s was told by somebody else to %s, which are groups of waves", l.obs.ID, difference(targets{}, l.added))
	}
}

// reportForeign reports the targets that others added, in the light of what every level of the platform ends with.
func (b *builder) reportForeign(ladder []*level) {
	for i, l := range ladder {
		for _, t := range l.foreign {
			detail := fmt.Sprintf("%s was added to policy %s and is kept", t, l.obs.ID)
			switch {
			case t.Kind == TargetUnreadable:
				detail = fmt.Sprintf("policy %s has an assignment of which it cannot be read whom it reaches: it is left alone, but the next write of the assignments cannot keep it; "+
					"look at the policy in the tenant, and remove it there or assign anew whom it was for", l.obs.ID)
			case l.hold():
			case t.Kind == TargetExclude:
				detail += "; the revision does not reach that group"
			case slices.ContainsFunc(ladder[:i], func(earlier *level) bool { return earlier.collides(t) }):
				detail += "; an earlier level does not exclude it, so its devices may get both policies, which Intune reports as Conflict: " +
					"remove the assignment, or add the devices to a wave"
			}
			b.drift(l, ForeignAssignment, "%s", detail)
		}
	}
}

// collides says that the policy may reach devices of a target of somebody else on a later level.
func (l *level) collides(t Target) bool {
	if len(l.final.include) == 0 && !l.foreignInclude() {
		return false
	}
	return t.Kind != TargetInclude || !l.final.exclude.union(excluded(l.foreign)).has(strings.ToLower(t.GroupID))
}
