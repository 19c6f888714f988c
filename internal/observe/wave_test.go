// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"maps"
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

func (waveTenant) ClockOffset() time.Duration { return 0 }

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
	w.Status.Attempt = 1
	w.Status.Attempts = []v1alpha1.WaveAttempt{{Attempt: 1, Revision: 1, GroupID: "g", CreatedAt: v1alpha1.Stamp(now.Add(-ago))}}
	return rollout.World{Now: now, Wave: w, ObjectLag: ReplicationLag, MemberLag: MemberLag}
}

// TestReadMembers: the list is whole or it is not known, and only a group that has had time to show can be gone. One member
// that cannot be read is counted, and hides no other.
func TestReadMembers(t *testing.T) {
	for name, tt := range map[string]struct {
		ago           time.Duration
		members       []graph.Member
		err           error
		read          int // -1: not known
		gone, problem bool
		odd           int
	}{
		"read":            {time.Hour, []graph.Member{{ID: idA}, {ID: idB}}, nil, 2, false, false, 0},
		"empty":           {time.Hour, nil, nil, 0, false, false, 0},
		"gone":            {ReplicationLag, nil, notFound, -1, true, false, 0},
		"not shown yet":   {ReplicationLag - time.Second, nil, notFound, -1, false, true, 0},
		"away":            {time.Hour, nil, errAway, -1, false, true, 0},
		"odd in the list": {time.Hour, []graph.Member{{ID: idA}, {ID: "odd"}, {Kind: graph.MemberUnreadable}}, nil, 1, false, false, 2},
	} {
		world := exposing(tt.ago)
		src := waveTenant{tenant: &tenant{members: map[string][]graph.Member{"g": tt.members}, fail: map[string]error{"Members": tt.err}}}
		WaveReader{}.readMembers(t.Context(), src, &world)
		read := -1
		if world.Members != nil {
			read = len(world.Members)
		}
		if read != tt.read || world.GroupGone != tt.gone || (world.TenantProblem != nil) != tt.problem || world.UnreadableMembers != tt.odd {
			t.Errorf("%s: %+v, problem %+v", name, world.Members, world.TenantProblem)
		}
	}
	world := exposing(time.Hour)
	world.Wave.Status.Attempts = nil
	src := waveTenant{tenant: &tenant{}}
	if (WaveReader{}).readMembers(t.Context(), src, &world); world.Members != nil || len(src.calls) != 0 {
		t.Errorf("without a group: %v, calls %v", world.Members, src.calls)
	}
}

// TestFindLostGroups: groups are looked for where there may be one that the status does not know: of the current attempt and
// the next.
func TestFindLostGroups(t *testing.T) {
	unique := map[string]string{"tidegate-u-1": "x", "tidegate-u-2": "y", "tidegate-u-3": "z"}
	for name, tt := range map[string]struct {
		attempts []v1alpha1.WaveAttempt
		unique   map[string]string
		err      error
		lost     map[int32]string
		problem  bool
		calls    int
	}{
		"lost":        {nil, unique, nil, map[int32]string{1: "x", 2: "y"}, false, 2},
		"none":        {nil, nil, nil, nil, false, 2},
		"known":       {[]v1alpha1.WaveAttempt{{Attempt: 1, GroupID: "x"}}, unique, nil, map[int32]string{2: "y"}, false, 1},
		"not telling": {nil, unique, errAway, nil, true, 1},
	} {
		world := exposing(time.Hour)
		world.Wave.Status.Attempts = tt.attempts
		src := waveTenant{&tenant{fail: map[string]error{"GroupByUniqueName": tt.err}}, tt.unique}
		findLostGroups(t.Context(), src, &world)
		if !maps.Equal(world.LostGroups, tt.lost) || (world.TenantProblem != nil) != tt.problem || src.count("GroupByUniqueName") != tt.calls {
			t.Errorf("%s: %v %+v %v", name, world.LostGroups, world.TenantProblem, src.calls)
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
		"no group":   {v1alpha1.GroupRef{ID: idB}, nil, "refused " + v1alpha1.ReasonGroupNotFound},
		"forbidden":  {v1alpha1.GroupRef{ID: idA}, map[string]error{"TransitiveMembers": &graph.Error{Kind: graph.KindForbidden, Message: "no"}}, "refused " + v1alpha1.ReasonForbidden},
		"away":       {v1alpha1.GroupRef{ID: idA}, map[string]error{"TransitiveMembers": &graph.Error{Kind: graph.KindTransient, Message: "no"}}, v1alpha1.ReasonTransient},
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
			got += "refused " + world.Refused.Reason
		}
		if world.TenantProblem != nil {
			got += world.TenantProblem.Reason
		}
		if got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
