// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package wire builds the operator from its parts: options, scheme, manager, controllers, probes. main.go parses flags
// and calls it; tests and the demo call it too.
package wire
