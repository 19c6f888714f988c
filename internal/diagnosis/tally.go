// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import "github.com/tidegate/tidegate/api/v1alpha1"

// Tally counts the outcomes of a wave's devices. The zero Tally is empty and ready to use.
//
// The exported numbers are those the gate reasons with, in devices. A device on which the policy does not apply had no chance
// to fail, and does not count as seen. Where a prerequisite explains it, it is not matured either: it can neither prove nor
// disprove the policy. Where none does, it is a result that is no success.
type Tally struct {
	// Eligible devices, exposed or not. No outcome changes their number.
	Eligible int
	// Exposed devices, whatever became of them.
	Exposed int
	// Seen devices were in contact since exposure. SeenFailed and SeenConflict of them report a failure or a conflict,
	// matured or not. The halt test looks at these.
	Seen, SeenFailed, SeenConflict int
	// Matured devices have been exposed for the maturity time, silent or not. Reported of them have a fresh result, which
	// is one of Succeeded, Failed, Conflict and Unexplained: the policy does not apply, and no prerequisite explains it. The
	// promotion test looks at these.
	Matured, Reported, Succeeded, Failed, Conflict, Unexplained int
	// Recovered of the succeeded ones had failed before, or were in conflict.
	Recovered int
	// NotApplicable devices report that the policy does not apply to them, whatever explains it, matured or not.
	NotApplicable int
	// Dark of the matured devices were active before exposure and have been silent since.
	Dark int

	counts   v1alpha1.DeviceCounts
	findings map[findingKey]*group
}

// Add counts one device. name is what a finding shows for it.
func (t *Tally) Add(o Outcome, name string) {
	t.count(o)
	t.note(o, name)
	t.Eligible++
	if o.Kind == Pending {
		return
	}
	t.Exposed++
	if o.Kind == NotApplicable {
		t.NotApplicable++
	} else if o.SeenSince {
		t.addSeen(o.Kind)
	}
	if o.Matured && !o.unmet() {
		t.addMatured(o)
	}
}

// unmet says that the policy does not apply for want of a prerequisite.
func (o Outcome) unmet() bool { return o.Kind == NotApplicable && o.Mode == ModePrerequisite }

// Counts returns the devices by outcome; their sum is the number of devices added.
func (t *Tally) Counts() v1alpha1.DeviceCounts { return t.counts }

// Unreported is the number of exposed devices without a fresh result, those on which the policy does not apply left out.
func (t *Tally) Unreported() int {
	return t.Exposed - int(t.counts.Succeeded) - int(t.counts.Failed) - int(t.counts.Conflict) - t.NotApplicable
}

func (t *Tally) addSeen(kind Kind) {
	t.Seen++
	switch kind {
	case Failed:
		t.SeenFailed++
	case Conflict:
		t.SeenConflict++
	case Pending, Exposed, Seen, Succeeded, NotApplicable, Stale, Dark: // no harm
	}
}

func (t *Tally) addMatured(o Outcome) {
	t.Matured++
	switch o.Kind {
	case Succeeded:
		t.Succeeded++
		if o.Recovered {
			t.Recovered++
		}
	case Failed:
		t.Failed++
	case Conflict:
		t.Conflict++
	case NotApplicable:
		t.Unexplained++
	case Dark:
		t.Dark++
	case Pending, Exposed, Seen, Stale: // silent, or of no word yet
	}
	t.Reported = t.Succeeded + t.Failed + t.Conflict + t.Unexplained
}

func (t *Tally) count(o Outcome) {
	switch o.Kind {
	case Pending:
		t.counts.Pending++
	case Exposed:
		t.counts.Exposed++
	case Seen:
		t.counts.Seen++
	case Succeeded:
		t.counts.Succeeded++
		if o.Recovered {
			t.counts.Recovered++
		}
	case Failed:
		t.counts.Failed++
	case Conflict:
		t.counts.Conflict++
	case NotApplicable:
		t.counts.NotApplicable++
	case Stale:
		t.counts.Stale++
	case Dark:
		t.counts.Dark++
	}
}
