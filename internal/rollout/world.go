// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// World is everything that is known about one wave at one instant: objects of the cluster, the ledger, and what the tenant
// said. It is a value: whoever has it can replay the decision, and nobody changes what it points to.
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

	// Ledger is the frozen audience and who of it is exposed; nil when none was frozen.
	Ledger *audience.Ledger
	// Members are the devices that the tenant lists as members of the managed group; nil when the list was not read.
	Members map[audience.ID]bool
	// MemberLag is how long the list of members may not show a change of the operator's own, ObjectLag how long the tenant may
	// not show an object that was made.
	MemberLag, ObjectLag time.Duration
	// GroupGone: the tenant says for certain that the managed group does not exist.
	GroupGone bool
	// LostGroup is the id of a managed group that the tenant has and the status does not know. It is looked for only when
	// the wave is deleted.
	LostGroup string

	// Candidates are looked for only where an audience is to be resolved (see Resolving); nil when there are none to be had.
	Candidates *audience.Candidates
	// Refused is why the groups of spec.audience cannot be read as they are written; nil when they can.
	Refused *Cause

	// Connected: the operator has a client for the tenant.
	Connected bool
	// TenantProblem is why the tenant did not tell what it was asked for; nil when it did. What it hides is unknown.
	TenantProblem *TenantProblem
	// Fleet is the newest complete reading of the tenant's devices; nil when this process has none.
	Fleet FleetView
}

// FleetView is one complete reading of the devices of a tenant.
type FleetView interface {
	// AsOf is when the reading began.
	AsOf() time.Time
	// Known says whether the directory has the device.
	Known(id audience.ID) bool
	// Facts are what the device reports; policyIDs are the policies whose status counts for it.
	Facts(id audience.ID, policyIDs ...string) diagnosis.Facts
	// HasStatuses says whether the status of the policy was read: without it a missing report says nothing.
	HasStatuses(policyID string) bool
}

// Cause is why something cannot be had: a reason constant of the api package, and what a person can do about it.
type Cause struct{ Reason, Message string }

// TenantProblem is why the tenant did not answer.
type TenantProblem struct {
	Cause
	// RetryAfter is how long to leave the tenant alone.
	RetryAfter time.Duration
}

// GroupID is the tenant's id of the wave's managed group; empty as long as the status does not know one.
func (w World) GroupID() string {
	if w.Wave.Status.Audience == nil {
		return ""
	}
	return w.Wave.Status.Audience.GroupID
}

// GroupShows says that the managed group was made so long ago that a tenant which does not know it speaks the truth. A group
// that the status does not name was seen a moment before.
func (w World) GroupShows() bool {
	return w.GroupID() != "" && w.Now.Sub(w.Wave.Status.Audience.ResolvedAt.Time) >= w.ObjectLag
}

// PayloadHash is the payload of the policy, which an attempt that starts now takes on; empty when it is not known.
func (w World) PayloadHash() string {
	if w.Policy == nil {
		return ""
	}
	return w.Policy.Status.PayloadHash
}

// Frozen says whether this attempt's audience is in the ledger and its group exists.
func (w World) Frozen() bool {
	return w.GroupID() != "" && w.Ledger != nil && w.Ledger.Attempt == w.Wave.Status.Attempt
}

// Rules are what devices are judged by, at the time of the newest reading of the fleet. They need a policy.
func (w World) Rules() diagnosis.Rules {
	p := &w.Policy.Spec.Prerequisites
	rules := diagnosis.Rules{
		Windows: p.Windows, MacOS: p.MacOS, Edge: p.Edge, Encryption: p.Encryption, MaxOffline: p.MaxOffline.Duration,
		Maturity: w.Wave.Spec.Gate.Maturity.Duration, Skew: diagnosis.DefaultSkew, Platforms: w.Policy.Spec.Platforms,
	}
	if w.Policy.Status.MinEdge != "" {
		rules.Edge = w.Policy.Status.MinEdge
	}
	if w.Fleet != nil {
		rules.AsOf = w.Fleet.AsOf()
	}
	return rules
}

// objects lists the tenant ids of the policy's objects in one role.
func (w World) objects(role v1alpha1.ObjectRole) []string {
	if w.Policy == nil {
		return nil
	}
	var out []string
	for _, o := range w.Policy.Status.Objects {
		if o.Role == role && o.ID != "" {
			out = append(out, o.ID)
		}
	}
	return out
}
