// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

// Next says which revisions there are, given what is recorded and what the spec
// asks for. It is total and deterministic, and changes nothing when the world has
// not changed: Next of its own result is that result.
//
// What waves have proven counts before the new ask, so that a candidate that is
// proven in the moment the spec changes becomes stable and is kept.
func Next(in Input) Result {
	d := newDecision(in)
	d.find()
	d.restore()
	d.count()
	d.prove()
	d.retire()
	d.ask()
	d.prove()
	d.retire()
	d.remove()
	d.outdated()
	d.Target = Target(d.Revisions)
	return d.Result
}

// decision is a Result in the making.
type decision struct {
	in Input
	Result
	// unreadable are found revisions of which nobody can say what they set.
	unreadable []Found
}

func newDecision(in Input) *decision {
	d := &decision{in: in}
	d.LastRevision = in.LastRevision
	for i := range in.Revisions {
		d.Revisions = append(d.Revisions, *in.Revisions[i].DeepCopy())
		d.seen(in.Revisions[i].Number)
	}
	d.sort()
	for _, w := range in.Waves {
		d.seen(w.Revision)
		for _, a := range w.Attempts {
			d.seen(a.Revision)
		}
	}
	for _, g := range in.Groups {
		d.seen(g.Revision)
	}
	for _, number := range in.Objects {
		d.seen(number)
	}
	return d
}

// seen keeps numbers from being given twice, also when status was lost.
func (d *decision) seen(number int32) { d.LastRevision = max(d.LastRevision, number) }

func (d *decision) sort() {
	slices.SortFunc(d.Revisions, func(a, b v1alpha1.RevisionStatus) int { return int(a.Number) - int(b.Number) })
}

// count records the devices of each revision, as far as they are known.
func (d *decision) count() {
	for i := range d.Revisions {
		if n, ok := d.devices(d.Revisions[i].Number); ok && d.Revisions[i].State != v1alpha1.RevisionBaseline {
			d.Revisions[i].Devices = n
		}
	}
}

// prove makes the candidate stable once every wave has succeeded on it, and none has
// regressed since. A wave that is being deleted does not count, and no wave at all proves nothing.
func (d *decision) prove() {
	c := inState(d.Revisions, v1alpha1.RevisionCandidate)
	if c == nil || !d.proven(c.Number) {
		return
	}
	if former := Stable(d.Revisions); former != nil {
		d.endWindows()
		former.State, former.SupersededAt = v1alpha1.RevisionSuperseded, d.now()
		until := metav1.NewTime(d.now().Add(d.in.RevertWindow))
		former.RevertUntil = &until
		d.Superseded = append(d.Superseded, former.Number)
	}
	c.State, c.StableAt = v1alpha1.RevisionStable, d.now()
	d.BecameStable = c.Number
}

// endWindows ends the revert window of a stable revision before the former one: only
// the one before the present is kept.
func (d *decision) endWindows() {
	for i := range d.Revisions {
		if r := &d.Revisions[i]; r.State == v1alpha1.RevisionSuperseded && r.RevertUntil != nil && d.in.Now.Before(r.RevertUntil.Time) {
			r.RevertUntil = d.now()
		}
	}
}

func (d *decision) proven(number int32) bool {
	waves := 0
	for i := range d.in.Waves {
		w := &d.in.Waves[i]
		if w.Deleting {
			continue
		}
		if w.Phase != v1alpha1.PhaseSucceeded || w.Revision != number || w.Regressed {
			return false
		}
		waves++
	}
	return waves > 0
}

// ask makes what the spec asks for the target, as far as that is possible now.
func (d *decision) ask() {
	if d.lost() {
		return
	}
	d.same()
	if d.answered() {
		return
	}
	res := d.in.Resolution
	switch {
	case res == nil:
		d.NeedsCatalog = true
		d.Waiting = unread(d.in.Take)
	case res.Blocked:
		d.Waiting = &Notice{Reason: res.BlockReason, Message: res.BlockMessage}
	default:
		d.resolved()
	}
}

// same returns to the newest earlier revision of this very ask, unless the target has it.
func (d *decision) same() {
	target := Target(d.Revisions)
	if target != nil && target.SettingsHash == d.in.Ask {
		return
	}
	for i := len(d.Revisions) - 1; i >= 0; i-- {
		r := &d.Revisions[i]
		switch {
		case !d.returnable(r) || r.SettingsHash != d.in.Ask:
			continue
		case d.foundFirst():
			d.adopt(r)
		default:
			d.returnTo(r)
		}
		return
	}
}

// answered says that the target is what is asked for and nobody asks for more. A new
// generation of the catalog is no ask (P13).
func (d *decision) answered() bool {
	target := Target(d.Revisions)
	return target != nil && target.SettingsHash == d.in.Ask && !d.in.Take
}

