// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// fleetChange is what one run of the organisation's processes does: devices first,
// then all groups at once.
type fleetChange struct {
	s     *Server
	at    int64
	moves map[*group]*groupMoves
	// byRequest tells that a request made the change, not the fleet.
	byRequest bool
}

// groupMoves are members of one group by directory index.
type groupMoves struct{ in, out []int }

// happen lets one event happen, unless the device has gone another way since the
// event was planned.
func (c *fleetChange) happen(e fleetEvent) {
	if e.kind == eventNew {
		c.enrol(func(*device) {})
		return
	}
	d := &c.s.fleet.devices[e.device]
	if !concerns(e.kind, d) {
		return
	}
	c.s.deviceWillChange(e.device, unixUTC(c.at))
	switch e.kind {
	case eventGone:
		c.takeOut(e.device, d)
	case eventWiped:
		d.management, d.left = managementWipePending, c.at
	case eventReimaged:
		c.reimage(e.device)
	case eventRenamed:
		d.names++
	case eventDisabled:
		d.disable(c.at)
	case eventMoved:
		c.move(e.device)
	case eventUserChanged:
		c.changeUser(e.device, d)
	case eventLeft:
		c.leave(e.device, d)
	}
	c.s.deviceChanged(e.device, c.at)
}

// disable takes the account of a device away, if it still has one.
func (d *device) disable(at int64) {
	if d.traits&traitDisabled == 0 {
		d.traits, d.disabled = d.traits|traitDisabled, at
	}
}

// concerns tells whether a kind of event can still happen to a device.
func concerns(kind eventKind, d *device) bool {
	switch kind {
	case eventWiped:
		return isEnrolled(d) && inContact(d)
	case eventReimaged:
		return isEnrolled(d) && inDirectory(d) && inContact(d) && !d.platform.phone()
	case eventDisabled, eventMoved:
		return inDirectory(d)
	case eventUserChanged:
		return isEnrolled(d) && d.user >= 0
	case eventRenamed, eventLeft:
		return isEnrolled(d)
	}
	return inTenant(d)
}

// enrol adds a new device: fresh in both places, for a person who is there
// already, and in the groups that stand for everybody.
func (c *fleetChange) enrol(edit func(*device)) {
	s := c.s
	i := int32(len(s.fleet.devices))
	var d device
	s.makeDevice(i, &d, c.at)
	d.traits &^= traitSilent
	d.managedID = ids.NewGUID(s.options.Seed, "managedDevice", uint64(i))
	d.enrolled, d.lastSync, d.inventory = c.at, c.at, 0
	edit(&d)
	s.addRecord(d)
	s.deviceCame(i, unixUTC(c.at))
	s.schedule(i, c.at+enrolmentPace)
	for _, g := range s.fleet.everybody {
		c.join(g, i)
	}
	s.deviceChanged(i, c.at)
}

// takeOut removes a device: half of them from both places, a quarter from the
// directory alone, as a clean-up script does, and a quarter by the order to
// retire. ASSUMED.
func (c *fleetChange) takeOut(i int32, d *device) {
	how := c.s.draw(i, "gone")
	switch {
	case how >= 0.75 && isEnrolled(d) && inContact(d):
		d.management, d.left = managementRetirePending, c.at
		return
	case how >= 0.5 && inDirectory(d):
		c.leaveDirectory(i, d)
		return
	}
	c.leaveIntune(i, d)
	c.leaveDirectory(i, d)
}

// leave ends a device that carried out its order.
func (c *fleetChange) leave(i int32, d *device) {
	c.leaveIntune(i, d)
	if d.management.retires() {
		c.leaveDirectory(i, d)
	}
}

func (c *fleetChange) leaveIntune(i int32, d *device) {
	if !isEnrolled(d) {
		return
	}
	s := c.s
	delete(s.managed, d.managedID)
	d.traits |= traitLeft
	d.left, d.nextSync, d.dark = c.at, 0, false
	s.fleet.inventoryGen++
	s.unregister(i, d)
}

