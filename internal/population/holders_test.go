// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package population

import (
	"maps"
	"testing"
	"time"

	"github.com/tidegate/tidegate/internal/audience"
)

// TestHolders: a member counts for every revision that it may have: the latest in which it has settled, and later ones that it is on
// its way to; one that leaves, was refused or excluded, or is pending counts for none; what is unknown is not counted.
func TestHolders(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	at := func(ago time.Duration) audience.Stamp { return audience.StampOf(now.Add(-ago)) }
	entry := func(n byte, confirmed ...time.Duration) audience.Entry {
		e := audience.Entry{ID: audience.ID{n}}
		if len(confirmed) > 0 {
			e.AskedAt = at(5 * time.Hour)
			if confirmed[0] >= 0 {
				e.ConfirmedAt = at(confirmed[0])
			}
		}
		return e
	}
	ledger := func(entries ...audience.Entry) *audience.Ledger { return &audience.Ledger{Entries: entries} }
	const old, young, unconfirmed = 4 * time.Hour, time.Hour, -1
	excluded := entry(9, old)
	excluded.ExcludedAt = at(young)
	first := Attempt{Revision: 1, Ledger: ledger(entry(1, old), entry(2, old), entry(3, old), entry(4), entry(5, unconfirmed), excluded)}
	for name, tt := range map[string]struct {
		attempts  []Attempt
		want      map[int32]int32
		confirmed int // on r2
	}{
		"one revision":       {[]Attempt{first}, map[int32]int32{1: 4, 2: 0}, 0},
		"some have moved":    {[]Attempt{first, {Revision: 2, Ledger: ledger(entry(1, old), entry(2, young), entry(3, unconfirmed), entry(6, young))}}, map[int32]int32{1: 3, 2: 4}, 3},
		"and are on the way": {[]Attempt{first, {Revision: 2, Leaving: true, Ledger: ledger(entry(1, old))}}, map[int32]int32{1: 4, 2: 0}, 1},
		"again":              {[]Attempt{first, {Revision: 1, Ledger: ledger(entry(1, young), entry(7, young))}}, map[int32]int32{1: 5, 2: 0}, 0},
		"nobody knows":       {[]Attempt{first, {Revision: 2, Unknown: true}}, map[int32]int32{1: 4}, 0},
		"nor of the first":   {[]Attempt{{Revision: 1, Unknown: true}, {Revision: 2, Ledger: ledger(entry(1, old))}}, map[int32]int32{2: 1}, 1},
	} {
		h := HoldersOf(tt.attempts, []int32{1, 2}, now)
		if !maps.Equal(h.Devices, tt.want) || len(h.Revisions[2]) != tt.confirmed {
			t.Errorf("%s: %v, want %v; on r2 %v", name, h.Devices, tt.want, h.Revisions[2])
		}
	}
}
