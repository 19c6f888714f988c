// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/naming"
)

// GroupName is the alternate key (uniqueName) of the group of one attempt in the tenant; an upsert on it never makes a second
// group (P5).
func GroupName(w *v1alpha1.PilotWave, attempt int32) string {
	return fmt.Sprintf("tidegate-%s-%d", w.UID, attempt)
}

// GroupText is what people in the tenant see of the group of one attempt. The description ends with the uid of the wave's policy,
// by which that policy alone knows the group for its own when nothing else tells (see PolicyOfGroup).
func GroupText(w *v1alpha1.PilotWave, attempt int32, policy types.UID) (name, description string) {
	name = naming.Fit(fmt.Sprintf("Tidegate wave %s/%s", w.Namespace, w.Name), fmt.Sprintf(" attempt %d", attempt), naming.MaxGroupName)
	description = naming.Fit(fmt.Sprintf("Those whom attempt %d of wave %s/%s of Tidegate has exposed.", attempt, w.Namespace, w.Name),
		fmt.Sprintf(" Managed by Tidegate: do not change members by hand. %s%s]", groupMark, policy), naming.MaxGroupDescription)
	return name, description
}

// groupMark is before the uid of the policy in the description of a group.
const groupMark = "[tidegate-policy:"

// PolicyOfGroup is the uid of the policy of the wave that made a group, from its description; empty when it does not say.
func PolicyOfGroup(description string) types.UID {
	_, rest, _ := strings.Cut(description, groupMark)
	uid, _, _ := strings.Cut(rest, "]")
	return types.UID(uid)
}
