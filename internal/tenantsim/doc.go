// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tenantsim is a Microsoft tenant in one process: the token endpoint,
// the parts of Microsoft Graph that a policy rollout needs, and a fleet of
// managed devices that check in, apply policy and report on a virtual clock.
//
// The simulator is strict and deterministic. Requests that Graph would refuse
// are refused with the status and error shape that Graph uses; equal options
// and an equal sequence of requests and clock movements give an equal tenant.
// Behaviour follows the wire contract and cites it ("contract b.4"); what has
// no source is marked ASSUMED.
//
// The package shares no code with the product's Graph client: two independent
// readings of one contract, so that a mistake in one of them shows.
package tenantsim
