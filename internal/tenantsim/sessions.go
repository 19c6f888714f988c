// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import "slices"

// secondShare of the check-ins of a shared device find its second user signed
// in. ASSUMED.
const secondShare = 0.3

// runSessions applies the policies that reach a device for each user who is
// there. Each user has results of her own (contract b.1): the primary user at
// every check-in, the second one when she is signed in.
func (s *Server) runSessions(i int32, d *device, targets []*policy, at int64) {
	if d.second < 0 {
		s.runSession(i, d, d.user, targets, at)
		return
	}
	s.runSession(i, d, d.user, s.reaching(i, d.user, targets), at)
	if s.drawAt(i, "second user signed in", d.checkins) < secondShare {
		s.runSession(i, d, d.second, s.reaching(i, d.second, targets), at)
	}
}

func (s *Server) runSession(i int32, d *device, user int32, targets []*policy, at int64) {
	for _, p := range targets {
		s.apply(i, d, user, p, targets, at)
	}
	s.dropRows(i, d, user, targets, at)
}

// reaching are those of a device's policies that reach one user on it: what is
// assigned to the device reaches everybody, what is assigned to people only them
// (contract-2 y.4).
func (s *Server) reaching(i, user int32, targets []*policy) []*policy {
	out := make([]*policy, 0, len(targets))
	for _, p := range targets {
		stands := []int{len(s.users) + int(i)}
		if user >= 0 {
			stands = append(stands, int(user))
		}
		if s.reachesAs(p.effective(), i, stands) {
			out = append(out, p)
		}
	}
	return out
}

// usedBy tells whether a user's results on the device are still kept up.
func (d *device) usedBy(user int32) bool { return user == d.user || user >= 0 && user == d.second }

// dropRows ends one user's rows of policies that no longer reach her on the
// device, and everybody's who does not use it any more. It reverts what the
// policies had set unless the value sticks (contract b.3).
func (s *Server) dropRows(i int32, d *device, user int32, targets []*policy, at int64) {
	kept := d.rows[:0]
	reverted, governed := false, false
	for _, r := range d.rows {
		sets := r.policy.passkey != passkeyUnset
		switch {
		case r.user == user && slices.Contains(targets, r.policy):
			governed = governed || sets
		case r.user != user && d.usedBy(r.user):
			governed = governed || sets && r.current.status != statusGone
		default:
			reverted = reverted || sets && r.current.status != statusGone
			if !s.endRow(i, d, &r, at) {
				continue
			}
		}
		kept = append(kept, r)
	}
	clear(d.rows[len(kept):])
	d.rows = kept
	if reverted && !governed && s.draw(i, "tattoo")*100 >= s.scenario.TattooPercent {
		d.effective = passkeyUnset
	}
}

// endRow ends one row, and tells whether reports still show it.
func (s *Server) endRow(i int32, d *device, r *row, at int64) bool {
	if r.current.status != statusGone {
		s.record(i, d, r, stamp{at: at, status: statusGone})
	}
	r.promote(min(at, s.freeze()))
	return r.reported.at != 0 && r.reported.status != statusGone
}

// row finds the result of a policy for a user of the device.
func (d *device) row(p *policy, user int32) *row {
	for k := range d.rows {
		if d.rows[k].policy == p && d.rows[k].user == user {
			return &d.rows[k]
		}
	}
	return nil
}

// worst is what a policy's result on the device comes to when the rows of its
// users are told as one: the worst of them (contract b.1). choose picks the newest
// or the reported stamp of a row.
func (d *device) worst(p *policy, choose func(*row) stamp) (out stamp, user int32, found bool) {
	for k := range d.rows {
		r := &d.rows[k]
		if r.policy != p {
			continue
		}
		result := choose(r)
		if result.at == 0 || result.status == statusGone {
			continue
		}
		if !found || badness[result.status&7] > badness[out.status&7] {
			out, user, found = result, r.user, true
		}
	}
	return out, user, found
}

// badness orders the statuses: what somebody must look at outweighs what is
// missing, and that what is well.
var badness = [8]int{statusNotApplicable: 1, statusSucceeded: 2, 3: 3, statusPending: 4, 4: 5, statusConflict: 6, statusError: 7}

func newest(r *row) stamp { return r.current }
func shown(r *row) stamp  { return r.reported }
