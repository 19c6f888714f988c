// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

// management is the managementState of a managed device, in the order of the
// metadata.
type management uint8

const (
	managementManaged management = iota
	managementRetirePending
	managementRetireFailed
	managementWipePending
	managementWipeFailed
	managementUnhealthy
	managementDeletePending
	managementRetireIssued
	managementWipeIssued
	managementWipeCanceled
	managementRetireCanceled
	managementDiscovered
	managementUnknown // what the service says of a member that the client does not know
)

// managementNames are the members of the enum and the words of the Devices
// reports for them. The words, and that the number in a report is the place in
// the enum, are ASSUMED.
var managementNames = [...]struct{ member, word string }{
	{"managed", "Managed"}, {"retirePending", "Retire pending"}, {"retireFailed", "Retire failed"}, {"wipePending", "Wipe pending"},
	{"wipeFailed", "Wipe failed"}, {"unhealthy", "Unhealthy"}, {"deletePending", "Delete pending"}, {"retireIssued", "Retire issued"},
	{"wipeIssued", "Wipe issued"}, {"wipeCanceled", "Wipe canceled"}, {"retireCanceled", "Retire canceled"}, {"discovered", "Discovered"},
	{"unknownFutureValue", "Unknown"},
}

func (m management) String() string { return managementNames[m].member }

// managementWords are the words by number, for reports.
func managementWords() map[int]string {
	out := map[int]string{}
	for i, name := range managementNames {
		out[i] = name.word
	}
	return out
}

// leaves tells that an order to leave is on its way to the device or has arrived.
func (m management) leaves() bool {
	switch m {
	case managementRetirePending, managementRetireIssued, managementWipePending, managementWipeIssued, managementDeletePending:
		return true
	}
	return false
}

// retires tells that the order takes the device's object of the directory along:
// the documentation of retire says that the Entra record is removed, and says no
// such thing of wipe and delete.
func (m management) retires() bool {
	return m == managementRetirePending || m == managementRetireIssued
}

// actsAt is when a device that was ordered to leave does so: it goes on checking
// in and reporting until the order reaches it, and acts at the first contact from
// this moment on. ASSUMED: within a day once issued, after one to seven days
// while pending.
func (s *Server) actsAt(i int32, d *device) int64 {
	wait := s.draw(i, "acts")
	switch d.management {
	case managementRetireIssued, managementWipeIssued:
		return d.left + int64(wait*float64(dayOf))
	}
	return d.left + dayOf + int64(wait*float64(6*dayOf))
}

// acceptsPolicies is false for a device that is in contact and applies nothing:
// Intune does not manage it, or its client is broken (unhealthy, ASSUMED).
func (d *device) acceptsPolicies() bool {
	return d.traits&traitNoPolicy == 0 && d.management != managementUnhealthy
}
