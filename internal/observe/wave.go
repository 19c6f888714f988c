// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/plan"
	"github.com/tidegate/tidegate/internal/rollout"
)

// IndexWavePolicy is the index of waves by the name of their policy.
const IndexWavePolicy = "spec.policyRef.name"

// WaveTenant is what is read of a wave's tenant.
type WaveTenant interface {
	MemberSource
	Members(ctx context.Context, groupID string) ([]graph.Member, error)
	GroupByUniqueName(ctx context.Context, uniqueName string) (graph.Group, error)
	// ClockOffset is by how much the tenant's clock is ahead of this machine's, as its newest answer shows.
	ClockOffset() time.Duration
}

// Ledgers reads the ledgers of waves. That one is lost or altered is a fact in the reading; an error is one of the cluster.
type Ledgers interface {
	Load(ctx context.Context, w *v1alpha1.PilotWave, attempt int32) (audience.Reading, error)
	LoadAll(ctx context.Context, w *v1alpha1.PilotWave) (map[int32]audience.Reading, error)
}

// WaveReader reads the worlds of waves, in two steps: what this cluster has, on which safety is decided (P9), and the rest.
type WaveReader struct {
	// Client reads objects of the cluster. It has the index IndexWavePolicy.
	Client client.Reader
	// Ledgers reads what was frozen and exposed.
	Ledgers Ledgers
	// Store has client and fleet of each tenant.
	Store *fleet.Store
	// Memo remembers what was read of groups; nil reads them each time.
	Memo *Memo
}

// Cluster reads the objects of this cluster that concern a wave.
func (r WaveReader) Cluster(ctx context.Context, w *v1alpha1.PilotWave, now time.Time) (rollout.World, error) {
	world := rollout.World{Now: now, Wave: w, MemberLag: MemberLag, ObjectLag: ReplicationLag, AssignmentLag: plan.AssignmentLag}
	var err error
	if world.Siblings, err = Waves(ctx, r.Client, w.Namespace, w.Spec.PolicyRef.Name); err != nil {
		return world, err
	}
	if world.Policy, err = get(ctx, r.Client, w.Namespace, w.Spec.PolicyRef.Name, &v1alpha1.PasskeyPolicy{}); err != nil || world.Policy == nil {
		return world, err
	}
	world.Tenant, err = get(ctx, r.Client, w.Namespace, world.Policy.Spec.TenantRef.Name, &v1alpha1.Tenant{})
	return world, err
}

// Observe adds the ledgers, the tenant and the fleet to what the cluster has. What the tenant does not tell stays unknown and
// is the world's TenantProblem; an error is one of this cluster, and nothing may be concluded then.
func (r WaveReader) Observe(ctx context.Context, world *rollout.World) error {
	if err := r.readLedgers(ctx, world); err != nil {
		return err
	}
	src, inventory := r.tenant(world)
	if src == nil {
		return nil
	}
	defer func() { world.ClockOffset = src.ClockOffset() }() // by the answers to what is asked here
	r.readExclusions(ctx, src, world)
	if err := r.readGroups(ctx, src, world); err != nil {
		return err
	}
	if r.renewExclusions(ctx, src, world) {
		if err := r.readGroups(ctx, src, world); err != nil {
			return err
		}
	}
	if world.TenantProblem != nil || inventory == nil {
		return nil
	}
	return r.readCandidates(ctx, src, inventory, world)
}

// Departing adds what the release of a deleted wave needs: of which attempts there are ledgers, and groups in the tenant that
// the status does not know.
func (r WaveReader) Departing(ctx context.Context, world *rollout.World) error {
	var err error
	if world.Earlier, err = r.Ledgers.LoadAll(ctx, world.Wave); err != nil {
		return err
	}
	if src, _ := r.tenant(world); src != nil {
		findLostGroups(ctx, src, world)
	}
	return nil
}

// tenant gives client and inventory of the wave's tenant, nil where there is none or where nothing may be asked of it.
func (r WaveReader) tenant(world *rollout.World) (WaveTenant, *fleet.Inventory) {
	if world.Policy == nil {
		return nil, nil
	}
	key := TenantOf(world.Policy)
	inventory := r.Store.Inventory(key)
	if inventory != nil {
		world.Fleet = fleetView{inventory}
	}
	src := r.Store.Client(key)
	if src == nil || world.Tenant != nil && world.Tenant.Spec.Suspend {
		return nil, inventory
	}
	world.Connected = true
	return src, inventory
}

// readLedgers reads the ledger of the current attempt, and those of the others while a rollback has to be proven.
func (r WaveReader) readLedgers(ctx context.Context, world *rollout.World) error {
	w := world.Wave
	switch w.Status.Phase { //nolint:exhaustive // no other phase has a rollback to prove
	case v1alpha1.PhaseRollingBack, v1alpha1.PhaseRollbackIncomplete:
		all, err := r.Ledgers.LoadAll(ctx, w)
		if err != nil {
			return err
		}
		world.Earlier, world.Ledger = all, all[w.Status.Attempt]
		if _, stored := all[w.Status.Attempt]; stored {
			return nil
		}
	}
	var err error
	if w.Status.Attempt > 0 {
		world.Ledger, err = r.Ledgers.Load(ctx, w, w.Status.Attempt)
	}
	return err
}

// TenantOf is the key of a policy's Tenant.
func TenantOf(p *v1alpha1.PasskeyPolicy) types.NamespacedName {
	return types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.TenantRef.Name}
}

