// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fastworld is a World in which nothing takes real time: an API server in memory, a simulated tenant behind the Graph
// client without a network, and an operator whose real reconcilers are called one at a time. A history of hundreds of
// reconciles takes about a second, and the same seed and calls tell the same one again. It is for sweeps and random histories;
// internal/testkit has the world with a real API server, watches and concurrency.
//
//	w := fastworld.New(t, fastworld.Options{Seed: 1, Devices: 40, Scenario: …})
//	err := w.Apply(ctx, w.Tenant(), w.Policy(), w.Wave("first", "Ring A"))
//	done, err := w.Run(ctx, 10*24*time.Hour, func() bool { return … })
//
// Time stands still but for Advance and Run. The operator acts in Step, one reconcile of one object, and in Run, which steps
// whatever has asked to be looked at. It can be cut off at any of its writes (Operator.CutAt), replaced by one that sees an
// older cluster (Replace), have a cache that is late (CacheLag) and a service that fails (Faults). Portal is somebody else in
// the tenant. Oracle looks at what reaches the devices, at each moment at which that can change, and collects Violations.
//
// What it cannot show: watches that do not wake (it wakes rather too often), two reconciles at once, admission policies, RBAC.
package fastworld
