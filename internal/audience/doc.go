// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package audience turns candidates into the devices of one wave, and keeps which of them are exposed.
//
//	id.go      an Entra device object id, the only id of a device that can be a group member
//	candidates.go  the devices that groups select today
//	slice.go   stable hash order: a part of the candidates that stays the same when others join or leave
//	check.go   is this audience fit to be exposed at all
//	ledger.go  the membership of one attempt and what became of each entry
//	word.go    the kinds of the last that was heard of an entry
//	failure.go the devices of an entry that failed, each until it succeeds
//	stamp.go   its times
//
// and how a ledger is kept, so that a decision can be replayed (P10):
//
//	codec.go       a part of a ledger as bytes
//	stored.go      all parts of a ledger, as a crash may have left them
//	succession.go  may this ledger have been made of that one
//	reading.go     is what is stored what the wave's status binds
//
// Everything here is a function of its arguments (design §3).
package audience
