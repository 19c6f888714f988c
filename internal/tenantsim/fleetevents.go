// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"cmp"
	"math"
	"slices"
)

// fleetEvent is one thing that happens to a device, or to the n-th new one.
type fleetEvent struct {
	at     int64
	kind   eventKind
	device int32
}

func compareEvents(a, b fleetEvent) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind), cmp.Compare(a.device, b.device))
}

// fleetEvents is what is going to happen, in order.
type fleetEvents struct {
	queue []fleetEvent
	week  int64 // when the next week is planned; 0: never
}

// never is later than every moment of a tenant.
const never = math.MaxInt64

// first is when something happens next.
func (e *fleetEvents) first() int64 {
	at := int64(never)
	if e.week != 0 {
		at = e.week
	}
	if len(e.queue) > 0 {
		at = min(at, e.queue[0].at)
	}
	return at
}

// take removes the events of a moment.
func (e *fleetEvents) take(at int64) []fleetEvent {
	n := 0
	for n < len(e.queue) && e.queue[n].at <= at {
		n++
	}
	out := e.queue[:n]
	e.queue = e.queue[n:]
	return out
}

func (e *fleetEvents) add(event fleetEvent) {
	i, _ := slices.BinarySearchFunc(e.queue, event, compareEvents)
	e.queue = slices.Insert(e.queue, i, event)
}

// cycle is how often the processes of an organisation run that change devices
// and groups: enrolments are booked, leavers taken out. ASSUMED.
const cycle = 30 * 60

// nextCycle is the first run after a moment.
func nextCycle(at int64) int64 { return at - at%cycle + cycle }

// planChurn plans what is left of the week that holds the moment.
func (s *Server) planChurn(from int64) {
	e := &s.fleet.events
	e.queue = slices.DeleteFunc(slices.Clone(e.queue), func(event fleetEvent) bool { return event.kind != eventLeft })
	e.week = 0
	rates := s.scenario.Churn.rates()
	if rates == (churnRates{}) {
		return
	}
	number := (from - s.start.Unix()) / weekOf
	begin := s.start.Unix() + number*weekOf
	e.week = begin + weekOf
	slots := workingSlots(begin, e.week)
	plan := func(kind eventKind, device int32, u float64) {
		if at := slots[int(u*float64(len(slots)))]; at >= from {
			e.queue = append(e.queue, fleetEvent{at, kind, device})
		}
	}
	living, week := 0, uint32(number)
	for i := range s.fleet.devices {
		d := &s.fleet.devices[i]
		if !inTenant(d) {
			d.forget(s, int32(i), from)
			continue
		}
		living++
		if kind := rates.pick(s.drawAt(int32(i), "churn", week) * 100); kind != eventNew {
			plan(kind, int32(i), s.drawAt(int32(i), "churn slot", week))
		}
	}
	arrivals := int(float64(living)*rates[eventNew]/100 + s.drawAt(0, "new devices", week))
	for n := range int32(arrivals) {
		plan(eventNew, n, s.drawAt(n, "new slot", week))
	}
	slices.SortFunc(e.queue, compareEvents)
}

// pick is what happens to a device whose number is u of 100; eventNew: nothing.
func (r *churnRates) pick(u float64) eventKind {
	for kind := range eventNew {
		if u < r[kind] {
			return kind
		}
		u -= r[kind]
	}
	return eventNew
}

// workingSlots are the runs of a span in which people work: on work days from
// 07:00 to 18:00 UTC.
func workingSlots(from, to int64) []int64 {
	var out []int64
	for at := nextCycle(from - 1); at < to; at += cycle {
		if clock := at % dayOf; !isWeekend(at-clock) && clock >= 7*hourOf && clock < 18*hourOf {
			out = append(out, at)
		}
	}
	return out
}

// forget frees what reports no longer show of a device that is gone.
func (d *device) forget(s *Server, i int32, now int64) {
	if len(d.rows) > 0 && !s.inReports(deviceView{s, i, d}, now) {
		d.rows = nil
	}
}

// liveThrough lets everything happen that is planned for a moment.
func (s *Server) liveThrough(at int64) {
	if s.fleet.events.week == at {
		s.planChurn(at)
	}
	c := fleetChange{s: s, at: at}
	for _, event := range s.fleet.events.take(at) {
		c.happen(event)
	}
	c.commit()
}

// leaveSoon plans the end of a device that carried out the order to leave: Intune
// and the directory notice at the next run (ASSUMED).
func (s *Server) leaveSoon(i int32, at int64) {
	s.fleet.events.add(fleetEvent{nextCycle(at), eventLeft, i})
}
