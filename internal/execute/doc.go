// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package execute is the only writer to the tenant: one function for each action, each with its precondition checked
// and its outcome named. It decides nothing.
package execute
