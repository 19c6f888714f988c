// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package integration drives the operator against a real API server and a simulated tenant, over HTTP.
package integration

import (
	"testing"

	"github.com/tidegate/tidegate/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
