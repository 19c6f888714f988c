// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conformance is a table of what Microsoft Graph does: for each endpoint
// that Tidegate uses, and for each error that is known, a request with the status
// and the shape of its answer. Every row names its source: a section of the
// contract, or ASSUMED where nobody has shown it.
//
// Two tests hold the table against the contract: every endpoint of its sections a
// to m and every error that it names has a row. Section e, group policy from the
// cloud, is out of scope: Tidegate sets no policy that way.
//
// Some rows hold only under a Condition: a second admin has approved, a budget is
// used up, replication is slow. A Stage brings it about, by asking a person or,
// for the simulator, through its control endpoints. A recording needs no stage:
// it holds what was seen under the condition, or lacks the row.
//
// The table runs against the simulated tenant. It knows nothing of it: a Runner
// takes a base URL and tokens, and a Recording of exchanges can stand in for a
// tenant. Run against a live tenant once, the recording of that run tells which
// ASSUMED rows are wrong.
//
// Rows run in order and share variables: what one row saves, a later one uses.
// All that they create in a tenant is named "tidegate-conformance". They also try
// what Graph should refuse: run them against a tenant that is kept for tests.
package conformance
