// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package execute is the only writer to the tenant; internal/house proves it. It has one function for each write, which says
// what became of it as an [Outcome]. [Runner] takes the actions of a policy's plan one by one: written down where a crash has
// to find it, then sent, by way of an approval where the tenant demands one. [Wave] joins the writes and the ledger to the
// effects that a wave's decision asks for: what may be exposed is in the ledger before the tenant hears of it.
//
// It decides nothing: the precondition of an action is checked by who plans or decides it, on what was observed in the same
// reconcile. Every action may be repeated, but a create, which is looked up by its mark when its answer was lost.
package execute
