// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package tenantsim

import (
	"slices"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// flip are devices that came to a policy's reach or left it: a word of a bitset
// by its number. A change of a few devices is a few words, whatever the size of
// the fleet.
type flip struct {
	word    int32
	devices uint64
}

// unreported is a change of what a policy reaches that the assignment status
// report takes in when it is due.
type unreported struct {
	due   int64
	flips []flip
}

// flipsOf are the words of a set that hold anything.
func flipsOf(set ids.Bitset) []flip {
	var out []flip
	for w, devices := range set {
		if devices != 0 {
			out = append(out, flip{int32(w), devices})
		}
	}
	return out
}

// reachMoved notes that a policy came to, or left, some devices: the assignment
// status report learns it after a lag of its own, beside that of targeting
// (contract b.3: 24 to 48 hours after a change of assignments or memberships). A
// later change never overtakes an earlier one of the same policy, so what the
// report shows is at any time what the policy reached at one moment before. That
// other changes, as of a filter or a fresh enrolment, take as long is ASSUMED.
func (s *Server) reachMoved(p *policy, moved ids.Bitset, at int64) {
	flips := flipsOf(moved)
	if len(flips) == 0 {
		return
	}
	p.forgetReported(at)
	delay := s.lagOf(func(l *Lag) LagRange { return l.AssignmentStatus })
	if delay == 0 && len(p.unreported) == 0 {
		return
	}
	due := at + int64(delay/time.Second)
	if n := len(p.unreported); n > 0 && due <= p.unreported[n-1].due {
		last := &p.unreported[n-1] // arrives with the one before it
		last.flips = append(last.flips, flips...)
		return
	}
	p.unreported = append(p.unreported, unreported{due, flips})
}

// forgetReported drops the changes that the report has taken in.
func (p *policy) forgetReported(at int64) {
	taken := 0
	for taken < len(p.unreported) && p.unreported[taken].due <= at {
		taken++
	}
	p.unreported = slices.Delete(p.unreported, 0, taken)
}

// reportedTargets are the targets of a policy as the assignment status report
// knows them: those of now without the changes that are yet to come. The set must
// not be modified.
func (s *Server) reportedTargets(p *policy, at int64) ids.Bitset {
	now := s.targets(p)
	if p.forgetReported(at); len(p.unreported) == 0 {
		return now
	}
	then := slices.Clone(now).Grown(len(s.fleet.devices))
	for _, u := range p.unreported {
		for _, f := range u.flips {
			then[f.word] ^= f.devices
		}
	}
	return then
}

// inStatusReport lists the policies of which the assignment status report shows
// anything: one that lost its assignments is among them until the report knows.
func (s *Server) inStatusReport() []*policy {
	return slices.DeleteFunc(s.everyPolicy(), func(p *policy) bool {
		return len(p.assignments) == 0 && len(p.effective()) == 0 && len(p.unreported) == 0
	})
}
