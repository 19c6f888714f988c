// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rollout decides what becomes of a wave. It is the only place where a phase changes.
//
// [World] is what is known about a wave, as a value. [World.Situation] reduces it to an [Input], the situation in a few small
// enumerations, and tells what was [Measured] on the way. [Decide] maps the input to one [Decision]: the next phase, at most
// one effect, and a sentence that says why. [Measured.Record] and [Advance] write both down.
//
// The state machine is a table. Its rows are tried in the order of the checks, and the first that applies decides:
// deletion, requests to abort or roll back, the progress of a rollback, pause, halt evidence, retry, validity of the
// telemetry, change of the payload, deadline, recovery from Held, policy and dependencies, audience, exposure, promotion.
// Safety comes before progress, and nothing that is merely unknown moves a wave in either direction (P4).
//
//	world.go         what is known
//	situation.go     how it becomes an input; the policy and its payload
//	dependencies.go  the waves that come first
//	resolution.go    the audience before it is frozen
//	membership.go    the managed group against the ledger
//	exposure.go      the next batch
//	telemetry.go     the age of what devices report
//	judge.go         what devices report, through the gate
//	rollback.go      the proof of a rollback
//	timing.go        the clocks of an attempt
//	input.go         the dimensions of a situation
//	conditions.go    the questions that the table asks
//	table.go         the table
//	decide.go        the walk through it
//	decision.go      what comes out
//	message.go       the same as a sentence
//	advance.go       how a decision becomes status
//	departure.go     what a deleted wave does about its group
//	next.go          what a person waits for, and how long nothing can change
//
// A wave owns one managed group. The policy controller admits the empty group while the wave is in Resolving or later,
// and withdraws it when the wave is rolled back; the wave moves devices in and out of it. An effect is about that group,
// the ledger behind it, or the status.
//
// # Phases
//
// Every row that changes the phase, asks for an effect or stops the clocks, in the order in which they are tried. This
// text is generated; after a change of the table run go test -run TestDiagram -update.
//
//	any phase
//	  --[ deletion ]--> the same  +Release
//	any but RollingBack, RolledBack, RollbackIncomplete, Aborted
//	  --[ abort requested ]--> Aborted
//	any but RollingBack, RolledBack, RollbackIncomplete
//	  --[ rollback requested, devices exposed ]--> RollingBack
//	any but RollingBack, RolledBack, RollbackIncomplete
//	  --[ rollback requested, nothing exposed ]--> RolledBack
//	any but Halted, RollingBack, RolledBack, RollbackIncomplete, Aborted
//	  --[ payload reverted, devices exposed ]--> RollingBack
//	Halted, Aborted
//	  --[ payload reverted, devices exposed ]--> RollingBack
//	any but Pending, Halted, RollingBack, RolledBack, RollbackIncomplete, Aborted
//	  --[ payload reverted ]--> Pending
//	RollingBack, RollbackIncomplete
//	  --[ rollback verified, reverted, an earlier attempt stands for the payload ]--> Succeeded
//	RollingBack, RollbackIncomplete
//	  --[ rollback verified, reverted ]--> Pending
//	RollingBack, RollbackIncomplete
//	  --[ rollback verified ]--> RolledBack
//	RollingBack, RollbackIncomplete
//	  --[ rollback accepted, nothing assigned any more, reverted, an earlier attempt stands for the payload ]--> Succeeded
//	RollingBack, RollbackIncomplete
//	  --[ rollback accepted, nothing assigned any more, reverted ]--> Pending
//	RollingBack, RollbackIncomplete
//	  --[ rollback accepted, nothing assigned any more ]--> RolledBack
//	RollingBack
//	  --[ rollback overdue ]--> RollbackIncomplete
//	any but Succeeded, Halted, RollingBack, RolledBack, RollbackIncomplete, Aborted
//	  --[ paused ]--> the same  (clocks stand still)
//	any but Succeeded, Halted, RollingBack, RolledBack, RollbackIncomplete, Aborted
//	  --[ Tenant suspended ]--> the same  (clocks stand still)
//	Exposing, Baking, Evaluating, Promoting, Held
//	  --[ halt evidence ]--> Halted
//	Succeeded
//	  --[ regressed after the promotion, onFailure is Rollback, devices exposed, not paused or suspended ]--> RollingBack
//	Halted
//	  --[ onFailure is Rollback, devices exposed ]--> RollingBack
//	Halted
//	  --[ onFailure is Rollback, nothing exposed ]--> RolledBack
//	Exposing, Baking, Evaluating, Promoting
//	  --[ targeting conflict ]--> Held
//	Exposing, Baking, Evaluating, Promoting
//	  --[ policy does not apply on too many ]--> Held
//	any phase
//	  --[ devices excluded since, not paused or suspended ]--> the same  +Exclude
//	Held, Halted, Aborted, RolledBack, RollbackIncomplete
//	  --[ retry requested, group of an earlier attempt gone, not paused or suspended ]--> the same  +GiveUp
//	Succeeded
//	  --[ retry requested, ledger or managed group lost ]--> Pending
//	Succeeded
//	  --[ retry requested, regressed after the promotion ]--> Pending
//	any but Held, Halted, RollingBack, RolledBack, RollbackIncomplete, Aborted
//	  --[ retry requested, group of an earlier attempt gone, not paused or suspended ]--> the same  +GiveUp
//	Held, Halted, Aborted, RolledBack, RollbackIncomplete
//	  --[ retry requested ]--> Pending
//	Exposing, Baking, Evaluating, Promoting
//	  --[ ledger lost or altered ]--> Held  (clocks stand still)
//	Exposing, Baking, Evaluating, Promoting
//	  --[ managed group gone ]--> Held  (clocks stand still)
//	Held
//	  --[ held by a loss, ledger and managed group there ]--> the held phase
//	Exposing, Baking, Evaluating, Promoting
//	  --[ clock wrong ]--> Held  (clocks stand still)
//	Exposing, Baking, Evaluating, Promoting
//	  --[ telemetry stale ]--> Held  (clocks stand still)
//	Exposing, Baking, Evaluating, Promoting
//	  --[ telemetry missing ]--> Held  (clocks stand still)
//	any but Pending, Halted, RollingBack, RolledBack, RollbackIncomplete, Aborted
//	  --[ payload changed ]--> Pending
//	Exposing, Baking, Evaluating, Promoting
//	  --[ deadline passed without a pass ]--> Held
//	Held
//	  --[ held for want of usable evidence, telemetry fresh, deadline passed without a pass ]--> Held
//	Held
//	  --[ held before any assignment, audience accepted ]--> the held phase
//	Held
//	  --[ held later, held by the deadline, telemetry fresh, gate passes ]--> the held phase
//	Held
//	  --[ held later, not by the deadline, not by a loss, telemetry fresh, cause gone in two readings ]--> the held phase
//	any phase
//	  --[ group of an earlier attempt drifted, spec.drift is not Report, not paused or suspended ]--> the same  +RepairEarlier
//	Pending
//	  --[ an earlier attempt stands for the payload ]--> Succeeded
//	Pending
//	  --[ otherwise: policy ready, dependencies met ]--> Resolving
//	Resolving
//	  --[ telemetry stale or missing, or clock wrong ]--> Resolving  (clocks stand still)
//	Resolving
//	  --[ audience refused ]--> Held
//	Resolving
//	  --[ audience accepted, managed group drifted ]--> Resolving  +RepairMembership
//	Resolving
//	  --[ audience accepted ]--> Exposing
//	Resolving
//	  --[ otherwise: audience not resolved ]--> Resolving  +ResolveAudience
//	Exposing
//	  --[ managed group drifted ]--> Exposing  +RepairMembership
//	Exposing
//	  --[ devices wait to join ]--> Exposing  +Join
//	Exposing
//	  --[ every device exposed ]--> Baking
//	Exposing
//	  --[ batch due ]--> Exposing  +ExposeBatch
//	Evaluating
//	  --[ bake not elapsed ]--> Baking
//	Evaluating
//	  --[ no data ]--> Held
//	Baking, Evaluating
//	  --[ managed group drifted ]--> the same  +RepairMembership
//	Baking
//	  --[ bake elapsed ]--> Evaluating
//	Evaluating
//	  --[ gate passes, payload same, telemetry fresh, bake elapsed, managed group in sync, policy ready, dependencies met, groups of earlier attempts as they should be ]--> Promoting
//	Promoting
//	  --[ gate passes, payload same, telemetry fresh, bake elapsed, managed group in sync, policy ready, dependencies met, groups of earlier attempts as they should be ]--> Succeeded  +Promote
//	Promoting
//	  --[ otherwise ]--> Evaluating
//	Succeeded
//	  --[ managed group drifted ]--> Succeeded  +RepairMembership
//	Succeeded
//	  --[ devices wait to join, telemetry fresh, not paused or suspended ]--> Succeeded  +Join
//	Succeeded
//	  --[ audience grows, batch due, group admitted, payload same, telemetry fresh, policy ready, dependencies met, no halt evidence, devices well targeted, groups of earlier attempts as they should be, not paused or suspended ]--> Succeeded  +ExposeBatch
package rollout
