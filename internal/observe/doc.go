// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package observe is the only reader: it turns tenant state into plain values that pure packages decide on. Each value
// says whether it is complete; an error means that nothing may be concluded.
package observe
