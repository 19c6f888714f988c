// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/fleet"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/rollout"
)

// waveTenant is a tenant with the members of groups and the group of a unique name.
type waveTenant struct {
	*tenant
	unique map[string]string
}

func (f waveTenant) Members(_ context.Context, id string) ([]graph.Member, error) {
	return f.members[id], f.call("Members")
}

func (f waveTenant) GroupByUniqueName(_ context.Context, name string) (graph.Group, error) {
	if err := f.call("GroupByUniqueName"); err != nil {
		return graph.Group{}, err
	}
	if id, ok := f.unique[name]; ok {
		return graph.Group{ID: id}, nil
	}
	return graph.Group{}, notFound
}

// exposing is the world of a wave whose group was made at the given time before now.
func exposing(ago time.Duration) rollout.World {
	now := time.Date(2026, 6, 1, 6, 0, 0, 0, time.UTC)
	w := &v1alpha1.PilotWave{ObjectMeta: metav1.ObjectMeta{UID: "u"}}
	w.Status.Audience = &v1alpha1.AudienceStatus{GroupID: "g", ResolvedAt: v1alpha1.Stamp(now.Add(-ago))}
	return rollout.World{Now: now, Wave: w, ObjectLag: ReplicationLag, MemberLag: MemberLag}
}

// TestReadMembers: the list is whole or it is not known, and only a group that has had time to show can be gone.
func TestReadMembers(t *testing.T) {
	for name, tt := range map[string]struct {
		ago           time.Duration
		members       []graph.Member
		err           error
		read          int // -1: not known
		gone, problem bool
	}{
		"read":            {time.Hour, []graph.Member{{ID: idA}, {ID: idB}}, nil, 2, false, false},
		"empty":           {time.Hour, nil, nil, 0, false, false},
		"gone":            {ReplicationLag, nil, notFound, 0, true, false},
		"not shown yet":   {ReplicationLag - time.Second, nil, notFound, -1, false, true},
		"away":            {time.Hour, nil, errAway, -1, false, true},
		"odd in the list": {time.Hour, []graph.Member{{ID: idA}, {ID: "odd"}}, nil, -1, false, true},
	} {
		world := exposing(tt.ago)
		src := waveTenant{tenant: &tenant{members: map[string][]graph.Member{"g": tt.members}, fail: map[string]error{"Members": tt.err}}}
		readMembers(t.Context(), src, &world)
		read := -1
		if world.Members != nil {
			read = len(world.Members)
		}
		if read != tt.read || world.GroupGone != tt.gone || (world.TenantProblem != nil) != tt.problem {
			t.Errorf("%s: %+v, problem %+v", name, world.Members, world.TenantProblem)
		}
	}
	world := exposing(time.Hour)
	world.Wave.Status.Audience = nil
	src := waveTenant{tenant: &tenant{}}
	if readMembers(t.Context(), src, &world); world.Members != nil || len(src.calls) != 0 {
		t.Errorf("without a group: %v, calls %v", world.Members, src.calls)
	}
}

// TestFindLostGroup: a group is looked for where there may be one that the status does not know.
func TestFindLostGroup(t *testing.T) {
	for name, tt := range map[string]struct {
		known, ledger bool
		unique        map[string]string
		err           error
		lost          string
		problem       bool
		calls         int
	}{
		"lost":        {false, true, map[string]string{"tidegate-u": "x"}, nil, "x", false, 1},
		"none":        {false, true, nil, nil, "", false, 1},
		"known":       {true, true, map[string]string{"tidegate-u": "x"}, nil, "", false, 0},
		"no ledger":   {false, false, map[string]string{"tidegate-u": "x"}, nil, "", false, 0},
		"not telling": {false, true, nil, errAway, "", true, 1},
	} {
		world := exposing(time.Hour)
		if !tt.known {
			world.Wave.Status.Audience = nil
		}
		if tt.ledger {
			world.Ledger = &audience.Ledger{}
		}
		src := waveTenant{&tenant{fail: map[string]error{"GroupByUniqueName": tt.err}}, tt.unique}
		findLostGroup(t.Context(), src, &world)
		if world.LostGroup != tt.lost || (world.TenantProblem != nil) != tt.problem || src.count("GroupByUniqueName") != tt.calls {
			t.Errorf("%s: %q %+v %v", name, world.LostGroup, world.TenantProblem, src.calls)
		}
	}
}

// TestFindCandidates: candidates, a refusal, or a tenant that does not tell: one of the three.
func TestFindCandidates(t *testing.T) {
	never := func(audience.ID) bool { return false }
	for name, tt := range map[string]struct {
		ref  v1alpha1.GroupRef
		fail map[string]error
		want string
	}{
		"candidates": {v1alpha1.GroupRef{ID: idA}, nil, "candidates"},
		"no group":   {v1alpha1.GroupRef{ID: idB}, nil, v1alpha1.ReasonGroupNotFound},
		"away":       {v1alpha1.GroupRef{ID: idA}, map[string]error{"TransitiveMembers": &graph.Error{Kind: graph.KindForbidden, Message: "no"}}, v1alpha1.ReasonForbidden},
	} {
		world := exposing(time.Hour)
		world.Policy = &v1alpha1.PasskeyPolicy{}
		world.Wave.Spec.Audience.Groups.Include = []v1alpha1.GroupRef{tt.ref}
		findCandidates(t.Context(), &tenant{groups: []graph.Group{{ID: idA}}, fail: tt.fail}, &fleet.Inventory{}, never, &world)
		got := ""
		if world.Candidates != nil {
			got += "candidates"
		}
		if world.Refused != nil {
			got += world.Refused.Reason
		}
		if world.TenantProblem != nil {
			got += world.TenantProblem.Reason
		}
		if got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
