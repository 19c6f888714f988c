// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

import (
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
	"github.com/tidegate/tidegate/internal/testkit/hosts"
)

// Admin is a Graph client of somebody else in the same tenant: what it changes are foreign edits.
func (w *World) Admin(t testing.TB) *graph.Client {
	t.Helper()
	cfg := graph.Config{
		TenantID: w.Sim.TenantID(), UserAgent: "admin",
		Auth:         graph.Auth{ClientSecret: &graph.ClientSecret{ClientID: w.Sim.ClientID(), Secret: w.Sim.ClientSecret()}},
		Endpoint:     &graph.Endpoint{GraphURL: w.SimURL, AuthorityURL: w.SimURL, CABundle: w.SimCA},
		AllowedHosts: hosts.Allow(t, w.SimURL),
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

// OwnPolicy finds the policy in the tenant that plays a role on a platform, of revisions the latest; nil when there is none.
func (w *World) OwnPolicy(t testing.TB, role v1alpha1.ObjectRole, platform v1alpha1.Platform) *tenantsim.PolicySnapshot {
	t.Helper()
	found := w.playing(string(platform) + " " + string(role))
	if len(found) == 0 {
		return nil
	}
	last := slices.MaxFunc(found, func(a, b tenantsim.PolicySnapshot) int { return int(revisionOf(a.Name) - revisionOf(b.Name)) })
	w.mustBeOne(t, found, last.Name)
	return &last
}

// OwnRevision finds the policy of one revision on a platform in the tenant, 0 being hold; nil when there is none.
func (w *World) OwnRevision(t testing.TB, platform v1alpha1.Platform, revision int32) *tenantsim.PolicySnapshot {
	t.Helper()
	level := fmt.Sprintf("r%d", revision)
	if revision == 0 {
		level = string(v1alpha1.RoleHold)
	}
	found := w.playing(string(platform) + " " + level)
	if len(found) == 0 {
		return nil
	}
	w.mustBeOne(t, found, found[0].Name)
	return &found[0]
}

// playing are the operator's policies whose names end in suffix, see plays.
func (w *World) playing(suffix string) []tenantsim.PolicySnapshot {
	return slices.DeleteFunc(w.OwnPolicies(), func(p tenantsim.PolicySnapshot) bool { return !plays(p.Name, suffix) })
}

func (w *World) mustBeOne(t testing.TB, found []tenantsim.PolicySnapshot, name string) {
	t.Helper()
	n := 0
	for _, p := range found {
		if p.Name == name {
			n++
		}
	}
	if n > 1 {
		t.Fatalf("the tenant has %d policies named %q: %v", n, name, found)
	}
}

// plays says that the name of a policy ends in suffix. Role Allow at its end stands for any revision.
func plays(name, suffix string) bool {
	head, revision := strings.CutSuffix(suffix, string(v1alpha1.RoleAllow))
	if !revision {
		return strings.HasSuffix(name, " "+suffix)
	}
	return revisionOf(name) > 0 && strings.HasSuffix(name, head+fmt.Sprintf("r%d", revisionOf(name)))
}

// revisionOf is the number that ends the name of a revision's policy, 0 for hold.
func revisionOf(name string) int32 {
	var n int32
	if _, err := fmt.Sscanf(name[strings.LastIndex(name, " ")+1:], "r%d", &n); err != nil {
		return 0
	}
	return n
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

// AttemptGroup is the id of the group of a wave's current attempt; empty while it has none.
func (w *World) AttemptGroup(t testing.TB, wave string) string {
	t.Helper()
	s := w.Wave(t, wave).Status
	i := slices.IndexFunc(s.Attempts, func(a v1alpha1.WaveAttempt) bool { return a.Attempt == s.Attempt })
	if i < 0 {
		return ""
	}
	return s.Attempts[i].GroupID
}
