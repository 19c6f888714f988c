// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package late says how far reads are behind writes, and remembers how objects looked in between. It knows no tenant: lag, time
// and request are arguments.
//
//	lag.go    every delay, and the replica that a request meets
//	range.go  one delay
//	trail.go  how objects of one kind looked
package late
