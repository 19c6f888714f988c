// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package status

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidegate/tidegate/api/v1alpha1"
)

// Outlives says of a deleted Tenant what it still waits for, and where it cannot be used any more, what remains in the tenant,
// as Remains has it, and how to let go.
func (r *Report) Outlives(policies []v1alpha1.PasskeyPolicy, remains string) {
	s := &r.Standing
	if s.State == Current {
		*s = Standing{State: InProgress, Reason: v1alpha1.ReasonDeleting, Message: fmt.Sprintf(
			"deleted, and kept for the policies that have to clean up in the tenant: %s. Delete them, or set annotation %s to \"true\" to leave their objects behind",
			policyNames(policies), v1alpha1.AnnotationReleaseFinalizer)}
		return
	}
	if s.State == Suspended {
		s.State = Stuck // a deletion that waits for a person
	}
	s.Message = fmt.Sprintf("deleted, and the policies %s cannot clean up: %s. To let go and leave behind what remains, set annotation %s to \"true\" on those policies, on their waves and on this Tenant",
		policyNames(policies), s.Message, v1alpha1.AnnotationReleaseFinalizer)
	if remains != "" {
		s.Message += ". What remains in the tenant: " + remains
	}
}

func policyNames(policies []v1alpha1.PasskeyPolicy) string {
	names := make([]string, len(policies))
	for i := range policies {
		names[i] = policies[i].Name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
