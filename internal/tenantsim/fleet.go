// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "fmt"

// platform is an operating system family, as a bit of platformSet.
type platform uint8

const (
	platformWindows platform = 1 << iota
	platformMacOS
	platformOther // android, iOS, linux: no such device is simulated yet
)

// trait is a fact about a device that does not change, as a bit.
type trait uint16

const (
	traitUnenrolled  trait = 1 << iota // Entra registration only (contract c: no managed device)
	traitNever                         // enrolled, never in contact
	traitStale                         // lost contact long before the start
	traitUnencrypted                   // isEncrypted false
	traitOfficeHours                   // asleep at night
	traitWeekend                       // an office device that also runs at weekends
	traitCoManaged                     // managed by Configuration Manager and MDM
	traitHybrid                        // joined to on-premises AD as well
	traitSystemRow                     // reports a second row for the system account
)

// silent devices never check in.
const traitSilent = traitUnenrolled | traitNever | traitStale

// device is one machine. It is kept small: a tenant may hold 200,000.
type device struct {
	objectID  guid // Entra object id: the id that groups hold
	deviceID  guid // Entra deviceId
	managedID guid // Intune id; zero when unenrolled
	lastSync  int64
	nextSync  int64 // due check-in, 0: none scheduled
	inventory int64 // last app inventory
	enrolled  int64
	rows      []row
	user      int32 // primary user, -1: none
	checkins  uint32
	traits    trait
	platform  platform
	osVersion uint8 // index into the platform's version table
	edge      uint8 // index into edgeVersions
	invEdge   uint8 // Edge version that the inventory knows
	model     uint8
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

// osRelease is one operating system version. Supported versions come first.
type osRelease struct {
	version string
	build   int // Windows build, or macOS major version
}

// The first currentWindows and currentMac entries meet every prerequisite;
// the rest do not (R17: Windows 11 22H2 is build 22621, macOS 13).
var windowsReleases = []osRelease{
	{"10.0.26100.4061", 26100}, {"10.0.26200.5603", 26200}, {"10.0.22631.5335", 22631}, {"10.0.22621.5335", 22621},
	{"10.0.19045.5854", 19045}, {"10.0.22000.3260", 22000},
}

var macReleases = []osRelease{{"15.5", 15}, {"26.1", 26}, {"14.8", 14}, {"12.7.6", 12}}

const (
	currentWindows = 4
	currentMac     = 3
)

// edgeRelease is a Stable version; the first currentEdge support the passkey
// policy (domain 2.2: Windows and macOS from 145).
type edgeRelease struct {
	version string
	major   int
}

var edgeReleases = []edgeRelease{{"148.0.3967.54", 148}, {"147.0.3912.86", 147}, {"149.0.4022.41", 149}, {"143.0.3650.139", 143}, {"138.0.3351.140", 138}}

const currentEdge = 3

// models hold a bare quote on purpose: real exports do (contract b.4).
var windowsModels = []string{"Latitude 7450", "ThinkPad X1 Carbon Gen 12", "Surface Laptop 7", `EliteBook 840 14"`, "Virtual Machine"}
var windowsMakers = []string{"Dell Inc.", "LENOVO", "Microsoft Corporation", "HP", "Microsoft Corporation"}
var macModels = []string{"MacBook Pro", "MacBook Air", "iMac", "Mac mini"}

// makeFleet creates the devices and schedules their first check-in.
func (s *Server) makeFleet() {
	s.fleet.devices = make([]device, s.options.Devices)
	s.fleet.due = make(dueHeap, 0, s.options.Devices)
	now := s.start.Unix()
	for i := range s.fleet.devices {
		d := &s.fleet.devices[i]
		s.makeDevice(int32(i), d, now)
		s.objects[d.objectID] = int32(len(s.users) + i)
		s.entra[d.deviceID] = int32(i)
		if d.traits&traitUnenrolled == 0 {
			s.managed[d.managedID] = int32(i)
		}
		if d.user >= 0 {
			s.users[d.user].devices = append(s.users[d.user].devices, int32(i))
		}
		if d.traits&traitSilent == 0 {
			s.schedule(int32(i), s.firstCheckIn(int32(i), now))
		}
	}
}

func (s *Server) makeDevice(i int32, d *device, now int64) {
	n := uint64(i)
	d.objectID = newGUID(s.options.Seed, "device", n)
	d.deviceID = newGUID(s.options.Seed, "deviceId", n)
	d.user = int32(int(i) % len(s.users))
	d.platform = platformWindows
	if s.draw(i, "platform") < 0.15 {
		d.platform = platformMacOS
	}
	d.traits = s.drawTraits(i)
	s.drawVersions(i, d)
	d.enrolled = now - int64(30+s.draw(i, "enrolled")*700)*86400
	if d.traits&traitUnenrolled != 0 {
		return
	}
	d.managedID = newGUID(s.options.Seed, "managedDevice", n)
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

func (s *Server) drawVersions(i int32, d *device) {
	pick := func(label string, from, to int) uint8 {
		return uint8(from + int(s.draw(i, label)*float64(to-from)))
	}
	releases, current := len(windowsReleases), currentWindows
	models := len(windowsModels)
	if d.platform == platformMacOS {
		releases, current, models = len(macReleases), currentMac, len(macModels)
	}
	d.osVersion, d.edge, d.model = pick("os", 0, current), pick("edge", 0, currentEdge), pick("model", 0, models)
	if s.draw(i, "prerequisite")*100 < orDefault(s.scenario.MissingPrerequisitePercent, 3) {
		if s.draw(i, "which") < 0.5 {
			d.osVersion = pick("os", current, releases)
		} else {
			d.edge = pick("edge", currentEdge, len(edgeReleases))
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
	return uniform(mix(mix(s.options.Seed^hashText(label)) ^ uint64(i)))
}

// drawAt is draw for the n-th time the question comes up.
func (s *Server) drawAt(i int32, label string, n uint32) float64 {
	return uniform(mix(mix(mix(s.options.Seed^hashText(label))^uint64(i)) + uint64(n)))
}

func (d *device) release() osRelease {
	if d.platform == platformMacOS {
		return macReleases[d.osVersion]
	}
	return windowsReleases[d.osVersion]
}

func (d *device) operatingSystem() string {
	if d.platform == platformMacOS {
		return "macOS"
	}
	return "Windows"
}

func (d *device) modelName() string {
	if d.platform == platformMacOS {
		return macModels[d.model]
	}
	return windowsModels[d.model]
}

func (d *device) manufacturer() string {
	if d.platform == platformMacOS {
		return "Apple"
	}
	return windowsMakers[d.model]
}

func deviceName(i int32, d *device) string {
	if d.platform == platformMacOS {
		return fmt.Sprintf("MAC-%06d", i+1)
	}
	return fmt.Sprintf("PC-%06d", i+1)
}
