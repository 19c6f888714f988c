// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"testing"
	"time"
)

// TestPartsOfDifferentAge: reports are newer than what is known of the devices. A bad report counts at once, a good one as long as
// the devices were read recently enough, and silence is measured by when the devices were read.
func TestPartsOfDifferentAge(t *testing.T) {
	exposed := exposedFor(72 * time.Hour)
	stale := rules()
	stale.ContactAsOf, stale.MaxContactAge = stale.AsOf.Add(-27*time.Hour), 26*time.Hour
	young := stale
	young.ContactAsOf = young.AsOf.Add(-26 * time.Hour)
	before := rules()
	before.ContactAsOf = exposed.ExposedAt.Add(-time.Hour)
	behind := rules()
	behind.AsOf = behind.AsOf.AddDate(0, -1, 0)
	corrected := behind
	corrected.Behind = 31 * day
	for name, tt := range map[string]struct {
		facts  Facts
		rules  Rules
		kind   Kind
		reason string
	}{
		"failed, devices too old":           {reporting(exposed, StatusError, time.Hour), stale, Failed, ReasonPolicyError},
		"conflict, devices too old":         {reporting(exposed, StatusConflict, time.Hour), stale, Conflict, ReasonPolicyConflict},
		"succeeded, devices too old":        {reporting(exposed, StatusSucceeded, time.Hour), stale, Stale, ReasonContactOld},
		"not applicable, devices too old":   {reporting(exposed, StatusNotApplicable, time.Hour), stale, Stale, ReasonContactOld},
		"silent, devices too old":           {exposed, stale, Stale, ReasonContactOld},
		"succeeded, devices old":            {reporting(exposed, StatusSucceeded, time.Hour), young, Succeeded, ReasonApplied},
		"silent, devices read before":       {silentSince(exposed, exposed.ExposedAt.Add(-2*time.Hour)), before, Exposed, ReasonNoCheckIn},
		"silent, devices read since":        {silentSince(exposed, exposed.ExposedAt.Add(-2*time.Hour)), rules(), Dark, ReasonSilent},
		"failed, by a clock that is behind": {reporting(exposed, StatusError, time.Hour), behind, Stale, ReasonReportFromFuture},
		"failed, which is known":            {reporting(exposed, StatusError, time.Hour), corrected, Failed, ReasonPolicyError},
	} {
		if got := Judge(tt.facts, tt.rules); got.Kind != tt.kind || got.Reason != tt.reason {
			t.Errorf("%s: %s %s: %s", name, got.Kind, got.Reason, got.Detail)
		}
	}
}
