// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// Inventory is what is known of a tenant's devices after a reading. It never changes and is safe for concurrent use.
type Inventory struct {
	// AsOf is when the reading of the devices began: everything that the lists of devices say was true then or became true while
	// they were read, so that nothing is taken for newer than it is. Other parts have times of their own, see [Part].
	AsOf time.Time
	// Took is how long the newest reading took, be it of some parts.
	Took time.Duration
	// Unjoined counts the Intune records that stand for no device of the directory: not registered, an older enrolment
	// of a device that is there already, or without a usable id.
	Unjoined int
	// Odd is what lists and reports held that could not be read, item by item.
	Odd []Odd

	// nameless is how many devices of the directory have no id that could be read.
	nameless int
	// listed are the records that Intune listed, registered those that name a device of the directory, one of each.
	listed, registered int

	devices, edge, encryption Part
	// odd are what the lists held that could not be read, in the order of rawDevices.
	odd [4]*oddities

	records  []record // by object id
	byUser   []int32  // indices of records that have a user, by user and then object id
	texts    []string
	statuses map[string]policyStatuses // by policy id in lower case
}

// Ahead says that the devices are from the future, by more than clocks may differ (diagnosis.DefaultSkew): they were read while
// this machine's clock was wrong. They are not fresh, however long ago that future will be, and are read again.
func (inv *Inventory) Ahead(now time.Time) bool { return Part{AsOf: inv.AsOf}.ahead(now) }

// record is a device in 120 bytes beside its name. Texts that many devices share are indices into Inventory.texts.
type record struct {
	object, device, intune, user audience.ID
	name                         string
	system, version, edge, agent uint32
	lastSync, enrolled           int64 // nanoseconds of Unix time, 0 for unknown
	state                        uint32
	encrypted, plain             bool // plain: both Intune and the encryption report say that it is not encrypted
	elsewhere                    bool // co-managed, and configured by Configuration Manager
	account                      diagnosis.Account
}

// policyStatuses are the rows of one policy.
type policyStatuses struct {
	Part
	rows []statusEntry // by device
	odd  *oddities
}

// statusEntry is one row; device is an index of records.
type statusEntry struct {
	at     int64
	device int32
	code   int32
}

// StatusRow is what Intune reports of one policy on one device.
type StatusRow struct {
	// At is when the status was last changed; zero for a row without a result that carries no time.
	At time.Time
	// Code is the numeric status of contract b.2.
	Code int
}

// Len returns the number of devices of the directory, managed or not.
func (inv *Inventory) Len() int { return len(inv.records) }

// Managed returns the number of devices that Intune manages.
func (inv *Inventory) Managed() int {
	n := 0
	for i := range inv.records {
		if !inv.records[i].intune.IsZero() {
			n++
		}
	}
	return n
}

// EdgeVersions returns the number of managed devices whose version of Edge is in the app inventory. Of the others it is
// unknown: no row is not "no Edge".
func (inv *Inventory) EdgeVersions() int {
	n := 0
	for i := range inv.records {
		if inv.records[i].edge != 0 {
			n++
		}
	}
	return n
}

// Device returns the device with an Entra object id.
func (inv *Inventory) Device(objectID audience.ID) (Device, bool) {
	i, ok := inv.find(objectID)
	if !ok {
		return Device{}, false
	}
	return inv.device(i), true
}

// ByUser returns the devices whose primary user has an Entra object id, in the order of their ids.
func (inv *Inventory) ByUser(userObjectID audience.ID) []audience.ID {
	from, _ := slices.BinarySearchFunc(inv.byUser, userObjectID, func(i int32, user audience.ID) int {
		return inv.records[i].user.Compare(user)
	})
	var ids []audience.ID
	for _, i := range inv.byUser[from:] {
		if inv.records[i].user != userObjectID {
			break
		}
		ids = append(ids, inv.records[i].object)
	}
	return ids
}

// All yields every device in the order of object ids.
func (inv *Inventory) All() iter.Seq[Device] {
	return func(yield func(Device) bool) {
		for i := range inv.records {
			if !yield(inv.device(i)) {
				return
			}
		}
	}
}

