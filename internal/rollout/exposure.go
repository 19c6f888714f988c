// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// lastBatchAt is when the newest batch went out. The ledger knows it where the status does not, because a crash came
// between the two. Without it the next batch would go out at once, past exposure.interval (P10).
func (w World) lastBatchAt() *metav1.Time {
	known := w.Wave.Status.Clocks.LastBatchAt
	if !w.Frozen() {
		return known
	}
	if last := w.Record().LastExposedAt(); !last.IsZero() && (known == nil || last.After(known.Time)) {
		at := metav1.NewTime(last)
		return &at
	}
	return known
}

// exposure says whether the next batch may go out, and if not, which limit is in force. unreported is the number of exposed
// devices without a fresh result.
func (w World) exposure(t Timing, unreported int) Fact[ExposureState] {
	e := &w.Wave.Spec.Exposure
	pending, unconfirmed := len(w.Record().Pending()), w.unshown()
	fact := func(s ExposureState, format string, args ...any) Fact[ExposureState] {
		return FactOf(s, fmt.Sprintf(format, args...))
	}
	switch most := maxUnreported(e); {
	case pending == 0 && unconfirmed > 0:
		return fact(ExposureUnconfirmed, "every device was asked for, the tenant has yet to show %d of them as members of group %s", unconfirmed, w.GroupID())
	case pending == 0:
		return fact(ExposureComplete, "all %d devices are exposed", len(w.Record().Entries))
	case unconfirmed > 0:
		return fact(ExposureUnconfirmed, "the next batch waits until the tenant shows %d devices, which were asked for, as members of group %s", unconfirmed, w.GroupID())
	case !t.BatchDue:
		return fact(ExposureWaitInterval, "the next batch of at most %d of %d devices goes out at %s", e.BatchSize, pending, v1alpha1.Minute(t.NextBatchAt))
	case w.ExclusionProblem != nil:
		return fact(ExposureNone, "the next batch waits until it is known whom the wave excludes: %s", w.ExclusionProblem.Message)
	case w.Excluded == nil:
		return fact(ExposureNone, "the next batch waits until it is known whom the wave excludes")
	case !w.readSinceBatch():
		return fact(ExposureNone, "the next batch waits for a reading of the reports that is newer than the last batch")
	case unreported > most:
		return fact(ExposureTooManyUnreported, "%d exposed devices have not reported, exposure.maxUnreported allows %d; %d devices are left to expose", unreported, most, pending)
	}
	return fact(ExposureDue, "%d of %d devices go out now", min(int(e.BatchSize), pending), pending)
}

// readSinceBatch says that the reports of the wave's own revision were read after the tenant had shown the last batch as
// members: an older reading says nothing of it. Times are kept in whole seconds, so that one of the same second may be older.
func (w World) readSinceBatch() bool {
	last := newestExposure(v1alpha1.Clocks{LastBatchAt: w.lastBatchAt(), LastConfirmedAt: w.lastConfirmedAt()})
	return last == nil || !w.reportsAt().Before(last.Add(time.Second))
}

// unshown is the number of exposed members that the tenant has yet to show in the group. Members of whom it cannot be told who they
// are may be they.
func (w World) unshown() int { return max(0, w.unconfirmed()-w.UnreadableMembers) }

// unconfirmed is the number of exposed members that the tenant has not shown in the group by name.
func (w World) unconfirmed() int {
	n := 0
	for _, e := range w.Record().Exposed() {
		if e.ConfirmedAt.IsZero() {
			n++
		}
	}
	return n
}

// exposedAll says that nobody is left to expose, or to be shown by the tenant.
func (w World) exposedAll() bool {
	return w.Frozen() && len(w.Record().Pending()) == 0 && w.unshown() == 0
}

// lastConfirmedAt is when the tenant showed the newest of the exposed members; nil while it showed none. Where some can only be among
// members who cannot be read, it is the time at which that was first taken for their exposure.
func (w World) lastConfirmedAt() *metav1.Time {
	if !w.Frozen() {
		return nil
	}
	var last time.Time
	for _, e := range w.Record().Exposed() {
		last = latest(last, e.ConfirmedAt.Time())
	}
	s := &w.Wave.Status
	if w.unconfirmed() > 0 && w.exposedAll() && s.Clocks.ExposureCompletedAt == nil && slices.Contains(clocked, s.Phase) {
		last = latest(last, w.Now)
	}
	return v1alpha1.StampOf(last)
}

// maxUnreported is spec.exposure.maxUnreported, or two batches where it is not set.
func maxUnreported(e *v1alpha1.Exposure) int {
	if e.MaxUnreported != nil {
		return int(*e.MaxUnreported)
	}
	return 2 * int(e.BatchSize)
}
