// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"net/http"
	"slices"
)

// Row is one request and what its answer must be.
type Row struct {
	// Name is unique in the table.
	Name string
	// Source is where the expectation comes from: a section of the contract, or
	// ASSUMED.
	Source string
	// Given is what the tenant must be like. Most rows need nothing.
	Given Condition

	Method string
	// Path with the version, or a whole URL. {name} stands for a variable; what is
	// in braces otherwise is left alone.
	Path string
	// Raw sends the blanks of Path as they are.
	Raw bool
	// As is who asks: "" has every permission, Weak has none, Expired comes too
	// late, Nobody sends no token.
	As Identity
	// Header of the request. Content-Encoding: gzip compresses the body.
	Header map[string]string
	// Body is JSON, or a form when Header says so. Variables are filled in.
	Body string
	// Wrong marks a request that does not fit Graph's types on purpose.
	Wrong bool

	// Status of the answer.
	Status int
	// Want holds checks of the answer, see Check.
	Want []string
	// Save maps variables to paths in the answer, or to header:name.
	Save map[string]string
	// Eventually repeats the request until the checks hold: the effect of an
	// earlier write may be late.
	Eventually bool
}

// Identity is who sends a request.
type Identity string

// The identities. Weak is an application with a token and without permissions,
// Expired has a token whose lifetime is over.
const (
	Operator Identity = ""
	Weak     Identity = "weak"
	Expired  Identity = "expired"
	Nobody   Identity = "nobody"
)

// Table lists every row in the order in which they run. Rows of a condition come
// late: what they disturb, no other row needs.
func Table() []Row {
	return slices.Concat(tokenRows, catalogRows, catalogErrorRows, directoryRows, directoryErrorRows, assignmentRows, baselineRows, deviceRows, templateRows, reportRows, actionRows,
		reportExtraRows, remediationRows, filterRows, identityRows, strengthRows, methodRows, signInRows, accessRows, locationRows, restrictionRows, ruleRows, batchRows, thirdPartyRows,
		approvalRows, licenceRows, oddRows, lateRows, exportFaultRows, gatewayRows, throttleRows, cleanUpRows)
}

const (
	get    = http.MethodGet
	post   = http.MethodPost
	patch  = http.MethodPatch
	put    = http.MethodPut
	remove = http.MethodDelete
)

// eventual asks for the advanced query engine (contract g).
var eventual = map[string]string{"ConsistencyLevel": "eventual"}

// Checks of the error envelope.
const (
	intuneError = "error.message~Operation ID (for customer support)"
	innerError  = "error.innerError.request-id"
)
