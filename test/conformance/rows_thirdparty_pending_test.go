// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

// pending are rows of the third-party list that the simulator does not hold yet,
// with the letter of who mends it (T groups and targeting, C catalog and policies,
// V conditional access and strengths). A row that holds must leave the list.
var pending = map[string]string{
	"third-party 1: settings":                 "C",
	"third-party 2: the others are kept":      "V",
	"third-party 2: its neighbour is kept":    "V",
	"third-party 3: a group with all":         "T",
	"third-party 3: it is kept":               "T",
	"third-party 7: members of beta":          "V",
	"third-party 7: remove the policy":        "V",
	"third-party 8: owners":                   "T",
	"third-party 8: the owner is listed":      "T",
	"third-party 9: issuers":                  "V",
	"third-party 10: a change is dated":       "V",
	"third-party 11: no users":                "V",
	"third-party 11: no applications":         "V",
	"third-party 11: no client apps":          "V",
	"third-party 13: a secret":                "C: the definition must be in the catalog of the test",
	"third-party 13: is read as a token":      "C",
	"third-party 13: a collection of choices": "C: the definition must be in the catalog of the test",
}
