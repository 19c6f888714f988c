// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"errors"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/rollout"
)

// ReasonOf is the condition reason for an error of the tenant.
func ReasonOf(err error) string {
	var e *graph.Error
	if !errors.As(err, &e) {
		return v1alpha1.ReasonTransient
	}
	switch e.Kind {
	case graph.KindCredential:
		if e.Code == "AADSTS90002" { // contract l.1: no such tenant
			return v1alpha1.ReasonTenantNotFound
		}
		return v1alpha1.ReasonCredentialRefused
	case "":
		return v1alpha1.ReasonTransient
	default:
		return string(e.Kind)
	}
}

// problem is an error of the tenant as a value.
func problem(err error, now time.Time) *rollout.TenantProblem {
	return &rollout.TenantProblem{
		Cause: rollout.Cause{Reason: ReasonOf(err), Message: graph.Readable(err)}, RetryAfter: graph.RetryDelay(err, now),
	}
}
