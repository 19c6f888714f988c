// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"fmt"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// DefaultMaxIneligiblePercent is the largest share of an audience that may miss a prerequisite when the wave does not
// say another (gate F13).
const DefaultMaxIneligiblePercent = 20

// Check says whether an audience is fit to be exposed. targeted is the number of devices that the groups and the slice
// select, eligible how many of these meet the prerequisites. The reason is one of v1alpha1.ReasonAudienceResolved (ok),
// ReasonAudienceEmpty, ReasonAudienceIneligible and ReasonAudienceOutOfBounds; the message says what was found and, when
// it is not ok, what to change.
//
// The share of ineligible devices is judged before the bounds: when it is too high the targeting is wrong, and a size
// that follows from it says nothing.
func Check(targeted, eligible int, a v1alpha1.Audience) (reason, message string, ok bool) {
	if eligible < 0 || targeted < eligible {
		return v1alpha1.ReasonAudienceOutOfBounds,
			fmt.Sprintf("%d eligible of %d targeted devices is impossible: the device inventory contradicts itself, wait for its next refresh", eligible, targeted), false
	}
	if targeted == 0 {
		return v1alpha1.ReasonAudienceEmpty,
			"the groups and the slice select no device: add devices to spec.audience.groups.include, or remove an exclusion", false
	}
	limit := int32(DefaultMaxIneligiblePercent)
	if a.MaxIneligiblePercent != nil {
		limit = *a.MaxIneligiblePercent
	}
	ineligible := targeted - eligible
	if int64(ineligible)*100 > int64(limit)*int64(targeted) {
		return v1alpha1.ReasonAudienceIneligible,
			fmt.Sprintf("%d of %d targeted devices (%s %%) miss a prerequisite, allowed are %d %%: repair or exclude them, or raise spec.audience.maxIneligiblePercent", ineligible, targeted, percentText(ineligible, targeted), limit), false
	}
	if eligible == 0 {
		return v1alpha1.ReasonAudienceEmpty,
			fmt.Sprintf("none of the %d targeted devices meets the prerequisites: repair them, or target others", targeted), false
	}
	if message, ok := checkBounds(eligible, a.Bounds); !ok {
		return v1alpha1.ReasonAudienceOutOfBounds, message, false
	}
	return v1alpha1.ReasonAudienceResolved, fmt.Sprintf("%d of %d targeted devices are eligible", eligible, targeted), true
}

// percentText is part of whole in percent with one decimal, rounded up, so that a share above the limit never reads as
// the limit itself.
func percentText(part, whole int) string {
	tenths := (int64(part)*1000 + int64(whole) - 1) / int64(whole)
	if tenths%10 == 0 {
		return fmt.Sprintf("%d", tenths/10)
	}
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}

func checkBounds(eligible int, b *v1alpha1.AudienceBounds) (message string, ok bool) {
	switch {
	case b == nil:
		return "", true
	case b.Min != nil && eligible < int(*b.Min):
		return fmt.Sprintf("%d eligible devices are fewer than spec.audience.bounds.min, %d: target more devices, or lower the bound", eligible, *b.Min), false
	case b.Max != nil && eligible > int(*b.Max):
		return fmt.Sprintf("%d eligible devices are more than spec.audience.bounds.max, %d: take a smaller slice, or raise the bound", eligible, *b.Max), false
	}
	return "", true
}
