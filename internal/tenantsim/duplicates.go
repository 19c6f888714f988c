// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// again is what an earlier life of a machine left behind: a record of Intune, an
// object of the directory, or both (domain 4: deduplicate devices).
type again uint8

const (
	againRecord again = 1 << iota // an older managed device
	againObject                   // an older object with a deviceId of its own
)

// countDuplicates is how many devices of the states have an earlier life.
func countDuplicates(states []uint8) (n int) {
	for _, st := range states {
		n += boolInt(deviceStates[st].again != 0)
	}
	return n
}

// addDuplicates adds the earlier lives of the devices that have one: each is a
// device of its own that nobody uses any more and that knows the machine as it
// was then.
func (s *Server) addDuplicates(now int64) {
	for i := range s.options.Devices {
		if left := s.fleet.devices[i].special().again; left != 0 {
			s.addDuplicate(int32(i), left, now)
		}
	}
}

// addDuplicate adds one. An older record without an object shares the deviceId
// of the living device (contract c); an older object is one more device of the
// same name in the directory, and stays in the groups where it was.
func (s *Server) addDuplicate(i int32, left again, now int64) {
	living := &s.fleet.devices[i]
	old := *living
	n := uint64(i)
	old.objectID, old.managedID = ids.GUID{}, ids.GUID{}
	old.traits = traitStale | traitUnencrypted
	old.second, old.management = -1, managementManaged
	if left&againObject != 0 {
		old.objectID, old.deviceID = ids.NewGUID(s.options.Seed, "device of old", n), ids.NewGUID(s.options.Seed, "deviceId of old", n)
	} else {
		old.traits |= traitNoEntra
	}
	if left&againRecord != 0 {
		old.managedID = ids.NewGUID(s.options.Seed, "managedDevice of old", n)
	} else {
		old.traits |= traitLeft
	}
	old.state, old.edge, old.invEdge, old.nextSync = 0, edge138, edge138, 0
	_, current := old.platform.releases()
	old.osVersion = uint8(current)
	old.lastSync = now - 20*dayOf - int64(s.draw(i, "old enrolment")*float64(30*dayOf))
	old.enrolled, old.inventory = old.lastSync-300*dayOf, old.lastSync
	living.enrolled = old.lastSync + hourOf
	s.addRecord(old)
}

// addRecord adds a device to the fleet and makes it known. What points at
// devices is stale afterwards.
func (s *Server) addRecord(d device) {
	i := int32(len(s.fleet.devices))
	s.fleet.devices = append(s.fleet.devices, d)
	s.register(i, &s.fleet.devices[i])
}
