// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/naming"
)

// GroupName is the alternate key (uniqueName) of the group of one attempt in the tenant; an upsert on it never makes a second
// group (P5).
func GroupName(w *v1alpha1.PilotWave, attempt int32) string {
	return fmt.Sprintf("tidegate-%s-%d", w.UID, attempt)
}

// GroupText is what people in the tenant see of the group of one attempt.
func GroupText(w *v1alpha1.PilotWave, attempt int32) (name, description string) {
	name = naming.Fit(fmt.Sprintf("Tidegate wave %s/%s", w.Namespace, w.Name), fmt.Sprintf(" attempt %d", attempt), naming.MaxGroupName)
	description = naming.Fit(fmt.Sprintf("Those whom attempt %d of wave %s/%s of Tidegate has exposed.", attempt, w.Namespace, w.Name),
		" Managed by Tidegate: do not change members by hand.", naming.MaxGroupDescription)
	return name, description
}
