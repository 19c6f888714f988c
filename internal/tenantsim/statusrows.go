// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

// statusRows yields what reports show now: results whose lag is over, of
// policies that still exist, one row for each user of a device and for some
// devices one of the system account.
func (s *Server) statusRows(yield func(statusRow)) {
	s.eachReporting(func(v deviceView) {
		for k := range v.d.rows {
			r := &v.d.rows[k]
			if !s.isShown(r) {
				continue
			}
			out := s.statusRow(v, r.policy, r.reported, r.user)
			yield(out)
			if v.d.traits&traitSystemRow != 0 && r.user >= 0 && r.user == v.d.user {
				out.user = -1
				yield(out)
			}
		}
	})
}

// deviceRows yields one row for each device and policy of statusRows, with the
// worst result of the users: what counts of devices are made from.
func (s *Server) deviceRows(yield func(statusRow)) {
	s.eachReporting(func(v deviceView) {
		for k := range v.d.rows {
			r := &v.d.rows[k]
			if !s.isShown(r) || v.d.showsBefore(k) {
				continue
			}
			result, user, _ := v.d.worst(r.policy, shown)
			yield(s.statusRow(v, r.policy, result, user))
		}
	})
}

// eachReporting visits the devices of which reports show rows, with the rows as
// of now. A device that left Intune is shown until the reports have noticed.
func (s *Server) eachReporting(visit func(deviceView)) {
	if s.scenario.EmptyReports {
		return
	}
	now := min(s.clock.Now().Unix(), s.freeze())
	for i := range s.fleet.devices {
		v := s.device(int32(i))
		if len(v.d.rows) == 0 || !s.inReports(v, now) {
			continue
		}
		v.d.promote(now)
		visit(v)
	}
}

// inReports tells whether reports show what a device said: as long as Intune
// knows it, and for the scenario's reportLag after (ASSUMED).
func (s *Server) inReports(v deviceView, now int64) bool {
	return v.d.traits&traitLeft == 0 || now < v.d.left+s.scenario.lag(s.draw(v.i, "left"))
}

func (s *Server) isShown(r *row) bool {
	return r.reported.at != 0 && r.reported.status != statusGone && s.exists(r.policy)
}

// showsBefore tells whether an earlier row of the device shows the same policy.
func (d *device) showsBefore(k int) bool {
	for j := range d.rows[:k] {
		if r := &d.rows[j]; r.policy == d.rows[k].policy && r.reported.at != 0 && r.reported.status != statusGone {
			return true
		}
	}
	return false
}

func (s *Server) statusRow(v deviceView, p *policy, result stamp, user int32) statusRow {
	if s.scenario.ZeroReports {
		result.status = statusPending
	}
	return statusRow{deviceView: v, policy: p, stamp: result, user: user}
}

// promote makes every result visible whose lag is over.
func (d *device) promote(now int64) {
	for k := range d.rows {
		d.rows[k].promote(now)
	}
}
