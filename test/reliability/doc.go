// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package reliability proves that no lost, late, doubled or mangled answer of
// the tenant changes what Tidegate leaves behind in it (P5, P6). One reference
// sequence of writes runs again and again through the real client, plan and
// executors against the simulated tenant; each time another request is hit by
// another fault.
package reliability
