// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import (
	"strings"
	"testing"

	"k8s.io/utils/ptr"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

func TestCheck(t *testing.T) {
	bounds := func(lo, hi *int32) v1alpha1.Audience {
		return v1alpha1.Audience{Bounds: &v1alpha1.AudienceBounds{Min: lo, Max: hi}}
	}
	share := func(p int32) v1alpha1.Audience { return v1alpha1.Audience{MaxIneligiblePercent: &p} }
	for name, c := range map[string]struct {
		targeted, eligible int
		audience           v1alpha1.Audience
		reason             string
		says               string
	}{
		"fit":                             {100, 100, v1alpha1.Audience{}, v1alpha1.ReasonAudienceResolved, "100 of 100"},
		"nobody targeted":                 {0, 0, v1alpha1.Audience{}, v1alpha1.ReasonAudienceEmpty, "spec.audience.groups.include"},
		"scenario 13":                     {118, 77, v1alpha1.Audience{}, v1alpha1.ReasonAudienceIneligible, "41 of 118 targeted devices (34.8 %) miss a prerequisite, allowed are 20 %"},
		"at the default share":            {100, 80, v1alpha1.Audience{}, v1alpha1.ReasonAudienceResolved, "80 of 100"},
		"just above the default share":    {1000, 799, v1alpha1.Audience{}, v1alpha1.ReasonAudienceIneligible, "(20.1 %)"},
		"share rounds up in the text":     {100000, 79999, v1alpha1.Audience{}, v1alpha1.ReasonAudienceIneligible, "(20.1 %)"},
		"no ineligible device allowed":    {50, 49, share(0), v1alpha1.ReasonAudienceIneligible, "(2 %)"},
		"any share allowed":               {50, 1, share(100), v1alpha1.ReasonAudienceResolved, "1 of 50"},
		"nobody eligible, share allowed":  {50, 0, share(100), v1alpha1.ReasonAudienceEmpty, "none of the 50"},
		"nobody eligible":                 {50, 0, v1alpha1.Audience{}, v1alpha1.ReasonAudienceIneligible, "50 of 50"},
		"at the smallest size":            {60, 60, bounds(ptr.To[int32](60), nil), v1alpha1.ReasonAudienceResolved, ""},
		"below the smallest size":         {59, 59, bounds(ptr.To[int32](60), nil), v1alpha1.ReasonAudienceOutOfBounds, "bounds.min, 60"},
		"at the largest size":             {75, 75, bounds(nil, ptr.To[int32](75)), v1alpha1.ReasonAudienceResolved, ""},
		"above the largest size":          {76, 76, bounds(nil, ptr.To[int32](75)), v1alpha1.ReasonAudienceOutOfBounds, "bounds.max, 75"},
		"bounds count eligible devices":   {90, 75, bounds(nil, ptr.To[int32](75)), v1alpha1.ReasonAudienceResolved, ""},
		"too many ineligible comes first": {100, 10, bounds(ptr.To[int32](60), nil), v1alpha1.ReasonAudienceIneligible, ""},
		"more eligible than targeted":     {10, 11, v1alpha1.Audience{}, v1alpha1.ReasonAudienceOutOfBounds, "contradicts itself"},
		"negative":                        {10, -1, v1alpha1.Audience{}, v1alpha1.ReasonAudienceOutOfBounds, "contradicts itself"},
	} {
		reason, message, ok := Check(c.targeted, c.eligible, c.audience)
		if reason != c.reason || ok != (reason == v1alpha1.ReasonAudienceResolved) || !strings.Contains(message, c.says) {
			t.Errorf("%s: %s, %t, %q; want %s and %q", name, reason, ok, message, c.reason, c.says)
		}
	}
}