// leaveDirectory deletes the object for good: devices do not go to the deleted
// items (contract-2 x.4). No group holds it any more.
func (c *fleetChange) leaveDirectory(i int32, d *device) {
	if !inDirectory(d) {
		return
	}
	s := c.s
	d.traits |= traitDeleted
	s.leaveIndex(i, d)
	member := len(s.users) + int(i)
	for _, g := range s.ordered {
		if g.direct.Has(member) {
			c.of(g).out = append(c.of(g).out, member)
		}
	}
	s.unregister(i, d)
}

// leaveIndex forgets the ids by which the directory knew a device.
func (s *Server) leaveIndex(i int32, d *device) {
	delete(s.objects, d.objectID)
	if s.entra[d.deviceID] == i {
		delete(s.entra, d.deviceID)
	}
}

// unregister takes a device from its users once nothing is left of it.
func (s *Server) unregister(i int32, d *device) {
	if inTenant(d) {
		return
	}
	for _, u := range d.people() {
		s.users[u].devices = slices.DeleteFunc(s.users[u].devices, func(own int32) bool { return own == i })
	}
}

// reimage installs a machine anew: another object and another record of the same
// hardware and people, half of the time under another name. The old object stays,
// stale and in its groups, and half of the old records too. ASSUMED shares.
func (c *fleetChange) reimage(i int32) {
	s := c.s
	was := s.fleet.devices[i]
	c.enrol(func(d *device) {
		d.machine, d.platform, d.model, d.osVersion = was.machine, was.platform, was.model, was.osVersion
		d.user, d.second, d.names = was.user, was.second, was.names
		d.traits = d.traits&^traitSecondUser | was.traits&(traitSecondUser|traitHybrid|traitPersonal)
		if s.draw(i, "new name") < 0.5 {
			d.names++
		}
	})
	old := &s.fleet.devices[i] // the fleet has grown
	old.traits |= traitStale
	old.nextSync = 0
	if s.draw(i, "old record") < 0.5 {
		c.leaveIntune(i, old)
	}
}

// changeUser gives the device another primary user, who is not its second one.
func (c *fleetChange) changeUser(i int32, d *device) {
	s := c.s
	next := int32(s.drawAt(i, "next user", d.checkins) * float64(len(s.users)))
	if d.usedBy(next) {
		return
	}
	s.users[d.user].devices = slices.DeleteFunc(s.users[d.user].devices, func(own int32) bool { return own == i })
	d.user = next
	s.users[next].devices = append(s.users[next].devices, i)
}

// move takes a device from the start group where it is to another one. Groups
// that were made later are other people's business.
func (c *fleetChange) move(i int32) {
	s := c.s
	member := len(s.users) + int(i)
	here := slices.IndexFunc(s.fleet.starters, func(g *group) bool { return !g.dynamic() && g.direct.Has(member) })
	if here < 0 || len(s.fleet.starters) < 2 {
		return
	}
	there := (here + 1 + int(s.draw(i, "moves")*float64(len(s.fleet.starters)-1))) % len(s.fleet.starters)
	from, to := s.fleet.starters[here], s.fleet.starters[there]
	if !to.deleted.IsZero() || to.direct.Has(member) {
		return
	}
	c.of(from).out = append(c.of(from).out, member)
	c.join(to, i)
}

func (c *fleetChange) join(g *group, i int32) {
	if g.deleted.IsZero() && !g.dynamic() {
		c.of(g).in = append(c.of(g).in, len(c.s.users)+int(i))
	}
}

func (c *fleetChange) of(g *group) *groupMoves {
	if c.moves == nil {
		c.moves = map[*group]*groupMoves{}
	}
	if c.moves[g] == nil {
		c.moves[g] = &groupMoves{}
	}
	return c.moves[g]
}

// commit changes the members of each group once, in the order of the groups.
func (c *fleetChange) commit() {
	s := c.s
	for _, g := range s.ordered {
		moves := c.moves[g]
		if moves == nil {
			continue
		}
		before := slices.Clone(g.direct)
		change := func() {
			for _, member := range moves.in {
				g.direct.Set(member)
			}
			for _, member := range moves.out {
				g.direct.Clear(member)
			}
		}
		if g.deleted.IsZero() {
			s.changeMembersAt(g, unixUTC(c.at), change)
		} else {
			change()
		}
		if !c.byRequest {
			size := len(s.users) + len(s.fleet.devices)
			g.drift = difference(g.drift, difference(before, g.direct, size), size)
		}
	}
}
