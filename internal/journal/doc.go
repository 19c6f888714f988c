// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package journal keeps the ledgers of waves as WaveLedger objects, and tells whether what is stored is what the waves'
// statuses bind.
//
//	store.go   read, save and delete the ledger of an attempt
//	object.go  the objects of a ledger: their names, labels and contents
//
// What a ledger says and whether it can be trusted is decided by package audience; this package moves the bytes.
//
// The order of writes is what makes a crash harmless: first the ledger, then the status that binds it, then the tenant.
// Between the first two the ledger is one generation ahead of the status. Each chunk holds what it held in the bound
// generation beside what it holds now, so that the bound ledger can be proven by its digest, and what was changed since
// is seen entry by entry and has to follow from it (audience.Ledger.Follows). That is so for every mix of old and new
// chunks that a crash leaves behind.
//
// Nothing in a ledger is secret and there is no key, so whoever can write WaveLedgers can forge such a successor of the
// bound generation. It may expose pending members of the audience early, exclude or refuse members, and make up last
// words; it cannot add a member to a frozen audience, take back or date back an exposure, or undo an exclusion. That
// nobody but the operator writes WaveLedgers is the work of RBAC and of the admission policy in config/admission.
package journal
