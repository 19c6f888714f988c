// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package population

import (
	"cmp"
	"slices"
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
	// Devices are by number how many may have a revision, for decisions on what may go: a member counts for the latest one in
	// which it is settled and for each later one that it is in. A revision of which a record is unknown is missing.
	Devices map[int32]int32
	// Unread are the attempts that are unknown: their groups tell who has the revision.
	Unread []Attempt
}

// HoldersOf counts by the attempts of all waves of a policy. revisions are the numbers to count.
func HoldersOf(attempts []Attempt, revisions []int32, now time.Time) Holders {
	h := Holders{Revisions: map[int32][]audience.ID{}, Devices: map[int32]int32{}}
	attempts = slices.SortedStableFunc(slices.Values(attempts), func(a, b Attempt) int { return cmp.Compare(a.Revision, b.Revision) })
	for _, number := range revisions {
		h.Devices[number] = 0
	}
	members := map[audience.ID]member{}
	for _, a := range attempts {
		h.list(a, members, now)
	}
	for _, a := range attempts {
		h.count(a, members)
	}
	for _, a := range h.Unread {
		delete(h.Devices, a.Revision)
	}
	return h
}

// member is the latest revision in which somebody is settled, 0 for none, and the one for which they were counted last.
type member struct{ settled, counted int32 }

// list notes whom the record of an attempt names, and who is settled by it.
func (h *Holders) list(a Attempt, members map[audience.ID]member, now time.Time) {
	if a.Unknown {
		h.Unread = append(h.Unread, a)
	}
	if a.Ledger == nil {
		return
	}
	for _, e := range a.Ledger.Entries {
		h.Audiences = append(h.Audiences, e.ID)
		if !e.Exposed() || e.ConfirmedAt.IsZero() {
			continue
		}
		h.Revisions[a.Revision] = append(h.Revisions[a.Revision], e.ID)
		if m := members[e.ID]; !a.Leaving && !now.Before(e.ConfirmedAt.Time().Add(Settled)) {
			m.settled = a.Revision // they come in ascending order
			members[e.ID] = m
		}
	}
}

// count counts whom an attempt may have brought its revision, once for each.
func (h *Holders) count(a Attempt, members map[audience.ID]member) {
	if a.Ledger == nil || a.Leaving {
		return
	}
	for _, e := range a.Ledger.Entries {
		m := members[e.ID]
		if !e.Exposed() || a.Revision < m.settled || a.Revision == m.counted {
			continue
		}
		h.Devices[a.Revision]++
		m.counted = a.Revision
		members[e.ID] = m
	}
}
