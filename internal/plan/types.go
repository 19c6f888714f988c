// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

// Key identifies one policy of a PasskeyPolicy: a level on a platform. Role is Hold
// for revision 0 and Allow for every other.
type Key struct {
	Role     v1alpha1.ObjectRole
	Platform v1alpha1.Platform
	Revision int32
}

// LevelKey is the key of a revision's policy on a platform; revision 0 is hold.
func LevelKey(platform v1alpha1.Platform, revision int32) Key {
	role := v1alpha1.RoleAllow
	if revision == 0 {
		role = v1alpha1.RoleHold
	}
	return Key{Role: role, Platform: platform, Revision: revision}
}

// KeyOf is the key of a policy on record.
func KeyOf(o *v1alpha1.TenantObject) Key {
	return Key{Role: o.Role, Platform: o.Platform, Revision: o.Revision}
}

// Level names the level alone: Hold, or r and the number of the revision.
func (k Key) Level() string {
	if k.Role == v1alpha1.RoleHold {
		return string(v1alpha1.RoleHold)
	}
	return fmt.Sprintf("r%d", k.Revision)
}

// String is platform and level, for example Windows/Hold or Windows/r2.
func (k Key) String() string { return string(k.Platform) + "/" + k.Level() }

// ReplicationLag is how long a tenant may not show what it has just made. Graph was seen to take seconds (contract a.5, g);
// two minutes is far beyond. A write whose answer was lost and that is not shown after that counts as not made.
const ReplicationLag = 2 * time.Minute

// Everyone is the pseudo id of a group that everybody is a member of: Intune's All devices or All users.
const Everyone = "*"

// Desired is a policy as it should be. At most one per Key.
type Desired struct {
	Key
	// Name of the policy.
	Name string
	// Description carries the owner marker.
	Description string
	// Platforms and Technologies in Graph's words, see settings.Payload.
	Platforms, Technologies string
	// Settings of the policy, never empty: those that the revision pinned.
	Settings []settings.Instance
	// Hash of the settings, see settings.HashInstances.
	Hash string
	// Include and Exclude are group ids, in any case and order. What a later level
	// includes, wanted or seen, is excluded whether the caller says so or not (P1).
	// Include may hold Everyone.
	Include, Exclude []string
	// Occupied are groups of Include that may have members. They are not added while an earlier level is seen not to
	// exclude them. Those of KeepOnly are not added at all, and stay where they are: that earlier levels exclude them has
	// not had the time to reach devices.
	Occupied, KeepOnly []string
	// Everyone is the kind of target that the pseudo id Everyone stands for, TargetAllDevices or TargetAllUsers.
	Everyone TargetKind
	// Retiring says that the policy is on its way out: it is not made again when it is gone.
	Retiring bool
}

// TargetKind says whom an assignment target means (contract a.5).
type TargetKind string

// The kinds of targets. Other is any that Tidegate does not write itself.
const (
	TargetInclude    TargetKind = "Include"
	TargetExclude    TargetKind = "Exclude"
	TargetAllDevices TargetKind = "AllDevices"
	TargetAllUsers   TargetKind = "AllUsers"
	TargetOther      TargetKind = "Other"

	// TargetUnreadable is an assignment of which the tenant says nothing that could be sent back: whom it reaches is not known.
	TargetUnreadable TargetKind = "Unreadable"
)

// Target is one assignment target of an observed policy. A group target that
// carries an assignment filter is somebody else's work: pass it as TargetOther.
type Target struct {
	Kind TargetKind
	// GroupID of an Include or Exclude, and of an Other that has one.
	GroupID string
	// FilterID of an Other that carries an assignment filter.
	FilterID string
	// Wire is what else it takes to send a target of others back as it was read.
	Wire WireTarget
}

// WireTarget is the part of a target that nothing is decided by. The reader fills it in, the writer sends it (P6).
type WireTarget struct {
	// Kind is the target's kind in the words of the Graph client; empty for a target that was never read.
	Kind string
	// FilterType is include or exclude; set with FilterID.
	FilterType string
	// Raw is the JSON of a target whose kind the client does not know.
	Raw string
}

// Observed is what was found of one policy, together with what is remembered of
// it. At most one per Key. No Observed for a Key means that no create was ever
// sent for it.
type Observed struct {
	Key
	// ID in the tenant; also of a policy that was known and is gone.
	ID string
	// Exists says that the tenant has the policy now.
	Exists bool
	// SettingsMatch says that the live settings are those of Desired.
	SettingsMatch bool
	// NameMatch says that name and description are those of Desired.
	NameMatch bool
	// Assignments of the policy, in the order read.
	Assignments []Target
	// CreateOpen says that a create was sent and its outcome is not known (P5).
	CreateOpen bool
	// AssignOpen says that an Assign was sent, or was about to be, and its outcome is not known. Previous then names what
	// stood before and what was sent: a target of ours that is missing is written even under Report, because nobody can
	// tell an edit from a write of ours that was lost.
	AssignOpen bool
	// ContentFresh and AssignFresh say that the tenant took settings and name, or the assignments of Previous, a moment
	// ago. A read that shows something else may be late (contract a.5, g): nothing is planned from it.
	ContentFresh, AssignFresh bool
	// KnownForeign are the targets of others that were there before the last Assign, see Target.Label. In a fresh read any
	// other one may be what we have just taken away.
	KnownForeign []string
	// Previous is what was last written and recorded.
	Previous Previous
	// Copies are other policies that carry the same marker.
	Copies []Copy
}

