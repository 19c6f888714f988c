// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package execute is the only writer to the tenant: one function for each write, with its outcome named, and a Runner that
// takes the actions of a plan one by one: written down where a crash has to find it, then sent, by way of an approval where
// the tenant demands one. It decides nothing: what is planned, and what to do about an approval, comes from plan.
package execute
