// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package population

import (
	"time"

	"github.com/tidegate/tidegate/internal/audience"
)

// Settled is how long after the tenant has shown a membership every device has what it brings: Intune hears of it within two
// hours, and acts on it within half an hour more. ASSUMED, no number binds Microsoft.
const Settled = 2*time.Hour + 30*time.Minute

// Attempt is what is known of one attempt of a wave whose group may stand in assignments.
type Attempt struct {
	// Revision that it brings.
	Revision int32
	// Leaving says that its group is being withdrawn: its members have the revision, and are about to have an earlier one.
	Leaving bool
	// Ledger of the attempt, nil when it exposed nobody or is not known.
	Ledger *audience.Ledger
	// Unknown says that the ledger is lost or altered: who has the revision is not known.
	Unknown bool
	// Group is the id of its group; set with Unknown.
	Group string
}

// Holders are who has which revision, by the records of the waves.
type Holders struct {
	// Revisions are by number those who have it, for Facts. Whoever is in groups of several is listed under each.
	Revisions map[int32][]audience.ID
	// Audiences are all in the records of waves, exposed or not.
	Audiences []audience.ID
	// Devices are by number how many have a revision, for decisions on what may go: a member counts for a later revision only
	// when it is settled there, and until then for an earlier one that it is in. A revision of which a record is unknown is
	// missing.
	Devices map[int32]int32
	// Unread are the attempts that are unknown: their groups tell who has the revision.
	Unread []Attempt
}

// HoldersOf counts by the attempts of all waves of a policy. revisions are the numbers to count.
func HoldersOf(attempts []Attempt, revisions []int32, now time.Time) Holders {
	h := Holders{Revisions: map[int32][]audience.ID{}, Devices: map[int32]int32{}}
	keeps := map[audience.ID]keep{}
	unknown := map[int32]bool{}
	for _, a := range attempts {
		unknown[a.Revision] = unknown[a.Revision] || a.Unknown
		if a.Unknown {
			h.Unread = append(h.Unread, a)
		}
		if a.Ledger == nil {
			continue
		}
		for _, e := range a.Ledger.Entries {
			h.Audiences = append(h.Audiences, e.ID)
			if !e.Exposed() {
				continue
			}
			if !e.ConfirmedAt.IsZero() {
				h.Revisions[a.Revision] = append(h.Revisions[a.Revision], e.ID)
			}
			if !a.Leaving {
				keeps[e.ID] = keeps[e.ID].with(a.Revision, !e.ConfirmedAt.IsZero() && !now.Before(e.ConfirmedAt.Time().Add(Settled)))
			}
		}
	}
	for _, number := range revisions {
		if !unknown[number] {
			h.Devices[number] = 0
		}
	}
	for _, k := range keeps {
		if number := k.revision(); !unknown[number] {
			h.Devices[number]++
		}
	}
	return h
}

// keep is which revisions a member is in: the latest where it is settled, 0 for none, and the earliest of all.
type keep struct{ settled, earliest int32 }

func (k keep) with(revision int32, settled bool) keep {
	if settled {
		k.settled = max(k.settled, revision)
	}
	if k.earliest == 0 || revision < k.earliest {
		k.earliest = revision
	}
	return k
}

// revision that the member counts for.
func (k keep) revision() int32 {
	if k.settled > 0 {
		return k.settled
	}
	return k.earliest
}
