// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import "context"

// Condition is what a tenant must be like for a row. No request of the table
// brings it about: an admin does, a licence, time, or bad luck. A run against a
// live tenant leaves out what cannot be arranged there.
type Condition string

// Healthy is a tenant that has every licence and nothing in the way.
const Healthy Condition = ""

// Conditions that an admin can arrange.
const (
	// Approvals protects configuration policies and scripts by Multi Admin
	// Approval.
	Approvals Condition = "multi admin approval is on"
	// Approved and Rejected keep that protection after a second admin decided
	// about every request that was waiting.
	Approved Condition = "waiting requests were approved"
	Rejected Condition = "waiting requests were rejected"
	// NoIntune and NoPremium take a licence away from the tenant.
	NoIntune  Condition = "the tenant has no Intune licence"
	NoPremium Condition = "the tenant has no Entra ID P1 licence"
	// NoPolicyRead and NoDeviceRead take permissions away from the Operator.
	NoPolicyRead Condition = "the operator lacks Policy.Read.All"
	NoDeviceRead Condition = "the operator lacks Device.Read.All and Device.ReadWrite.All"
	// Throttled is a tenant whose budgets are small or used up: the Eventually
	// rows repeat a request until it is refused.
	Throttled Condition = "request budgets are used up"
	// OtherStatuses is a tenant whose undecided successes have the other status.
	OtherStatuses Condition = "undecided successes are 200"
	// StrictTargets is a tenant that refuses an assignment to an unknown group.
	StrictTargets Condition = "assignments to unknown groups are refused"
	// QuotaUsedUp is a directory that takes no more objects.
	QuotaUsedUp Condition = "the directory quota is used up"
)

// Conditions that come with time or by chance.
const (
	// Later is a tenant in which a minute has passed: dates differ.
	Later Condition = "a minute has passed"
	// NewFederation is a federated credential that was made a moment ago.
	NewFederation Condition = "a federated credential was just made"
	// Lagging makes reads trail behind writes; in a Settled tenant they have
	// caught up.
	Lagging Condition = "replication is slow"
	Settled Condition = "replication has caught up"
	// OldDeltaLink and OldDownloadLink let links that rows saved expire.
	OldDeltaLink    Condition = "delta links are too old"
	OldDownloadLink Condition = "download links are more than six hours old"
	// ExportWithoutLink and ExportFails spoil the export jobs that rows start.
	ExportWithoutLink Condition = "finished exports have no link yet"
	ExportFails       Condition = "exports fail"
	// The rest is trouble in front of the services or between them.
	ForbiddenPage       Condition = "a gateway refuses with a page"
	NullBytes           Condition = "a gateway refuses with NUL bytes"
	BadGateway          Condition = "a gateway answers 502 with a page"
	ServiceUnavailable  Condition = "services are unavailable"
	GatewayTimeout      Condition = "services do not answer a gateway"
	BrokenService       Condition = "a service fails"
	PlainMessage        Condition = "a service answers with a plain sentence"
	ConflictingWrite    Condition = "another write to the policy conflicts"
	LockedObject        Condition = "the policy is locked"
	ConcurrentWrite     Condition = "another write to the group runs"
	DocumentedApprovals Condition = "multi admin approval answers as documented"
)

// Conditions lists all but Healthy.
var Conditions = []Condition{Approvals, Approved, Rejected, NoIntune, NoPremium, NoPolicyRead, NoDeviceRead, Throttled, OtherStatuses, StrictTargets, QuotaUsedUp,
	Later, NewFederation, Lagging, Settled, OldDeltaLink, OldDownloadLink, ExportWithoutLink, ExportFails, ForbiddenPage, NullBytes, BadGateway, ServiceUnavailable,
	GatewayTimeout, BrokenService, PlainMessage, ConflictingWrite, LockedObject, ConcurrentWrite, DocumentedApprovals}

// Stage brings a tenant into a condition, for example by asking a person.
type Stage interface {
	// Prepare ends the condition that was in force and brings about the next one.
	Prepare(ctx context.Context, next Condition) error
}
