// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

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
	if last := w.Ledger.LastExposedAt(); !last.IsZero() && (known == nil || last.After(known.Time)) {
		at := metav1.NewTime(last)
		return &at
	}
	return known
}

// exposure says whether the next batch may go out, and if not, which limit is in force. unreported is the number of exposed
// devices without a fresh result.
func (w World) exposure(t Timing, unreported int) Fact[ExposureState] {
	e := &w.Wave.Spec.Exposure
	pending := len(w.Ledger.Pending())
	fact := func(s ExposureState, format string, args ...any) Fact[ExposureState] {
		return FactOf(s, fmt.Sprintf(format, args...))
	}
	switch most := maxUnreported(e); {
	case pending == 0:
		return fact(ExposureComplete, "all %d devices are exposed", len(w.Ledger.Entries))
	case !t.BatchDue:
		return fact(ExposureWaitInterval, "the next batch of at most %d of %d devices goes out at %s", e.BatchSize, pending, v1alpha1.Minute(t.NextBatchAt))
	case unreported > most:
		return fact(ExposureTooManyUnreported, "%d exposed devices have not reported, exposure.maxUnreported allows %d; %d devices are left to expose", unreported, most, pending)
	}
	return fact(ExposureDue, "%d of %d devices go out now", min(int(e.BatchSize), pending), pending)
}

// maxUnreported is spec.exposure.maxUnreported, or two batches where it is not set.
func maxUnreported(e *v1alpha1.Exposure) int {
	if e.MaxUnreported != nil {
		return int(*e.MaxUnreported)
	}
	return 2 * int(e.BatchSize)
}
