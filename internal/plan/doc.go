// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plan compares the policies that a PasskeyPolicy wants in its tenant with
// those that were observed, and orders what has to be done.
//
// Each platform has a ladder of policies, its levels: hold (revision 0), then one
// per revision of the payload, ascending. Intune gives a device that two of them
// target a conflict and picks no winner, and it lets an exclusion beat an
// inclusion. So every level excludes what all later levels include, and three
// rules keep P1. Groups leave a level before anything else. Levels take their final targets
// in ascending order, so that whoever includes a group comes after everybody who
// has to exclude it. And because Intune acts on the assignments of each policy at a
// pace of its own, groups are empty when they are included, get members only an
// AssignmentLag later, and are given back to earlier levels only an AssignmentLag
// after the later one is seen without them.
//
// A View is what is known, part by part; Build turns it into a Result, and Record into the policy's status. The package is
// pure: it decides on what it is given and writes nothing.
package plan
