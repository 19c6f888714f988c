// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package shelf keeps the objects of one kind in the order of their creation, shows them as late reads see them, and keeps what
// was deleted until it is restored or purged. It knows no tenant: ids and time are arguments.
//
//	shelf.go  the objects that live
//	bin.go    the objects that can come back
package shelf
