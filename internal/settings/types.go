// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package settings

import "github.com/tidegate/tidegate/api/v1alpha1"

// Kinds of a Definition that can be written. Others are read and passed over.
const (
	KindChoice = "Choice"
	KindSimple = "Simple"
)

// InstanceKind says which value member an Instance is sent with (contract a.2).
type InstanceKind string

// The kinds of instances that Tidegate writes.
const (
	InstanceChoice  InstanceKind = "Choice"
	InstanceString  InstanceKind = "String"
	InstanceInteger InstanceKind = "Integer"
)

// Definition is one entry of the tenant's settings catalog (contract a.6).
type Definition struct {
	// ID is the definition id, unique in the catalog.
	ID string
	// Name is the policy's own name, for Edge the one in its policy reference.
	Name string
	// DisplayName is what the portal shows.
	DisplayName string
	// CategoryID is the catalog category, a GUID.
	CategoryID string
	// RootDefinitionID equals ID for a definition that can stand alone; a child
	// setting names its root and is refused without it (contract a.2).
	RootDefinitionID string
	// Platforms are the applicability's platforms in Graph's words: windows10, macOS.
	Platforms []string
	// Technologies are the applicability's technologies in Graph's words: mdm.
	Technologies []string
	// Kind is KindChoice, KindSimple, or another word for what is not written.
	Kind string
	// ValueKind of a Simple definition: InstanceString or InstanceInteger. Empty
	// is read as InstanceString.
	ValueKind InstanceKind
	// Options of a Choice definition.
	Options []Option
	// Unreadable: the catalog lists the definition, and what it says of it cannot be
	// read. Only ID is known, and may be empty.
	Unreadable bool
}

// Option is one value of a choice.
type Option struct {
	// ItemID is what an instance carries as its value (contract a.2).
	ItemID string
	// DisplayName is what the portal shows.
	DisplayName string
	// Value is the option's value as text.
	Value string
}

// Instance is one setting as it is written.
type Instance struct {
	// DefinitionID of the catalog definition.
	DefinitionID string
	// Kind of Value.
	Kind InstanceKind
	// Value is an option's item id, a text, or a decimal number, by Kind.
	Value string
	// Children of the chosen option; Tidegate's own settings have none.
	Children []Instance
}

// Payload is what one platform gets.
type Payload struct {
	// Platform of the policy.
	Platform v1alpha1.Platform
	// GraphPlatforms is the policy's platforms member: windows10 or macOS.
	GraphPlatforms string
	// Technologies is the policy's technologies member, comma-joined; it follows
	// the definitions' applicability, or the tenant refuses the policy (contract a.1).
	Technologies string
	// Allow is the payload, sorted by definition id, never empty.
	Allow []Instance
}

// Request is what to resolve.
type Request struct {
	// Settings to deliver; a zero member is not asked for.
	Settings v1alpha1.PasskeySettings
	// Platforms to deliver to; order and repetition do not matter.
	Platforms []v1alpha1.Platform
	// Scope selects device_ or user_ definitions on Windows. Empty is Device.
	Scope v1alpha1.PolicyScope
	// Mode Gate needs a baseline for the hold policy on every platform. Empty asks for none.
	Mode v1alpha1.PolicyMode
	// Revisions that are recorded, the baseline among them once it is fixed: a later ask does not change it. They are
	// looked up in the catalog, see Resolution.Gone.
	Revisions []v1alpha1.RevisionStatus
	// OnMissing says what to do about a setting without a definition. Empty is Block.
	OnMissing v1alpha1.MissingSettingAction
	// PrerequisiteEdge is spec.prerequisites.edge, a dotted version; empty is none.
	PrerequisiteEdge string
	// Catalog holds at least the definitions that SearchTerms finds; order does not matter.
	Catalog []Definition
}

// Resolution is the answer to a Request.
type Resolution struct {
	// Verdicts has one entry per setting asked for and platform, in a fixed order.
	Verdicts []v1alpha1.SettingStatus
	// Pinned is what is to be written, as a revision keeps it, sorted by platform; empty when Blocked, so that nothing is
	// half-written.
	Pinned []v1alpha1.PinnedPayload
	// Baseline is the restrictive value of every setting of this ask that has one, on each platform where one has: what
	// hold sets when this is the first ask of a policy in mode Gate. It depends on the definitions, never on the direction
	// of a toggle. Empty in other modes and when Blocked.
	Baseline []v1alpha1.PinnedPayload
	// Gone are the definitions and options that live revisions use and the catalog has no more; nil when the catalog is
	// empty, which tells nothing. It is filled when Blocked, too.
	Gone []Gone
	// Blocked means that nothing may be written; BlockMessage says why and what to do.
	Blocked bool
	// BlockReason is ReasonPayloadEqualsHold or ReasonSettingMissing; empty when not Blocked.
	BlockReason string
	// BlockMessage names each setting, what was searched, and the remedies.
	BlockMessage string
	// MinEdge is the lowest Edge version of the prerequisites and the settings written.
	MinEdge string
	// NeedsEdge is the lowest Edge version that the settings written need by themselves; empty when any will do.
	NeedsEdge string
	// Hash is HashPinned of Pinned; empty when Blocked. Evidence is keyed by it: two
	// requests that write the same have the same hash.
	Hash string
}
