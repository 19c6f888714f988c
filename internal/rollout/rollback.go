// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/audience"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// Proof is what one exposed device, or all devices of one person, say of a rollback.
type Proof string

// The proofs.
const (
	// ProofNone: it checked in since, and does not report what it should have now.
	ProofNone Proof = ""
	// ProofVerified: it reports what it has now in place of what was taken back.
	ProofVerified Proof = "Verified"
	// ProofUnreachable: it has not checked in since.
	ProofUnreachable Proof = "Unreachable"
)

// ProveRollback counts the devices that prove a rollback. Taking an assignment away proves nothing: a device counts only
// when it shows so itself (gate F19).
func ProveRollback(rule v1alpha1.RollbackRule, devices []Proof, overdue bool) (Fact[RollbackState], v1alpha1.RollbackStatus) {
	s := v1alpha1.RollbackStatus{Target: int32(len(devices))}
	for _, d := range devices {
		switch d {
		case ProofVerified:
			s.Verified++
		case ProofUnreachable:
			s.Unreachable++
		case ProofNone:
			s.Unconfirmed++
		}
	}
	text := fmt.Sprintf("%d of %d exposed devices show that they have what they had before, %d%% must; %d have not checked in since, %d have and do not show it",
		s.Verified, s.Target, rule.VerifyPercent, s.Unreachable, s.Unconfirmed)
	switch {
	case int64(s.Verified)*100 >= int64(rule.VerifyPercent)*int64(s.Target):
		return FactOf(RollbackVerified, text), s
	case overdue:
		return FactOf(RollbackOverdue, text), s
	}
	return FactOf(RollbackWaiting, text), s
}

// rollback measures how far a rollback is proven. That it is overdue is a fact of the clock alone. The status is nil when none
// is under way or nothing could be counted.
func (w World) rollback(overdue bool) (Fact[RollbackState], *v1alpha1.RollbackStatus) {
	s := &w.Wave.Status
	began := s.Clocks.RollbackStartedAt
	if began == nil || s.Phase != v1alpha1.PhaseRollingBack && s.Phase != v1alpha1.PhaseRollbackIncomplete {
		return Fact[RollbackState]{}, nil
	}
	state := RollbackWaiting
	if overdue {
		state = RollbackOverdue
	}
	if why := w.cannotTakeBack(began.Time); why != "" {
		return FactOf(state, why), nil
	}
	if w.Fleet == nil {
		return FactOf(state, "the operator has not read the fleet since it started, so that nobody can say which devices show it"), nil
	}
	taken, lowest, why := w.takenBack(began.Time)
	if why != "" {
		return FactOf(state, why), nil
	}
	fall := w.fallback(lowest, began.Time)
	devices := make([]Proof, len(taken))
	for i, id := range taken {
		devices[i] = fall.prove(id)
	}
	fact, proof := ProveRollback(w.Wave.Spec.OnFailure.Rollback, devices, overdue)
	return fact, &proof
}

// cannotTakeBack says who is not able to take the assignment back now, and since when; empty when nobody is in the way.
func (w World) cannotTakeBack(began time.Time) string {
	const nobody = ", so that nothing is taken back in the tenant: devices may still have it"
	switch {
	case w.Policy == nil || !w.Policy.DeletionTimestamp.IsZero():
		return fmt.Sprintf("PasskeyPolicy %q does not exist%s; the rollback was asked for at %s", w.Wave.Spec.PolicyRef.Name, nobody, v1alpha1.Minute(began))
	case w.Tenant == nil:
		return fmt.Sprintf("Tenant %q does not exist%s; the rollback was asked for at %s", w.Policy.Spec.TenantRef.Name, nobody, v1alpha1.Minute(began))
	case w.Tenant.Spec.Suspend:
		return fmt.Sprintf("Tenant %q is suspended%s%s; set its spec.suspend to false", w.Tenant.Name, w.notReadySince(), nobody)
	case !w.Connected:
		return fmt.Sprintf("Tenant %q is not connected%s%s; its conditions say what is wrong", w.Tenant.Name, w.notReadySince(), nobody)
	}
	return ""
}

// notReadySince says since when the Tenant is not ready, as far as it says so itself.
func (w World) notReadySince() string {
	c := meta.FindStatusCondition(w.Tenant.Status.Conditions, v1alpha1.ConditionReady)
	if c == nil || c.Status == "True" {
		return ""
	}
	return " since " + v1alpha1.Minute(c.LastTransitionTime.Time)
}

// takenBack are the members from whom the rollback that began then takes something, and the lowest revision that it takes. why
// says what keeps it from being known.
func (w World) takenBack(began time.Time) (ids []audience.ID, lowest int32, why string) {
	seen := map[audience.ID]bool{}
	add := func(id audience.ID) {
		if !seen[id] {
			seen[id], ids = true, append(ids, id)
		}
	}
	s := &w.Wave.Status
	for i := range s.Attempts {
		a := &s.Attempts[i]
		if a.WithdrawnAt == nil || a.WithdrawnAt.Time.Before(began) {
			continue
		}
		if lowest == 0 || a.Revision < lowest {
			lowest = a.Revision
		}
		had, why := w.exposedIn(a)
		if why != "" {
			return nil, 0, why
		}
		for _, id := range had {
			add(id)
		}
	}
	return ids, lowest, ""
}

