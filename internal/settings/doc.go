// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package settings turns the five settings of a PasskeyPolicy into instances of
// catalog definitions, for the tenant at hand.
//
// A tenant's settings catalog is the only authority on what can be written: the
// names of the founding article are looked for first, the real Edge policy that
// stands behind them second, and no definition id is ever written down here.
// What cannot be delivered gets a verdict that says so (P11).
//
// The package is pure: the catalog is an argument.
package settings
