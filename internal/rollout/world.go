// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/revision"
)

// World is everything that is known about one wave at one instant: objects of the cluster, the ledger, and what the tenant
// said. It is a value: whoever has it can replay the decision, and nobody changes what it points to.
//
// The first part is of the cluster and always there; what needs no more is decided by it alone (P9). The zero value of
// everything else is "not read", and says nothing.
type World struct {
	// Now is when the world was observed.
	Now time.Time
	// Wave is the wave as the API server has it. Never nil.
	Wave *v1alpha1.PilotWave
	// Policy and Tenant are what the wave refers to; nil when they do not exist.
	Policy *v1alpha1.PasskeyPolicy
	Tenant *v1alpha1.Tenant
	// Siblings are all waves of the policy, this one too.
	Siblings []v1alpha1.PilotWave

	// Ledger is what is known of the ledger of the current attempt.
	Ledger audience.Reading
	// Earlier are the ledgers of the wave's other attempts. They are read to prove a rollback, when the wave is deleted, and to
	// compare the group of one that stands with it.
	Earlier map[int32]audience.Reading
	// GroupReading is what the tenant says of the group of the current attempt.
	GroupReading
	// EarlierGroups is the same for the other attempts that stand; none for one that was not looked at.
	EarlierGroups map[int32]GroupReading
	// TakenMembers are, by attempt, the members of the groups of other attempts that a rollback takes back and whose ledger
	// cannot be relied on. They are read to prove a rollback.
	TakenMembers map[int32][]audience.ID
	// MemberLag is how long the list of members may not show a change of the operator's own, ObjectLag how long the tenant may
	// not show an object that was made, AssignmentLag how long Intune may take to act on assignments that it shows.
	MemberLag, ObjectLag, AssignmentLag time.Duration
	// LostGroups are the ids of groups of attempts that the tenant has and the status does not know. They are looked for only
	// when the wave is deleted.
	LostGroups map[int32]string

	// Candidates are looked for only where an audience is to be resolved or may grow (see Resolving, Growing); nil when there
	// are none to be had.
	Candidates *audience.Candidates
	// Refused is why the groups of spec.audience cannot be read as they are written; nil when they can.
	Refused *Cause
	// Excluded are whom the wave and the policy exclude now; nil when that is not known. ExclusionProblem is why it is not,
	// nil when it was not asked for.
	Excluded         map[audience.ID]bool
	ExclusionProblem *Cause

	// Connected: the operator has a client for the tenant.
	Connected bool
	// TenantProblem is why the tenant did not tell what it was asked for; nil when it did. What it hides is unknown.
	TenantProblem *TenantProblem
	// ClockOffset is by how much at least the tenant's own clock is ahead of this machine's, less than zero when it is behind; 0
	// when nobody knows.
	ClockOffset time.Duration
	// Fleet is what this process has read of the tenant's devices; nil when it has read none.
	Fleet FleetView
}

// GroupReading is what the tenant says of the group of one attempt. The zero value is one that was not read.
type GroupReading struct {
	// Members are whom the tenant lists as members; nil when the list was not read.
	Members map[audience.ID]bool
	// UnreadableMembers is how many more the list has of whom it cannot be told who they are.
	UnreadableMembers int
	// GroupGone: the tenant says for certain that the group does not exist.
	GroupGone bool
	// Settled: the list was read less than an interval ago, and was what ledger and exclusions say, neither of which has changed
	// since. It is not read again for that long.
	Settled bool
}

// FleetView is what was read of the devices of a tenant. Its parts are read, fail and grow old for themselves.
type FleetView interface {
	// AsOf is when the devices were read.
	AsOf() time.Time
	// EligibleAsOf is when the oldest of the facts was read by which a device is eligible; zero when one of them never was.
	EligibleAsOf() time.Time
	// ReportsAsOf is when the reports of a policy were read, false when they never were: without them a missing report says
	// nothing.
	ReportsAsOf(policyID string) (time.Time, bool)
	// Known says whether the directory has the device, or may have it.
	Known(id audience.ID) bool
	// Facts are what the device reports; policyIDs are the policies whose status counts for it.
	Facts(id audience.ID, policyIDs ...string) diagnosis.Facts
	// ByUser lists the devices of which somebody is the primary user.
	ByUser(user audience.ID) []audience.ID
}

// Cause is why something cannot be had: a reason constant of the api package, and what a person can do about it.
type Cause struct{ Reason, Message string }

// TenantProblem is why the tenant did not answer.
type TenantProblem struct {
	Cause
	// RetryAfter is how long to leave the tenant alone.
	RetryAfter time.Duration
}

// Unit is whom groups and ledgers of the policy hold; devices without a policy.
func (w World) Unit() v1alpha1.Unit {
	if w.Policy == nil {
		return v1alpha1.UnitDevice
	}
	return w.Policy.Spec.UnitOrDefault()
}

// facts are what the newest reading says of one member: of the device itself, or of each device of a person.
func (w World) facts(id audience.ID, policyIDs ...string) []diagnosis.Facts {
	if w.Unit() == v1alpha1.UnitDevice {
		return []diagnosis.Facts{w.Fleet.Facts(id, policyIDs...)}
	}
	devices := w.Fleet.ByUser(id)
	out := make([]diagnosis.Facts, len(devices))
	for i, device := range devices {
		out[i] = w.Fleet.Facts(device, policyIDs...)
	}
	return out
}

// exists says whether the directory has a member, as of the newest reading of the fleet; without one it is believed to. Of
// people the fleet says nothing.
func (w World) exists(id audience.ID) bool {
	return w.Fleet == nil || w.Unit() == v1alpha1.UnitUser || w.Fleet.Known(id)
}

// Rules are what devices are judged by, at the time of the newest reading of the wave's own reports. They need a policy.
func (w World) Rules() diagnosis.Rules {
	p, gate := &w.Policy.Spec.Prerequisites, GateOf(w.Wave)
	rules := diagnosis.Rules{
		Windows: p.Windows, MacOS: p.MacOS, Edge: p.Edge, Encryption: p.Encryption, MaxOffline: p.MaxOffline.Duration,
		Maturity: gate.Maturity.Duration, Skew: diagnosis.DefaultSkew, Platforms: w.Policy.Spec.Platforms,
	}
	if r := revision.ByNumber(w.Policy.Status.Revisions, w.bringing()); r != nil && r.MinEdge != "" {
		rules.Edge = r.MinEdge
	}
	if w.Fleet != nil {
		rules.AsOf, rules.ContactAsOf, rules.MaxContactAge = w.reportsAt(), w.Fleet.AsOf(), gate.MaxTelemetryAge.Duration
		if rules.AsOf.IsZero() {
			rules.AsOf = rules.ContactAsOf
		}
	}
	if w.clockOff() {
		rules.Behind = max(0, w.ClockOffset)
	}
	return rules
}
