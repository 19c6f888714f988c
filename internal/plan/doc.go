// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plan compares the policies that a PasskeyPolicy wants in its tenant with
// those that were observed, and orders what has to be done.
//
// Each platform has two policies, allow and hold. Intune gives a device that both
// target a conflict and picks no winner, and it lets an exclusion beat an
// inclusion. So the order of writes is what keeps P1: allow shrinks first, hold
// takes its final shape second, with every group of allow excluded, and allow
// grows last. Whichever action is the last one before a crash, no device is
// targeted by both.
//
// The package is pure: it decides on what it is given and writes nothing.
package plan
