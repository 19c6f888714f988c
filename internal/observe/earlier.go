// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/rollout"
)

// readEarlier reads ledger and group of each earlier attempt that stands: its devices have what it brought, and who is excluded,
// put in or taken out by others feels it there. One that was as it should be is read again when exclusions or ledger have changed,
// and once in an interval of the policy; one that was not, at every look.
func (r WaveReader) readEarlier(ctx context.Context, src WaveTenant, world *rollout.World) error {
	world.EarlierGroups = map[int32]rollout.GroupReading{}
	for _, a := range world.StandingEarlier() {
		n := a.Entry.Attempt
		if r.Memo.hasSettledGroup(world, a.Entry) {
			world.EarlierGroups[n] = rollout.GroupReading{Settled: true}
			continue
		}
		if err := r.readEarlierLedger(ctx, world, n); err != nil {
			return err
		}
		group, trouble := readGroup(ctx, src, world, a.Entry)
		if trouble != nil { // what the others show is acted on all the same
			world.TenantProblem = trouble
			continue
		}
		world.EarlierGroups[n] = group
	}
	for _, a := range world.StandingEarlier() {
		if !a.Group.Settled && world.Settles(a) {
			r.Memo.settleGroup(world, a.Entry)
		}
	}
	return nil
}

func (r WaveReader) readEarlierLedger(ctx context.Context, world *rollout.World, attempt int32) error {
	if _, read := world.Earlier[attempt]; read {
		return nil
	}
	reading, err := r.Ledgers.Load(ctx, world.Wave, attempt)
	if err != nil {
		return err
	}
	if world.Earlier == nil {
		world.Earlier = map[int32]audience.Reading{}
	}
	world.Earlier[attempt] = reading
	return nil
}
