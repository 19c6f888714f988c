// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"slices"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// restore takes back a list that was lost with the status: when every group in the
// tenant is of one revision, and a wave says that its content was the one that the
// spec resolves to now, that is the revision. Anything else stays lost: to guess
// would write another payload beneath devices.
func (d *decision) restore() {
	res := d.in.Resolution
	lost := d.missing()
	if len(lost) != 1 || Target(d.Revisions) != nil || res == nil || res.Blocked {
		return
	}
	number := lost[0]
	same := func(w Wave) bool { return w.Revision == number && w.PayloadHash == res.Hash }
	if !slices.ContainsFunc(d.in.Waves, same) {
		return
	}
	if d.in.Mode == v1alpha1.ModeGate && Baseline(d.Revisions) == nil {
		d.pinBaseline()
	}
	d.pin(number)
	d.Restored = number
}

// lost says that devices may have a revision whose content no record has. Nothing is
// made meanwhile: objects that cannot exclude the new groups would meet them on one
// device (P1).
func (d *decision) lost() bool {
	d.Lost = d.missing()
	if len(d.Lost) == 0 {
		return false
	}
	d.NeedsCatalog = d.in.Resolution == nil
	d.Waiting = d.losing()
	return true
}

// missing are the numbers that groups or policies in the tenant have and the list has not, ascending.
func (d *decision) missing() []int32 {
	var out []int32
	add := func(number int32) {
		if number > 0 && ByNumber(d.Revisions, number) == nil && !slices.Contains(out, number) {
			out = append(out, number)
		}
	}
	for _, f := range d.unreadable {
		add(f.Number)
	}
	for i := range d.in.Waves {
		for j := range d.in.Waves[i].Attempts {
			if a := &d.in.Waves[i].Attempts[j]; a.active() {
				add(a.Revision)
			}
		}
	}
	for _, g := range d.in.Groups {
		if g.State != v1alpha1.Withdrawn && d.orphaned(g.Revision) {
			add(g.Revision)
		}
	}
	slices.Sort(out)
	return out
}
