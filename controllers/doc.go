// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers holds one thin reconciler for each kind. Each runs the same loop: fetch, guard, observe, decide,
// execute one step, patch status once, then events and metrics. No rule of the business lives here.
package controllers
