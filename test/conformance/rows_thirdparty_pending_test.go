// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance

// pending are rows of the third-party list that the simulator does not hold yet,
// with the letter of who mends it (T groups and targeting, C catalog and
// policies). A row that holds must leave the list.
var pending = map[string]string{}
