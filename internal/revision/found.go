// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/settings"
)

// Found is a revision that policies in the tenant are marked with and that the list lacks, or of which a policy is not on
// record: the status is older than the tenant, as after a restore from a backup.
type Found struct {
	// Number of the revision; 0 is hold.
	Number int32
	// Payloads are what its policies in the tenant set, one for each platform; nil with a Problem.
	Payloads []v1alpha1.PinnedPayload
	// Problem says why what it sets is not known, with the remedy; empty when it is.
	Problem string
	// CreatedAt is when the oldest of its policies was made.
	CreatedAt metav1.Time
}

// find takes revisions up again that the status has lost, as the tenant has them: devices may have them, and keep them until
// a person or a wave decides otherwise (P13). A wave that says that another content was brought under the number is believed:
// then somebody edited the policy meanwhile, and the number stays lost.
func (d *decision) find() {
	for i := range d.in.Found {
		f := &d.in.Found[i]
		d.seen(f.Number)
		if ByNumber(d.Revisions, f.Number) != nil || f.Number == 0 && d.in.Mode != v1alpha1.ModeGate {
			continue
		}
		hash := settings.HashPinned(f.Payloads)
		switch {
		case f.Problem != "":
			d.unread(f.Number, f.Problem)
		case d.contradicted(f.Number, hash):
			d.unread(f.Number, "its policies in the tenant have other settings than its waves brought")
		default:
			r := v1alpha1.RevisionStatus{Number: f.Number, State: v1alpha1.RevisionSuperseded, PayloadHash: hash, Payloads: clone(f.Payloads), CreatedAt: f.CreatedAt}
			if f.Number == 0 {
				r.State = v1alpha1.RevisionBaseline
			}
			d.Revisions, d.Found = append(d.Revisions, r), append(d.Found, f.Number)
		}
	}
	d.sort()
	slices.Sort(d.Found)
	for _, number := range slices.Backward(d.Found) {
		d.foundProven(ByNumber(d.Revisions, number))
	}
}

func (d *decision) unread(number int32, problem string) {
	d.unreadable = append(d.unreadable, Found{Number: number, Problem: problem})
}

// contradicted says that a wave has another content on record for a number.
func (d *decision) contradicted(number int32, hash string) bool {
	return slices.ContainsFunc(d.in.Waves, func(w Wave) bool {
		return number > 0 && w.Revision == number && w.PayloadHash != "" && w.PayloadHash != hash
	})
}

// foundProven gives a found revision the state that the waves tell: every one has proven it, and has not taken it back.
func (d *decision) foundProven(r *v1alpha1.RevisionStatus) {
	if r.Number == 0 || !d.stood(r.Number) {
		return
	}
	stable := Stable(d.Revisions)
	r.StableAt = d.now()
	switch {
	case stable == nil:
		r.State = v1alpha1.RevisionStable
	case stable.Number < r.Number:
		d.keep(stable)
		r.State = v1alpha1.RevisionStable
	default:
		d.keep(r)
	}
}

// stood says that every wave has an attempt that proved the revision and stands.
func (d *decision) stood(number int32) bool {
	waves := 0
	for i := range d.in.Waves {
		w := &d.in.Waves[i]
		if w.Deleting {
			continue
		}
		if !slices.ContainsFunc(w.Attempts, func(a Attempt) bool { return a.Revision == number && a.Succeeded && !a.Withdrawn }) {
			return false
		}
		waves++
	}
	return waves > 0
}

// keep makes a revision that was proven the one to return to for a revert window.
func (d *decision) keep(r *v1alpha1.RevisionStatus) {
	until := metav1.NewTime(d.now().Add(d.in.RevertWindow))
	r.State, r.SupersededAt, r.RevertUntil = v1alpha1.RevisionSuperseded, d.now(), &until
	d.Superseded = append(d.Superseded, r.Number)
}

// foundFirst says that nothing on record tells what the spec asked for before: it may well ask for the same as ever, so that
// nothing is taken back on its account.
func (d *decision) foundFirst() bool {
	t := Target(d.Revisions)
	return t == nil || t.SettingsHash == ""
}

// adopt makes a revision the target whose ask is not on record. Later ones keep their devices: a person decides on those.
func (d *decision) adopt(r *v1alpha1.RevisionStatus) {
	for i := range d.Revisions {
		switch other := &d.Revisions[i]; {
		case other.Number == r.Number:
		case other.State == v1alpha1.RevisionStable && (other.Number > r.Number || r.StableAt != nil):
			d.keep(other)
		case other.State == v1alpha1.RevisionCandidate:
			other.State, other.SupersededAt = v1alpha1.RevisionSuperseded, d.now()
			d.Superseded = append(d.Superseded, other.Number)
		}
	}
	r.State = v1alpha1.RevisionCandidate
	if r.StableAt != nil {
		r.State = v1alpha1.RevisionStable
	}
	r.SupersededAt, r.RevertUntil = nil, nil
	d.answer(r)
	d.ReturnedTo = r.Number
}

// answer notes that a revision is what the spec asks for.
func (d *decision) answer(r *v1alpha1.RevisionStatus) {
	r.SettingsHash = d.in.Ask
	if res := d.in.Resolution; res != nil {
		r.MinEdge, d.TakeHandled = cmp.Or(r.MinEdge, res.NeedsEdge), d.in.Take
	}
}

// Beyond are the revisions later than the target that were found in the tenant and that the spec has not asked for since:
// devices keep them until a person decides.
func Beyond(list []v1alpha1.RevisionStatus) []v1alpha1.RevisionStatus {
	target := Target(list)
	var out []v1alpha1.RevisionStatus
	for i := range list {
		r := &list[i]
		if r.Number > 0 && r.SettingsHash == "" && r.State == v1alpha1.RevisionSuperseded && (target == nil || r.Number > target.Number) {
			out = append(out, *r)
		}
	}
	return out
}
