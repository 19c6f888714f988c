// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"fmt"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// trait is a fact about a device that a check-in does not change, as a bit.
type trait uint32

const (
	traitUnenrolled        trait = 1 << iota // Entra registration only (contract c: no managed device)
	traitNever                               // enrolled, never in contact
	traitStale                               // lost contact long before the start
	traitUnencrypted                         // isEncrypted false
	traitOfficeHours                         // asleep at night
	traitWeekend                             // an office device that also runs at weekends
	traitCoManaged                           // managed by Configuration Manager and MDM
	traitHybrid                              // joined to on-premises AD as well
	traitSystemRow                           // reports a second row for the system account
	traitPersonal                            // owned by its user
	traitNoPolicy                            // Intune knows the device and does not manage it
	traitNoEntra                             // a record of Intune without a device of the directory
	traitShared                              // no primary user
	traitSameUser                            // several devices have the same primary user
	traitSecondUser                          // somebody else uses the device as well
	traitDeleted                             // taken out of the directory, where Intune may still know it
	traitDisabled                            // accountEnabled false in the directory
	traitLeft                                // was enrolled: Intune has no record any more
	traitWorkloadElsewhere                   // Configuration Manager has the device configuration workload
)

// ordinaryTraits are those that a device may have in whatever state it is.
const ordinaryTraits = traitOfficeHours | traitWeekend | traitSystemRow

// silent devices never check in.
const traitSilent = traitUnenrolled | traitNever | traitStale | traitLeft

// device is one machine. It is kept small: a tenant may hold 200,000.
type device struct {
	objectID  ids.GUID // Entra object id: the id that groups hold
	deviceID  ids.GUID // Entra deviceId
	managedID ids.GUID // Intune id; zero when unenrolled
	lastSync  int64
	nextSync  int64 // due check-in, 0: none scheduled
	inventory int64 // last app inventory
	enrolled  int64
	rows      []row
	left      int64 // when Intune lost the device, or it was ordered to leave
	disabled  int64 // when the directory disabled it
	user      int32 // primary user, -1: none
	second    int32 // another user, -1: none
	machine   int32 // index of the hardware's first record
	checkins  uint32
	traits    trait
	platform  platform
	osVersion uint8 // index into the platform's version table
	edge      uint8 // index into edgeVersions
	invEdge   uint8 // Edge version that the inventory knows
	model     uint8
	state     uint8 // index into deviceStates
	names     uint8 // how often the machine was renamed
	management
	effective passkeyState
	dark      bool
}

// passkeyState is the effective value of the passkey setting on a device.
type passkeyState uint8

const (
	passkeyUnset passkeyState = iota
	passkeyAllowed
	passkeyBlocked
)

func (p passkeyState) String() string {
	return [...]string{"unset", "allowed", "blocked"}[p]
}

// edgeRelease is a Stable version; the first currentEdge support the passkey
// policy (domain 2.2: Windows and macOS from 145). An ordinary fleet has the
// first ordinaryEdge; the others belong to device states.
type edgeRelease struct {
	version string
	major   int
}

var edgeReleases = []edgeRelease{
	{"148.0.3967.54", 148}, {"147.0.3912.86", 147}, {"149.0.4022.41", 149}, {"143.0.3650.139", 143}, {"138.0.3351.140", 138},
	{"145.0.3800.58", 145}, {"144.0.3719.115", 144}, {"120.0.2210.61", 120}, {"", 0},
}

// Indices of edgeReleases that have a name; edgeNone is a device without Edge
// Stable.
const (
	edge148, edge143, edge138, edge145, edge144, edge120, edgeNone uint8 = 0, 3, 4, 5, 6, 7, 8

	currentEdge  = 3
	ordinaryEdge = 5
)

// makeFleet creates the devices and schedules their first check-in. It fails
// when the scenario wants more devices in special states than there are.
func (s *Server) makeFleet() error {
	states, err := s.dealStates()
	if err != nil {
		return err
	}
	s.fleet.devices = make([]device, s.options.Devices, s.options.Devices+countDuplicates(states))
	s.fleet.due = make(dueHeap, 0, s.options.Devices)
	now := s.start.Unix()
	var inState [256]int
	for i := range s.fleet.devices {
		d := &s.fleet.devices[i]
		if states != nil {
			d.state = states[i]
		}
		s.makeDevice(int32(i), d, now)
		if d.state != 0 {
			s.enterState(d, inState[d.state], now)
			inState[d.state]++
		}
		s.register(int32(i), d)
		if d.traits&traitSilent == 0 {
			s.schedule(int32(i), s.firstCheckIn(int32(i), now))
		}
	}
	s.addDuplicates(now)
	return nil
}

// register makes the device known by its ids, and to its user.
func (s *Server) register(i int32, d *device) {
	if inDirectory(d) {
		s.objects[d.objectID] = int32(len(s.users)) + i
		s.entra[d.deviceID] = i
	}
	if isEnrolled(d) {
		s.managed[d.managedID] = i
	}
	for _, u := range d.people() {
		s.users[u].devices = append(s.users[u].devices, i)
	}
}

// people are the users of the device, the primary one first.
func (d *device) people() []int32 {
	both := [2]int32{d.user, d.second}
	switch {
	case d.second < 0 && d.user < 0:
		return nil
	case d.second < 0:
		return both[:1]
	case d.user < 0:
		return both[1:]
	}
	return both[:]
}

