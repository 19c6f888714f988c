// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

// Input is everything that Next looks at.
type Input struct {
	// Revisions as they are recorded, in any order.
	Revisions []v1alpha1.RevisionStatus
	// LastRevision is the highest number that status knows of; attempts and groups with a higher one count too.
	LastRevision int32
	// Mode Gate has a baseline, revision 0; EnforceOnly has none.
	Mode v1alpha1.PolicyMode
	// Ask identifies what the spec asks for, see settings.AskHash.
	Ask string
	// Resolution of that very ask, made with the Revisions above in its Request. Nil when the catalog could not be read or
	// was not asked: then only what needs no catalog is decided, and Result.NeedsCatalog says whether more is due.
	Resolution *settings.Resolution
	// Take is a person's word to take the definitions that the catalog has now, though the spec asks for the same.
	Take bool
	// RevertWindow is how long a former stable revision is kept, 0 or more. A change of it counts for the next one.
	RevertWindow time.Duration
	// Waves of the policy that exist, those under deletion among them, in any order.
	Waves []Wave
	// Groups are the policy's records of attempt groups, status.waves. They also name groups whose wave is gone.
	Groups []v1alpha1.WaveAdmission
	// Objects are the revisions of which an object is recorded in the tenant.
	Objects []int32
	// Found are revisions that the tenant has policies of and that Revisions or Objects lack. Unlisted says that the policies
	// of the tenant could not be listed, so that there may be others: then no number is given (P5).
	Found    []Found
	Unlisted bool
	// Devices are how many devices (or users) may have each revision: those in an active attempt of it that are not settled in
	// one of a later revision. A device is settled when the tenant has shown it in that group for as long as Intune takes to
	// hear of it; until then it counts for both. A revision without an entry is unknown, and never retires on that.
	Devices map[int32]int32
	// Now is the time of the decision.
	Now time.Time
}

// Wave is one wave of the policy, as far as revisions are concerned.
type Wave struct {
	// Name of the PilotWave.
	Name string
	// UID of the PilotWave.
	UID string
	// Phase of the current attempt.
	Phase v1alpha1.WavePhase
	// Attempt is the number of the current attempt.
	Attempt int32
	// Revision and PayloadHash of the current attempt; 0 and empty before it has started.
	Revision    int32
	PayloadHash string
	// Regressed says that halt evidence came after the promotion of the current attempt.
	Regressed bool
	// Deleting says that the wave is under deletion: it proves nothing any more.
	Deleting bool
	// Attempts whose groups may exist.
	Attempts []Attempt
}

// Attempt is one attempt whose group may exist in the tenant.
type Attempt struct {
	// Attempt number.
	Attempt int32
	// Revision that it brings.
	Revision int32
	// GroupID in the tenant; empty while the group is being made.
	GroupID string
	// Withdrawn says that the wave has taken the attempt back; State says how far the tenant is with that.
	Withdrawn bool
	// Succeeded says that the attempt was promoted, and did not regress after that.
	Succeeded bool
	// State of the group by the policy's records; empty when they have no entry, so that it was never admitted.
	State v1alpha1.AdmissionState
	// Exposed is how many devices were asked into the group; it means something only with ExposedKnown.
	Exposed int32
	// ExposedKnown is false when the record of the attempt's devices is not known.
	ExposedKnown bool
}

// Notice is a reason with a sentence that a person can act on.
type Notice struct {
	// Reason is a constant of api/v1alpha1.
	Reason string
	// Message says what is the case and what to do.
	Message string
}

// Result is the new list and what has changed. Without a change in the world Next of it changes nothing more.
type Result struct {
	// Revisions sorted by number.
	Revisions []v1alpha1.RevisionStatus
	// LastRevision is the highest number ever given.
	LastRevision int32
	// Target is the revision that waves bring, within Revisions: the candidate, else the stable one. Nil before the first.
	Target *v1alpha1.RevisionStatus

	// Minted is the number of a new revision; 0 when there is none.
	Minted int32
	// Found are the numbers of revisions that status had lost and that are back as the tenant has them.
	Found []int32
	// Restored is the number of a revision that status had lost and that was recognized by its content; 0 when there is none.
	Restored int32
	// ReturnedTo is the number of an earlier revision that is the target again; 0 when there is none.
	ReturnedTo int32
	// Reverted are the revisions that this decision takes back from their devices.
	Reverted []int32
	// Superseded are the revisions that have a newer one in their place from now on, and keep their devices.
	Superseded []int32
	// BecameStable is the revision that every wave has proven now; 0 when there is none.
	BecameStable int32
	// Retired are the revisions that no device has any more: their objects and groups are to go.
	Retired []int32
	// Removed are the retired revisions that left the list.
	Removed []int32

	// Waiting says why what the spec asks for is not the target; nil when it is.
	Waiting *Notice
	// Outdated says what the catalog has instead of the pinned definitions; nil when it has nothing else, or is not known.
	Outdated *Notice
	// Lost are revisions that attempts of waves have, and whose content no record has: their objects are not to be touched,
	// except to withdraw groups. Nothing new is made meanwhile.
	Lost []int32
	// NeedsCatalog says that more could be decided with a Resolution.
	NeedsCatalog bool
	// TakeHandled says that the person's word was acted on, or had nothing to act on.
	TakeHandled bool
}

// Changed says that a revision is another one, or stands otherwise, than before.
func (r *Result) Changed() bool {
	return r.Minted+r.Restored+r.ReturnedTo+r.BecameStable > 0 || len(r.Found)+len(r.Reverted)+len(r.Superseded)+len(r.Retired)+len(r.Removed) > 0
}
