// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"time"

	"github.com/tidegate/tidegate/internal/graph"
	"github.com/tidegate/tidegate/internal/rollout"
)

// problem is an error of the tenant as a value.
func problem(err error, now time.Time) *rollout.TenantProblem {
	return &rollout.TenantProblem{
		Cause: rollout.Cause{Reason: graph.Reason(err), Message: graph.Readable(err)}, RetryAfter: graph.RetryDelay(err, now),
	}
}
