// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Snapshot is the whole tenant at one moment, as an observer outside of time
// sees it: no report lag, no permissions.
type Snapshot struct {
	Now      time.Time        `json:"now"`
	TenantID string           `json:"tenantId"`
	Catalog  string           `json:"catalog"`
	Policies []PolicySnapshot `json:"policies"`
	Groups   []GroupSnapshot  `json:"groups"`
	// Filters, Remediations and AccessPolicies are named here so that a test can
	// count them; GET shows the rest.
	Filters        []ObjectSnapshot `json:"filters,omitempty"`
	Remediations   []ObjectSnapshot `json:"remediations,omitempty"`
	AccessPolicies []ObjectSnapshot `json:"accessPolicies,omitempty"`
	Fleet          FleetSnapshot    `json:"fleet"`
	// Overlaps are contradictions targeted right now.
	Overlaps []Overlap `json:"overlaps"`
	// Devices is filled only when asked for.
	Devices []DeviceSnapshot `json:"devices,omitempty"`
}

// PolicySnapshot is one policy and what devices made of it.
type PolicySnapshot struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Platforms   string            `json:"platforms"`
	Values      map[string]string `json:"values"`
	Assignments []TargetSnapshot  `json:"assignments"`
	// Targeted devices, whatever their platform, and Status by word of the
	// devices that evaluated the policy.
	Targeted int            `json:"targeted"`
	Status   map[string]int `json:"status"`
}

// TargetSnapshot is one assignment.
type TargetSnapshot struct {
	Kind  string `json:"kind"`
	Group string `json:"group,omitempty"`
	// Filter is the type and name of an assignment filter.
	Filter string `json:"filter,omitempty"`
}

// ObjectSnapshot is an object that needs no more than a name.
type ObjectSnapshot struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Description string           `json:"description,omitempty"`
	Assignments []TargetSnapshot `json:"assignments,omitempty"`
}

// GroupSnapshot is one group. Deleted groups are included.
type GroupSnapshot struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	Description string `json:"description,omitempty"`
	UniqueName  string `json:"uniqueName,omitempty"`
	Users       int    `json:"users"`
	Devices     int    `json:"devices"`
	Nested      int    `json:"nested"`
	Deleted     bool   `json:"deleted,omitempty"`
	// Members is a digest of the transitive members.
	Members string `json:"members"`
}

// FleetSnapshot counts devices.
type FleetSnapshot struct {
	Devices    int            `json:"devices"`
	Managed    int            `json:"managed"`
	Silent     int            `json:"silent"` // stale, never seen or unenrolled
	Dark       int            `json:"dark"`
	Unfit      int            `json:"unfit"` // miss a passkey prerequisite
	SeenIn24h  int            `json:"seenIn24h"`
	Passkeys   map[string]int `json:"passkeys"` // effective value: unset, allowed, blocked
	CheckIns   uint64         `json:"checkIns"`
	ByPlatform map[string]int `json:"byPlatform"`
}

// DeviceSnapshot is one device.
type DeviceSnapshot struct {
	Name      string            `json:"name"`
	ManagedID string            `json:"managedDeviceId,omitempty"`
	ObjectID  string            `json:"objectId"`
	LastSync  string            `json:"lastSync"`
	Passkeys  string            `json:"passkeys"`
	Results   map[string]string `json:"results,omitempty"` // policy name to status
	Facts     DeviceFacts       `json:"facts"`
}

// Snapshot returns the tenant as of now; withDevices adds every device.
func (s *Server) Snapshot(withDevices bool) Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	s.settle(now)
	out := Snapshot{Now: now.UTC(), TenantID: s.options.TenantID, Catalog: s.catalog.Name,
		Policies: []PolicySnapshot{}, Groups: []GroupSnapshot{}, Overlaps: s.overlaps(), Fleet: s.fleetSnapshot(now.Unix())}
	for _, p := range s.policies {
		out.Policies = append(out.Policies, s.policySnapshot(p))
	}
	for _, g := range s.ordered {
		out.Groups = append(out.Groups, s.groupSnapshot(g))
	}
	s.snapshotObjects(&out)
	if withDevices {
		for i := range s.fleet.devices {
			if inTenant(&s.fleet.devices[i]) {
				out.Devices = append(out.Devices, s.deviceSnapshot(int32(i)))
			}
		}
	}
	return out
}

