// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package audience

import "github.com/tidegate/tidegate/api/v1alpha1"

// Candidates are the devices, or for unit User the people, that a wave's groups select today, before anything is frozen.
type Candidates struct {
	// Targeted after slice and earlier waves; Eligible is the part that meets the prerequisites.
	Targeted, Eligible []ID
	// Ineligible counts the rest by reason, sorted by reason.
	Ineligible []v1alpha1.ReasonCount
	// Excluded are all members of the excluded groups, sorted, whether they were selected or not.
	Excluded []ID
	// Hidden names included groups of which the members may not be listed: some who are meant may be missing here.
	Hidden []string
	// Paused names the dynamic groups that follow their rule no more.
	Paused []string
}
