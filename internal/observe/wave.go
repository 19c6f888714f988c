// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/rollout"
)

// IndexWavePolicy is the index of waves by the name of their policy.
const IndexWavePolicy = "spec.policyRef.name"

// WaveTenant is what is read of a wave's tenant.
type WaveTenant interface {
	MemberSource
	Members(ctx context.Context, groupID string) ([]graph.Member, error)
	GroupByUniqueName(ctx context.Context, uniqueName string) (graph.Group, error)
}

// Ledgers reads the ledgers of waves.
type Ledgers interface {
	// Load gives the ledger of a wave, nil when it has none.
	Load(ctx context.Context, w *v1alpha1.PilotWave) (*audience.Ledger, error)
}

// WaveReader reads the worlds of waves.
type WaveReader struct {
	// Client reads objects of the cluster. It has the index IndexWavePolicy.
	Client client.Reader
	// Ledgers reads what was frozen and exposed.
	Ledgers Ledgers
	// Store has client and fleet of each tenant.
	Store *fleet.Store
}

// Wave reads the world of one wave. What the tenant does not tell stays unknown and is the world's TenantProblem; an error is
// one of this cluster, and nothing may be concluded then.
func (r WaveReader) Wave(ctx context.Context, w *v1alpha1.PilotWave, now time.Time) (rollout.World, error) {
	world, err := r.cluster(ctx, w, now)
	if err != nil || world.Policy == nil {
		return world, err
	}
	key := TenantOf(world.Policy)
	inventory := r.Store.Inventory(key)
	if inventory != nil {
		world.Fleet = fleetView{inventory}
	}
	src := r.Store.Client(key)
	if src == nil || world.Tenant != nil && world.Tenant.Spec.Suspend { // a suspended Tenant is not asked, even before its client is gone
		return world, nil
	}
	world.Connected = true
	if !w.DeletionTimestamp.IsZero() {
		findLostGroup(ctx, src, &world)
		return world, nil
	}
	readMembers(ctx, src, &world)
	if world.TenantProblem != nil || inventory == nil || !world.Resolving() || world.Yields() {
		return world, nil
	}
	taken, err := r.takenByOthers(ctx, world)
	if err != nil {
		return world, err
	}
	findCandidates(ctx, src, inventory, taken, &world)
	return world, nil
}

// TenantOf is the key of a policy's Tenant.
func TenantOf(p *v1alpha1.PasskeyPolicy) types.NamespacedName {
	return types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.TenantRef.Name}
}

// Waves lists the waves of a policy. c has the index IndexWavePolicy.
func Waves(ctx context.Context, c client.Reader, namespace, policy string) ([]v1alpha1.PilotWave, error) {
	var list v1alpha1.PilotWaveList
	if err := c.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{IndexWavePolicy: policy}); err != nil {
		return nil, fmt.Errorf("list the waves of policy %q: %w", policy, err)
	}
	return list.Items, nil
}

// cluster reads what this cluster knows about a wave.
func (r WaveReader) cluster(ctx context.Context, w *v1alpha1.PilotWave, now time.Time) (rollout.World, error) {
	world := rollout.World{Now: now, Wave: w, MemberLag: MemberLag, ObjectLag: ReplicationLag}
	var err error
	if world.Siblings, err = Waves(ctx, r.Client, w.Namespace, w.Spec.PolicyRef.Name); err != nil {
		return world, err
	}
	if world.Policy, err = get(ctx, r.Client, w.Namespace, w.Spec.PolicyRef.Name, &v1alpha1.PasskeyPolicy{}); err != nil {
		return world, err
	}
	if world.Policy != nil {
		if world.Tenant, err = get(ctx, r.Client, w.Namespace, world.Policy.Spec.TenantRef.Name, &v1alpha1.Tenant{}); err != nil {
			return world, err
		}
	}
	world.Ledger, err = r.Ledgers.Load(ctx, w)
	return world, err
}

// takenByOthers tells the devices that other waves of the policy have frozen: a device belongs to one wave.
func (r WaveReader) takenByOthers(ctx context.Context, world rollout.World) (func(audience.ID) bool, error) {
	taken := map[audience.ID]bool{}
	for i := range world.Siblings {
		w := &world.Siblings[i]
		if w.UID == world.Wave.UID {
			continue
		}
		l, err := r.Ledgers.Load(ctx, w)
		if err != nil {
			return nil, err
		}
		if l == nil {
			continue
		}
		for _, e := range l.Entries {
			taken[e.Device] = true
		}
	}
	return func(id audience.ID) bool { return taken[id] }, nil
}

// findLostGroup looks for the group of a deleted wave that has frozen an audience and does not know its group: a crash came
// before the status could name it, or an older attempt was drained and its audience forgotten. It must not be left behind
// (P7).
func findLostGroup(ctx context.Context, src WaveTenant, world *rollout.World) {
	if world.GroupID() != "" || world.Ledger == nil {
		return
	}
	g, err := src.GroupByUniqueName(ctx, rollout.GroupName(world.Wave))
	switch {
	case graph.KindOf(err) == graph.KindNotFound:
	case err != nil:
		world.TenantProblem = problem(err, world.Now)
	default:
		world.LostGroup = g.ID
	}
}

// readMembers reads the members of the managed group, if there is one.
func readMembers(ctx context.Context, src WaveTenant, world *rollout.World) {
	id := world.GroupID()
	if id == "" {
		return
	}
	list, err := src.Members(ctx, id)
	if graph.KindOf(err) == graph.KindNotFound && world.GroupShows() {
		world.GroupGone, world.Members = true, map[audience.ID]bool{}
		return
	}
	if err != nil {
		world.TenantProblem = problem(fmt.Errorf("read the members of group %s: %w", id, err), world.Now)
		return
	}
	members := make(map[audience.ID]bool, len(list))
	for _, m := range list {
		device, err := audience.ParseID(m.ID)
		if err != nil {
			world.TenantProblem = problem(fmt.Errorf("group %s has a member with the id %q: %w", id, m.ID, err), world.Now)
			return
		}
		members[device] = true
	}
	world.Members = members
}

// findCandidates finds the devices of spec.audience, or why there are none to be had.
func findCandidates(ctx context.Context, src MemberSource, inventory *fleet.Inventory, taken func(audience.ID) bool, world *rollout.World) {
	c, err := ResolveAudience(ctx, src, inventory, &world.Wave.Spec.Audience, string(world.Policy.UID), world.Rules(), taken)
	var refused *Refusal
	switch {
	case err == nil:
		world.Candidates = &c
	case errors.As(err, &refused):
		world.Refused = &rollout.Cause{Reason: refused.Reason, Message: refused.Message}
	default:
		world.TenantProblem = problem(err, world.Now)
	}
}

// fleetView is an inventory as waves look at it.
type fleetView struct{ *fleet.Inventory }

// AsOf implements rollout.FleetView.
func (v fleetView) AsOf() time.Time { return v.Inventory.AsOf }

// Known implements rollout.FleetView.
func (v fleetView) Known(id audience.ID) bool {
	_, known := v.Device(id)
	return known
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
