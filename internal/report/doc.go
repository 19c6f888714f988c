// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package report says what a reconcile came to in the words of status: what was observed, what execute made of it, and what the
// tenant answered where it refused. Status knows no tenant and is pure; what it cannot take as a value is turned into one here.
//
//	tenant.go        a look at a tenant
//	policy.go        one reconcile of a policy: rollback, whole plan, what was not taken
//	policytenant.go  what a policy waits for: its tenant, and its removal
package report