// Digest is a fingerprint of the tenant's configuration and devices: equal
// tenants have equal digests.
func (s *Server) Digest() string {
	raw, err := json.Marshal(s.Snapshot(true))
	if err != nil { // maps of text and numbers always marshal
		panic(fmt.Sprintf("tenantsim: marshal snapshot: %v", err))
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func (s *Server) policySnapshot(p *policy) PolicySnapshot {
	out := PolicySnapshot{ID: p.id.String(), Name: p.name, Description: p.description, Platforms: p.platformsText, Values: p.values,
		Assignments: []TargetSnapshot{}, Targeted: s.targets(p).Count(), Status: map[string]int{}}
	out.Assignments = append(out.Assignments, s.targetSnapshots(p.assignments)...)
	for i := range s.fleet.devices {
		if result, _, found := s.fleet.devices[i].worst(p, newest); found && isEnrolled(&s.fleet.devices[i]) {
			out.Status[statusWords[int(result.status)]]++
		}
	}
	return out
}

func (s *Server) targetSnapshots(assignments []assignment) []TargetSnapshot {
	var out []TargetSnapshot
	for _, a := range assignments {
		t := TargetSnapshot{Kind: string(a.kind)}
		if g := s.groups[a.group]; g != nil {
			t.Group = g.displayName
		}
		if f := s.filters.Get(a.filterID); f != nil {
			t.Filter = a.filterType + " " + f.displayName
		}
		out = append(out, t)
	}
	return out
}

func (s *Server) snapshotObjects(out *Snapshot) {
	for _, f := range s.filters.All() {
		out.Filters = append(out.Filters, ObjectSnapshot{ID: f.ID, Name: f.displayName, Description: f.description})
	}
	for _, r := range s.remediations.All() {
		out.Remediations = append(out.Remediations, ObjectSnapshot{ID: r.ID, Name: r.displayName, Description: r.description, Assignments: s.targetSnapshots(r.targets())})
	}
	for _, p := range s.access.All() {
		out.AccessPolicies = append(out.AccessPolicies, ObjectSnapshot{ID: p.ID, Name: text(p.doc, "displayName")})
	}
}

func (s *Server) groupSnapshot(g *group) GroupSnapshot {
	members := s.transitive(g)
	out := GroupSnapshot{ID: g.id.String(), DisplayName: g.displayName, Description: g.description, UniqueName: g.uniqueName,
		Nested: len(g.nested), Deleted: !g.deleted.IsZero()}
	h := sha256.New()
	members.Each(func(i int) {
		if i < len(s.users) {
			out.Users++
		} else {
			out.Devices++
		}
		_, _ = fmt.Fprintf(h, "%d ", i) // a hash never fails to write
	})
	out.Members = hex.EncodeToString(h.Sum(nil)[:8])
	return out
}

func (s *Server) fleetSnapshot(now int64) FleetSnapshot {
	out := FleetSnapshot{Passkeys: map[string]int{}, ByPlatform: map[string]int{}}
	for i := range s.fleet.devices {
		d := &s.fleet.devices[i]
		if !inTenant(d) {
			continue
		}
		out.Devices++
		out.Managed += boolInt(isEnrolled(d))
		out.Silent += boolInt(!inContact(d))
		out.Dark += boolInt(d.dark)
		out.Unfit += boolInt(!passkeyNeeds.met(d))
		out.SeenIn24h += boolInt(d.lastSync != 0 && now-d.lastSync < 86400)
		out.CheckIns += uint64(d.checkins)
		out.Passkeys[d.effective.String()]++
		out.ByPlatform[d.operatingSystem()]++
	}
	return out
}

func (s *Server) deviceSnapshot(i int32) DeviceSnapshot {
	v := s.device(i)
	out := DeviceSnapshot{Name: v.name(), ObjectID: v.d.objectID.String(), LastSync: unixTime(v.d.lastSync), Passkeys: v.d.effective.String(), Facts: s.deviceFacts(v)}
	if !isEnrolled(v.d) {
		return out
	}
	out.ManagedID = v.d.managedID.String()
	for _, r := range v.d.rows {
		result, _, found := v.d.worst(r.policy, newest)
		if !found {
			continue
		}
		if out.Results == nil {
			out.Results = map[string]string{}
		}
		out.Results[r.policy.name] = statusWords[int(result.status)]
	}
	return out
}
