// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package testkit gives tests a world: a real API server and etcd, shared by a test package, and for each test a
// namespace, a simulated tenant and an operator on a clock that the test controls.
package testkit
