// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/rollout"
)

// readCandidates finds whom spec.audience selects, where an audience is to be resolved or may grow. A growing one is looked at
// once per reading of the fleet.
func (r WaveReader) readCandidates(ctx context.Context, src WaveTenant, inventory *fleet.Inventory, world *rollout.World) error {
	grows := world.Growing() && !r.Memo.hasSettled(world)
	if !grows && !world.Resolving() {
		return nil
	}
	claims, err := TakenByOthers(ctx, r.Ledgers, world.Wave, world.Siblings, world.Target().Revision)
	if err != nil {
		return err
	}
	if len(claims.Unknown) > 0 {
		world.TenantProblem = &rollout.TenantProblem{Cause: claims.Cause(), RetryAfter: rollout.Idle}
		return nil
	}
	if err := claims.readClosed(ctx, src); err != nil {
		world.TenantProblem = problem(err, world.Now)
		return nil
	}
	findCandidates(ctx, src, inventory, claims.Has, world)
	if grows && world.Candidates != nil && len(world.Joiners()) == 0 {
		r.Memo.settle(world)
	}
	return nil
}

// findCandidates finds the members of spec.audience, or why there are none to be had.
func findCandidates(ctx context.Context, src MemberSource, inventory *fleet.Inventory, taken func(audience.ID) bool, world *rollout.World) {
	a := world.Wave.Spec.Audience.DeepCopy()
	a.Groups.Exclude = exclusions(world)
	c, err := ResolveAudience(ctx, src, inventory, world.Unit(), a, string(world.Policy.UID), world.Rules(), taken)
	if err == nil {
		err = keepInside(ctx, src, world.Policy.Spec.Population, a.Groups.Include, world.Unit(), &c)
	}
	var refused *Refusal
	switch {
	case err == nil:
		world.Candidates = &c
	case errors.As(err, &refused), graph.KindOf(err) == graph.KindForbidden, graph.KindOf(err) == graph.KindNotFound:
		cause := causeOf(err)
		world.Refused = &cause
	default:
		world.TenantProblem = problem(err, world.Now)
	}
}

// Claims are whom the other waves of a policy have in their audiences.
type Claims struct {
	taken map[audience.ID]bool
	// Unknown names the waves of which nobody can say whom they have, each with why.
	Unknown []string
	// closed are the groups of earlier attempts whose ledgers are lost or altered. Such an attempt exposes nobody any more: whom
	// it has is who is in its group.
	closed []string
}

// Has says whether another wave has the member.
func (c Claims) Has(id audience.ID) bool { return c.taken[id] }

// readClosed adds the members of the groups of closed attempts. One that is gone has none.
func (c *Claims) readClosed(ctx context.Context, src WaveTenant) error {
	for _, group := range c.closed {
		members, err := src.Members(ctx, group)
		if err != nil && graph.KindOf(err) != graph.KindNotFound {
			return fmt.Errorf("read the members of group %s, whose ledger is lost: %w", group, err)
		}
		for _, m := range members {
			if id, err := audience.ParseID(m.ID); err == nil { // who has no such id is in no audience
				c.taken[id] = true
			}
		}
	}
	return nil
}

// Cause says what keeps a wave from taking its devices, while there is a wave of which nobody knows whom it has.
func (c Claims) Cause() rollout.Cause {
	return rollout.Cause{Reason: v1alpha1.ReasonLedgerLost, Message: fmt.Sprintf(
		"nobody can say which devices another wave has: %s; request a retry of that wave, or delete it", strings.Join(c.Unknown, "; "))}
}

// TakenByOthers reads which members the other waves have in attempts that bring revision or a later one and still stand: a
// device belongs to one wave. A device that another wave brought an earlier revision may be taken; it then has the later one
// only. A ledger that is written and not bound yet counts: its wave is about to freeze it.
func TakenByOthers(ctx context.Context, ledgers Ledgers, self *v1alpha1.PilotWave, waves []v1alpha1.PilotWave, revision int32) (Claims, error) {
	c := Claims{taken: map[audience.ID]bool{}}
	for i := range waves {
		w := &waves[i]
		if w.UID == self.UID {
			continue
		}
		stored, err := ledgers.LoadAll(ctx, w)
		if err != nil {
			return c, err
		}
		c.add(w, stored, revision)
	}
	return c, nil
}

func (c *Claims) add(w *v1alpha1.PilotWave, stored map[int32]audience.Reading, revision int32) {
	for attempt, r := range stored {
		switch {
		case !stands(w, attempt, revision):
		case r.Ledger != nil:
			for _, e := range r.Ledger.Entries {
				if r.Ledger.Revision >= revision && e.ExcludedAt.IsZero() && e.Refused == audience.RefusedNot {
					c.taken[e.ID] = true
				}
			}
		case r.State == audience.LedgerLost || r.State == audience.LedgerAltered:
			c.lost(w, attempt, fmt.Sprintf("is not what its status says (%s)", r.State))
		}
	}
	for _, a := range w.Status.Attempts { // all of it is gone
		if _, ok := stored[a.Attempt]; !ok && a.Ledger != nil && stands(w, a.Attempt, revision) {
			c.lost(w, a.Attempt, "is lost")
		}
	}
}

// lost notes an attempt whose ledger does not say whom it has. The current one may take more yet: its ledger may come back.
func (c *Claims) lost(w *v1alpha1.PilotWave, attempt int32, why string) {
	if attempt >= w.Status.Attempt {
		c.Unknown = append(c.Unknown, fmt.Sprintf("the ledger of attempt %d of wave %q %s", attempt, w.Name, why))
		return
	}
	for _, a := range w.Status.Attempts {
		if a.Attempt == attempt && a.GroupID != "" {
			c.closed = append(c.closed, a.GroupID)
		}
	}
}

// stands says that an attempt of a wave brings revision or a later one and is not withdrawn.
func stands(w *v1alpha1.PilotWave, attempt, revision int32) bool {
	i := slices.IndexFunc(w.Status.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Attempt == attempt })
	if i < 0 {
		return attempt >= w.Status.Attempt // it may be about to be frozen
	}
	return w.Status.Attempts[i].WithdrawnAt == nil && w.Status.Attempts[i].Revision >= revision
}
