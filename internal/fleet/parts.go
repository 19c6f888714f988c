// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
	"github.com/tidegate/tidegate/internal/graph"
)

// The parts of a reading beside the report of each policy object, whose name is the object's id.
const (
	// PartDevices are the devices of the directory and their Intune records, which are joined to each other.
	PartDevices = "Devices"
	// PartEdge are the versions of Microsoft Edge in the app inventory.
	PartEdge = "EdgeVersions"
	// PartEncryption is the encryption report. It exists in beta only, so that a tenant may not have it.
	PartEncryption = "Encryption"
)

// Part is one part of a reading: it is read, fails and grows old for itself, and what it had before a try that failed stands
// meanwhile.
type Part struct {
	// Name is one of the constants above, or the id of a policy object in lower case.
	Name string
	// AsOf is when what the part has was asked for; zero when it has nothing.
	AsOf time.Time
	// Err is why the newest try failed; nil when it did not.
	Err error
	// tried is when the newest try began, again when a failed one is worth another.
	tried, again time.Time
}

// Refused says that the tenant answers for this one part as it does for no other, such as for the report of a policy that was
// deleted. What passes by itself is no such answer.
func (p Part) Refused() bool {
	switch graph.KindOf(p.Err) { // the others are about the tenant, or pass
	case graph.KindNotFound, graph.KindGone, graph.KindForbidden, graph.KindInvalid, graph.KindConflict:
		return true
	}
	return false
}

// ahead says that the part is from the future, by more than clocks may differ: it was read or tried while this machine's clock
// was wrong. It is not fresh, however long ago that future will be.
func (p Part) ahead(now time.Time) bool {
	limit := now.Add(diagnosis.DefaultSkew)
	return p.AsOf.After(limit) || p.tried.After(limit)
}

// dueAt is when the part is to be read next.
func (p Part) dueAt(interval time.Duration) time.Time {
	if p.Err != nil {
		return p.again
	}
	return p.AsOf.Add(interval)
}

// read is the part after a try that succeeded.
func (p Part) read(at time.Time) Part { return Part{Name: p.Name, AsOf: at, tried: at} }

// failed is the part after a try that failed.
func (p Part) failed(at time.Time, err error, again time.Time) Part {
	return Part{Name: p.Name, AsOf: p.AsOf, Err: err, tried: at, again: again}
}

// Lists are the parts that are about devices, in the order devices, Edge versions, encryption.
func (inv *Inventory) Lists() []Part { return []Part{inv.devices, inv.edge, inv.encryption} }

// Reports are the reports of policy objects, in the order of their ids.
func (inv *Inventory) Reports() []Part {
	out := make([]Part, 0, len(inv.statuses))
	for _, id := range slices.Sorted(maps.Keys(inv.statuses)) {
		out = append(out, inv.statuses[id].Part)
	}
	return out
}

// EligibleAsOf is when the oldest of the facts was asked for by which a device is eligible; zero when one of them was never read.
func (inv *Inventory) EligibleAsOf() time.Time {
	if inv.edge.AsOf.IsZero() || inv.edge.AsOf.Before(inv.AsOf) {
		return inv.edge.AsOf
	}
	return inv.AsOf
}

// Of a reading whose lists are not read again, or not all, the lists are taken apart as they were before they were joined.

func (inv *Inventory) entraAgain() []entraDevice {
	out := make([]entraDevice, len(inv.records))
	for i := range inv.records {
		r := &inv.records[i]
		out[i] = entraDevice{object: r.object, device: r.device, name: r.name, system: inv.texts[r.system], version: inv.texts[r.version], account: r.account}
	}
	return out
}

// managedAgain are the records that were joined. Of one that is not encrypted it is known only where the encryption report said the
// same that Intune had said so.
func (inv *Inventory) managedAgain() []managedDevice {
	out := make([]managedDevice, 0, inv.Managed())
	for i := range inv.records {
		r := &inv.records[i]
		if r.intune.IsZero() {
			continue
		}
		out = append(out, managedDevice{
			intune: r.intune, device: r.device, user: r.user, name: r.name, system: inv.texts[r.system], version: inv.texts[r.version],
			agent: inv.texts[r.agent], state: inv.texts[r.state], lastSync: unixNano(r.lastSync), enrolled: unixNano(r.enrolled),
			encrypted: r.encrypted, encryptionSaid: r.encrypted || r.plain, elsewhere: r.elsewhere,
		})
	}
	slices.SortFunc(out, func(a, b managedDevice) int { return a.device.Compare(b.device) })
	return out
}

func (inv *Inventory) edgeAgain() map[audience.ID]string {
	out := map[audience.ID]string{}
	for i := range inv.records {
		if r := &inv.records[i]; r.edge != 0 {
			out[r.intune] = inv.texts[r.edge]
		}
	}
	return out
}

func (inv *Inventory) plainAgain() map[audience.ID]bool {
	out := map[audience.ID]bool{}
	for i := range inv.records {
		if r := &inv.records[i]; r.plain {
			out[r.intune] = true
		}
	}
	return out
}

// rowsIn are rows whose devices are indices of from, as rows of to. Rows of devices that are gone are left out.
func rowsIn(rows []statusEntry, from, to []record) []statusEntry {
	if len(from) == len(to) && (len(from) == 0 || &from[0] == &to[0]) {
		return rows // they were not joined anew
	}
	out, i := make([]statusEntry, 0, len(rows)), 0
	for _, row := range rows { // in the order of devices, that is of object ids
		id := from[row.device].object
		for i < len(to) && to[i].object.Compare(id) < 0 {
			i++
		}
		if i < len(to) && to[i].object == id {
			row.device = int32(i)
			out = append(out, row)
		}
	}
	return slices.Clip(out)
}

// byIntune are the indices of managed devices in the order of their Intune ids.
func byIntune(records []record) []int32 {
	var out []int32
	for i := range records {
		if !records[i].intune.IsZero() {
			out = append(out, int32(i))
		}
	}
	slices.SortFunc(out, func(a, b int32) int { return records[a].intune.Compare(records[b].intune) })
	return out
}

// oddOnes are what lists and reports held that could not be read.
func (inv *Inventory) oddOnes() []Odd {
	var out []Odd
	for _, o := range inv.odd {
		out = o.appended(out)
	}
	for _, id := range slices.Sorted(maps.Keys(inv.statuses)) {
		out = inv.statuses[id].odd.appended(out)
	}
	return out
}

// part is the report of one policy object; one that was never asked for has its name only.
func (inv *Inventory) part(policyID string) policyStatuses {
	id := strings.ToLower(policyID)
	s := inv.statuses[id]
	s.Name = cmp.Or(s.Name, id)
	return s
}
