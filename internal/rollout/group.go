// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// GroupName is the alternate key (uniqueName) of the wave's managed group in the tenant; an upsert on it never makes a second
// group (P5).
func GroupName(w *v1alpha1.PilotWave) string { return fmt.Sprintf("tidegate-%s", w.UID) }

// GroupText is what people in the tenant see of the wave's managed group.
func GroupText(w *v1alpha1.PilotWave) (name, description string) {
	return fmt.Sprintf("Tidegate wave %s/%s", w.Namespace, w.Name),
		fmt.Sprintf("Devices that wave %s/%s of Tidegate has exposed. Managed by Tidegate: do not change members by hand.", w.Namespace, w.Name)
}
