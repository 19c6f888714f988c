// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package diagnosis turns what is known about one device into one outcome and, where something is wrong, one failure
// mode.
//
//	facts.go        what is known, and by which rules it is judged
//	version.go      version numbers as inventories write them
//	eligibility.go  may a wave expose this device (R14 to R21)
//	judge.go        the outcome of a device that is in a wave (gate D2), in the fixed order of diagnosis
//	tally.go        outcomes of a wave, counted for the two denominators of the gate (gate D3)
//	findings.go     failure modes with sample devices and what to do about them
//
// Two rules hold throughout. What is unknown is never a pass and never by itself a failure (P4). And a report says
// something about an attempt only if it was made after the device was exposed by that attempt.
//
// Everything here is a function of its arguments (design §3).
package diagnosis
