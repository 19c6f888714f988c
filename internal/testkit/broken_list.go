// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package testkit

// knownBroken is the one list of tests that are expected to fail, each with the promise that it shows broken. It is there
// to become empty.
var knownBroken = []Broken{
	{
		Test: "TestPromise01_PopulationOfUsers", Promise: "P1", Shows: `P1: at .* devices are reached by`,
		Why: "hold includes a group of users and excludes a group of devices, which Intune does not take out of it",
	},
	{
		Test: "TestPromise01_TwoPoliciesOnOnePopulation", Promise: "P1", Shows: `P1: `,
		Why: "a policy does not look at those of other PasskeyPolicies in the tenant: its hold reaches their admitted devices",
	},
	{
		Test: "TestPromise01_FirstBatchAtTheServicesPace", Promise: "P1", Shows: `P1: `,
		Why: "the first batch goes out as soon as the tenant shows that hold excludes the group, before Intune acts on it",
	},
	{
		Test: "TestPromise01_RollbackAtTheServicesPace", Promise: "P1", Shows: `P1: `,
		Why: "hold takes a group back as soon as the tenant shows that allow has lost it, before Intune acts on that",
	},
	{
		Test: "TestPromise02_NewPayloadGoesOutInBatches", Promise: "P2", Shows: `P2: \d+ devices that the ledger calls pending`,
		Why: "the next attempt uses the group of the last one: Intune has its members in there for hours after they were removed",
	},
	{
		Test: "TestPromise02_ExclusionInARunningAttempt", Promise: "P2", Shows: `P2: \d+ devices were exposed after`,
		Why: "the audience of an attempt is frozen, exclusions that are added later are not looked at",
	},
	{
		Test: "TestPromise13_NewPayloadTakesNothingAway", Promise: "P13", Shows: `P13: \d+ of 20 devices were sent back to hold`,
		Why: "a new payload supersedes every wave at once, and each takes its devices back before it begins again",
	},
	{
		Test: "TestPromise13_HoldDoesNotFollowThePayload", Promise: "P13", Shows: `P13: hold went from`,
		Why: "hold is the inverse of the payload and is written again with it, for the whole population and without a wave",
	},
	{
		Test: "TestPromise14_ManagedGroupDeleted", Promise: "P14", Shows: `P14: allow reaches nobody`,
		Why: "RolloutComplete and Ready rest on the phase of the waves, not on what the tenant's assignments reach",
	},
	{
		Test: "TestPromise14_PopulationsGroupIsGone", Promise: "P14", Shows: `P14: hold reaches nobody`,
		Why: "what cannot be resolved any more leaves condition Applied as it was, and waves go on",
	},
	{
		Test: "TestPromise13_NewGenerationOfTheCatalog", Promise: "P13", Shows: `P13: `,
		Why: "the payload's hash covers the definition ids that the catalog gives today, so that a new generation is a new payload",
	},
	{
		Test: "TestPromise15_WipedDevicesCount", Promise: "P15", Shows: `P15: \d+ devices had failed, and \d+ after they were wiped`,
		Why: "a device that Intune no longer manages leaves n and k, and its failure with it",
	},
}