// Waves lists the waves of a policy, by name. c has the index IndexWavePolicy.
func Waves(ctx context.Context, c client.Reader, namespace, policy string) ([]v1alpha1.PilotWave, error) {
	var list v1alpha1.PilotWaveList
	if err := c.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{IndexWavePolicy: policy}); err != nil {
		return nil, fmt.Errorf("list the waves of policy %q: %w", policy, err)
	}
	// A cache lists in no order, and nothing may depend on one.
	slices.SortFunc(list.Items, func(a, b v1alpha1.PilotWave) int { return cmp.Compare(a.Name, b.Name) })
	return list.Items, nil
}

// findLostGroups looks for groups of a deleted wave that its status does not know: a crash came before the status could name
// it. Only the current attempt and the next can have one. It must not be left behind (P7).
func findLostGroups(ctx context.Context, src WaveTenant, world *rollout.World) {
	s := &world.Wave.Status
	for _, attempt := range []int32{max(1, s.Attempt), max(1, s.Attempt) + 1} {
		if rollout.HasGroup(s, attempt) {
			continue
		}
		g, err := src.GroupByUniqueName(ctx, rollout.GroupName(world.Wave, attempt))
		switch {
		case graph.KindOf(err) == graph.KindNotFound:
		case err != nil:
			world.TenantProblem = problem(err, world.Now)
			return
		default:
			if world.LostGroups == nil {
				world.LostGroups = map[int32]string{}
			}
			world.LostGroups[attempt] = g.ID
		}
	}
}

// readGroups reads the groups of every attempt that stands. Exclusions have been read by then.
func (r WaveReader) readGroups(ctx context.Context, src WaveTenant, world *rollout.World) error {
	r.readMembers(ctx, src, world)
	if world.TenantProblem != nil {
		return nil
	}
	if err := r.readEarlier(ctx, src, world); err != nil || world.TenantProblem != nil {
		return err
	}
	world.TenantProblem = readTaken(ctx, src, world)
	return nil
}

// readTaken reads the groups of attempts that are taken back and have no other record.
func readTaken(ctx context.Context, src WaveTenant, world *rollout.World) *rollout.TenantProblem {
	for _, a := range world.Unreadable() {
		group, trouble := readGroup(ctx, src, world, &a)
		if trouble != nil {
			return trouble
		}
		if group.GroupGone || group.UnreadableMembers > 0 {
			continue // nobody can say any more
		}
		if world.TakenMembers == nil {
			world.TakenMembers = map[int32][]audience.ID{}
		}
		world.TakenMembers[a.Attempt] = slices.SortedFunc(maps.Keys(group.Members), audience.ID.Compare)
	}
	return nil
}

// readMembers reads the members of the current attempt's group, if there is one. That of a wave which has succeeded is read once in
// an interval of the policy as long as it is as it should be (see readEarlier); before that, a batch may be on its way into it.
func (r WaveReader) readMembers(ctx context.Context, src WaveTenant, world *rollout.World) {
	s := &world.Wave.Status
	a := rollout.Current(s)
	switch {
	case a == nil || a.GroupID == "":
		return
	case s.Phase == v1alpha1.PhaseSucceeded && r.Memo.hasSettledGroup(world, a):
		world.Settled = true
		return
	}
	world.GroupReading, world.TenantProblem = readGroup(ctx, src, world, a)
	if s.Phase == v1alpha1.PhaseSucceeded && world.Settles(world.CurrentAttempt()) {
		r.Memo.settleGroup(world, a)
	}
}

// readGroup reads the members of the group of an attempt. A list is whole or it is not known, and only a group that has had the
// time to show can be gone.
func readGroup(ctx context.Context, src WaveTenant, world *rollout.World, a *v1alpha1.WaveAttempt) (rollout.GroupReading, *rollout.TenantProblem) {
	list, err := src.Members(ctx, a.GroupID)
	if graph.KindOf(err) == graph.KindNotFound && world.Shows(a) {
		return rollout.GroupReading{GroupGone: true}, nil
	}
	if err != nil {
		return rollout.GroupReading{}, problem(fmt.Errorf("read the members of group %s: %w", a.GroupID, err), world.Now)
	}
	members, unreadable := make(map[audience.ID]bool, len(list)), 0
	for _, m := range list {
		id, err := audience.ParseID(m.ID)
		if err != nil { // one member that is not understood hides none of the others
			unreadable++
			continue
		}
		members[id] = true
	}
	return rollout.GroupReading{Members: members, UnreadableMembers: unreadable}, nil
}

// fleetView is an inventory as waves look at it.
type fleetView struct{ *fleet.Inventory }

// AsOf implements rollout.FleetView.
func (v fleetView) AsOf() time.Time { return v.Inventory.AsOf }

// ReportsAsOf implements rollout.FleetView.
func (v fleetView) ReportsAsOf(policyID string) (time.Time, bool) { return v.StatusesAsOf(policyID) }

// Known implements rollout.FleetView.
func (v fleetView) Known(id audience.ID) bool { return !v.Gone(id) }

// causeOf is the cause behind an error of reading groups: what a person wrote, or what the tenant said.
func causeOf(err error) rollout.Cause {
	var refused *Refusal
	if errors.As(err, &refused) {
		return rollout.Cause{Reason: refused.Reason, Message: refused.Message}
	}
	return rollout.Cause{Reason: graph.Reason(err), Message: graph.Readable(err)}
}

// get reads one object; nil when it does not exist.
func get[T client.Object](ctx context.Context, c client.Reader, namespace, name string, into T) (T, error) {
	var none T
	err := c.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, into)
	if apierrors.IsNotFound(err) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("read %T %q: %w", into, name, err)
	}
	return into, nil
}
