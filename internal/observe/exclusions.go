// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/rollout"
)

// readExclusions reads whom the wave and the policy exclude, where an attempt has a group: the current one, or an earlier one that
// stands, such as that of a wave which waits for its next attempt. The groups are small, and an exclusion has no other voice: they
// are read once in an interval of the policy, and sooner where spec names others than before (see Memo.exclusions). A list that
// cannot be read is unknown, whatever it was before.
func (r WaveReader) readExclusions(ctx context.Context, src WaveTenant, world *rollout.World) {
	if world.GroupID() == "" && len(world.StandingEarlier()) == 0 {
		return
	}
	if known, ok := r.Memo.exclusions(world, exclusionKey(world)); ok {
		world.Excluded = known
	} else {
		r.resolveExclusions(ctx, src, world)
	}
}

// renewExclusions reads a list again that was not read for this look, if somebody may be put into a group next: whoever was excluded
// since must not be, least of all one whom a person has taken out of the group by hand and excluded in one go (P2). It says whether
// the list is another one than before.
func (r WaveReader) renewExclusions(ctx context.Context, src WaveTenant, world *rollout.World) bool {
	before := world.Excluded
	if before == nil || !world.PutsIn() || r.Memo.excludedNow(world) {
		return false
	}
	r.resolveExclusions(ctx, src, world)
	return world.Excluded != nil && !maps.Equal(before, world.Excluded)
}

func (r WaveReader) resolveExclusions(ctx context.Context, src WaveTenant, world *rollout.World) {
	a := v1alpha1.Audience{Groups: v1alpha1.GroupSelection{Exclude: exclusions(world)}}
	ids, err := ResolveExclusions(ctx, src, &a, world.Unit())
	if err != nil {
		cause := causeOf(err)
		world.Excluded, world.ExclusionProblem = nil, &cause
		r.Memo.forget(world.Wave)
		if len(ids) == 0 {
			return
		} // those who are known to be excluded are
	}
	world.Excluded = make(map[audience.ID]bool, len(ids))
	for _, id := range ids {
		world.Excluded[id] = true
	}
	if err == nil {
		r.Memo.keepExclusions(world, exclusionKey(world))
	}
}

// exclusionKey identifies the groups that are excluded, as spec names them.
func exclusionKey(world *rollout.World) string {
	return rollout.AudienceHash(&v1alpha1.Audience{Groups: v1alpha1.GroupSelection{Exclude: exclusions(world)}})
}

// exclusions are the groups that the wave and its policy exclude.
func exclusions(world *rollout.World) []v1alpha1.GroupRef {
	refs := slices.Clone(world.Wave.Spec.Audience.Groups.Exclude)
	if p := world.Policy.Spec.Population; p != nil {
		refs = append(refs, p.Exclude...)
	}
	return refs
}

// interval is how old a list of the excluded may be.
func interval(world *rollout.World) time.Duration {
	if d := world.Policy.Spec.Interval.Duration; d > 0 {
		return d
	}
	return rollout.Idle
}
