// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/rollout"
)

// readExclusions reads whom the wave and the policy exclude, in an attempt whose audience is frozen. The groups are read again
// when spec names others, and once in an interval of the policy: they are small, and an exclusion has no other voice. A list that
// cannot be read is unknown, whatever it was before.
func (r WaveReader) readExclusions(ctx context.Context, src WaveTenant, world *rollout.World) {
	if world.GroupID() == "" {
		return
	}
	a := v1alpha1.Audience{Groups: v1alpha1.GroupSelection{Exclude: exclusions(world)}}
	key := rollout.AudienceHash(&a)
	if known, ok := r.Memo.exclusions(world, key); ok {
		world.Excluded = known
		return
	}
	ids, err := ResolveExclusions(ctx, src, &a, world.Unit())
	if err != nil {
		cause := causeOf(err)
		world.ExclusionProblem = &cause
		r.Memo.forget(world.Wave)
		if len(ids) == 0 {
			return
		}
	}
	world.Excluded = make(map[audience.ID]bool, len(ids))
	for _, id := range ids {
		world.Excluded[id] = true
	}
	if err == nil {
		r.Memo.keepExclusions(world, key)
	}
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