// HasStatuses says whether the status of a policy was read. If it was and a device has no row, then the device has
// reported nothing; if it was not, nothing is known (P4).
func (inv *Inventory) HasStatuses(policyID string) bool {
	_, ok := inv.StatusesAsOf(policyID)
	return ok
}

// StatusesAsOf returns when the export of a policy's status was begun, and false when it was never read.
func (inv *Inventory) StatusesAsOf(policyID string) (time.Time, bool) {
	at := inv.part(policyID).AsOf
	return at, !at.IsZero()
}

// Gone says that the directory no longer has a device. While it lists one without an id that could be read, nobody knows that.
func (inv *Inventory) Gone(objectID audience.ID) bool {
	_, listed := inv.find(objectID)
	return !listed && inv.nameless == 0
}

// Status returns the status of a policy on a device, and false when there is no row. Of a device with several, one for
// each user, it is the worst (see StatusRow.worseThan).
func (inv *Inventory) Status(policyID string, objectID audience.ID) (StatusRow, bool) {
	rows := inv.statuses[strings.ToLower(policyID)].rows
	i, ok := inv.find(objectID)
	if !ok {
		return StatusRow{}, false
	}
	at, ok := slices.BinarySearchFunc(rows, int32(i), func(e statusEntry, device int32) int { return cmp.Compare(e.device, device) })
	if !ok {
		return StatusRow{}, false
	}
	return rows[at].row(), true
}

func (inv *Inventory) find(objectID audience.ID) (int, bool) {
	return slices.BinarySearchFunc(inv.records, objectID, func(r record, id audience.ID) int { return r.object.Compare(id) })
}

func (inv *Inventory) device(i int) Device {
	r := &inv.records[i]
	d := Device{
		ObjectID: r.object, DeviceID: text(r.device), IntuneID: text(r.intune), UserID: text(r.user), Name: r.name,
		OperatingSystem: inv.texts[r.system], OSVersion: inv.texts[r.version],
		EdgeVersion: inv.texts[r.edge], ManagementAgent: inv.texts[r.agent], ManagementState: inv.texts[r.state],
		ConfiguredElsewhere: r.elsewhere, Account: r.account,
		Encrypted: r.encrypted, LastSync: unixNano(r.lastSync), EnrolledAt: unixNano(r.enrolled),
	}
	d.Enrolment = audience.EnrolmentOf(r.object, r.intune, d.EnrolledAt)
	// "Not encrypted" is also what Intune says before it knows (R21): it counts once the encryption report agrees and the
	// device has been enrolled for a while.
	settled := !d.EnrolledAt.IsZero() && inv.AsOf.Sub(d.EnrolledAt) >= encryptionLag
	d.EncryptionKnown = r.encrypted || r.plain && settled
	return d
}

func (e statusEntry) row() StatusRow { return StatusRow{At: unixNano(e.at), Code: int(e.code)} }

// worseThan orders the rows of one device, of which there is one per user and one for the system account (contract
// b.1): failed, conflict, a code that is not known, success, not applicable, no result; the newer one of equals.
//
// Taking the worst row with its own time is safe for the gate in both directions. A device on which one user fails is
// never counted as a success. And a failure that is older than the exposure of the device does not become a new one
// because another user's row is fresh: it makes the device stale, which lowers coverage. Rows without a result say
// nothing about a device on which another row has one, since a user who never signs in again would hide it for good.
func (s StatusRow) worseThan(other StatusRow) bool {
	if a, b := badness(s.Code), badness(other.Code); a != b {
		return a > b
	}
	return s.At.After(other.At)
}

func badness(code int) int {
	switch code {
	case diagnosis.StatusError, diagnosis.StatusNonCompliant:
		return 5
	case diagnosis.StatusConflict:
		return 4
	case diagnosis.StatusSucceeded, diagnosis.StatusRemediated:
		return 2
	case diagnosis.StatusNotApplicable:
		return 1
	case diagnosis.StatusUnknown, diagnosis.StatusNotAssigned:
		return 0
	}
	return 3
}

// text is the GUID, or empty for none.
func text(id audience.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func unixNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
