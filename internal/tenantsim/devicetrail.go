// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"iter"
	"slices"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/entity"
	"github.com/tidegate/tidegate/internal/tenantsim/ids"
	"github.com/tidegate/tidegate/internal/tenantsim/late"
)

// deviceTrail remembers how devices of the directory looked, by device index:
// their array moves when the fleet grows. What a check-in changes is not kept. The
// zero value is ready.
type deviceTrail struct {
	past map[int32][]late.Look[device]
	// notes are the looks of past in the order of their time, oldest first.
	notes []deviceNote
}

type deviceNote struct {
	until  time.Time
	device int32
}

// deviceWillChange notes that a device is about to change in the directory, or to
// leave it; deviceCame that it has just entered. They do nothing without lag.
func (s *Server) deviceWillChange(i int32, at time.Time) {
	if d := &s.fleet.devices[i]; inDirectory(d) {
		was := *d
		s.noteDevice(i, &was, at)
	}
}

func (s *Server) deviceCame(i int32, at time.Time) { s.noteDevice(i, nil, at) }

func (s *Server) noteDevice(i int32, was *device, at time.Time) {
	if s.scenario.Lag == nil {
		return
	}
	t := &s.deviceTrail
	t.prune(at.Add(-s.scenario.Lag.Longest()))
	if t.past == nil {
		t.past = map[int32][]late.Look[device]{}
	}
	t.past[i] = append(t.past[i], late.Look[device]{Until: at, Was: was})
	t.notes = append(t.notes, deviceNote{at, i})
}

// prune forgets what no read can show any more.
func (t *deviceTrail) prune(before time.Time) {
	old := 0
	for old < len(t.notes) && !t.notes[old].until.After(before) {
		i := t.notes[old].device
		if t.past[i] = slices.Delete(t.past[i], 0, 1); len(t.past[i]) == 0 {
			delete(t.past, i)
		}
		old++
	}
	t.notes = slices.Delete(t.notes, 0, old)
}

// deviceAsOf is a device as it looked in the directory at a moment, and whether it
// was there. It must not be changed.
func (s *Server) deviceAsOf(i int32, asOf time.Time) (v deviceView, there bool) {
	v = s.device(i)
	for _, l := range s.deviceTrail.past[i] {
		if !l.Until.After(asOf) {
			continue
		}
		if l.Was == nil {
			return v, false
		}
		v.d = l.Was
		break
	}
	return v, inDirectory(v.d)
}

// devicesAsOf yields the devices of the directory as a list of the moment shows
// them.
func (s *Server) devicesAsOf(asOf time.Time) entity.Keyed[deviceView] {
	return func(after int64) iter.Seq2[int64, deviceView] {
		return func(yield func(int64, deviceView) bool) {
			for i := after + 1; i < int64(len(s.fleet.devices)); i++ {
				if v, there := s.deviceAsOf(int32(i), asOf); there && !yield(i, v) {
					return
				}
			}
		}
	}
}

// seenDevice finds a device of the directory, by object id or by (deviceId='…'),
// as a read sees it: one that was deleted just now may still be there.
func (c *call) seenDevice(key string) (v deviceView, seen bool) {
	s, asOf := c.server, c.readAsOf()
	if i, found := s.findDevice(key); found {
		if v, there := s.deviceAsOf(i, asOf); there {
			return v, true
		}
	}
	alternate, byDeviceID := alternateKey(key, "deviceId")
	if byDeviceID {
		key = alternate
	}
	id, _ := ids.ParseGUID(key)
	for _, n := range s.deviceTrail.notes {
		v, there := s.deviceAsOf(n.device, asOf)
		if there && (byDeviceID && v.d.deviceID == id || !byDeviceID && v.d.objectID == id) {
			return v, true
		}
	}
	return deviceView{}, false
}

// directoryDevice finds the device of the path for a write. It must exist, and be
// readable by now.
func (c *call) directoryDevice() (int32, error) {
	key := c.params["id"]
	i, found := c.server.findDevice(key)
	if found {
		_, found = c.server.deviceAsOf(i, c.readAsOf())
	}
	if !found {
		return 0, c.NotFound(key)
	}
	return i, nil
}
