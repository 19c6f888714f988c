// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package observe reads what waves and policies are decided on, and turns it into plain values: objects of the cluster, the
// ledger, and the state of the tenant. Beside it only fleet (the devices) reads a tenant;
// internal/house proves it.
//
//	tenant.go, readings.go     a look at a tenant: sign-in, permissions, inventory; and what cuts it off
//	wave.go                    the world of one wave
//	audience.go                the devices that its groups select
//	groups.go                  the group that a reference names
//	objects.go                 a policy's objects in the tenant and their assignments
//	marker.go                  whose an object is
//	approvals.go               requests for approval of a write
//	catalog.go, convert.go     the tenant's settings catalog
//	account.go, accounts.go    who has what, and everybody whom a policy is about
//	problem.go                 why the tenant did not answer
//	empty.go                   lists that came empty or short
//
// What the tenant did not tell is unknown and said to be, never taken for empty (P4). An error means that nothing may be
// concluded. Nothing here writes, and nothing is read after it in the same reconcile.
package observe
