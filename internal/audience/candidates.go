// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import "github.com/tidegate/tidegate/api/v1alpha1"

// Candidates are the devices that a wave's groups select today, before anything is frozen.
type Candidates struct {
	// Targeted devices after slice and earlier waves; Eligible is the part that meets the prerequisites.
	Targeted, Eligible []ID
	// Ineligible counts the rest by reason, sorted by reason.
	Ineligible []v1alpha1.ReasonCount
}
