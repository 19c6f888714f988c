// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/controllers"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/journal"
	"github.com/tidegate/tidegate/internal/tenantsim"
)

// Admin is a Graph client of somebody else in the same tenant: what it changes are foreign edits.
func (w *World) Admin(t testing.TB) *graph.Client {
	t.Helper()
	cfg := graph.Config{
		TenantID: w.Sim.TenantID(), UserAgent: "admin",
		Auth:     graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: w.Sim.ClientID(), Secret: w.Sim.ClientSecret()}},
		Endpoint: &graph.Endpoint{GraphURL: w.SimURL, AuthorityURL: w.SimURL, CABundle: w.SimCA},
	}
	Tune(&cfg)
	cfg.MaxAttempts, cfg.MaxRetryWait = 6, 5*time.Second // somebody who waits when the service is busy, in real time
	c, err := graph.New(cfg)
	if err != nil {
		t.Fatalf("admin: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// OwnPolicies are the settings catalog policies in the tenant that the operator made.
func (w *World) OwnPolicies() []tenantsim.PolicySnapshot {
	return slices.DeleteFunc(w.Sim.Snapshot(false).Policies, func(p tenantsim.PolicySnapshot) bool { return !own(p.Name) })
}

// OwnPolicy finds the policy in the tenant that plays a role on a platform; nil when there is none. Of several revisions it is the
// newest, see OwnRevision.
func (w *World) OwnPolicy(t testing.TB, role v1alpha1.ObjectRole, platform v1alpha1.Platform) *tenantsim.PolicySnapshot {
	t.Helper()
	var found []tenantsim.PolicySnapshot
	for _, p := range w.OwnPolicies() {
		if ends(p.Name, string(role)) && strings.Contains(p.Name, " "+string(platform)+" ") {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil
	}
	if role == v1alpha1.RoleHold && len(found) > 1 {
		t.Fatalf("the tenant has %d policies for %s %s: %v", len(found), platform, role, found)
	}
	slices.SortFunc(found, func(a, b tenantsim.PolicySnapshot) int {
		return cmp.Or(len(b.Name)-len(a.Name), strings.Compare(b.Name, a.Name))
	})
	return &found[0]
}

// OwnRevision finds the policy in the tenant that carries a revision on a platform; nil when there is none.
func (w *World) OwnRevision(t testing.TB, platform v1alpha1.Platform, number int32) *tenantsim.PolicySnapshot {
	t.Helper()
	for _, p := range w.OwnPolicies() {
		if strings.HasSuffix(p.Name, fmt.Sprintf(" %s r%d", platform, number)) {
			return &p
		}
	}
	return nil
}

// GroupID is the group of a wave's current attempt.
func (w *World) GroupID(t testing.TB, wave string) string {
	t.Helper()
	s := w.Wave(t, wave).Status
	for _, a := range s.Attempts {
		if a.Attempt == s.Attempt {
			return a.GroupID
		}
	}
	t.Fatalf("wave %s has no group in attempt %d: %+v", wave, s.Attempt, s.Attempts)
	return ""
}

func own(name string) bool { return strings.HasPrefix(name, "Tidegate ") }

// OwnGroups are the managed groups that exist in the tenant.
func (w *World) OwnGroups() []tenantsim.GroupSnapshot {
	return slices.DeleteFunc(w.Sim.Snapshot(false).Groups, func(g tenantsim.GroupSnapshot) bool {
		return g.Deleted || !strings.HasPrefix(g.UniqueName, "tidegate-")
	})
}

// Group finds a group by display name.
func (w *World) Group(t testing.TB, name string) tenantsim.GroupSnapshot {
	t.Helper()
	for _, g := range w.Sim.Snapshot(false).Groups {
		if g.DisplayName == name && !g.Deleted {
			return g
		}
	}
	t.Fatalf("the tenant has no group %q", name)
	return tenantsim.GroupSnapshot{}
}

// Members reads the members of a group, sorted.
func (w *World) Members(t testing.TB, c *graph.Client, groupID string) []string {
	t.Helper()
	list, err := c.Members(t.Context(), groupID)
	if err != nil {
		t.Fatalf("members of %s: %v", groupID, err)
	}
	ids := make([]string, len(list))
	for i, m := range list {
		ids[i] = m.ID
	}
	slices.Sort(ids)
	return ids
}

// Ledger reads what a wave has written down, of its newest attempt; nil when it has frozen no audience.
func (w *World) Ledger(t testing.TB, wave string) *audience.Ledger {
	t.Helper()
	store := &journal.Store{Reader: w.Kube, Bound: controllers.LedgerBinding}
	readings, err := store.LoadAll(t.Context(), w.Wave(t, wave))
	if err != nil {
		t.Fatalf("ledger of %s: %v", wave, err)
	}
	if len(readings) == 0 {
		return nil
	}
	r := readings[slices.Max(slices.Collect(maps.Keys(readings)))]
	if r.Ledger == nil {
		t.Fatalf("ledger of %s: %s: %s", wave, r.State, r.Message)
	}
	return r.Ledger
}

// ExposedIDs are the devices that a wave's ledger says are exposed, sorted.
func (w *World) ExposedIDs(t testing.TB, wave string) []string {
	t.Helper()
	var ids []string
	if l := w.Ledger(t, wave); l != nil {
		for _, e := range l.Exposed() {
			ids = append(ids, e.ID.String())
		}
	}
	slices.Sort(ids)
	return ids
}

// Gone checks that an object no longer exists.
func (w *World) Gone(name string, into client.Object) func(context.Context) error {
	return func(ctx context.Context) error {
		err := w.Get(ctx, name, into)
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		if err == nil {
			return &stillThere{into}
		}
		return nil
	}
}

type stillThere struct{ o client.Object }

// Error names the object and what holds it.
func (s *stillThere) Error() string {
	text := s.o.GetName() + " still exists"
	if c, ok := s.o.(interface{ GetConditions() []metav1.Condition }); ok {
		for _, cond := range c.GetConditions() {
			text += "; " + cond.Type + " " + string(cond.Status) + " " + cond.Reason + ": " + cond.Message
		}
	}
	return text
}

// AllPolicies are the settings catalog policies that operators made, deleted ones too, with id and name only.
func (w *World) AllPolicies() []tenantsim.PolicySnapshot {
	w.front.mu.Lock()
	defer w.front.mu.Unlock()
	return slices.Clone(w.front.created)
}
