// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"math"
	"slices"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// Status numbers of a policy on a device (contract b.2).
const (
	statusPending       uint8 = 0
	statusNotApplicable uint8 = 1
	statusSucceeded     uint8 = 2
	statusError         uint8 = 5
	statusConflict      uint8 = 6
	// statusGone marks a row whose policy no longer reaches the device. It is
	// never shown: the row leaves the report.
	statusGone uint8 = 255
)

// stamp is one result: a status and when the device evaluated it.
type stamp struct {
	at     int64 // Unix seconds; 0: no result
	status uint8
}

// row is the state of one policy on one device for one of its users: the newest
// result, and the one that reports show until the newest becomes visible.
type row struct {
	policy   *policy
	user     int32 // -1: the device has no user
	first    int64 // first time the device applied the policy
	visible  int64 // when current becomes reported
	current  stamp
	reported stamp
}

// promote makes the newest result visible when its lag is over.
func (r *row) promote(now int64) {
	if r.current.at != 0 && now >= r.visible {
		r.reported = r.current
	}
}

// settle lets every device that is due until now check in. It runs before each
// request and each advance, so that state is always as of now.
func (s *Server) settle(now time.Time) {
	limit := now.Unix()
	s.purgeAccess(now)
	for {
		next := min(s.fleet.due.first(), s.fleet.events.first(), s.purgeDue())
		if next > limit {
			break
		}
		// A change of members that reached Intune by then may bring devices
		// that come earlier.
		s.arriveUntil(next)
		s.keepHistory(next)
		purge, event, visit := s.purgeDue(), s.fleet.events.first(), s.fleet.due.first()
		switch {
		case purge <= min(event, visit):
			s.purgeGroups(unixUTC(purge))
		case event <= visit:
			s.liveThrough(event)
		default:
			s.visit(s.fleet.due.pop())
		}
	}
	s.arriveUntil(limit)
	s.keepHistory(limit)
}

// visit lets a device check in, unless it was rescheduled since.
func (s *Server) visit(e due) {
	if d := &s.fleet.devices[e.device]; d.nextSync == e.at {
		s.checkIn(e.device, d, e.at)
	}
}

// checkIn is one contact of one device: it fetches the policies that target
// it, applies them and plans the next contact.
func (s *Server) checkIn(i int32, d *device, at int64) {
	d.nextSync = 0
	if d.dark || s.offline(i) {
		return // wakeFleet schedules it again
	}
	d.lastSync = at
	d.checkins++
	if d.management.leaves() && at >= s.actsAt(i, d) {
		s.leaveSoon(i, at)
		return
	}
	if !d.acceptsPolicies() {
		s.schedule(i, s.nextCheckIn(i, d, at))
		return
	}
	if at-d.inventory >= d.inventoryPeriod() {
		if d.inventory == 0 || d.invEdge != d.edge {
			s.fleet.inventoryGen++
		}
		d.inventory, d.invEdge = at, d.edge
	}
	s.runSessions(i, d, s.policiesFor(i, d), at)
	s.runRemediations(i, d, at)
	if forced := d.special().overwrites; forced != passkeyUnset {
		d.effective = forced // a group policy is the last to write (domain 7.2)
	}
	if !d.dark {
		s.schedule(i, s.nextCheckIn(i, d, at))
	}
}

// inventoryPeriod is how old the app inventory becomes, in seconds: a day for
// Win32 applications, which the management extension reports, and a week for
// all others (domain 4).
func (d *device) inventoryPeriod() int64 {
	switch d.special().reports {
	case reportsNoApps:
		return math.MaxInt64
	case reportsOldEdgeWeekly:
		return weekOf
	}
	if d.platform == platformWindows {
		return dayOf
	}
	return weekOf
}

// policiesFor collects the policies that reach the device, in order.
func (s *Server) policiesFor(i int32, d *device) []*policy {
	out := s.fleet.scratch[:0]
	for _, p := range s.assigned {
		if p.platforms&d.platform != 0 && s.targets(p).Has(int(i)) {
			out = append(out, p)
		}
	}
	s.fleet.scratch = out
	return out
}

// apply evaluates one policy for one user and records the result.
func (s *Server) apply(i int32, d *device, user int32, p *policy, all []*policy, at int64) {
	r := d.row(p, user)
	if r == nil {
		d.rows = append(d.rows, row{policy: p, user: user, first: at})
		r = &d.rows[len(d.rows)-1]
	}
	if r.current.status == statusGone {
		r.first = at
	}
	status := s.evaluate(i, d, p, all, at-r.first)
	if status == statusSucceeded && p.passkey != passkeyUnset {
		d.effective = p.passkey
	}
	if status != statusPending { // a pending device has nothing to report
		s.record(i, d, r, stamp{at: at, status: status})
	}
}

