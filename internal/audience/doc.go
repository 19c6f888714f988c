// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package audience turns candidates into the devices of one wave, and keeps which of them are exposed.
//
//	id.go          an Entra device object id, the only id of a device that can be a group member
//	slice.go       stable hash order: a part of the candidates that stays the same when others join or leave
//	candidates.go  what the groups of a wave select
//	check.go       is this audience fit to be exposed at all
//	ledger.go      the frozen membership of one attempt and when each device was exposed
//	codec.go       that ledger as bytes for ConfigMaps, so that a decision can be replayed (P10)
//
// Everything here is a function of its arguments (design §3).
package audience