// Copy is a further policy with the marker of one that is known: a create that a gateway delivered twice, or a duplicate
// that an admin made in the portal, which takes the description along.
type Copy struct {
	ID, Name string
	// SameName says that name and description are those that this operator gave, which a portal's duplicate has not.
	SameName bool
	// Assignments of the copy, read just now.
	Assignments []Target
	// Unreadable says that its assignments could not be read: then it is nobody's to remove.
	Unreadable bool
}

// Previous is what this operator last asked of a policy. It tells our own change
// from somebody else's edit. After a plan without an action for a policy, and
// without drift on it, record what Desired says.
type Previous struct {
	// Include and Exclude are the group ids of the last Action's IntentInclude and
	// IntentExclude.
	Include, Exclude []string
	// Hash of the settings last written; empty when not known, and then settings
	// that do not match count as edited by somebody else.
	Hash string
}

// Options change what is planned.
type Options struct {
	// Drift says whether foreign edits are written back. Anything but Report is Correct.
	Drift v1alpha1.DriftAction
	// Managed are the ids of all groups that waves made for their attempts, see Managed. Nobody else has business with
	// them, so their assignments are ours wherever they stand.
	Managed []string
	// NarrowOnly plans nothing but what takes a revision from devices and gives them back to what they had before: another
	// operator or policy works on the same devices, and whatever else this one does, the other may undo, or judge by it.
	NarrowOnly bool
}

// ActionKind says what an Action does.
type ActionKind string

// The kinds of actions.
const (
	// Create makes the policy, unassigned. Never repeated: journal it first (P5).
	Create ActionKind = "Create"
	// LookUp searches the policy by its marker after a create without an answer.
	LookUp ActionKind = "LookUp"
	// Replace writes settings, name and description (contract a.4: PUT). It leaves
	// assignments alone.
	Replace ActionKind = "Replace"
	// Rename writes name and description and leaves settings alone (contract a.4:
	// PATCH). It is planned only where the settings match.
	Rename ActionKind = "Rename"
	// Assign writes the whole set of targets (contract a.5).
	Assign ActionKind = "Assign"
	// Delete removes the policy with its assignments.
	Delete ActionKind = "Delete"
	// RemoveCopy removes a second policy with the same marker and name that nobody
	// assigned. Nothing waits for it.
	RemoveCopy ActionKind = "RemoveCopy"
)

// Action is one write, or one look-up, on one policy. It carries all that its sender needs.
type Action struct {
	Kind ActionKind
	Key
	// Desired is the policy as it should be; nil where it is not wanted any more.
	Desired *Desired
	// Observed is the policy as the plan saw it; nil where there was no trace of it.
	Observed *Observed
	// ID of the policy; empty for a Create, a LookUp, and for what follows a Create
	// in the same plan: there it is the id that the Create brings.
	ID string
	// Include and Exclude are our targets as Assign writes them: sorted group ids in
	// lower case. Include may hold Everyone, in place of which Assign sends the kind of target in Everyone.
	Include, Exclude []string
	Everyone         TargetKind
	// IntentInclude and IntentExclude are what to record as Previous when the Assign
	// is done. They differ from Include and Exclude only under Report, where edits
	// that others made to our targets stay.
	IntentInclude, IntentExclude []string
	// KeepForeign are the targets of others that Assign sends back unchanged.
	KeepForeign []Target
	// Reason is why, for a person.
	Reason string
	// Repeatable says that sending it again after a lost answer does no harm.
	Repeatable bool
	// Precondition must hold when the action is sent; else observe and plan again.
	Precondition string
}

// DriftKind says what somebody else changed.
type DriftKind string

// The kinds of drift; each is the reason of a condition of the API, too.
const (
	SettingsEdited    DriftKind = v1alpha1.ReasonSettingsEdited
	NameEdited        DriftKind = v1alpha1.ReasonNameEdited
	AssignmentMissing DriftKind = v1alpha1.ReasonAssignmentMissing
	ForeignAssignment DriftKind = v1alpha1.ReasonForeignAssignment
	ObjectDeleted     DriftKind = v1alpha1.ReasonObjectDeleted
	MarkerCopied      DriftKind = v1alpha1.ReasonMarkerCopied
)

// Drift is one difference that this operator did not make (P6).
type Drift struct {
	Key
	Kind DriftKind
	// Detail names what was found, for a person.
	Detail string
}

// Result is a plan.
type Result struct {
	// Actions in the order in which they must be done.
	Actions []Action
	// Drifts found, corrected or not.
	Drifts []Drift
	// Notes say what was not planned and why.
	Notes []string
	// Late names what was written and is not shown by the tenant yet. Nothing is planned for the platform until it is, or
	// until there has been time enough: then the read is right.
	Late []string
	// LateContent says that settings or a name are among it.
	LateContent bool
	// Unknown is what could not be read and is not planned for; nil when the plan is the whole one.
	Unknown *Gap
}
