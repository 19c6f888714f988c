// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	"github.com/tidegate/tidegate/api/v1alpha1"
	"github.com/tidegate/tidegate/internal/diagnosis"
)

// Reverted is one exposed device after a rollback: when it last checked in, and what it reports of the inverse policy.
type Reverted struct {
	LastSync time.Time
	// Inverse is the device's report of the inverse policy; nil when there is none.
	Inverse *diagnosis.Report
}

// ProveRollback counts the devices that prove a rollback. Taking an assignment away proves nothing: a device counts only
// when it reports the inverse policy as applied after the rollback began (gate F19).
func ProveRollback(rule v1alpha1.RollbackRule, devices []Reverted, startedAt time.Time, overdue bool) (Fact[RollbackState], v1alpha1.RollbackStatus) {
	s := v1alpha1.RollbackStatus{Target: int32(len(devices))}
	for _, d := range devices {
		switch {
		case d.Inverse != nil && !d.Inverse.At.Before(startedAt) && (d.Inverse.Status == diagnosis.StatusSucceeded || d.Inverse.Status == diagnosis.StatusRemediated):
			s.Verified++
		case d.LastSync.Before(startedAt):
			s.Unreachable++
		default:
			s.Unconfirmed++
		}
	}
	text := fmt.Sprintf("%d of %d exposed devices report the inverse policy, %d%% must; %d have not checked in since, %d have and do not report it",
		s.Verified, s.Target, rule.VerifyPercent, s.Unreachable, s.Unconfirmed)
	switch {
	case int64(s.Verified)*100 >= int64(rule.VerifyPercent)*int64(s.Target):
		return Fact[RollbackState]{State: RollbackVerified, Message: text}, s
	case overdue:
		return Fact[RollbackState]{State: RollbackOverdue, Message: text}, s
	default:
		return Fact[RollbackState]{State: RollbackWaiting, Message: text}, s
	}
}
