// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/graph"
)

// storyTenant has the groups of a tenant. A list of members shows a change after memberLag.
type storyTenant struct {
	s      *story
	groups map[string]*storyGroup
	// loseAnswer and refuse are what becomes of the next write.
	loseAnswer, refuse bool
}

type storyGroup struct {
	id      string
	members map[audience.ID]bool
	changed map[audience.ID]time.Time
}

func (g *storyGroup) set(id audience.ID, member bool, at time.Time) {
	g.members[id], g.changed[id] = member, at
}

// shown are the members that a list has now.
func (g *storyGroup) shown(now time.Time) map[audience.ID]bool {
	out := map[audience.ID]bool{}
	for id, member := range g.members {
		if member == (now.Sub(g.changed[id]) >= memberLag) {
			out[id] = true
		}
	}
	return out
}

// wrote ends a write: the story tells of it, and the answer may be lost.
func (t *storyTenant) wrote(format string, args ...any) error {
	t.s.note("tenant", format, args...)
	if t.s.crash == afterTenant {
		panic(afterTenant)
	}
	if t.loseAnswer {
		t.loseAnswer = false
		t.s.note("tenant", "the answer is lost")
		return &graph.Error{Kind: graph.KindTransient, Op: "write", Message: "the connection was closed", OutcomeUnknown: true}
	}
	return nil
}

// refused says that the write at hand does not happen.
func (t *storyTenant) refused() error {
	if !t.refuse {
		return nil
	}
	t.refuse = false
	t.s.note("tenant", "refuses a write")
	return &graph.Error{Kind: graph.KindForbidden, Op: "write", Status: 403, Message: "Insufficient privileges to complete the operation."}
}

// UpsertGroup implements execute.GroupTenant.
func (t *storyTenant) UpsertGroup(_ context.Context, uniqueName string, _ graph.GroupSpec) (graph.Group, bool, error) {
	if err := t.refused(); err != nil {
		return graph.Group{}, false, err
	}
	id := strings.TrimPrefix(uniqueName, "tidegate-")
	if t.groups[id] != nil {
		return graph.Group{ID: id}, false, nil
	}
	t.groups[id] = &storyGroup{id: id, members: map[audience.ID]bool{}, changed: map[audience.ID]time.Time{}}
	return graph.Group{ID: id}, true, t.wrote("group %s is made", id)
}

// DeleteGroup implements execute.GroupTenant.
func (t *storyTenant) DeleteGroup(_ context.Context, id string) error {
	if err := t.refused(); err != nil {
		return err
	}
	if t.groups[id] == nil {
		return &graph.Error{Kind: graph.KindNotFound, Op: "delete"}
	}
	delete(t.groups, id)
	return t.wrote("group %s is deleted", id)
}

// AddMembers implements execute.GroupTenant.
func (t *storyTenant) AddMembers(_ context.Context, groupID string, ids []string) ([]graph.MemberRefusal, error) {
	return nil, t.change(groupID, ids, true)
}

// RemoveMembers implements execute.GroupTenant.
func (t *storyTenant) RemoveMembers(_ context.Context, groupID string, ids []string) error {
	return t.change(groupID, ids, false)
}

func (t *storyTenant) change(groupID string, ids []string, member bool) error {
	if err := t.refused(); err != nil {
		return err
	}
	g := t.groups[groupID]
	if g == nil {
		return &graph.Error{Kind: graph.KindNotFound, Op: "members"}
	}
	for _, text := range ids {
		id, err := audience.ParseID(text)
		if err != nil {
			return err
		}
		g.set(id, member, t.s.now)
	}
	if member {
		return t.wrote("%d devices join group %s", len(ids), groupID)
	}
	return t.wrote("%d devices leave group %s", len(ids), groupID)
}

// storyDevice is one device and what it has reported, by revision; 0 is hold.
type storyDevice struct {
	id      audience.ID
	name    string
	wave    string
	has     int32
	owes    bool // it has something since it last reported
	reports map[int32]*diagnosis.Report
}

func (d *storyDevice) send(status int, at time.Time) {
	d.owes, d.reports[d.has] = false, &diagnosis.Report{At: at, Status: status}
}

// feel lets every device have what is assigned to it now.
func (s *story) feel() {
	for _, d := range s.devices {
		if now := s.felt(d); now != d.has {
			d.has, d.owes = now, true
		}
	}
}

// felt is the revision that a device has by the groups that it is in and what is assigned to them; 0 is hold.
func (s *story) felt(d *storyDevice) int32 {
	var revision int32
	for _, a := range s.policy.Status.Waves {
		if g := s.tenant.groups[a.GroupID]; g != nil && g.members[d.id] && assigned(a) {
			revision = max(revision, a.Revision)
		}
	}
	return revision
}

// devicesText counts the devices by what they have.
func (s *story) devicesText() string {
	counts := map[int32]int{}
	for _, d := range s.devices {
		counts[d.has]++
	}
	var out []string
	for revision := range s.policy.Status.LastRevision + 1 {
		name := fmt.Sprintf("r%d", revision)
		if revision == 0 {
			name = "on hold"
		}
		if n := counts[revision]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, name))
		}
	}
	return strings.Join(out, ", ")
}

// storyFleet is one reading of the devices.
type storyFleet struct {
	asOf    time.Time
	facts   map[audience.ID]diagnosis.Facts
	reports map[audience.ID]map[int32]*diagnosis.Report
	objects []string
}

func (s *story) read() {
	f := &storyFleet{asOf: s.now, facts: map[audience.ID]diagnosis.Facts{}, reports: map[audience.ID]map[int32]*diagnosis.Report{}}
	for _, d := range s.devices {
		f.facts[d.id] = diagnosis.Facts{
			Name: d.name, Managed: true, ManagementAgent: "mdm", ManagementState: "managed", Account: diagnosis.AccountEnabled, OperatingSystem: "Windows",
			OSVersion: "10.0.22631.1", EdgeVersion: "145.0.1.1", Encrypted: true, EncryptionKnown: true, LastSync: s.now,
		}
		f.reports[d.id] = map[int32]*diagnosis.Report{}
		for revision, r := range d.reports {
			f.reports[d.id][revision] = r
		}
	}
	for _, o := range s.policy.Status.Objects {
		f.objects = append(f.objects, o.ID)
	}
	s.fleet = f
}

func (f *storyFleet) AsOf() time.Time { return f.asOf }

func (f *storyFleet) Known(id audience.ID) bool {
	_, ok := f.facts[id]
	return ok
}

func (f *storyFleet) Facts(id audience.ID, policyIDs ...string) diagnosis.Facts {
	facts := f.facts[id]
	for revision, r := range f.reports[id] {
		if slices.Contains(policyIDs, objectID(revision)) && (facts.Report == nil || r.At.After(facts.Report.At)) {
			facts.Report = r
		}
	}
	return facts
}

func (f *storyFleet) ByUser(audience.ID) []audience.ID { return nil }

func (f *storyFleet) ReportsAsOf(policyID string) (time.Time, bool) {
	return f.asOf, slices.Contains(f.objects, policyID)
}

func (f *storyFleet) EligibleAsOf() time.Time { return f.asOf }

// chunks are the stored ledgers of one wave, by attempt.
type chunks map[int32][][]byte
