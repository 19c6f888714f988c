// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rollout decides what becomes of a wave. It is the only place where a phase changes.
//
// [Decide] maps an [Input], the situation of a wave in a few small enumerations, to one [Decision]: the next phase, at
// most one effect, and a sentence that says why. It reads no clock and no object; [Time] turns the clocks of an attempt
// into the yes and no that the input holds.
//
// The state machine is a table. Its rows are tried in the order of the checks, and the first that applies decides:
// deletion, requests to abort or roll back, the progress of a rollback, pause, halt evidence, retry, validity of the
// telemetry, change of the payload, deadline, recovery from Held, policy and dependencies, audience, exposure, promotion.
// Safety comes before progress, and nothing that is merely unknown moves a wave in either direction (P4).
//
//	input.go       the dimensions of a situation
//	conditions.go  the questions that the table asks
//	table.go       the table
//	decide.go      the walk through it
//	decision.go    what comes out
//	message.go     the same as a sentence
//	judge.go       the devices of a wave as one verdict of the gate
//	timing.go      the clocks
//
// A wave owns one managed group. The policy controller admits the empty group while the wave is in Resolving or later,
// and withdraws it when the wave is rolled back; the wave moves devices in and out of it. An effect is about that group,
// the ledger behind it, or the status.
//
// # Phases
//
// Every row that changes the phase or asks for an effect, in the order in which they are tried. This text is generated;
// after a change of the table run go test -run TestDiagram -update.
package rollout