// evaluate decides the status of a policy on a device that just checked in.
func (s *Server) evaluate(i int32, d *device, p *policy, all []*policy, age int64) uint8 {
	if !p.requires.met(d) || d.traits&traitWorkloadElsewhere != 0 {
		// That a policy of a workload which Configuration Manager has is reported
		// as not applicable is ASSUMED.
		return statusNotApplicable
	}
	for _, rival := range p.rivals {
		if slices.Contains(all, rival) && rival.requires.met(d) {
			return statusConflict
		}
	}
	switch s.ruleFor(i, p, age) {
	case OutcomeError:
		return statusError
	case OutcomeConflict:
		return statusConflict
	case OutcomePending:
		return statusPending
	case OutcomeDark:
		d.dark = true
		return statusPending
	}
	if s.scenario.FailurePercent > 0 && s.draw(i, "failure "+p.payloadKey)*100 < s.scenario.FailurePercent {
		return statusError
	}
	return statusSucceeded
}

// record stores a result and when reports may show it. A result that replaces
// one still on its way inherits the earlier arrival: the pipeline carries the
// newest state.
func (s *Server) record(i int32, d *device, r *row, result stamp) {
	frozen := s.freeze()
	r.promote(min(result.at, frozen))
	waiting := r.current.at != 0 && r.reported != r.current
	r.current = result
	if !waiting {
		r.visible = result.at + s.scenario.lag(s.drawAt(i, "lag", d.checkins))
	}
}

// freeze is the last moment whose results reports show.
func (s *Server) freeze() int64 {
	if s.scenario.StaleReports == nil {
		return 1<<63 - 1
	}
	return s.scenario.StaleReports.Unix()
}

// offline reports whether the scenario keeps the device away.
func (s *Server) offline(i int32) bool {
	return s.scenario.OfflinePercent > 0 && s.draw(i, "offline")*100 < s.scenario.OfflinePercent
}

// enrolmentPace is how long a fresh device waits between its first contacts.
const enrolmentPace = 3 * 60

// settlingPace is the wait of a device that was enrolled so many seconds ago, 0
// once it has settled: Windows and Android every 3 minutes for 15 minutes, then
// every 15 minutes for 2 hours; Apple's every 15 minutes for an hour (contract b.3).
func (p platform) settlingPace(age int64) int64 {
	apple := p == platformIOS || p == platformMacOS
	switch {
	case apple && age < hourOf:
		return 15 * 60
	case apple:
		return 0
	case age < 15*60:
		return enrolmentPace
	case age < 15*60+2*hourOf:
		return 15 * 60
	}
	return 0
}

// nextCheckIn plans the next scheduled contact: the interval, give or take a
// tenth, moved to when the device is awake. A fresh device comes often.
func (s *Server) nextCheckIn(i int32, d *device, at int64) int64 {
	if wait := d.platform.settlingPace(at - d.enrolled); wait > 0 {
		return at + wait
	}
	jitter := 0.9 + 0.2*s.drawAt(i, "jitter", d.checkins)
	return s.awake(i, at+int64(float64(s.scenario.interval())*jitter))
}

// awake moves a moment to when the device runs. Office devices run on work
// days from about 07:00 to 18:00 UTC and sync soon after they start.
func (s *Server) awake(i int32, at int64) int64 {
	d := &s.fleet.devices[i]
	if d.traits&traitOfficeHours == 0 {
		return at
	}
	const day = 86400
	opens := int64(6*3600 + s.draw(i, "opens")*2*3600)
	closes := opens + int64(9*3600+s.draw(i, "closes")*2*3600)
	for {
		midnight := at - at%day
		weekend := isWeekend(midnight) && d.traits&traitWeekend == 0
		switch clock := at - midnight; {
		case !weekend && clock >= opens && clock < closes:
			return at
		case !weekend && clock < opens:
			return midnight + opens + int64(s.drawAt(i, "startup", uint32(midnight/day))*1800)
		default:
			at = midnight + day
		}
	}
}

// isWeekend says whether a UTC midnight begins a Saturday or Sunday. Unix day 0
// was a Thursday.
func isWeekend(midnight int64) bool {
	weekday := (midnight/86400 + 4) % 7
	return weekday == 0 || weekday == 6
}

// schedule sets the device's next contact.
func (s *Server) schedule(i int32, at int64) {
	s.fleet.devices[i].nextSync = at
	s.fleet.due.push(due{at: at, device: i})
}

// wakeFleet schedules devices that a scenario had silenced and that the one in
// force no longer does.
func (s *Server) wakeFleet() {
	now := s.clock.Now().Unix()
	for i := range s.fleet.devices {
		d := &s.fleet.devices[i]
		if d.traits&traitSilent != 0 {
			continue
		}
		d.dark = false
		if d.nextSync == 0 && !s.offline(int32(i)) {
			s.schedule(int32(i), s.firstCheckIn(int32(i), now))
		}
	}
}

// notify tells devices that something changed for them: most online devices
// come within the hour, the others within four (domain 6.2).
func (s *Server) notify(devices ids.Bitset, now int64) {
	push := orDefault(s.scenario.PushPercent, 90)
	if push == 0 {
		return
	}
	devices.Each(func(k int) {
		i := int32(k)
		d := &s.fleet.devices[i]
		if d.nextSync == 0 {
			return
		}
		n := d.checkins + uint32(s.targetGen)
		wait := 60 + s.drawAt(i, "push", n)*3300
		if s.drawAt(i, "pushed", n)*100 >= push {
			wait = 3600 + s.drawAt(i, "push", n)*3*3600
		}
		if at := s.awake(i, now+int64(wait)); at < d.nextSync {
			s.schedule(i, at)
		}
	})
}
