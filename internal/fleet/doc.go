// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fleet holds what is known about the devices of one tenant: one reading serves all waves.
//
//	source.go     what is asked of the Graph client
//	refresh.go    one reading: directory, Intune, app inventory, encryption, policy status; all of it or nothing
//	join.go       the records of one device brought together
//	reports.go    rows of export reports into facts
//	inventory.go  the result, immutable and compact
//	device.go     one device, and the facts that diagnosis asks for
//	store.go      client and newest inventory of each tenant
//	doubt.go      lists that came empty or short, and when they are believed
//
// A reading is complete or it does not exist: when any part of it fails the old inventory stays, with its own time, and
// whoever reads it sees how old it is (P4). The encryption report is the exception: without it less is known, and nothing
// is known wrongly. A reading with lists that may be empty or short for want of a permission is complete, and not believed
// before another one confirms it.
package fleet
