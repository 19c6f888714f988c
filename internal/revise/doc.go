// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package revise settles which revisions of a payload a policy has: it reads what the settings catalog makes of the spec, counts
// who has what, lets package revision decide, and stores the decision before anything rests on it.
package revise
