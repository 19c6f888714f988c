// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controllers holds one reconciler for each kind. Each runs the same loop: fetch, observe, decide, execute one step,
// patch the status once, then events and metrics. What is observed, decided and written lies in the packages of the same
// names; here is the order of it, what wakes a
// reconciler, and when it comes back. What a look came to is told by package report.
package controllers
