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
// Rows under a condition that the simulator's stage makes with a fault prove less:
// gateway pages and NUL bytes, 409, 423, 500, 502, 504, the used up quota, the old
// download link. There the simulator repeats what the stage told it to say. Such a
// row proves only shape and wiring: the body fits Graph's types, and table, stage
// and control endpoints work together. What Graph itself says, only a recording
// shows.
//
// The table runs against the simulated tenant. It knows nothing of it: a Runner
// takes a base URL and tokens, and a Recording of exchanges can stand in for a
// tenant. Run against a live tenant once, the recording of that run tells which
// ASSUMED rows are wrong.
//
// TestAgainstRecording holds the table against such a file, if the environment
// names one, and is skipped otherwise:
//
//	TIDEGATE_CONFORMANCE_RECORDING=tenant.jsonl
//	TIDEGATE_CONFORMANCE_VARS='{"tenant":"…","client":"…","authority":"https://login.microsoftonline.com","graph":"https://graph.microsoft.com","definition":"…"}'
//
// The first is what a Recorder wrote: one exchange as JSON per line, without tokens
// and request bodies. The second is the Vars of the Runner that was recorded, all
// that Variables lists, because paths of the recording hold them. A row under a
// condition that the recording lacks is reported as left out, any other row that
// it lacks fails.
//
// Rows run in order and share variables: what one row saves, a later one uses.
// All that they create in a tenant is named "tidegate-conformance". They also try
// what Graph should refuse: run them against a tenant that is kept for tests.
package conformance
