// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package status computes what a reconcile reports: conditions with kstatus meaning, table columns, events from the
// difference between before and after, and metric samples. It is pure: callers patch, emit and register.
package status
