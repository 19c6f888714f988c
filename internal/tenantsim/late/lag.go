// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package late

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidegate/tidegate/internal/tenantsim/ids"
)

// Lag says how far reads are behind writes, and Intune behind the directory, in
// virtual time (contract g: a create may answer 404, an update may show old
// values; contract a.5 for Intune). All zero: everything is seen at once. Writes always
// meet the true state, but an object that is not readable yet cannot be
// addressed by its id either. Every field is a span such as "2h", or
// {min: 5m, max: 2h}.
type Lag struct {
	// Read delays what a request by id sees: creates, updates and deletes.
	Read Range `json:"read,omitzero"`
	// List delays what lists and their filters see. A List that differs from
	// Read makes list and get disagree.
	List Range `json:"list,omitzero"`
	// Members delays what lists of group members see.
	Members Range `json:"members,omitzero"`
	// Index delays $count and directory queries with ConsistencyLevel: eventual.
	Index Range `json:"index,omitzero"`
	// Replicas is how many replicas answer reads, 0 and 1 alike. Each request
	// meets one of them, and each is behind by a share of the lag of its own: new
	// state may be followed by old.
	Replicas int `json:"replicas,omitempty"`
	// Targeting delays what Intune knows of group memberships, each change by a
	// draw of its own; the changes of one group keep their order.
	Targeting Range `json:"targeting,omitzero"`
	// Assignments delays in the same way what the targeting engine knows of the
	// assignments of a policy or script.
	Assignments Range `json:"assignments,omitzero"`
	// AssignmentStatus delays what the assignment status report, and the counts
	// made of it, show of changes of assignments and memberships, after Intune
	// has heard of them; the changes of one policy keep their order.
	AssignmentStatus Range `json:"assignmentStatus,omitzero"`
	// Dynamic delays the evaluation of membership rules: after a group was made,
	// its rule changed, or facts of a user or device changed.
	Dynamic Range `json:"dynamic,omitzero"`
	// FilterRelease is how long an assignment filter still counts as used after
	// the last assignment dropped it (contract f).
	FilterRelease Range `json:"filterRelease,omitzero"`
}

// ranges names every span of the lag.
func (l *Lag) ranges() map[string]Range {
	return map[string]Range{"read": l.Read, "list": l.List, "members": l.Members, "index": l.Index, "targeting": l.Targeting,
		"assignments": l.Assignments, "assignmentStatus": l.AssignmentStatus, "dynamic": l.Dynamic, "filterRelease": l.FilterRelease}
}

// Validate names the field that makes no sense, and what to write. No lag is fine.
func (l *Lag) Validate() error {
	if l == nil {
		return nil
	}
	ranges := l.ranges()
	for _, name := range slices.Sorted(maps.Keys(ranges)) {
		if r := ranges[name]; r.Max < r.Min {
			return fmt.Errorf("lag.%s.max %s is smaller than min %s", name, time.Duration(r.Max), time.Duration(r.Min))
		}
	}
	if l.Replicas < 0 || l.Replicas > 100 {
		return fmt.Errorf("lag.replicas is %d: write 0 to 100", l.Replicas)
	}
	return nil
}

// Longest bounds how long old looks of objects are kept.
func (l *Lag) Longest() time.Duration {
	return time.Duration(max(l.Read.Max, l.List.Max, l.Members.Max, l.Index.Max))
}

// Behind is how far the replica that a request meets is behind; equal requests
// meet the same one. One replica is as late as can be; of several the first is
// the freshest, and a span without a range begins at nothing. No lag: not at all.
func (l *Lag) Behind(requestID string, choose func(*Lag) Range) time.Duration {
	if l == nil {
		return 0
	}
	r := choose(l)
	if l.Replicas < 2 {
		return time.Duration(r.Max)
	}
	if r.Min == r.Max {
		r.Min = 0
	}
	replica := int(ids.Uniform(ids.Mix(ids.HashText(requestID))) * float64(l.Replicas))
	return r.At(float64(replica) / float64(l.Replicas-1))
}
