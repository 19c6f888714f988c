// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sdkv1 runs Microsoft's own SDK for Graph v1.0 against the simulated
// tenant: its typed models and builders, its page iterator and its batch collection,
// with the middleware that the SDK brings along (requests are compressed, for
// one). What the SDK's authors believe about Graph must hold for the simulator
// too.
package sdkv1
