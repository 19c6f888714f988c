// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package graphschema checks what client and simulator send each other against
// the types of Microsoft Graph: names of members, kinds of values, members of
// enums, shape of collections and the type of an object that has several.
//
// The types come from Microsoft's own SDKs for Go (schema.json, made by
// hack/graphschema), so that neither side can be right by agreeing with the
// other. The routes that tell which type a body has are in routes.go, with the
// section of the contract that each follows.
//
// Handler wraps a server and fails the test that it was given when a body does
// not hold, whichever side sent it. Tests take a simulated tenant from simtest,
// which puts Handler before it; tests that make up answers put it before their
// own server. What is wrong on purpose says so: FaultHeader, WrongHeader.
// A new endpoint needs a row in routes.go first.
package graphschema
