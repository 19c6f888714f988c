// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package revision decides which payloads are live, and in which state.
//
// A revision is what one ask of the spec became in one catalog, pinned and
// numbered. Numbers are given once, and what a number means never changes.
// Revision 0 is hold, the baseline of mode Gate: pinned with the first ask, and
// the same from then on.
//
//	ask of the spec                          what happens
//	same as the target's                     nothing, whatever the catalog says (P13)
//	same content as the target's             the target answers to the new ask
//	an earlier revision that can be had back every later one is Reverted, that one is the target again
//	anything else                            the next number, Candidate
//
// An earlier revision can be had back while it is Stable, a candidate with
// devices that is newer than the stable one, or the former stable one in its
// revert window. A revision that was Reverted cannot: its groups hold devices and
// are on their way out, so the same ask gets a new number and proves itself anew.
// Nor can one beneath the stable revision that was never proven: most devices
// never had it, and would fall to hold.
//
// A platform that leaves the spec has no payload in the new revision, and groups
// of that revision play no part there, neither in an include nor in an exclude:
// a device on that platform keeps the revision it has, or hold, and exactly one
// of them (P1, P13). To take it away, exclude the devices from the wave or the
// policy, or delete the wave. A platform that comes later is refused in mode Gate:
// the baseline has nothing for it, and to extend the baseline would hold every
// device there at once (P13). EnforceOnly takes it like any other payload.
//
// The package is pure: it reads no clock and no tenant, and gives the same answer
// twice.
package revision
