// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"slices"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Entry is one device of a ledger.
type Entry struct {
	// Device is the Entra object id.
	Device ID
	// ExposedAt is when the device was assigned the payload, in whole seconds of UTC; the zero time while it is pending.
	ExposedAt time.Time
}

// Ledger is the frozen membership of one attempt of a wave and when each device was exposed. No device outside it is
// ever exposed by the attempt (P2), and every outcome of a device can be recomputed from it and the inventory (P10).
type Ledger struct {
	// Attempt is the number of the attempt, from 1.
	Attempt int32
	// PayloadHash is the payload that the attempt exposes.
	PayloadHash string
	// Entries stand in the order of exposure.
	Entries []Entry
}

// NewLedger freezes the membership of an attempt: every device pending, in the order given, which is the order in which
// they will be exposed. A device that is listed twice is kept once.
func NewLedger(attempt int32, payloadHash string, devices []ID) Ledger {
	l := Ledger{Attempt: attempt, PayloadHash: payloadHash, Entries: make([]Entry, 0, len(devices))}
	known := make(map[ID]struct{}, len(devices))
	for _, id := range devices {
		if _, twice := known[id]; twice {
			continue
		}
		known[id] = struct{}{}
		l.Entries = append(l.Entries, Entry{Device: id})
	}
	return l
}

// IDs returns all devices in the order of exposure.
func (l *Ledger) IDs() []ID {
	ids := make([]ID, len(l.Entries))
	for i, e := range l.Entries {
		ids[i] = e.Device
	}
	return ids
}

// Pending returns the devices that are not exposed yet, the next to be exposed first.
func (l *Ledger) Pending() []ID {
	var ids []ID
	for _, e := range l.Entries {
		if e.ExposedAt.IsZero() {
			ids = append(ids, e.Device)
		}
	}
	return ids
}

// Exposed returns the entries of the devices that are exposed, in the order of exposure.
func (l *Ledger) Exposed() []Entry {
	var entries []Entry
	for _, e := range l.Entries {
		if !e.ExposedAt.IsZero() {
			entries = append(entries, e)
		}
	}
	return entries
}

// Expose returns a copy of the ledger in which the first n pending devices are exposed at now, and these devices. The
// ledger itself stays as it is: the copy is to be stored before any device is assigned, so that after a crash it names
// every device that may have been exposed and a repeated assignment exposes nobody new (P5). Fewer than n devices are
// exposed when fewer are pending; none when n is below 1 or now is not after 1970.
func (l *Ledger) Expose(n int, now time.Time) (Ledger, []ID) {
	out := *l
	out.Entries = slices.Clone(l.Entries)
	at := v1alpha1.Stamp(now).Time
	if at.Unix() < 1 {
		return out, nil
	}
	var batch []ID
	for i := range out.Entries {
		if len(batch) >= n {
			break
		}
		if e := &out.Entries[i]; e.ExposedAt.IsZero() {
			e.ExposedAt = at
			batch = append(batch, e.Device)
		}
	}
	return out, batch
}

// Contains says whether the device is a member. It reads the whole ledger; use [Ledger.Index] for many devices.
func (l *Ledger) Contains(id ID) bool {
	return slices.ContainsFunc(l.Entries, func(e Entry) bool { return e.Device == id })
}

// Index returns each member with the time at which it was exposed, the zero time while it is pending.
func (l *Ledger) Index() map[ID]time.Time {
	index := make(map[ID]time.Time, len(l.Entries))
	for _, e := range l.Entries {
		index[e.Device] = e.ExposedAt
	}
	return index
}

// LastExposedAt returns the newest time of exposure, the zero time when no device is exposed.
func (l *Ledger) LastExposedAt() time.Time {
	var last time.Time
	for _, e := range l.Entries {
		if e.ExposedAt.After(last) {
			last = e.ExposedAt
		}
	}
	return last
}