// exposedIn are the members that the attempt reached or may have reached. why says what keeps it from being known.
func (w World) exposedIn(a *v1alpha1.WaveAttempt) (ids []audience.ID, why string) {
	switch r := w.reading(a.Attempt); {
	case r.State == audience.LedgerOK:
		for _, e := range r.Ledger.Entries {
			if !e.AskedAt.IsZero() && e.Refused == audience.RefusedNot {
				ids = append(ids, e.ID)
			}
		}
	case a.Attempt == w.Wave.Status.Attempt && w.Members != nil && w.UnreadableMembers == 0 && !w.GroupGone:
		ids = w.Shown() // the group tells as well who had it
	case w.TakenMembers[a.Attempt] != nil:
		ids = w.TakenMembers[a.Attempt]
	case a.Ledger == nil || a.Ledger.Asked > 0:
		why = fmt.Sprintf("the ledger of attempt %d cannot be relied on, so that nobody can say which devices have to show it: %s", a.Attempt, r.Message)
	}
	return ids, why
}

// Unreadable are the other attempts that the rollback takes back and whose ledger cannot be relied on: their groups tell who had
// what they brought.
func (w World) Unreadable() []v1alpha1.WaveAttempt {
	s := &w.Wave.Status
	began := s.Clocks.RollbackStartedAt
	if began == nil || s.Phase != v1alpha1.PhaseRollingBack && s.Phase != v1alpha1.PhaseRollbackIncomplete {
		return nil
	}
	var out []v1alpha1.WaveAttempt
	for _, a := range s.Attempts {
		taken := a.WithdrawnAt != nil && !a.WithdrawnAt.Time.Before(began.Time)
		if taken && a.Attempt != s.Attempt && a.GroupID != "" && w.reading(a.Attempt).State != audience.LedgerOK {
			out = append(out, a)
		}
	}
	return out
}

func (w World) reading(attempt int32) audience.Reading {
	if attempt == w.Wave.Status.Attempt {
		return w.Ledger
	}
	return w.Earlier[attempt]
}

// fallback is what devices fall back to in a rollback that took the revisions from lowest on. Each has the latest revision of
// which it is in a group, or hold: a success of one of these objects, reported since, is its proof. In mode EnforceOnly there is
// no hold, and one that falls back to nothing shows so by a check-in after Intune has acted, with no newer row of what was
// taken.
type fallback struct {
	w     World
	began time.Time
	// acted is when Intune has acted on the assignments at the latest.
	acted time.Time
	// lower are the objects of each earlier revision, taken those of the others.
	lower [][]string
	taken []string
	// standing are the members of attempts that still stand for an earlier revision.
	standing map[audience.ID]bool
}

func (w World) fallback(lowest int32, began time.Time) fallback {
	f := fallback{w: w, began: began, acted: began.Add(w.AssignmentLag), standing: map[audience.ID]bool{}}
	for number := range lowest {
		if objects := w.objects(number); len(objects) > 0 {
			f.lower = append(f.lower, objects)
		}
	}
	for i := range w.Policy.Status.Objects {
		if o := &w.Policy.Status.Objects[i]; o.Revision >= lowest && o.Revision > 0 && o.ID != "" {
			f.taken = append(f.taken, o.ID)
		}
	}
	for _, a := range w.Wave.Status.Attempts {
		r := w.reading(a.Attempt)
		if a.WithdrawnAt != nil || a.Revision >= lowest || r.State != audience.LedgerOK {
			continue
		}
		for _, e := range r.Ledger.Exposed() {
			f.standing[e.ID] = true
		}
	}
	return f
}

// prove says what a member shows. A person has proven it when one of their devices has and no other contradicts.
func (f *fallback) prove(id audience.ID) Proof {
	now := f.w.facts(id)
	shows := make([]bool, len(now))
	for _, objects := range f.lower {
		for i, d := range f.w.facts(id, objects...) {
			r := d.Report
			shows[i] = shows[i] || r != nil && !r.At.Before(f.began) && (r.Status == diagnosis.StatusSucceeded || r.Status == diagnosis.StatusRemediated)
		}
	}
	verified, unreachable := 0, 0
	for i, d := range now {
		switch {
		case shows[i] || f.letGo(id, i, d.LastSync):
			verified++
		case d.LastSync.Before(f.began):
			unreachable++
		}
	}
	switch {
	case unreachable == len(now):
		return ProofUnreachable
	case verified > 0 && verified+unreachable == len(now):
		return ProofVerified
	}
	return ProofNone
}

// letGo says that a device falls back to nothing and shows no more of what was taken.
func (f *fallback) letGo(id audience.ID, device int, sync time.Time) bool {
	if f.w.Policy.Spec.Mode != v1alpha1.ModeEnforceOnly || f.standing[id] || sync.Before(f.acted) {
		return false
	}
	for _, object := range f.taken {
		if read, ok := f.w.Fleet.ReportsAsOf(object); !ok || read.Before(f.w.Fleet.AsOf()) {
			return false // a row that was not read is not one that is gone
		}
		if r := f.w.facts(id, object)[device].Report; r != nil && !r.At.Before(f.acted) {
			return false
		}
	}
	return true
}
