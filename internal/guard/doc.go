// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package guard checks facts about the tenant before anything is changed in it.
//
// It is pure: the facts are arguments.
package guard
