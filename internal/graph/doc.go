// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package graph is the only package that speaks to Microsoft Graph.
//
// One Client serves one Microsoft tenant and is safe for concurrent use. Requests to v1.0 are built by the
// typed builders of msgraph-sdk-go, requests to beta by hand, and both leave through the same Kiota request
// adapter with no Kiota middleware in it. Below the adapter stands a chain of round trippers:
//
//	frame    body length and rewind, request id
//	limit    one token bucket per workload class, held back while the tenant throttles that class
//	auth     bearer token for the tenant's own Graph host and for no other host (hosts.go), one renewal after a 401
//	wire     time-outs, metrics, "was it sent?"
//	base     net/http
//
// Above the adapter stands one retry loop (retry.go): it sees refused connections, error answers and bodies
// that break off alike, because every answer is read inside the adapter's response handler.
//
// Nothing of Kiota or of the SDK crosses the border of this package: callers get plain structs and *Error.
// A read that cannot be completed is an error and never a short list. A write whose answer was lost says so in
// Error.OutcomeUnknown and is never repeated unless repeating it changes nothing. A read by key says NotFound only when
// a second read, some time later, says so too (gone.go). A write that needs a person's approval says so and waits for
// its code (approval.go). Of a host that is not Microsoft's no word is shown (Error.Foreign). What a model does not know it keeps in Extra, so that nothing is lost on the way (open.go).
package graph
