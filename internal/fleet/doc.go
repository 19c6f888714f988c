// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fleet holds what is known about the devices of one tenant: one reading serves all waves.
//
//	source.go     what is asked of the Graph client
//	order.go      what a reading is to bring, and when that is due
//	refresh.go    one reading: the lists of devices, app inventory, encryption, and the report of each policy
//	parts.go      the parts of a reading: each is read, fails and grows old for itself
//	join.go       the records of one device brought together
//	reports.go    rows of export reports into facts
//	inventory.go  the result, immutable and compact
//	device.go     one device, and the facts that diagnosis asks for
//	store.go      client and newest inventory of each tenant
//	doubt.go      lists that came empty or short, and when they are believed
//
// One failing part blinds no other: what it had before stays, with its own time, and whoever reads it sees how old it is
// (P4). Halt evidence needs the report of a wave's own policy, and the devices to know whose rows they are; Edge versions and
// encryption say who is eligible, and no more. Lists that may be empty or short for want of a permission are not believed before
// another reading confirms them, and those that were believed stand meanwhile.
package fleet
