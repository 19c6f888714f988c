// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package house holds no code: its tests keep the rules of the house, the ones
// about who may import whom and who may call whom.
//
// A decision about a device must be the same every time it is taken from the
// same facts, so the packages that decide are pure: they reach no client, no
// network, no clock and no chance. One package speaks to Microsoft Graph. The
// client and the simulator of the tenant are two independent readings of one
// contract. One package writes to a tenant, and few read one. What exists for
// tests never reaches a program that is shipped.
//
// The tests read the import graph as the go command sees it. The linter tells
// most of the same earlier, in the editor; these tests look through
// intermediate packages too and need nothing but Go.
package house
