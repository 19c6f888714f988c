// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package house holds no code: its tests keep the rules of the house, about who
// may import whom and about what is written where.
//
// A decision about a device must be the same every time it is taken from the
// same facts, so the packages that decide are pure: they reach no client, no
// network, no clock and no chance. One package speaks to Microsoft Graph. The
// client and the simulator of the tenant are two independent readings of one
// contract. What exists for tests never reaches a program that is shipped.
//
// Whatever a comment or a string cites stands in docs/, docs/promises.md names the
// tests of each promise as they are, and no description of an API field cites what
// kubectl explain cannot show.
//
// The tests of imports read the import graph as the go command sees it. The
// linter tells most of the same earlier, in the editor; these tests look through
// intermediate packages too and need nothing but Go.
package house