func (s *Server) makeDevice(i int32, d *device, now int64) {
	n := uint64(i)
	d.objectID = ids.NewGUID(s.options.Seed, "device", n)
	d.deviceID = ids.NewGUID(s.options.Seed, "deviceId", n)
	d.user, d.second, d.machine = int32(int(i)%len(s.users)), -1, i
	d.platform = s.drawPlatform(i)
	if d.platform.phone() { // the phone of somebody who mostly has a computer too
		d.user = int32(s.draw(i, "phone of") * float64(len(s.users)))
	}
	d.traits = s.drawTraits(i)
	if d.state != 0 {
		st := d.special()
		d.traits = d.traits&ordinaryTraits | st.traits
		if st.platform != 0 {
			d.platform = st.platform
		}
	}
	if d.platform.phone() {
		d.traits &^= traitSystemRow | traitCoManaged | traitHybrid
	}
	s.drawSecondUser(i, d)
	s.drawVersions(i, d)
	d.enrolled = now - int64(30+s.draw(i, "enrolled")*700)*86400
	if d.traits&traitUnenrolled != 0 {
		return
	}
	d.managedID = ids.NewGUID(s.options.Seed, "managedDevice", n)
	s.drawLastContact(i, d, now)
}

func (s *Server) drawTraits(i int32) trait {
	sc := &s.scenario
	var t trait
	take := func(label string, percent float64, add trait) {
		if s.draw(i, label)*100 < percent {
			t |= add
		}
	}
	// One draw for the three ways of being silent keeps them disjoint.
	u := s.draw(i, "contact") * 100
	unenrolled := orDefault(sc.UnenrolledPercent, 1)
	never := unenrolled + orDefault(sc.NeverPercent, 1)
	switch {
	case u < unenrolled:
		t |= traitUnenrolled
	case u < never:
		t |= traitNever
	case u < never+orDefault(sc.StalePercent, 4):
		t |= traitStale
	}
	take("encryption", orDefault(sc.UnencryptedPercent, 2), traitUnencrypted)
	take("office", orDefault(sc.OfficeHoursPercent, 60), traitOfficeHours)
	take("weekend", 20, traitWeekend)
	take("comanaged", 3, traitCoManaged)
	take("hybrid", 25, traitHybrid)
	take("systemrow", 20, traitSystemRow)
	return t
}

// drawSecondUser gives a shared computer its other user. A device in a special
// state has one only if the state says so.
func (s *Server) drawSecondUser(i int32, d *device) {
	ordinary := d.state == 0 && d.platform == platformWindows && s.draw(i, "second user")*100 < s.scenario.SecondUserPercent
	if d.traits&traitSecondUser == 0 && !ordinary || len(s.users) < 2 {
		return
	}
	d.traits |= traitSecondUser
	d.second = int32(s.draw(i, "second") * float64(len(s.users)-1))
	if d.second >= d.user {
		d.second++
	}
}

func (s *Server) drawVersions(i int32, d *device) {
	pick := func(label string, from, to int) uint8 {
		return uint8(from + int(s.draw(i, label)*float64(to-from)))
	}
	releases, current := d.platform.releases()
	d.osVersion, d.edge, d.model = pick("os", 0, current), pick("edge", 0, currentEdge), pick("model", 0, d.platform.models())
	if st := d.special(); d.state != 0 {
		if st.edge != 0 {
			d.edge = st.edge - 1
		}
	} else if s.draw(i, "prerequisite")*100 < orDefault(s.scenario.MissingPrerequisitePercent, 3) {
		if s.draw(i, "which") < 0.5 {
			d.osVersion = pick("os", current, len(releases))
		} else {
			d.edge = pick("edge", currentEdge, ordinaryEdge)
		}
	}
	d.invEdge = d.edge
}

// drawLastContact places the last check-in before the start.
func (s *Server) drawLastContact(i int32, d *device, now int64) {
	u := s.draw(i, "lastContact")
	switch {
	case d.traits&traitNever != 0:
		return
	case d.traits&traitStale != 0:
		d.lastSync = now - int64((8+u*32)*86400)
	default:
		d.lastSync = now - int64(u*float64(s.scenario.interval()))
	}
	d.enrolled = min(d.enrolled, d.lastSync-86400)
	d.inventory = d.lastSync - int64(s.draw(i, "inventory")*86400)
}

// firstCheckIn spreads first contacts over one interval.
func (s *Server) firstCheckIn(i int32, now int64) int64 {
	return s.awake(i, now+1+int64(s.draw(i, "first")*float64(s.scenario.interval())))
}

// draw is the device's own number in [0,1) for a label: the same in every run
// and independent of what else happens.
func (s *Server) draw(i int32, label string) float64 {
	return ids.Uniform(ids.Mix(ids.Mix(s.options.Seed^ids.HashText(label)) ^ uint64(i)))
}

// drawAt is draw for the n-th time the question comes up.
func (s *Server) drawAt(i int32, label string, n uint32) float64 {
	return ids.Uniform(ids.Mix(ids.Mix(ids.Mix(s.options.Seed^ids.HashText(label))^uint64(i)) + uint64(n)))
}

// deviceName follows the hardware, not the record: a machine that is enrolled
// again keeps its name unless somebody gives it another one.
func deviceName(d *device) string {
	base := fmt.Sprintf("PC-%06d", d.machine+1)
	switch {
	case d.platform == platformMacOS:
		base = fmt.Sprintf("MAC-%06d", d.machine+1)
	case d.platform.phone():
		base = fmt.Sprintf("PHONE-%06d", d.machine+1)
	}
	if d.names > 0 {
		return fmt.Sprintf("%s-%d", base, d.names+1)
	}
	return base
}

// boolInt counts one for true.
func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