// resolved takes a new content: the target's, an earlier one's, or the next number's.
func (d *decision) resolved() {
	res := d.in.Resolution
	target := Target(d.Revisions)
	if target != nil && target.PayloadHash == res.Hash {
		d.answer(target)
		return
	}
	for i := len(d.Revisions) - 1; i >= 0; i-- {
		r := &d.Revisions[i]
		switch {
		case !d.returnable(r) || r.PayloadHash != res.Hash:
			continue
		case d.foundFirst() || r.Number > target.Number:
			d.adopt(r)
		default:
			d.answer(r)
			d.returnTo(r)
		}
		return
	}
	if d.in.Unlisted {
		d.Waiting = unlisted()
		return
	}
	if d.Waiting = d.full(); d.Waiting != nil {
		return
	}
	d.mint()
	d.TakeHandled = d.in.Take
}

// returnable says that a revision can be had back by an assignment: its devices have
// its groups, or are of the revisions after it.
func (d *decision) returnable(r *v1alpha1.RevisionStatus) bool {
	switch r.State {
	case v1alpha1.RevisionStable:
		return true
	case v1alpha1.RevisionSuperseded:
		if r.StableAt != nil {
			return r.RevertUntil != nil && d.in.Now.Before(r.RevertUntil.Time)
		}
		return d.aboveStable(r)
	default:
		return false
	}
}

// aboveStable says that a revision came after the last one that was proven.
func (d *decision) aboveStable(r *v1alpha1.RevisionStatus) bool {
	stable := Stable(d.Revisions)
	return stable == nil || r.Number > stable.Number
}

// returnTo makes an earlier revision the target again and takes every later one back.
func (d *decision) returnTo(r *v1alpha1.RevisionStatus) {
	for i := range d.Revisions {
		if later := &d.Revisions[i]; later.Number > r.Number && later.State != v1alpha1.RevisionReverted && later.State != v1alpha1.RevisionRetired {
			d.revert(later)
		}
	}
	r.State = v1alpha1.RevisionCandidate
	if r.StableAt != nil {
		r.State = v1alpha1.RevisionStable
	}
	r.SupersededAt, r.RevertUntil = nil, nil
	d.ReturnedTo = r.Number
}

func (d *decision) revert(r *v1alpha1.RevisionStatus) {
	r.State, r.SupersededAt, r.RevertUntil = v1alpha1.RevisionReverted, d.now(), nil
	d.Reverted = append(d.Reverted, r.Number)
}

// full says why no further candidate can be made: one whose devices wait for the
// present candidate is kept, two are not. What lies beneath the stable revision is
// no hindrance: its last devices may never come, and nobody could make room.
func (d *decision) full() *Notice {
	c := inState(d.Revisions, v1alpha1.RevisionCandidate)
	if c == nil || !d.mayHaveDevices(c.Number) {
		return nil
	}
	for i := range d.Revisions {
		if r := &d.Revisions[i]; r.State == v1alpha1.RevisionSuperseded && r.StableAt == nil && d.aboveStable(r) {
			return d.waitsFor(r.Number, c.Number)
		}
	}
	return nil
}

// mint gives what was resolved the next number.
func (d *decision) mint() {
	if d.in.Mode == v1alpha1.ModeGate && Baseline(d.Revisions) == nil {
		d.pinBaseline()
	}
	if c := inState(d.Revisions, v1alpha1.RevisionCandidate); c != nil {
		if d.mayHaveDevices(c.Number) {
			c.State, c.SupersededAt = v1alpha1.RevisionSuperseded, d.now()
			d.Superseded = append(d.Superseded, c.Number)
		} else {
			d.revert(c)
		}
	}
	d.LastRevision++
	d.Minted = d.LastRevision
	d.pin(d.LastRevision)
}

// pin records what was resolved under a number, for good.
func (d *decision) pin(number int32) {
	res := d.in.Resolution
	d.Revisions = append(d.Revisions, v1alpha1.RevisionStatus{
		Number: number, State: v1alpha1.RevisionCandidate, PayloadHash: res.Hash, SettingsHash: d.in.Ask,
		Payloads: clone(res.Pinned), MinEdge: res.NeedsEdge, CreatedAt: *d.now(),
	})
	d.sort()
}

// pinBaseline records what hold sets, for good.
func (d *decision) pinBaseline() {
	res := d.in.Resolution
	d.Revisions = append(d.Revisions, v1alpha1.RevisionStatus{
		Number: 0, State: v1alpha1.RevisionBaseline, PayloadHash: settings.HashPinned(res.Baseline), SettingsHash: d.in.Ask,
		Payloads: clone(res.Baseline), CreatedAt: *d.now(),
	})
	d.sort()
}

// clone keeps what is pinned apart from the caller's slices.
func clone(payloads []v1alpha1.PinnedPayload) []v1alpha1.PinnedPayload {
	out := make([]v1alpha1.PinnedPayload, len(payloads))
	for i := range payloads {
		out[i] = *payloads[i].DeepCopy()
	}
	return out
}

// now is the time of the decision, in whole seconds as status keeps it.
func (d *decision) now() *metav1.Time {
	t := metav1.NewTime(d.in.Now.Truncate(time.Second))
	return &t
}
